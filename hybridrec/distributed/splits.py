"""Held-out interactions of a sharded data set, cut by the workers user by user.

The same pairs are held out as by the splits of `hybridrec.evaluation` with the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.distributed.blocks import Shard
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits.pairs import (
    Pairs,
    check_count,
    check_fraction,
    check_way,
    share_of,
    split_stream,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.cluster import Future
    from hybridrec.distributed.dataset import ShardedDataset

DRAWS = 1 << 20  # at a time


@dataclass(frozen=True, eq=False)
class ShardedSplit:
    """Training interactions beside held-out ones of the same users and items.

    Attributes
    ----------
    name : str
    train, test : ShardedDataset
    seed : int or None
    """

    name: str
    train: ShardedDataset
    test: ShardedDataset
    seed: int | None


def random_split(
    data: ShardedDataset, *, test_fraction: float = 0.2, by: str = "global", random_state: int = 0
) -> ShardedSplit:
    """Hold out a random share of the pairs; see `hybridrec.evaluation.random_split`."""
    check_fraction("test_fraction", test_fraction)
    check_way(by)
    firsts = _firsts(data)
    if by == "user":
        chosen = data.cluster.map(
            _share_of_users, data.by_user, firsts, seed=random_state, fraction=test_fraction
        )
    else:
        count = share_of(data.nnz, test_fraction, "interactions")
        level = _smallest(data.nnz, count, random_state)
        chosen = data.cluster.map(_below, data.by_user, firsts, seed=random_state, level=level)
    return _split("random", data, chosen, random_state)


def leave_last_n(data: ShardedDataset, *, n: int = 1) -> ShardedSplit:
    """Hold out the last items of every user; see `hybridrec.evaluation.leave_last_n`.

    The data must have been read with ``keep_times=True``.
    """
    check_count("n", n, 1)
    tie = data.cluster.share(data.items.tie_order)
    return _split("leave-last-n", data, data.cluster.map(_last, data.by_user, n=n, tie=tie), None)


SPLITS: Mapping[str, Callable[..., ShardedSplit]] = {
    "random": random_split,
    "leave-last-n": leave_last_n,
}


def _split(name: str, data: ShardedDataset, chosen: list[Future], seed: int | None) -> ShardedSplit:
    """Take the chosen pairs of every shard apart from the others."""
    cluster = data.cluster
    train, test = (cluster.map(_part, data.by_user, chosen, held=held) for held in (False, True))
    made = ShardedSplit(name, data.with_shards(train), data.with_shards(test), seed)
    if made.test.nnz == 0:
        raise DataError(f"split {name!r}: nothing is held out, there is nothing to test")
    return made


def _part(shard: Shard, chosen: np.ndarray, held: bool) -> Shard:
    """Return the chosen pairs of a shard, or the others."""
    from scipy.sparse import csr_matrix

    keep = chosen if held else ~chosen
    before = np.concatenate([[0], np.cumsum(keep)])
    old = shard.matrix
    parts = old.data[keep], old.indices[keep], before[old.indptr].astype(old.indptr.dtype)
    times = None if shard.times is None else shard.times[keep]
    return Shard(csr_matrix(parts, shape=old.shape), times)


def _pairs(matrix: csr_matrix) -> Pairs:
    users = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    return Pairs(users, matrix.indices, np.arange(matrix.nnz), *matrix.shape)


def _last(shard: Shard, n: int, tie: np.ndarray) -> np.ndarray:
    if shard.times is None:
        raise ParameterError("leave-last-n needs timestamps, and data read with keep_times=True")
    pairs = _pairs(shard.matrix)
    counts = np.where(pairs.per_user > n, n, 0)
    return pairs.first_of_each_user(counts, -shard.times, tie[pairs.items])


def _share_of_users(shard: Shard, first: int, seed: int, fraction: float) -> np.ndarray:
    pairs = _pairs(shard.matrix)
    owned = pairs.per_user
    counts = np.minimum((owned * fraction + 0.5).astype(np.int64), owned - 1)
    return pairs.first_of_each_user(counts, _draws(seed, first, len(pairs)))


def _below(shard: Shard, first: int, seed: int, level: float) -> np.ndarray:
    chosen: np.ndarray = _draws(seed, first, shard.matrix.nnz) <= level
    return chosen


def _firsts(data: ShardedDataset) -> list[int]:
    """Return the place of the first pair of every shard among all pairs."""
    before = np.concatenate([[0], np.cumsum(data.user_counts)])
    firsts: list[int] = before[data.user_starts[:-1]].tolist()
    return firsts


def _draws(seed: int, first: int, count: int) -> np.ndarray:
    """Return some of the numbers that a local split draws, one a pair, all in one stream."""
    stream = split_stream("random", seed)
    while first:
        skipped = min(first, DRAWS)
        stream.random(skipped)
        first -= skipped
    return stream.random(count)


def _smallest(total: int, count: int, seed: int) -> float:
    """Return the largest of the ``count`` smallest draws, of which few are in memory at a time."""
    near, share = 20.0 / np.sqrt(total), count / total
    low, high = share - near, share + near
    below, found = 0, []
    stream = split_stream("random", seed)
    for begin in range(0, total, DRAWS):
        draws = stream.random(min(DRAWS, total - begin))
        below += int(np.count_nonzero(draws < low))
        found.append(draws[(draws >= low) & (draws <= high)])
    close = np.concatenate(found)
    at = count - below - 1
    if not 0 <= at < len(close):  # so far from its mean that no stream gets there
        raise ParameterError(f"random_state {seed} cannot cut {total} pairs; choose another")
    return float(np.partition(close, at)[at])
