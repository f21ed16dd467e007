"""``hybridrec evaluate``: the same split and metrics for several models and foreign runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.data import load_data
from hybridrec.cli.options import (
    COUNT,
    EXISTING_FILE,
    DataOptions,
    OutputOptions,
    data_options,
    examples,
    output_options,
    threads_option,
)
from hybridrec.cli.output import Columns, check_output, open_output, resolve_format, say, working
from hybridrec.cli.scores import describe_split, show_scores
from hybridrec.cli.settings import ModelSpec, SplitSpec
from hybridrec.errors import ParameterError
from hybridrec.evaluation import METRICS, SPLITS, Split, check_leakage, load_split
from hybridrec.evaluation import evaluate as evaluate_one
from hybridrec.models.registry import MODELS

if TYPE_CHECKING:
    from rich.console import Console

_FORMATS = ("table", "json", "csv")
WARNINGS = 3  # of possible leakage that are shown
_COMPARED = ("popularity", "als", "hybrid-als")


@click.command(
    "evaluate",
    epilog=examples(
        "hybridrec evaluate --dataset movielens-small --split cold-items --seeds 3 \\",
        "    --model hybrid-als --model hybrid-als:features=columns",
    ),
)
@data_options
@click.option(
    "--split",
    metavar="SPLIT",
    default="random",
    show_default=True,
    help=f"One of {', '.join(SPLITS)}; with parameters as in random:by=user,test_fraction=0.1.",
)
@click.option(
    "--split-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help='A split written by "hybridrec split", in place of data and --split.',
)
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    help=f"One of {', '.join(MODELS)}; with parameters as in"
    " hybrid-als:features=tokens+columns,factors=32. Repeatable.  [default:"
    f" {', '.join(_COMPARED)}]",
)
@click.option(
    "--features", metavar="BLOCKS", help="Of models that do not say features= themselves, or none."
)
@click.option(
    "--run",
    "runs",
    type=EXISTING_FILE,
    multiple=True,
    help="Lists of another system: a table of user, item, and rank or score, or a TREC run."
    " Repeatable.",
)
@click.option(
    "-k",
    type=COUNT,
    multiple=True,
    default=(10, 20),
    show_default=True,
    help="Cut-off. Repeatable.",
)
@click.option(
    "--metric",
    "metrics",
    type=click.Choice(list(METRICS)),
    multiple=True,
    default=("recall", "ndcg", "coverage"),
    show_default=True,
    help="What is measured. Repeatable.",
)
@click.option(
    "--seeds", type=COUNT, default=1, show_default=True, metavar="N", help="Splits and fits."
)
@click.option(
    "--random-state", type=click.IntRange(min=0), default=0, metavar="SEED", help="The first seed."
)
@threads_option
@output_options(*_FORMATS)
def command(
    data: DataOptions,
    split: str,
    split_dir: Path | None,
    models: tuple[str, ...],
    features: str | None,
    runs: tuple[Path, ...],
    k: tuple[int, ...],
    metrics: tuple[str, ...],
    seeds: int,
    random_state: int,
    threads: int,
    out: OutputOptions,
) -> None:
    """Compare models on held-out interactions.

    Part of the data is held out, the models are fitted on the rest, and their lists are measured
    on what was held out. Means are over all users with something held out.
    """
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    cutting = SplitSpec.parse(split)
    named = models or (() if runs else _COMPARED)
    specs = [ModelSpec.parse(text, features=features) for text in dict.fromkeys(named)]
    if runs and seeds > 1:
        raise ParameterError("a --run belongs to one split; leave out --seeds")
    sources: dict[str, ModelSpec | Any] = {spec.label: spec for spec in specs}
    sources.update((str(path), path) for path in runs)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    if split_dir is None:
        splits = _made_splits(data, cutting, range(random_state, random_state + seeds), notes)
    else:
        splits = _stored_split(data, split_dir, seeds)
    for seed, made in splits:
        if not rows:
            notes.append(describe_split(made))
            _warn_of_leakage(made)
        for label, source in sources.items():
            with working(f"{label}, seed {seed}"):
                fitted = _fitted(source, made, seed, threads)
                found = evaluate_one(
                    fitted, made, metrics=metrics, k=k, num_threads=threads, name=label
                )
            rows += [{**row, "seed": seed} for row in found.summary()]
            notes += [f"{label}: {note}" for note in found.notes]
    if seeds > 1:
        notes.append(f"Mean ± standard deviation over {seeds} seeds, for the split and the models.")
    _write(out, form, rows, notes)


def _made_splits(
    data: DataOptions, cutting: SplitSpec, seeds: range, notes: list[str]
) -> Iterator[tuple[int, Split]]:
    """Read the data and yield a split for every seed; tell in ``notes`` what was decided."""
    with working("Reading"):
        clean = load_data(data)
    notes += clean.notes
    for seed in seeds:
        yield seed, cutting.apply(clean.dataset, seed)


def _stored_split(data: DataOptions, folder: Path, seeds: int) -> Iterator[tuple[int, Split]]:
    """Yield the split of a folder."""
    if data.interactions is not None or data.dataset is not None:
        raise ParameterError("--split-dir holds the data; leave out the file or --dataset")
    if seeds > 1:
        raise ParameterError("--split-dir holds one split; leave out --seeds")
    with working("Reading"):
        made = load_split(folder)
    yield made.seed or 0, made


def _warn_of_leakage(made: Split) -> None:
    """Tell the strongest signs that the side information knows what is held out."""
    found = check_leakage(made)
    for warning in found[:WARNINGS]:
        say(f"Warning: {warning}")
    if len(found) > WARNINGS:
        say(f'... and {len(found) - WARNINGS} more such warnings; "hybridrec split" lists all')


def _fitted(source: ModelSpec | Any, made: Split, seed: int, threads: int) -> Any:
    """Fit a model on what may be learned; a run is ready as it is."""
    if isinstance(source, ModelSpec):
        return source.fit(made.train, random_state=seed, threads=threads)
    return source


def _write(out: OutputOptions, form: str, rows: list[dict[str, Any]], notes: list[str]) -> None:
    """Write the rows; the notes go with a table, or else to standard error."""

    def show(screen: Console, _columns: Columns) -> None:
        show_scores(screen, rows)
        for note in notes:
            screen.print(note)

    columns = {name: [_known(row[name]) for row in rows] for name in rows[0]}
    with open_output(out, form, show) as write:
        write({name: np.array(values, dtype=object) for name, values in columns.items()})
    if form != "table":
        for note in notes:
            say(note)


def _known(value: Any) -> Any:
    """Return None in place of NaN, which JSON does not have."""
    return None if value != value else value
