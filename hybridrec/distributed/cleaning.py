"""Cleaning by blocks of users: the same steps, in the same order, as `hybridrec.clean`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.dataset.cleaning import check_cleaning, rows_that_count
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.distributed.blocks import Rows, in_blocks
from hybridrec.distributed.ids import added

if TYPE_CHECKING:
    from hybridrec.distributed.cluster import Cluster, Future


@dataclass(frozen=True)
class Cleaning:
    """What is asked for; parameters of `hybridrec.clean`, but for ``keep_negatives``."""

    duplicates: str = "last"
    min_weight: float | None = None
    min_user_interactions: int = 0
    min_item_interactions: int = 0

    def __post_init__(self) -> None:
        check_cleaning(
            *(self.duplicates, self.min_weight),
            *(self.min_user_interactions, self.min_item_interactions),
        )


class Kept(NamedTuple):
    """The rows of a block of users that stay, and how many were dropped for which reason."""

    rows: Rows
    dropped: dict[str, int]


@dataclass(frozen=True, eq=False)
class Core:
    """What is left of all blocks.

    Attributes
    ----------
    rows : list of Future of Rows
    dropped : dict of str to int
    users_stay, items_stay : ndarray of bool
        Ids that stay in the maps.
    user_counts, item_counts : ndarray of int64
        Rows of every id, those that go included.
    """

    rows: list[Future]
    dropped: dict[str, int]
    users_stay: np.ndarray
    items_stay: np.ndarray
    user_counts: np.ndarray
    item_counts: np.ndarray


def cleaned(pieces: list[Rows], first: int, *, n_items: int, asked: Cleaning) -> Kept:
    """Join what the partitions have of a block of users, and drop what does not count.

    Codes of users are counted from the ``first`` of the block from here on.
    """
    rows = Rows.joined(pieces)
    nobody, pairs = IdMap(np.zeros(0, dtype=np.int64)), _Items(n_items)
    columns = Interactions(nobody, pairs, *rows)  # type: ignore[arg-type]
    keep, weights, dropped = rows_that_count(columns, asked.duplicates, asked.min_weight)
    rows = rows._replace(weights=weights, users=rows.users - np.int32(first))
    return Kept(rows.take(keep), dropped)


class _Items:
    """As many items as there are; which ones is not asked for."""

    def __init__(self, n: int) -> None:
        self._n = n

    def __len__(self) -> int:
        return self._n


def core_of(
    cluster: Cluster, kept: Sequence[Future], starts: np.ndarray, n_items: int, asked: Cleaning
) -> Core:
    """Drop users and items with too few rows until none is left."""
    sizes = np.diff(starts).tolist()
    rows, reports = cluster.map(_rows, kept), cluster.result(cluster.map(_dropped, kept))
    dropped = {why: sum(one[why] for one in reports) for why in reports[0]}
    least = {"user": asked.min_user_interactions, "item": asked.min_item_interactions}
    asked_for = [role for role, number in least.items() if number > 1]
    reasons = {role: f"{role} with fewer than {least[role]} rows" for role in asked_for}
    dropped.update(dict.fromkeys(reasons.values(), 0))

    def counts() -> dict[str, np.ndarray]:
        of_users = cluster.result(cluster.map(_user_counts, rows, sizes))
        of_items = cluster.reduce(added, cluster.map(_item_counts, rows, n=n_items))
        return {"user": np.concatenate(of_users), "item": cluster.result(of_items)}

    before = after = counts()
    gone = bool(asked_for)
    while gone:
        gone = False
        for role in asked_for:
            few = after[role] < least[role]
            lost = int(after[role][few].sum())
            if not lost:
                continue
            rows = _without(cluster, rows, role, few, starts)
            dropped[reasons[role]] += lost
            gone, after = True, counts()
    stay = {role: (before[role] == 0) | (after[role] >= least[role]) for role in least}
    return Core(rows, dropped, stay["user"], stay["item"], after["user"], after["item"])


def _without(
    cluster: Cluster, rows: list[Future], role: str, few: np.ndarray, starts: np.ndarray
) -> list[Future]:
    """Drop the rows of some users or items."""
    if role == "item":
        return cluster.map(_without_items, rows, few=cluster.share(few))
    return cluster.map(_without_users, rows, in_blocks(few, starts))


def _without_users(rows: Rows, few: np.ndarray) -> Rows:
    return rows.take(~few[rows.users])


def _without_items(rows: Rows, few: np.ndarray) -> Rows:
    return rows.take(~few[rows.items])


def _rows(kept: Kept) -> Rows:
    return kept.rows


def _dropped(kept: Kept) -> dict[str, int]:
    return kept.dropped


def _user_counts(rows: Rows, n: int) -> np.ndarray:
    return np.bincount(rows.users, minlength=n)


def _item_counts(rows: Rows, n: int) -> np.ndarray:
    return np.bincount(rows.items, minlength=n)
