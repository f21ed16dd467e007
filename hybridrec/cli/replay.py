"""``hybridrec replay``: accuracy over time, with and without updates."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import click

from hybridrec.cli.data import load_data
from hybridrec.cli.options import (
    COUNT,
    DataOptions,
    OutputOptions,
    data_options,
    examples,
    output_options,
    seed_option,
    threads_option,
)
from hybridrec.cli.output import check_output, console, resolve_format, say, working, write_text
from hybridrec.cli.reports import check_writer
from hybridrec.cli.scores import show_table
from hybridrec.cli.tables import print_title
from hybridrec.models.spec import ModelSpec

if TYPE_CHECKING:
    from hybridrec.dataset.interactions import Interactions
    from hybridrec.evaluation.replay import Replay
    from hybridrec.models.base import Recommender

_FORMATS = ("table", "json", "markdown", "html", "svg")
_STRATEGIES = ("static", "update", "advised", "refit")


@click.command(
    "replay",
    epilog=examples(
        "hybridrec replay ratings.csv --model hybrid-als -o replay.html",
        "hybridrec replay --dataset movielens-small --model als --strategy update"
        " --strategy refit:3",
    ),
)
@data_options
@click.option(
    "--model",
    "text",
    metavar="NAME[:PARAMETER=VALUE,...]",
    default="hybrid-als",
    show_default=True,
    help="The model that lives through the data.",
)
@click.option(
    "--strategy",
    "strategies",
    metavar="NAME",
    multiple=True,
    help="static (never learns again), update (folds every window in), refit (after every window),"
    ' refit:3 (after every third, folding the others in), advised (when "hybridrec status" would'
    " say so). Repeatable; by default all four.",
)
@click.option("--windows", type=COUNT, default=10, show_default=True, help="Number of windows.")
@click.option("--days", type=float, help="Length of the windows, instead of their number.")
@click.option(
    "--first",
    type=float,
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="Of the events, to fit on before the first window.",
)
@click.option("--metric", "metrics", multiple=True, help="Repeatable; by default ndcg, recall.")
@click.option("-k", type=COUNT, default=10, show_default=True, help="Cut-off of the lists.")
@seed_option
@threads_option
@output_options(*_FORMATS)
def command(
    data: DataOptions,
    text: str,
    strategies: tuple[str, ...],
    windows: int,
    days: float | None,
    first: float,
    metrics: tuple[str, ...],
    k: int,
    random_state: int | None,
    threads: int,
    out: OutputOptions,
) -> None:
    """Tell accuracy over time, with and without updates.

    A model is fitted on the first events; the others come in windows, each of them a test for
    lists made before it, and then something to learn from, as a strategy says.
    """
    from hybridrec.evaluation.replay import replay

    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    check_writer("html" if form == "svg" else form)
    spec = ModelSpec.parse(text)
    found = load_data(data)
    for note in found.notes:
        say(note)
    with working("Replaying"):
        result = replay(
            found.dataset,
            lambda past: spec.fit(past, random_state=random_state, threads=threads),
            strategies=strategies or _STRATEGIES,
            windows=windows,
            days=days,
            first=first,
            advise=_advise,
            metrics=metrics or ("ndcg", "recall"),
            k=k,
            num_threads=threads,
        )
    _write(result, f"{found.dataset.name}: {spec.label} over time", out, form)


def _advise(model: Recommender, events: Interactions) -> bool:
    from hybridrec.online.staleness import should_refit, with_level

    due = should_refit(model, events).refit
    model.record_ = with_level(model, events)  # as "hybridrec update" does
    return due


def _write(result: Replay, title: str, out: OutputOptions, form: str) -> None:
    from hybridrec.evaluation.report.replayed import strategies_table, windows_table

    column = result.parts["returning"].evaluations[0].columns[0]
    if form == "table" and out.output is None:
        screen = console()
        for table in (strategies_table(result, column), windows_table(result, column)):
            print_title(screen, table.caption)
            show_table(screen, table)
            screen.print()
    else:
        write_text(out, _text(result, title, form))


def _text(result: Replay, title: str, form: str) -> str:
    if form == "json":
        tests: list[dict[str, Any]] = []
        if len(result.strategies) > 1:
            rows = result.parts["returning"].significance()
            tests = json.loads(rows.to_json(orient="records"))
        return json.dumps({"rows": list(result.rows()), "significance": tests}, indent=1) + "\n"
    from hybridrec.evaluation.report import Report, to_html, to_markdown

    typed = click.get_current_context().obj or []
    report = Report(
        result.parts["returning"],
        title=title,
        commands=[shlex.join(["hybridrec", *typed])],
        notes=("The windows of time take the place of seeds.",),
        replay=result,
    )
    if form == "svg":
        from hybridrec.evaluation.report.charts import over_windows
        from hybridrec.evaluation.report.svg import drawing

        return drawing(next(over_windows(report)), "replay").alone
    return to_html(report) if form == "html" else to_markdown(report)
