"""Slices of a test: some of its items or users, over which metrics are given apart.

A slice is named by what cuts it and which part it is: ``items:popularity=hot``,
``users:activity=new``, ``items:genres=Comedy``, ``items:year=[1980,1995)``. "items:" or "users:"
is followed by

``popularity`` (items)
    By distinct users in the training rows. *hot*: the most popular items that together hold a
    third of the (user, item) pairs (the "short head" of Cremonesi, Koren & Turrin, RecSys 2010;
    equally popular items go together). *warm*: the others with a training row. *cold*: those
    without. (The slice "warm", which `hybridrec.evaluation.evaluate` gives by itself, is hot and
    warm together.)
``activity`` (users)
    By distinct items in the training rows: *hot*, *warm* likewise; *new*: users without a
    training row, with or without support.
a column of the item or user table
    Category by category; in a column of lists, an item counts in each of its values. Numbers are
    cut into quarters of the rows. Only the parts with most test rows are kept of a column with
    many values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.features.columns import TableColumns

if TYPE_CHECKING:
    import pandas as pd

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation.splits.split import Split

HEAD = 1 / 3
MOST_PARTS = 20


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the items or users.

    Attributes
    ----------
    name : str
        Such as "items:genres=Comedy".
    of_items : bool
        Whether it is of items or of users.
    members : ndarray of bool, shape (n_items,) or (n_users,)
    """

    name: str
    of_items: bool
    members: np.ndarray


def cut(names: Sequence[str], split: Split) -> tuple[list[Part], tuple[str, ...]]:
    """Return the parts of the slices with the given names, and notes on what was left out.

    Raises
    ------
    ParameterError
        If a name is unknown (suggests the nearest), or a column has nothing to cut by.
    """
    known = slice_names(split.train)
    parts: list[Part] = []
    notes = []
    for name in dict.fromkeys([names] if isinstance(names, str) else names):
        if name not in known:
            raise ParameterError(
                f"unknown slice {name!r}{did_you_mean(name, known)}"
                f" (slices: {first_few(known, 20)})"
            )
        found = list(_parts(name, split))
        if len(found) > MOST_PARTS:
            notes.append(f"{name}: the {MOST_PARTS} of {len(found)} parts with most test rows")
            found = _largest(found, split)
        parts += found
    return parts, tuple(notes)


def slice_names(dataset: Dataset) -> list[str]:
    """Return what a data set can be sliced by: `popularity`, `activity`, and its columns."""
    names = ["items:popularity", "users:activity"]
    for side, table in (("items", dataset.item_table), ("users", dataset.user_table)):
        if table is not None:
            names += [f"{side}:{column}" for column in table.columns]
    return names


def _parts(name: str, split: Split) -> Iterator[Part]:
    side, by = name.split(":", 1)
    train = split.train
    if name == "items:popularity":
        masks = _by_count(train.matrix.getnnz(axis=0), "cold")
    elif name == "users:activity":
        masks = _by_count(train.matrix.getnnz(axis=1), "new")
    else:
        masks = by_column(train, "item" if side == "items" else "user", by)
    for label, members in masks.items():
        yield Part(f"{name}={label}", side == "items", members)


def _by_count(counts: np.ndarray, without: str) -> dict[str, np.ndarray]:
    descending = np.sort(counts)[::-1]
    held = np.cumsum(descending)
    least = descending[np.searchsorted(held, HEAD * held[-1])]  # count of the last in the head
    hot = counts >= max(least, 1)
    return {"hot": hot, "warm": (counts > 0) & ~hot, without: counts == 0}


def by_column(train: Dataset, side: str, column: str) -> dict[str, np.ndarray]:
    """Return the items or users with each value of a column of their table, as masks.

    Raises
    ------
    ParameterError
        If the column has nothing to cut by.
    """
    table = train.item_table if side == "item" else train.user_table
    assert table is not None
    builder = TableColumns(side=side)
    builder.fit(replace(train, **{f"{side}_table": table[[column]]}), None)
    if builder.kinds_.get(column) == "number":
        return _by_quarter(table[column])
    parts = builder.transform(train, None).tocsc()
    if not parts.shape[1]:
        raise ParameterError(
            f"{side}s cannot be sliced by {column!r}: it has no value, or is a title or free text"
        )
    masks = {}
    for place, name in enumerate(builder.feature_names(None)):
        members = np.zeros(parts.shape[0], dtype=bool)
        members[parts.indices[parts.indptr[place] : parts.indptr[place + 1]]] = True
        masks[str(name).removeprefix(f"{column}=")] = members
    return masks


def _by_quarter(cells: pd.Series[Any]) -> dict[str, np.ndarray]:
    """Cut a column of numbers at its quartiles; missing ones are in no part."""
    values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    edges = np.unique(np.nanquantile(values, [0.25, 0.5, 0.75]))
    bounds = [-np.inf, *edges, np.inf]
    return {
        f"[{low:.15g},{high:.15g})": (low <= values) & (values < high)
        for low, high in pairwise(bounds)
    }


def _largest(parts: Sequence[Part], split: Split) -> list[Part]:
    """Return the parts with most test rows, in their order."""
    test = split.test.matrix
    rows = {True: test.getnnz(axis=0), False: test.getnnz(axis=1)}
    sizes = np.array([rows[part.of_items][part.members].sum() for part in parts])
    kept = np.sort(np.argsort(-sizes, kind="stable")[:MOST_PARTS])
    return [parts[one] for one in kept]
