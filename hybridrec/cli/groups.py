"""Groups of users and of items in an evaluation: the option, its measure, its table and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from hybridrec.cli.measures import Measure
from hybridrec.cli.scores import show_table
from hybridrec.cli.tables import print_title
from hybridrec.errors import ParameterError
from hybridrec.evaluation.groups import DEFAULT_GROUPS, GroupReport, group_by, measure_groups
from hybridrec.evaluation.metrics import METRICS, Context
from hybridrec.evaluation.report.content import BEYOND_ACCURACY
from hybridrec.evaluation.report.grouped import NOTE, gap_tables, group_tables

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.evaluation import Split

_ACCURACY = "ndcg"  # fairer than recall to users with much held out
_OF_GROUPS = (
    *("members", "share", "interactions_share", "gap", "p_holm"),
    *("exposure_share", "relevant_share", "ratio", "ratio_low", "ratio_high"),
)

groups_option = click.option(
    "--group",
    "grouped",
    metavar="NAME",
    multiple=True,
    help="Also tell who is served worse and who is shown less, by groups of users or items:"
    f" {', '.join(DEFAULT_GROUPS)}, or a column of the item or user table such as items:genres."
    " Repeatable.",
)


def check_groups(names: Sequence[str], measure: Measure, split: Split) -> None:
    """Refuse, before any fit, what could not be measured.

    Raises
    ------
    ParameterError
    """
    if names and measure.of_pairs:
        raise ParameterError("--group is for lists; here scores of given pairs are judged")
    if names:
        group_by(names, split)


def grouped_lists(
    names: Sequence[str],
    source: Any,
    split: Split,
    measure: Measure,
    context: Context,
    name: str,
    seed: int,
) -> list[GroupReport]:
    """Return what a model or a run does for groups: nothing, or one report.

    Accuracy for users is NDCG, unless only others were asked for, at the largest cut-off.
    """
    if not names:
        return []
    asked = [
        one for one in measure.options.metrics if one in METRICS and one not in BEYOND_ACCURACY
    ]
    found = measure_groups(
        source,
        split,
        names,
        metric=_ACCURACY if _ACCURACY in asked or not asked else asked[0],
        k=max(measure.options.k),
        candidates=measure.candidates,
        context=context,
        num_threads=measure.threads,
        name=name,
        seed=seed,
    )
    return [found]


def show_groups(screen: Console, found: GroupReport) -> None:
    """Print how far apart groups are, and a table a grouping."""
    for table in (*gap_tables(found), *group_tables(found)):
        print_title(screen, table.caption)
        show_table(screen, table)
        for note in table.notes:
            if note != NOTE:  # once, below all
                screen.print(note)
        screen.print()
    screen.print(NOTE)


def with_groups(rows: Sequence[dict[str, Any]], found: GroupReport) -> list[dict[str, Any]]:
    """Add a row a group and model to rows for machines, and to all what only groups have.

    ``slice`` is the group, such as "users:activity=new"; values are over all seeds, so ``seed``
    is None.
    """
    more = [
        {
            **{name: getattr(row, name) for name in ("model", "metric", "k", "value", "n_users")},
            "slice": f"{row.grouping}={row.group}",
            "ci_low": row.low,
            "ci_high": row.high,
            **{name: getattr(row, name) for name in _OF_GROUPS},
        }
        for row in found.rows
    ]
    names = dict.fromkeys(name for row in (*rows[:1], *more[:1]) for name in row)
    return [{name: row.get(name) for name in names} for row in (*rows, *more)]
