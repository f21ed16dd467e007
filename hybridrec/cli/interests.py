"""``hybridrec interests``: what a user likes over time, and whether it has changed."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

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
)
from hybridrec.cli.output import check_output, console, resolve_format, working, write_text
from hybridrec.cli.tables import Alignment, print_table
from hybridrec.errors import ParameterError
from hybridrec.online.interest_drift import MONTH, InterestDrift, Step, interest_drift

if TYPE_CHECKING:
    from rich.console import Console

_FORMATS = ("table", "json")
_NAMED, _BAR = 2, 20  # values named of a period; characters of a share of 1
_PERIODS: dict[str, Alignment] = {
    "period": "left", "items": "right", "most": "wrap", "moved": "right",
    "by chance": "right", "": "left",
}  # fmt: skip


@click.command(
    "interests",
    epilog=examples(
        "hybridrec interests --dataset movielens-small --user 15 --periods 4",
        "hybridrec interests plays.csv --items songs.csv --user anna --by artist --format json",
    ),
)
@data_options
@click.option("--user", "person", metavar="ID", required=True, help="Whose interests.")
@click.option(
    "--by",
    default="genres",
    show_default=True,
    metavar="NAME",
    help="Column of the item table, or a feature block such as tokens.",
)
@click.option(
    "--periods",
    default=MONTH,
    show_default=True,
    metavar="month|N",
    help="Months, or so many periods with equally many interactions.",
)
@click.option("--top", type=COUNT, default=8, show_default=True, help="Values that are shown.")
@click.option(
    "--shuffles", type=COUNT, default=999, show_default=True, help="Random deals to compare with."
)
@seed_option
@output_options(*_FORMATS)
def command(
    data: DataOptions,
    person: str,
    by: str,
    periods: str,
    top: int,
    shuffles: int,
    random_state: int | None,
    out: OutputOptions,
) -> None:
    """Show what a user likes over time, and whether it drifts.

    "moved" is how far the shares moved since the period before, from 0 to 1 (Jensen-Shannon
    distance); "by chance" how far they do on average, and in 95 % of the cases at most, if the
    user's times are dealt to the interactions at random. Only what is beyond that is drift.
    """
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    with working("Reading"):
        dataset = load_data(data).dataset
    found = interest_drift(
        dataset,
        dataset.users.parse([person]).tolist()[0],
        by=by,
        periods=_periods(periods),
        shuffles=shuffles,
        random_state=random_state or 0,
    )
    if form == "json":
        write_text(out, json.dumps(found.to_json(), ensure_ascii=False, indent=1))
    elif out.output is None:
        _show(console(), found, top)
    else:
        text = io.StringIO()
        _show(console(text), found, top)
        write_text(out, text.getvalue())


def _periods(text: str) -> str | int:
    if text == MONTH:
        return text
    if not text.isascii() or not text.isdigit():
        raise ParameterError(f"--periods must be {MONTH} or a whole number, got {text!r}")
    return int(text)


def _show(screen: Console, found: InterestDrift, top: int) -> None:
    title = f"user {found.user}: {found.by} over time"
    steps = [None, *found.steps]
    rows = []
    for period, own, step in zip(found.periods, found.shares, steps, strict=True):
        named = [at for at in (-own).argsort(kind="stable")[:_NAMED] if own[at] > 0]
        most = ", ".join(f"{found.values[at]} {own[at]:.0%}" for at in named)
        days = f"{period.start} - {period.end}"
        name = period.name if period.start.startswith(f"{period.name}-") else days
        rows.append([name, f"{period.interactions:,}", most, *_moved(step)])
    print_table(screen, _PERIODS, rows, title)
    if found.overall is not None:
        screen.print()
        columns: dict[str, Alignment] = {found.by: "left", "first": "left", "last": "left"}
        first, last = found.shares[0], found.shares[-1]
        shown = [
            [str(value), _bar(first[at]), _bar(last[at])]
            for at, value in enumerate(found.values[:top])
        ]
        moved, chance, verdict = _moved(found.overall)
        print_table(
            screen, columns, shown, f"first to last: moved {moved}, by chance {chance} {verdict}"
        )
    if found.left_out:
        screen.print(f"left out: {found.left_out} interactions with items without {found.by}")


def _moved(step: Step | None) -> tuple[str, str, str]:
    if step is None:
        return "", "", ""
    chance = f"{step.by_chance:.2f} (to {step.limit:.2f})"
    return f"{step.distance:.2f}", chance, "drift" if step.is_drift else ""


def _bar(share: float) -> str:
    return f"{share:4.0%} {'█' * round(_BAR * share)}".rstrip()
