"""Rows of evaluations as tables: a row a model, a column a metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.cli.tables import Alignment, Row, best, print_title, print_wide_table
from hybridrec.evaluation.metrics import LOWER_IS_BETTER

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from hybridrec.evaluation import Split

_HELD_OUT = {
    "random": "a random share of the interactions",
    "leave-last-n": "the newest items of every user",
    "cold-items": "items with all their interactions; only these are ranked",
    "cold-users": "users, of whom a few interactions are given as history",
    "by-time": "all interactions from a point in time on",
    "warm-and-cold": "items with all their interactions, and some interactions of the others",
    "labelled-pairs": "pairs of user and item that are labelled as liked or not",
    "predefined": "the test part of the data set itself",
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


def show_scores(screen: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table for each slice of the test; the best of each column is marked.

    The last column tells how many of the tested users got a list at all.

    Parameters
    ----------
    screen : Console
    rows : sequence of mapping
        As `hybridrec.evaluation.Evaluation.summary` gives them, of one seed or several; then the
        cells are mean and standard deviation over the seeds.
    """
    slices = list(dict.fromkeys(row["slice"] for row in rows))
    for one in slices:
        if len(slices) > 1:
            print_title(screen, f"{one} held-out items")
        _show_slice(screen, [row for row in rows if row["slice"] == one])
        screen.print()


def _show_slice(screen: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    users: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        values[row["model"], f"{row['metric']}@{row['k']}"].append(row["value"])
        users[row["model"]].append((row["covered_users"], row["n_users"]))
    models = list(users)
    metrics = list(dict.fromkeys(metric for _, metric in values))
    layout: dict[str, Alignment] = {"model": "left"}
    layout.update(dict.fromkeys([*metrics, "served"], "right"))
    table: list[Row] = []
    for model in models:
        cells: list[str | Text] = []
        for metric in metrics:
            others = [np.mean(values[other, metric]) for other in models]
            own = values[model, metric]
            first = min if metric.split("@")[0] in LOWER_IS_BETTER else max
            leads = len(models) > 1 and np.mean(own) == first(others)
            cells.append(best(_cell(own), screen) if leads else _cell(own))
        covered, tested = np.mean(users[model], axis=0)
        table.append([model, *cells, f"{covered:.0f}/{tested:.0f}"])
    print_wide_table(screen, layout, table)


def _cell(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
