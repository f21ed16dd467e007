"""``hybridrec status``: how far a model is behind its users, and whether to fit it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridrec.cli.events import EventOptions, event_options, read_news
from hybridrec.cli.ids import load_model
from hybridrec.cli.options import EXISTING_FILE, OutputOptions, examples, output_options
from hybridrec.cli.output import check_output, console, resolve_format, write_text
from hybridrec.cli.tables import print_table

if TYPE_CHECKING:
    from hybridrec.online.staleness import Measure, Staleness

_FORMATS = ("table", "json")


@click.command(
    "status",
    epilog=examples("hybridrec status films.model", "hybridrec status films.model feedback.sqlite"),
)
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("events", metavar="[EVENTS]", required=False, type=EXISTING_FILE)
@event_options
@output_options(*_FORMATS)
def command(folder: Path, events: Path | None, how: EventOptions, out: OutputOptions) -> None:
    """Tell how far a model is behind, and whether to refit.

    Counted is all that has come since the fit: what was folded in by updates, and the EVENTS that
    were not yet (a file of interactions or a feedback log, as in "hybridrec update").
    """
    from hybridrec.online.staleness import should_refit

    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    model = load_model(folder)
    news = None if events is None else read_news(model, events, how)
    stale = should_refit(model, None if news is None else news.events)
    if form == "json":
        write_text(out, json.dumps(stale.to_dict(), indent=1))
        return
    if out.output is None:
        _show(stale)
        return
    lines = [f"{one.name}: {_number(one.value)} {one.text}" for one in stale.measures]
    write_text(out, "\n".join([*lines, stale.advice, ""]))


def _show(stale: Staleness) -> None:
    rows = [_row(one) for one in stale.measures]
    screen = console()
    print_table(
        screen,
        {"measure": "left", "value": "right", "alarm at": "right", "": "left", "what": "wrap"},
        rows,
    )
    screen.print(stale.advice)


def _row(one: Measure) -> list[str]:
    return [
        one.name,
        _number(one.value),
        _number(one.threshold),
        "refit" if one.alarm else "",
        one.text,
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
