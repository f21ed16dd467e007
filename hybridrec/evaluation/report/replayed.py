"""The tables of a replay: strategies side by side, and window by window."""

from __future__ import annotations

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.replay import Replay
from hybridrec.evaluation.report.words import column_label
from hybridrec.evaluation.tables import Cell, Heading, Table

_DIGITS = 4


def strategies_table(found: Replay, column: Column) -> Table:
    """Return the means of every strategy on all parts, and what it cost."""
    parts = list(found.parts)
    rows = []
    for strategy in found.strategies:
        refits, seconds = found.cost(strategy)
        means = (found.parts[part].mean(strategy, *column) for part in parts)
        cells = (*(f"{mean:.{_DIGITS}f}" for mean in means), str(refits), f"{seconds:.2f}")
        rows.append((Cell(strategy), *map(Cell, cells)))
    return Table(
        (Heading("strategy", number=False), *map(Heading, (*parts, "refits", "CPU s"))),
        tuple(rows),
        f"{column_label(column)} of the strategies, mean over the windows",
        (
            "returning: users who had something before the window; new users: the others; recent"
            " items: returning users, and only items that came after the first fit.",
            f"CPU s: of all learning after the first fit, which took {found.fit_seconds:.2f} s.",
        ),
    )


def windows_table(found: Replay, column: Column) -> Table:
    """Return a row for every window: returning users, and the value of every strategy."""
    own = found.parts["returning"]
    values = {(one.seed, one.model): one for one in own.evaluations}
    refits = {(step.window, step.strategy) for step in found.steps if step.refit}
    rows = []
    for window in found.windows:
        if (window.number, found.strategies[0]) not in values:
            continue
        some = [values[window.number, name] for name in found.strategies]
        shown = [
            f"{one.mean(*column):.{_DIGITS}f}{'*' if (window.number, one.model) in refits else ''}"
            for one in some
        ]
        users = str(len(some[0].slices["all"].users))
        rows.append(tuple(map(Cell, (str(window.number), str(window.events), users, *shown))))
    return Table(
        tuple(map(Heading, ("window", "events", "users", *found.strategies))),
        tuple(rows),
        f"{column_label(column)} of returning users, window by window",
        ("*: after this window, the strategy fitted again.",),
    )
