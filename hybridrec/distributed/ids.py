"""Id maps of a log in partitions, and the partitions' rows in their codes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.distributed.blocks import Rows, by_block
from hybridrec.distributed.shuffle import shuffle
from hybridrec.errors import DataError

if TYPE_CHECKING:
    from hybridrec.dataset.idmap import IdMap
    from hybridrec.dataset.interactions import Interactions
    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.distributed.partitions import Partition

BUCKET = 1 << 20  # ids of all partitions in a bucket, about
MOST = 512  # buckets
SAMPLE = 64  # ids of a partition at least, from which the buckets are cut


class About(NamedTuple):
    """What the client knows of a partition."""

    rows: int
    users: str | None
    """Whether ids are "text" or "integers"; None without any row."""
    items: str | None
    timed: bool
    n_users: int
    n_items: int


def about(part: Interactions) -> About:
    """Describe a partition."""
    kinds = _kind(part.users), _kind(part.items)
    return About(len(part), *kinds, part.timestamps is not None, len(part.users), len(part.items))


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


class Coded(NamedTuple):
    """The distinct ids of all partitions, and what they are in each."""

    ids: np.ndarray
    """Sorted: the order of codes of a local reader. On this process, as every model has them."""
    rows: np.ndarray
    """int64: rows of every id."""
    codes: list[Future]
    """Of every partition: the codes of its own ids, int32."""


def coded(cluster: Cluster, parts: Sequence[Future], told: Sequence[About], role: str) -> Coded:
    """Give the ids of all partitions codes.

    Ids meet in buckets, each a range of ids, where they are sorted and counted; their codes go
    back from there. No worker has all ids, or needs them.

    Parameters
    ----------
    cluster : Cluster
    parts : sequence of Future of Interactions
    told : sequence of About
    role : {"users", "items"}
    """
    own = cluster.map(_own, parts, role=role)
    bounds = _bounds(cluster, own, sum(getattr(one, f"n_{role}") for one in told))
    apart = cluster.map(_ids_apart, own, bounds=bounds)
    buckets = shuffle(cluster, apart, len(bounds) + 1, _bucket)
    lists = list(cluster.stream(cluster.map(_list_of, buckets)))
    firsts = np.cumsum([0, *(len(one.ids) for one in lists[:-1])]).tolist()
    codes = cluster.map(_codes, buckets, firsts)
    return Coded(
        _concatenated([one.ids for one in lists]),
        np.concatenate([one.rows for one in lists]),
        shuffle(cluster, codes, len(parts), np.concatenate),
    )


def added(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the sum of arrays, in their order."""
    total = arrays[0].copy()
    for one in arrays[1:]:
        total += one
    return total


def rows_apart(
    part: Interactions, users: np.ndarray, items: np.ndarray, starts: np.ndarray
) -> list[Rows]:
    """Return the rows of a partition for every block of users, in the codes of all."""
    rows = Rows(users[part.user_codes], items[part.item_codes], part.weights, part.timestamps)
    return [rows.take(places) for places in by_block(rows.users, starts)]


# ---- buckets of ids ------------------------------------------------------------------------------


class Listed(NamedTuple):
    """Some distinct ids, sorted, and how many rows each has."""

    ids: np.ndarray
    rows: np.ndarray


class Bucket(NamedTuple):
    """A range of ids."""

    listed: Listed
    places: list[np.ndarray]
    """Of every partition: where the ids that it has are in the list."""


def _own(part: Interactions, role: str) -> Listed:
    ids, codes = (part.users, part.user_codes) if role == "users" else (part.items, part.item_codes)
    return Listed(ids.ids, np.bincount(codes, minlength=len(ids)))


def _bounds(cluster: Cluster, own: Sequence[Future], total: int) -> np.ndarray:
    """Return the ids at which the second and later buckets begin."""
    number = min(ceil(total / BUCKET), MOST)
    if number < 2:
        return np.zeros(0)
    samples = np.sort(_concatenated(cluster.result(cluster.map(_sample, own))))
    return np.unique(samples[len(samples) * np.arange(1, number) // number])


def _sample(own: Listed) -> np.ndarray:
    return (
        own.ids[np.linspace(0, len(own.ids) - 1, SAMPLE).astype(int)] if len(own.ids) else own.ids
    )


def _ids_apart(own: Listed, bounds: np.ndarray) -> list[Listed]:
    cuts = np.searchsorted(own.ids, bounds) if len(own.ids) else np.zeros(len(bounds), dtype=int)
    ends = pairwise([0, *cuts.tolist(), len(own.ids)])
    return [Listed(own.ids[begin:end], own.rows[begin:end]) for begin, end in ends]


def _bucket(pieces: list[Listed]) -> Bucket:
    ids, places = np.unique(_concatenated([one.ids for one in pieces]), return_inverse=True)
    counts = np.concatenate([one.rows for one in pieces])
    rows = np.bincount(places, counts, minlength=len(ids)).astype(np.int64)
    cuts = np.cumsum([len(one.ids) for one in pieces[:-1]])
    return Bucket(Listed(ids, rows), np.split(places.astype(np.int32), cuts))


def _list_of(bucket: Bucket) -> Listed:
    return bucket.listed


def _codes(bucket: Bucket, first: int) -> list[np.ndarray]:
    return [places + np.int32(first) for places in bucket.places]


def _concatenated(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Join ids; arrays without any may be of another kind, and tell nothing."""
    filled = [one for one in arrays if len(one)]
    return np.concatenate(filled) if filled else arrays[0]


def _kind(ids: IdMap) -> str | None:
    if len(ids) == 0:
        return None
    return "text" if ids.is_text else "integers"
