"""What a fit chose by itself, for people: the model, and its side information."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hybridrec.cli.tables import Alignment, Row, best, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.evaluation.selection import Choice, GuardReport, RelationLeak

_SHOWN_LEAKS = 5
_EACH = "hybridrec evaluate --split cold-items --compare-relations"


def show_choice(screen: Console, choice: Choice) -> None:
    """Print the models that were tried, and which is chosen."""
    views = tuple(choice.tried[0].means)
    columns: dict[str, Alignment] = {
        "model": "left", **dict.fromkeys(views, "right"), "seconds": "right",
    }  # fmt: skip
    rows: list[list[Any]] = [
        [one.preset.label, *(f"{one.means[view]:.4f}" for view in views), f"{one.seconds:.1f}"]
        for one in choice.tried
        if one.means
    ]
    where = 1 + views.index(choice.view)
    rows[0][where] = best(rows[0][where], screen)
    print_table(screen, columns, rows, choice.title)
    for line in choice.lines:
        click.echo(line)


def show_guard(screen: Console, report: GuardReport, labels: Mapping[Any, str]) -> None:
    """Print what side information does for a model, and which of it is used.

    Parameters
    ----------
    screen : Console
    report : GuardReport
    labels : mapping of relation to str
        Readable names, as far as there are any.
    """
    columns: dict[str, Alignment] = {"": "left", **dict.fromkeys(report.views, "right")}
    rows: list[Row] = [
        [label, *(f"{means[view]:.4f}" for view in report.views)]
        for label, means in report.rows.items()
    ]
    if rows:
        print_table(screen, columns, rows, report.title)
    for line in report.lines:
        click.echo(line)
    if report.leaks:
        _show_leaks(report.leaks, labels)


def _show_leaks(leaks: tuple[RelationLeak, ...], labels: Mapping[Any, str]) -> None:
    """Say which relations tell popularity, and how to do without them."""
    named = [
        f"{labels.get(leak.relation, leak.relation)} ({leak.correlation:.2f})"
        for leak in leaks[:_SHOWN_LEAKS]
    ]
    more = f" and {len(leaks) - _SHOWN_LEAKS} more" if len(leaks) > _SHOWN_LEAKS else ""
    click.echo(
        f"Popularity leaks: {', '.join(named)}{more}: the more users an item has, the more such"
        " facts. A new item has few, so figures of cold items are too good."
    )
    options = " ".join(f"--drop-relation {leak.relation}" for leak in leaks[:_SHOWN_LEAKS])
    click.echo(f"  to leave them out: {options}")
    click.echo(f"  what each adds to cold items: {_EACH}")
