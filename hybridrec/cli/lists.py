"""Ranked lists for people: titles beside ids, one table for each user or item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.cli.output import Columns
from hybridrec.cli.tables import Alignment, print_table
from hybridrec.dataset.frames import find_column

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.dataset.idmap import IdMap
    from hybridrec.models.base import Recommender

_ALIGNED: dict[str, Alignment] = {"title": "wrap", "score": "right", "rank": "right"}


def item_titles(model: Recommender) -> np.ndarray | None:
    """Return the title of every item of a model, "" where unknown; None if it has no titles."""
    table = model.item_table_
    if table is None:
        return None
    column = find_column(list(table.columns), "title", None, where="items", required=False)
    if column is None:
        return None
    values = table[column].astype(object)
    titles: np.ndarray = values.where(values.notna(), "").astype(str).to_numpy(dtype=object)
    return titles


def with_titles(columns: Columns, item: str, items: IdMap, titles: np.ndarray | None) -> Columns:
    """Return columns with the titles of the items beside their ids, if there are any titles."""
    if titles is None:
        return columns
    found = titles[items.codes(columns[item])]
    names = list(columns)
    after = names.index(item) + 1
    ordered = [*names[:after], "title", *names[after:]]
    return {name: columns.get(name, found) for name in ordered}


def show_lists(screen: Console, columns: Columns, key: str) -> None:
    """Print the lists of a block, one table for each value of the column ``key``."""
    keys = columns[key]
    if len(keys) == 0:  # all lists are empty
        return
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    others = {name: columns[name] for name in ("rank", *columns) if name != key}
    layout: dict[str, Alignment] = {name: _ALIGNED.get(name, "left") for name in others}
    for start, stop in zip(starts, np.append(starts[1:], len(keys)), strict=True):
        rows = [
            [_text(one) for one in row]
            for row in zip(*(values[start:stop] for values in others.values()), strict=True)
        ]
        print_table(screen, layout, rows, f"{key} {keys[start]}")
        screen.print()


def _text(value: object) -> str:
    if isinstance(value, np.floating):
        return "" if np.isnan(value) else f"{value:.4f}"
    return str(value)
