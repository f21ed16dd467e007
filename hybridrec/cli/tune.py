"""``hybridrec tune``: a search for the parameters of a model, on validation data only."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hybridrec.cli.data import load_data
from hybridrec.cli.options import (
    COUNT,
    DataOptions,
    data_options,
    examples,
    overwrite_option,
    threads_option,
)
from hybridrec.cli.output import check_output, console, say, working
from hybridrec.cli.params import settings_of
from hybridrec.cli.scores import describe_split
from hybridrec.cli.settings import SplitSpec
from hybridrec.cli.tables import Alignment, Row, best, print_wide_table
from hybridrec.errors import ParameterError
from hybridrec.evaluation import SPLITS
from hybridrec.evaluation.tuning import DEFAULT_SPACES, TuningResult, tune
from hybridrec.models.spec import ModelSpec
from hybridrec.ranking.texts import split_pairs, typed_value

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_METRIC, _OF_PAIRS = "ndcg", "auc"
_SHOWN = 2  # best trials
_TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def _seconds(_ctx: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """Read a time such as 90, 10m or 1h30m."""
    if text is None:
        return None
    found = _TIME.fullmatch(f"{text}s" if text.isdigit() else text.lower())
    hours, minutes, seconds = (int(part or 0) for part in (found.groups() if found else "000"))
    total = 3600 * hours + 60 * minutes + seconds
    if total == 0:
        raise click.BadParameter(f"{text!r} is no time such as 90s, 10m or 1h30m")
    return total


@click.command(
    "tune",
    epilog=examples(
        "hybridrec tune --dataset movielens-small --model hybrid-als --split cold-items \\",
        "    --trials 40 --time 10m --storage search.db -o params.json",
        "hybridrec fit --dataset movielens-small --params params.json -o films.model",
    ),
)
@data_options
@click.option(
    "--model",
    metavar="NAME",
    default="hybrid-als",
    show_default=True,
    help=f"One of {', '.join(DEFAULT_SPACES)}.",
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Parameter of the model that is fixed. Repeatable.",
)
@click.option(
    "--space",
    "spaces",
    metavar="NAME=VALUES",
    multiple=True,
    help="What to search in place of the default, such as factors=32,64 or"
    " regularization=0.1..100:log or features=none,tokens+columns. Repeatable.",
)
@click.option(
    "--features", metavar="BLOCKS", help="Side information that is fixed, as in fit; or none."
)
@click.option(
    "--split",
    metavar="SPLIT",
    default="random",
    show_default=True,
    help=f"What the test is, as in evaluate: one of {', '.join(SPLITS)}. It stays unseen: the"
    " validation part is split from the rest in the same way.",
)
@click.option(
    "--metric",
    metavar="NAME",
    help=f"What is to be best, as in evaluate.  [default: {_METRIC}; of labelled pairs"
    f" {_OF_PAIRS}]",
)
@click.option("-k", type=COUNT, default=20, show_default=True, help="Its cut-off.")
@click.option(
    "--trials", type=COUNT, default=50, show_default=True, metavar="N", help="Settings to try."
)
@click.option(
    "--time", callback=_seconds, metavar="TIME", help="Stop after, such as 90s, 10m or 1h30m."
)
@click.option(
    "--storage",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to keep the trials in; the same command goes on where it ended.",
)
@click.option(
    "--random-state",
    type=click.IntRange(min=0),
    default=0,
    metavar="SEED",
    help="Of the split, as in evaluate, and of the search.",
)
@threads_option
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="JSON file to write."
)
@overwrite_option
def command(
    data: DataOptions,
    model: str,
    settings: tuple[str, ...],
    spaces: tuple[str, ...],
    features: str | None,
    split: str,
    metric: str | None,
    k: int,
    trials: int,
    time: float | None,
    storage: Path | None,
    random_state: int,
    threads: int,
    output: Path,
    overwrite: bool,
) -> None:
    """Choose the parameters of a model on validation data.

    Parameters and feature blocks are searched for those that validate best. The first setting
    tried is the default. Settings that fall behind are stopped early. The test of the split is
    not looked at, so "hybridrec evaluate" with the same --split and --random-state tells what
    the choice is worth.
    """
    check_output(output, overwrite=overwrite)
    inline = [] if features is None else [f"features={features}"]
    spec = ModelSpec.parse(model, [*inline, *settings])
    cutting = SplitSpec.parse(split)
    if cutting.is_series:
        raise ParameterError(f"{split!r} makes several splits; tune on one: {', '.join(SPLITS)}")
    space = _space(spec, spaces)
    with working("Reading"):
        clean = load_data(data, keep_negatives=cutting.keeps_negatives)
    made = cutting.apply(clean.dataset, random_state)
    for line in (*clean.notes, describe_split(made)):
        click.echo(line)
    try:
        found = tune(
            *(spec.kind.model_name, made),
            metric=metric or (_OF_PAIRS if cutting.keeps_negatives else _METRIC),
            k=k,
            space=space,
            params=spec.params,
            features=spec.blocks,
            trials=trials,
            seconds=time,
            storage=storage,
            random_state=random_state,
            num_threads=threads,
            progress=True,
        )
    except KeyboardInterrupt:
        if storage is not None:
            say(f"The trials so far are in {storage}; the same command goes on from there")
        raise
    found.save(output, overwrite=overwrite)
    click.echo(_summary(found, trials))
    click.echo()
    _show_best(console(), found)
    click.echo()
    if time is not None and storage is not None and len(found.history) < trials:
        click.echo(f"The same command goes on where {storage} ends.")
    click.echo(f"Saved to {output}. Next:")
    for line in _next_commands(found, split, random_state, output):
        click.echo(f"  {line}")


def _space(spec: ModelSpec, texts: Sequence[str]) -> dict[str, Any]:
    """Read ``factors=32,64``, ``alpha=1..100:log`` and ``features=none,tokens+columns``."""
    defaults = spec.kind.parameter_defaults()
    return {
        name: _domain(name, text, type(defaults.get(name, "")))
        for name, text in split_pairs(texts, "space").items()
    }


def _domain(name: str, text: str, kind: type) -> list[Any] | tuple[Any, ...]:
    low, dots, rest = text.partition("..")
    if not dots:
        return [typed_value(name, one.strip(), kind) for one in text.split(",")]
    high, colon, scale = rest.partition(":")
    bounds = (typed_value(name, low, kind), typed_value(name, high, kind))
    return (*bounds, scale) if colon else bounds


def _summary(found: TuningResult, wanted: int) -> str:
    """Say what the result rests on."""
    counts: Counter[str] = Counter(trial.state for trial in found.history)
    said = {
        "complete": "complete",
        "stopped": "stopped early",
        "failed": "failed",
        "unfinished": "unfinished",
    }
    parts = [f"{counts[state]} {words}" for state, words in said.items() if counts[state]]
    seconds = sum(trial.seconds for trial in found.history)
    done = len(found.history)
    of_all = f"{done} of {wanted}" if done < wanted else f"{done}"
    lines = [f"{of_all} trials in {seconds:.0f} s: {', '.join(parts)}."]
    failed = next((trial for trial in found.history if trial.error), None)
    if failed is not None:
        lines.append(f"Trial {failed.number} failed: {failed.error}")
    (measured,) = found.validation
    lines.append(
        f"Validated on {len(measured.test):,} interactions of {len(measured.test_users):,} users"
        " that are not in the test."
    )
    if found.best.number == 0:
        lines.append("No setting was better than the defaults.")
    return "\n".join(lines)


def _show_best(screen: Console, found: TuningResult) -> None:
    """Print the defaults beside the best trials, a row a parameter."""
    default = found.history[0]
    shown = [default, *(trial for trial in found.ranking[:_SHOWN] if trial is not default)]
    names = ["defaults", *(f"trial {trial.number}" for trial in shown[1:])]
    values: list[str | Text] = [
        "failed" if trial.value is None else f"{trial.value:.4f}" for trial in shown
    ]
    winner = shown.index(found.best)
    values[winner] = best(str(values[winner]), screen)
    rows: list[Row] = [[str(found.objective), *values]]
    rows += [[name, *(str(trial.point[name]) for trial in shown)] for name in default.point]
    layout: dict[str, Alignment] = {"": "left", **dict.fromkeys(names, "right")}
    print_wide_table(screen, layout, rows)


def _next_commands(
    found: TuningResult, split: str, random_state: int, output: Path
) -> Iterator[str]:
    """Yield the commands that tell what the choice is worth, and use it."""
    data = _data_arguments()
    if found.best.number:
        setting = ",".join(settings_of(found.params, found.features))
        asked = {"--split": split, "--random-state": random_state}
        asked["--metric"] = found.objective.metric
        if found.objective.cutoff is not None:
            asked["-k"] = found.objective.cutoff
        options = [str(word) for pair in asked.items() for word in pair]
        models = ["--model", found.model, "--model", f"{found.model}:{setting}"]
        yield shlex.join(["hybridrec", "evaluate", *data, *options, *models])
    yield shlex.join(["hybridrec", "fit", *data, "--params", str(output), "-o", "MODEL"])


def _data_arguments() -> list[str]:
    """Return the words of this command that name its data."""
    context = click.get_current_context()
    words = []
    for option in context.command.params:
        name = str(option.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name in {field.name for field in fields(DataOptions)}:
            value = context.params[name]
            for one in value if isinstance(value, tuple) else [value]:
                words += [*option.opts[:1], str(one)] if option.opts[0][0] == "-" else [str(one)]
    return words
