"""Id maps of a log in partitions, and the partitions' rows in their codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.distributed.blocks import Rows, by_block
from hybridrec.errors import DataError

if TYPE_CHECKING:
    from hybridrec.dataset.interactions import Interactions
    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.distributed.partitions import Partition


class About(NamedTuple):
    """What the client knows of a partition."""

    rows: int
    users: str | None
    """Whether ids are "text" or "integers"; None without any row."""
    items: str | None
    timed: bool


def about(part: Interactions) -> About:
    """Describe a partition."""
    return About(len(part), _kind(part.users), _kind(part.items), part.timestamps is not None)


def check_alike(partitions: Sequence[Partition], told: Sequence[About]) -> None:
    """Refuse partitions whose ids or columns do not fit together.

    Raises
    ------
    DataError
        Naming one partition of either kind.
    """
    if not sum(one.rows for one in told):
        raise DataError("no partition holds a row")
    kinds: dict[str, list[str | None]] = {
        "user ids": [one.users for one in told],
        "item ids": [one.items for one in told],
        "timestamps": [("there" if one.timed else "not there") for one in told],
    }
    for what, found in kinds.items():
        distinct = [kind for kind in dict.fromkeys(found) if kind is not None]
        if len(distinct) > 1:
            first, second = (partitions[found.index(kind)].name for kind in distinct[:2])
            raise DataError(
                f"{what} are {distinct[0]} in partition {first} and {distinct[1]} in partition"
                f" {second}; write all partitions alike"
            )


def joined_ids(cluster: Cluster, parts: Sequence[Future], role: str) -> np.ndarray:
    """Return the distinct ids of all partitions, sorted: the order of codes of a local reader.

    They are put together as a tree, and end whole on this process, as every model has them.
    """
    ids: np.ndarray = cluster.result(cluster.reduce(_union, cluster.map(_ids, parts, role=role)))
    return ids


def row_counts(part: Interactions, users: IdMap) -> np.ndarray:
    """Return the rows of every user in a partition, int64."""
    own = np.bincount(part.user_codes, minlength=len(part.users))
    counts = np.zeros(len(users), dtype=np.int64)
    counts[users.codes(part.users.ids)] = own
    return counts


def added(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the sum of arrays, in their order."""
    total = arrays[0].copy()
    for one in arrays[1:]:
        total += one
    return total


def rows_apart(part: Interactions, users: IdMap, items: IdMap, starts: np.ndarray) -> list[Rows]:
    """Return the rows of a partition for every block of users, in the codes of all."""
    rows = Rows(
        users.codes(part.users.ids)[part.user_codes],
        items.codes(part.items.ids)[part.item_codes],
        part.weights,
        part.timestamps,
    )
    return [rows.take(places) for places in by_block(rows.users, starts)]


def _kind(ids: IdMap) -> str | None:
    if len(ids) == 0:
        return None
    return "text" if ids.is_text else "integers"


def _ids(part: Interactions, role: str) -> np.ndarray:
    return (part.users if role == "user" else part.items).ids


def _union(arrays: list[np.ndarray]) -> np.ndarray:
    filled = [one for one in arrays if len(one)]
    return np.unique(np.concatenate(filled)) if filled else arrays[0]
