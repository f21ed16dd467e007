"""Groupings: all users, or all items, of a split in groups.

A grouping is named like a slice, "users:" or "items:" followed by

``activity`` (users)
    Quarters of the users with training rows, by the number of distinct items there: *least
    active*, *less active*, *more active*, *most active*; *new*: users without a training row.
    Equally active users go together, so that quarters are only about equal, or fewer.
``popularity`` (items)
    Thirds of the training (user, item) pairs: *head*, the most popular items that together hold
    a third of them, *middle*, the next third, *tail*, all others with a training row; *cold*:
    items without. Equally popular items go together. These are also the groups of the re-ranker
    "fair-exposure".
a column of the item or user table
    Value by value, numbers in quarters of the rows, as `hybridrec.evaluation.slices` cuts them.
    Where there are more than 20 values, those with most test rows stay, and the others are the
    group *others*. Who has no value is in the group *unknown*.

Unlike slices, groups cover everybody: each user and item is in one at least. One with several
values (a film of three genres) is in each of their groups; in sizes and in exposure, which are
to sum to the whole, it counts a third in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.evaluation.slices import MOST_PARTS, by_column, slice_names
from hybridrec.ranking.catalogue import popularity_groups

if TYPE_CHECKING:
    from hybridrec.evaluation.splits.split import Split

DEFAULT_GROUPS = ("users:activity", "items:popularity")
UNKNOWN, OTHERS = "unknown", "others"

_QUARTERS = ("least active", "less active", "more active", "most active")


@dataclass(frozen=True, eq=False)
class Grouping:
    """All users or items in groups.

    Attributes
    ----------
    name : str
        Such as "items:genres".
    labels : tuple of str
        Of the groups.
    members : ndarray of bool, shape (n_users or n_items, n_groups)
        Everybody is in one group at least.
    """

    name: str
    labels: tuple[str, ...]
    members: np.ndarray

    @property
    def of_items(self) -> bool:
        """Whether it is of items or of users."""
        return self.name.startswith("items:")

    @property
    def shares(self) -> np.ndarray:
        """What part of each user or item belongs to each group: equal parts, which sum to 1."""
        parts: np.ndarray = self.members / self.members.sum(axis=1, keepdims=True)
        return parts


def group_by(names: Sequence[str], split: Split) -> list[Grouping]:
    """Return the groupings with some names.

    Raises
    ------
    ParameterError
        If a name is unknown (suggests the nearest), or a column has nothing to group by.
    """
    known = slice_names(split.train)
    found = []
    for name in dict.fromkeys([names] if isinstance(names, str) else names):
        if name not in known:
            raise ParameterError(
                f"unknown grouping {name!r}{did_you_mean(name, known)}"
                f" (groupings: {first_few(known, 20)})"
            )
        masks = _covering(_few(_masks(name, split), name, split))
        kept = {label: mask for label, mask in masks.items() if mask.any()}
        found.append(Grouping(name, tuple(kept), np.column_stack(list(kept.values()))))
    if not found:
        raise ParameterError(f"groups must name at least one grouping ({first_few(known, 20)})")
    return found


def _masks(name: str, split: Split) -> dict[str, np.ndarray]:
    side, column = name.split(":", 1)
    train = split.train
    if name == "users:activity":
        return _quarters(train.matrix.getnnz(axis=1))
    if name == "items:popularity":
        return _thirds(train.matrix.getnnz(axis=0))
    return by_column(train, side.removesuffix("s"), column)


def _quarters(counts: np.ndarray) -> dict[str, np.ndarray]:
    active = counts > 0
    edges = np.quantile(counts[active], [0.25, 0.5, 0.75])
    quarter = np.searchsorted(edges, counts)
    masks = {label: active & (quarter == at) for at, label in enumerate(_QUARTERS)}
    return {**masks, "new": ~active}


def _thirds(counts: np.ndarray) -> dict[str, np.ndarray]:
    found = popularity_groups(counts.astype(np.float32))
    third = found.members.indices
    masks = {str(label): (third == at) & (counts > 0) for at, label in enumerate(found.names)}
    return {**masks, "cold": counts == 0}


def _few(masks: Mapping[str, np.ndarray], name: str, split: Split) -> dict[str, np.ndarray]:
    """Return the groups with most test rows, in their order, and the others as one."""
    if len(masks) <= MOST_PARTS:
        return dict(masks)
    rows = split.test.matrix.getnnz(axis=0 if name.startswith("items:") else 1)
    sizes = np.array([rows[mask].sum() for mask in masks.values()])
    largest = set(np.argsort(-sizes, kind="stable")[:MOST_PARTS].tolist())
    kept = {label: mask for at, (label, mask) in enumerate(masks.items()) if at in largest}
    left = [mask for label, mask in masks.items() if label not in kept]
    return _joined(kept, OTHERS, np.any(left, axis=0))


def _covering(masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Put those who are in no group into one of their own."""
    return _joined(masks, UNKNOWN, ~np.any(list(masks.values()), axis=0))


def _joined(masks: Mapping[str, np.ndarray], label: str, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Add a group, to that of the same name where a column has such a value itself."""
    return {**masks, label: mask | masks[label]} if label in masks else {**masks, label: mask}
