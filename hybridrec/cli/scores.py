"""Evaluations as tables on the terminal: a row a model, a column a metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybridrec.cli.tables import Alignment, Row, best, print_table, print_title, print_wide_table
from hybridrec.evaluation.measured import column_name
from hybridrec.evaluation.tables import Cell, Table, means_table, raised

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from hybridrec.evaluation import Comparison, Split
    from hybridrec.evaluation.protocols import PublishedRow

LEVEL = 0.05
_HELD_OUT = {
    "random": "a random share of the interactions",
    "leave-last-n": "the newest items of every user",
    "cold-items": "items with all their interactions; only these are ranked",
    "cold-users": "users, of whom a few interactions are given as history",
    "by-time": "all interactions from a point in time on",
    "warm-and-cold": "items with all their interactions, and some interactions of the others",
    "labelled-pairs": "pairs of user and item that are labelled as liked or not",
    "predefined": "the test part of the data set itself",
    "k-fold": "every interaction once, fold by fold",
    "sliding-windows": "window after window of time, each after what was before",
}
_TESTS = {
    "randomisation": "a randomisation test",
    "t-test": "a paired t-test",
    "wilcoxon": "Wilcoxon's signed-rank test",
}


def describe_split(split: Split) -> str:
    """Return in one line what is held out and how much."""
    what = _HELD_OUT.get(split.name, split.name)
    params = ", ".join(
        f"{name} {value}" for name, value in split.params.items() if name != "random_state"
    )
    return (
        f"Held out: {what} ({params}): {len(split.test):,} interactions of"
        f" {len(split.test_users):,} users; {len(split.train.interactions):,} to learn from."
    )


def show_comparison(
    screen: Console,
    comparison: Comparison,
    *,
    slices: Sequence[str] | None = None,
    test: str | None = None,
    published: Sequence[PublishedRow] = (),
) -> None:
    """Print a table for each slice of the test; the best of each column is marked.

    Parameters
    ----------
    screen : Console
    comparison : Comparison
    slices : sequence of str, optional
        By default all.
    test : str, optional
        Of significance: then raised letters tell which models one is better than.
    published : sequence of PublishedRow
        Results of others, printed below the table of all of the test.
    """
    columns = comparison.evaluations[0].user_columns
    letters = test is not None and len(comparison.by_model) > 1 and len(columns) > 0
    shown = comparison.slices if slices is None else slices
    for on in shown:
        if len(shown) > 1:
            print_title(screen, slice_title(on))
        tested = comparison.tested(columns, on, test or "") if letters else None
        show_table(screen, means_table(comparison, on, tested, LEVEL))
        if on == "all" and published:
            _show_published(screen, comparison, published)
        screen.print()
    for line in _legend(comparison, test if letters else None, starred=not screen.is_terminal):
        screen.print(line)


def show_significance(screen: Console, comparison: Comparison, test: str, baseline: str) -> None:
    """Print the differences of all models from one of them, with their p-values."""
    columns = comparison.evaluations[0].user_columns
    layout: dict[str, Alignment] = {"model": "left", "metric": "left"}
    layout.update(dict.fromkeys(["difference", "wins/ties/losses", "p", "p (Holm)"], "right"))
    for on in comparison.slices:
        found = comparison.tested(columns, on, test, baseline)
        rows: list[Row] = [
            [
                str(found["model"][at]),
                column_name(found["metric"][at], found["k"][at]),
                f"{found['difference'][at]:+.4f} ± {found['se'][at]:.4f}",
                f"{found['wins'][at]}/{found['ties'][at]}/{found['losses'][at]}",
                *(f"{found[name][at]:.4f}" for name in ("p_value", "p_holm")),
            ]
            for at in range(len(found["model"]))
        ]
        part = f", {slice_title(on)}" if len(comparison.slices) > 1 else ""
        print_table(screen, layout, rows, title=f"Against {baseline}{part}")
        screen.print()


def show_intervals(screen: Console, comparison: Comparison, confidence: float) -> None:
    """Print bootstrap confidence intervals over users, seed by seed."""
    rows = [row for row in comparison.rows(confidence) if row["ci_low"] is not None]
    layout: dict[str, Alignment] = {"model": "left", "slice": "left", "metric": "left"}
    layout.update({"seed": "right", "mean": "right", "interval": "right"})
    table: list[Row] = [
        [
            row["model"],
            row["slice"],
            column_name(row["metric"], row["k"]),
            str(row["seed"]),
            f"{row['value']:.4f}",
            f"[{row['ci_low']:.4f}, {row['ci_high']:.4f}]",
        ]
        for row in rows
    ]
    if table:
        print_table(screen, layout, table, title=f"{confidence:.0%} bootstrap intervals over users")
        screen.print()


def show_table(screen: Console, table: Table) -> None:
    """Print a table of any kind, in parts as wide as the screen."""
    layout: dict[str, Alignment] = {
        heading.group + heading.name: "right" if heading.number else "left"
        for heading in table.headings
    }
    rows = [[_text(cell, screen) for cell in row] for row in table.rows]
    if "#" in layout:  # the letters go beside the names, the first column in every part
        del layout["#"]
        rows = [[f"{letter}  {name}", *cells] for letter, name, *cells in rows]
    print_wide_table(screen, layout, rows)


def slice_title(on: str) -> str:
    """Return what a slice is called above its table."""
    return f"{on} held-out items" if on in ("all", "warm", "cold") else on


def _text(cell: Cell, screen: Console) -> str | Text:
    # Of two errors the one over splits says more, and two would not fit.
    text = " ".join((cell.text, *cell.errors[-1:])) + raised(cell.marks)
    return best(text, screen) if cell.best else text


def _show_published(
    screen: Console, comparison: Comparison, published: Sequence[PublishedRow]
) -> None:
    """Print what others published, a row a model and source."""
    columns = comparison.evaluations[0].columns
    layout: dict[str, Alignment] = {"published": "left"}
    layout.update({column_name(*column): "right" for column in columns})
    values = {(row.model, row.source, (row.metric, row.k)): row.value for row in published}
    sources = list(dict.fromkeys(row.source for row in published))
    rows: list[Row] = []
    for model, source in dict.fromkeys((row.model, row.source) for row in published):
        numbers = [values.get((model, source, column)) for column in columns]
        cells = ["" if one is None else f"{one:.4f}" for one in numbers]
        rows.append([f"{model} [{sources.index(source) + 1}]", *cells])
    screen.print()
    print_table(screen, layout, rows)
    for at, source in enumerate(sources, 1):
        screen.print(f"[{at}] {source}")
    screen.print(
        "How each was split and scored differs; a report (-o FILE.html) tells what is known."
    )


def _legend(comparison: Comparison, test: str | None, *, starred: bool) -> list[str]:
    seeds = len(comparison.seeds)
    lines = []
    if seeds > 1:
        lines.append(f"sd: standard deviation over {seeds} splits or seeds")
    elif comparison.evaluations[0].user_columns:
        lines.append("± standard error over users")
    if starred and len(comparison.by_model) > 1:
        lines.append("*: best of the column")
    if test is not None:
        lines.append(f"{raised('a')}: better than model a, p < {LEVEL} in {_TESTS[test]} (Holm)")
    return ["; ".join(lines)] if lines else []
