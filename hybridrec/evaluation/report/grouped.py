"""Groups of users and of items in a report: tables, figures, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.evaluation.groups.found import FEWEST, GroupReport, GroupRow, ModelGap
from hybridrec.evaluation.report.charts import Entry, Strips, Value
from hybridrec.evaluation.report.content import LEVEL
from hybridrec.evaluation.report.words import column_label, p_text, signed
from hybridrec.evaluation.tables import Cell, Heading, Table

if TYPE_CHECKING:
    from hybridrec.evaluation.report.content import Report

_DASH = "\N{EN DASH}"
_LOWER, _HIGHER, _FEW = "↓", "↑", "†"
_DECIMALS = 3
NOTE = (
    f"{_LOWER} {_HIGHER}: significantly lower or higher than the rest, p < {LEVEL} in a t-test over"
    f" users, Holm's correction for all groups and models of a table. {_FEW}: too few users to"
    f" test (below {FEWEST} in the group or in the rest). In brackets: 95 % bootstrap intervals"
    " over users."
)
_OF_USERS = (
    "gap: accuracy less that of all other users. Users with more held-out interactions have other"
    " values for the same quality of lists (recall is lower, NDCG mostly higher), so that a gap by"
    " activity is partly one of the metric: compare models."
)
_OF_ITEMS = (
    "exposure: share of the group in all lists, rank r being worth 1 / log2(r + 1). ratio: that"
    " over its share of the held-out interactions; below 1 the group is shown less than it is"
    " wanted. An item of several groups counts for each in equal parts, in recall in full."
)


def group_tables(found: GroupReport) -> list[Table]:
    """Return a table a grouping: a row a group, and columns for every model."""
    return [_table(found, grouping) for grouping in found.groupings]


def gap_tables(found: GroupReport) -> list[Table]:
    """Return how far apart groups are: a table of users and one of items, as far as measured."""
    users = [gap for gap in found.gaps if not _of_items(gap.grouping)]
    items = [gap for gap in found.gaps if _of_items(gap.grouping)]
    tables = []
    if users:
        tables.append(_users_gaps(users))
    if items:
        tables.append(_items_gaps(items))
    return tables


def group_charts(report: Report) -> Iterator[Strips]:
    """Yield accuracy group by group, and of items what exposure they get of what they earn."""
    found = report.groups
    if found is None:
        return
    for grouping in found.groupings:
        groups = found.rows_of(grouping)
        some = next(iter(groups.values()))[found.models[0]]
        label = column_label((some.metric, some.k))
        if _of_items(grouping):
            yield Strips(
                f"Exposure over held-out interactions {_by(grouping)}",
                "ratio (1 is in proportion)",
                _dots(groups, found.models, "ratio", "ratio_low", "ratio_high"),
                reference=1.0,
            )
        yield Strips(
            f"{label} {_by(grouping)}",
            f"{label} (higher is better)",
            _dots(groups, found.models, "value", "low", "high"),
        )


def group_sentences(found: GroupReport, model: str) -> Iterator[str]:
    """Say, grouping by grouping, who is served worse and who is shown less by a model."""
    for gap in found.gaps:
        if gap.model == model and gap.worst:
            rows = {group: of[model] for group, of in found.rows_of(gap.grouping).items()}
            yield _sentence(gap, rows)


def group_text(found: GroupReport) -> str:
    """Return the tables as plain text."""
    tables = [*gap_tables(found), *group_tables(found)]
    return "\n\n".join(map(_plain, tables)) + f"\n\n{NOTE}"


def _table(found: GroupReport, grouping: str) -> Table:
    groups = found.rows_of(grouping)
    of_items = _of_items(grouping)
    some = next(iter(groups.values()))[found.models[0]]
    who = "items" if of_items else "users"
    sizes = [who, f"of {who}", "of interactions", *(["of held-out"] if of_items else [])]
    label = column_label((some.metric, some.k))
    shown = ["exposure", "ratio", label] if of_items else [label, "gap"]
    headings = [Heading("group", number=False), *map(Heading, sizes)]
    # The blank keeps the name of the model apart where both stand in one line.
    headings += [Heading(f" {name}", model) for model in found.models for name in shown]
    rows = []
    for group, of_model in groups.items():
        first = of_model[found.models[0]]
        cells = [Cell(group), Cell(f"{first.members:,.0f}"), _percent(first.share)]
        cells.append(_percent(first.interactions_share))
        if of_items:
            cells.append(_percent(first.relevant_share))
        for model in found.models:
            cells += _of_one(of_model[model], of_items)
        rows.append(tuple(cells))
    notes = (_OF_ITEMS,) if of_items else (_OF_USERS,)
    return Table(tuple(headings), tuple(rows), f"Groups {_by(grouping)}", (*notes, NOTE))


def _of_one(row: GroupRow, of_items: bool) -> list[Cell]:
    """Return the cells of a group and a model."""
    value = Cell(_number(row.value), _interval(row.low, row.high), _mark(row))
    if not of_items:
        return [value, Cell(_DASH if np.isnan(row.gap) else signed(row.gap, _DECIMALS))]
    ratio = Cell(_number(row.ratio, 2), _interval(row.ratio_low, row.ratio_high, 2))
    return [_percent(row.exposure_share), ratio, value]


def _users_gaps(gaps: Sequence[ModelGap]) -> Table:
    label = column_label((gaps[0].metric, gaps[0].k))
    names = ["model", "by", "worst served", "best served"]
    rows = [
        (
            Cell(gap.model),
            Cell(_what(gap.grouping)),
            Cell(gap.worst or _DASH),
            Cell(gap.best or _DASH),
            *map(Cell, map(_number, (gap.worst_value, gap.best_value, gap.gap))),
        )
        for gap in gaps
    ]
    headings = [Heading(name, number=False) for name in names]
    headings += map(Heading, (f"worst {label}", f"best {label}", "range"))
    return Table(tuple(headings), tuple(rows), "Groups of users: how far apart they are")


def _items_gaps(gaps: Sequence[ModelGap]) -> Table:
    label = column_label((gaps[0].metric, gaps[0].k))
    names = ["model", "by", "least shown", "most shown", "worst found"]
    rows = [
        (
            *(Cell(gap.model), Cell(_what(gap.grouping))),
            *(Cell(one or _DASH) for one in (gap.least, gap.most, gap.worst)),
            *(Cell(_number(one, 2)) for one in (gap.least_ratio, gap.most_ratio)),
            *map(Cell, map(_number, (gap.exposure_fairness, gap.worst_value, gap.gap))),
        )
        for gap in gaps
    ]
    headings = [Heading(name, number=False) for name in names]
    columns = ("least ratio", "most ratio", "exposure fairness ↑", f"worst {label}", "range")
    headings += map(Heading, columns)
    return Table(
        tuple(headings),
        tuple(rows),
        "Groups of items: how far apart they are",
        (
            "exposure fairness: 1 less half the sum of the differences between shares of exposure"
            f" and of held-out interactions. range: of {label}.",
        ),
    )


def _sentence(gap: ModelGap, rows: Mapping[str, GroupRow]) -> str:
    label = column_label((gap.metric, gap.k))
    worst, best = rows[gap.worst], rows[gap.best]
    what = _what(gap.grouping)
    if _of_items(gap.grouping):
        return (
            f"Items by {what}: {gap.model} shows “{gap.least}” {gap.least_ratio:.2f} times as much"
            f" as it is wanted, “{gap.most}” {gap.most_ratio:.2f} times; of what users want it"
            f" finds least of “{gap.worst}” ({label} {_number(worst.value)}, {_versus(worst)})."
        )
    return (
        f"Users by {what}: {gap.model} serves “{gap.worst}” worst ({label}"
        f" {worst.value:.{_DECIMALS}f}, {_versus(worst)}) and “{gap.best}” best"
        f" ({best.value:.{_DECIMALS}f}, {_versus(best)})."
    )


def _versus(row: GroupRow) -> str:
    """Return how far a group is from the rest, and how likely that is chance."""
    if not row.testable:
        return "too few to test"
    return f"{signed(row.gap, _DECIMALS)} from the rest, {p_text(row.p_holm)}"


def _dots(
    groups: Mapping[str, Mapping[str, GroupRow]], models: Sequence[str], *names: str
) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """Return a value and its interval of every group and model; a group without is left out."""
    found = []
    for group, of_model in groups.items():
        entries = []
        for series, model in enumerate(models):
            value, low, high = (getattr(of_model[model], name) for name in names)
            if not np.isnan(value):
                low, high = (value if np.isnan(one) else one for one in (low, high))
                entries.append(Entry(model, series, Value(value, low, high)))
        if len(entries) == len(models):
            found.append((group, tuple(entries)))
    return tuple(found)


def _plain(table: Table) -> str:
    import pandas as pd

    cells = [[" ".join((one.text + one.marks, *one.errors)) for one in row] for row in table.rows]
    names = [heading.group + heading.name for heading in table.headings]
    return f"{table.caption}\n{pd.DataFrame(cells, columns=names).to_string(index=False)}"


def _mark(row: GroupRow) -> str:
    if not row.testable:
        return _FEW
    return "" if row.p_holm >= LEVEL else _LOWER if row.gap < 0 else _HIGHER


def _interval(low: float, high: float, decimals: int = _DECIMALS) -> tuple[str, ...]:
    return () if np.isnan(low) else (f"[{_number(low, decimals)}, {_number(high, decimals)}]",)


def _number(value: float, decimals: int = _DECIMALS) -> str:
    return _DASH if np.isnan(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"


def _percent(share: float) -> Cell:
    return Cell(_DASH if np.isnan(share) else f"{100 * share:.1f} %")


def _of_items(grouping: str) -> bool:
    return grouping.startswith("items:")


def _what(grouping: str) -> str:
    return grouping.partition(":")[2]


def _by(grouping: str) -> str:
    side, _, what = grouping.partition(":")
    return f"of {side} by {what}"
