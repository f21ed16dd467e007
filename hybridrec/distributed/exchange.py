"""How shards come by the factors of the other side: all of them, or those that they name.

All of them is the faster way where every worker has the memory: they are sent once to each.
Otherwise a shard gets the rows that its interactions name, a part of the shard at a time. Either
way its rows are solved from the same numbers, so the results are the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import numpy as np

from hybridrec.distributed.blocks import by_block, own
from hybridrec.distributed.once import once
from hybridrec.distributed.shuffle import shuffle
from hybridrec.models.factors import FixedSide, each, spectrum_of

if TYPE_CHECKING:
    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.models.hybrid_als_sides import Side

BYTES = 4  # of a factor
WHOLE = 0.5  # share of a worker's memory for all factors of a side, as they arrive and joined
ARRIVING = 0.25  # the same for those that are named, of the shards at work
TOGETHER = 2  # shards of a worker at a time: which of them has which is not known


class Shared(NamedTuple):
    """What all shards need to know of the factors of a side, beside these themselves."""

    gram: np.ndarray
    """float64 (d, d)"""
    mean: np.ndarray
    """float32 (d,), as rows are pulled to it."""


class Axes(NamedTuple):
    """How the factors of a side are turned for the other; see `FixedSide`."""

    spectrum: np.ndarray
    basis: np.ndarray
    unobserved: float


class Told(NamedTuple):
    """What a shard goes by, beside the factors of the other side."""

    axes: Future
    shared: Future
    weights: Future | None


class Exchange:
    """Refits shards of a side from the factors of the other.

    Parameters
    ----------
    cluster : Cluster
    shards : sequence of Future of Side
    """

    def __init__(self, cluster: Cluster, shards: Sequence[Future]) -> None:
        self.cluster, self.shards = cluster, list(shards)

    def refitted(
        self, factors: Sequence[Future], others: Sequence[Future], told: Told
    ) -> list[Future]:
        """Return new factors of all shards, from the present ones and the other side's."""
        common = {"others": list(others), "token": uuid4().hex, **told._asdict()}
        return self.cluster.map(_from_all, self.shards, list(factors), **common)


class ByName(Exchange):
    """The same, from those rows alone that a shard names; a few shards at a time, part by part.

    Columns of the shards are numbered anew, by the names of their part.

    Parameters
    ----------
    cluster : Cluster
    shards : sequence of Future of Side
    starts : ndarray of int64
        The first code of each block of the other side.
    n_parts : int
        Parts of a shard.
    """

    def __init__(
        self, cluster: Cluster, shards: Sequence[Future], starts: np.ndarray, n_parts: int
    ) -> None:
        both = cluster.map(_numbered, shards, starts=starts, n_parts=n_parts)
        numbered, asked = cluster.split(both, range(2))
        super().__init__(cluster, numbered)
        self.n_parts, blocks = n_parts, len(starts) - 1
        at_a_time = TOGETHER * cluster.n_workers
        self.groups = [slice(at, at + at_a_time) for at in range(0, len(numbered), at_a_time)]
        wanted = [shuffle(cluster, asked[group], n_parts * blocks, list) for group in self.groups]
        cluster.wait(sum(wanted, numbered))
        self.wanted = [
            [one[at : at + blocks] for at in range(0, n_parts * blocks, blocks)] for one in wanted
        ]

    def refitted(
        self, factors: Sequence[Future], others: Sequence[Future], told: Told
    ) -> list[Future]:
        """Return new factors of all shards, from the present ones and the other side's."""
        blocks, found = self.cluster.map(_turned, list(others), axes=told.axes), []
        for group, wanted in zip(self.groups, self.wanted, strict=True):
            own = self.shards[group], list(factors[group])
            parts = [self._part(at, one, blocks, own, told) for at, one in enumerate(wanted)]
            of_shards = [list(one) for one in zip(*parts, strict=True)]
            found += self.cluster.map(_joined, of_shards, own[0])
        return found

    def _part(
        self,
        at: int,
        wanted: Sequence[Future],
        blocks: Sequence[Future],
        own: tuple[Sequence[Future], Sequence[Future]],
        told: Told,
    ) -> list[Future]:
        """Return new factors of a part of some shards, when they are there.

        Or else the rows that all parts name would be on their way at a time.
        """
        lists = self.cluster.map(_picked, blocks, wanted)
        about = {"at": at, "n_parts": self.n_parts, **told._asdict()}
        found = shuffle(self.cluster, lists, len(own[0]), _from_named, *own, **about)
        self.cluster.wait(found)
        return found


def exchange_for(
    cluster: Cluster,
    shards: Sequence[Future],
    starts: np.ndarray,
    counts: np.ndarray,
    others: np.ndarray,
    width: int,
) -> Exchange:
    """Return the way that the memory of the workers allows.

    Parameters
    ----------
    cluster : Cluster
    shards : sequence of Future of Side
    starts, others : ndarray of int64
        The first code of each block of this side, and of the other.
    counts : ndarray of int64
        Interactions of every row of this side.
    width : int
        Factors.
    """
    if not needs_names(others[-1], width, cluster.memory):
        return Exchange(cluster, shards)
    largest = float(np.add.reduceat(counts, starts[:-1]).max())
    return ByName(cluster, shards, others, parts_for(largest, width, cluster.memory))


def needs_names(size: float, width: int, memory: float) -> bool:
    """Tell whether all factors of a side, ``size`` rows, are too many for a worker's memory."""
    return 2 * size * width * BYTES > WHOLE * memory


def parts_for(entries: float, width: int, memory: float) -> int:
    """Return in how many parts the rows arrive that a shard of so many entries names at most."""
    return max(1, ceil(TOGETHER * entries * width * BYTES / (ARRIVING * memory)))


def axes_of(about: Shared, unobserved: float) -> Axes:
    """Return how a side is turned, absent entries having this confidence."""
    absent = each(unobserved, 1)[0]
    return Axes(*spectrum_of(about.gram * float(absent)), float(absent))


def active(side: Side, factors: np.ndarray) -> np.ndarray:
    """Return the factors of the trained rows of a shard."""
    return factors if len(side.active) == len(factors) else factors[side.active]


def everyone(side: Side, factors: np.ndarray) -> np.ndarray:
    """Return the factors of all rows of a shard, from those of the trained ones."""
    if len(factors) == side.size:
        return factors
    wide = np.zeros((side.size, factors.shape[1]), dtype=np.float32)
    wide[side.active] = factors
    return wide


# ---- all of them ---------------------------------------------------------------------------------


def _from_all(
    side: Side,
    factors: np.ndarray,
    others: list[np.ndarray],
    token: str,
    axes: Axes,
    shared: Shared,
    weights: np.ndarray | None,
) -> np.ndarray:
    fixed = once(token, lambda: _fixed(_all_turned(others, axes), axes))
    own(side.rows)
    found = side.refitted(fixed, active(side, factors), shared.mean, weights)
    return everyone(side, found)


def _all_turned(blocks: list[np.ndarray], axes: Axes) -> np.ndarray:
    whole, start = np.empty((sum(map(len, blocks)), len(axes.basis)), dtype=np.float32), 0
    for block in blocks:
        np.matmul(block, axes.basis, out=whole[start : start + len(block)])
        start += len(block)
    return whole


def _fixed(turned: np.ndarray, axes: Axes) -> FixedSide:
    return FixedSide(turned, each(axes.unobserved, len(turned)), axes.spectrum, axes.basis)


# ---- those that are named ------------------------------------------------------------------------


def _numbered(side: Side, starts: np.ndarray, n_parts: int) -> tuple[Side, list[np.ndarray]]:
    """Return a shard with columns by their names, and whom it names: by part and block."""
    from scipy.sparse import csr_matrix

    rows, fresh = side.rows, np.empty_like(side.rows.indices)
    asked = []
    for part in _parts(side, n_parts):
        entries = slice(rows.indptr[part.start], rows.indptr[part.stop])
        names, fresh[entries] = np.unique(rows.indices[entries], return_inverse=True)
        places = by_block(names, starts)
        asked += [
            (names[those] - first).astype(np.int32)
            for those, first in zip(places, starts[:-1], strict=True)
        ]
    numbered = copy(side)
    numbered.rows = csr_matrix((rows.data, fresh, rows.indptr), shape=rows.shape, copy=False)
    return numbered, asked


def _parts(side: Side, n_parts: int) -> list[slice]:
    """Cut the trained rows of a shard into parts with about as many entries each."""
    indptr = side.rows.indptr
    inner = np.searchsorted(indptr, indptr[-1] * np.arange(1, n_parts) / n_parts)
    return [slice(*ends) for ends in pairwise([0, *inner.tolist(), len(indptr) - 1])]


def _turned(block: np.ndarray, axes: Axes) -> np.ndarray:
    turned: np.ndarray = block @ axes.basis
    return turned


def _picked(block: np.ndarray, wanted: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the rows that every shard wants of a block."""
    return [block[rows] for rows in wanted]


def _from_named(
    pieces: list[np.ndarray],
    side: Side,
    factors: np.ndarray,
    at: int,
    n_parts: int,
    axes: Axes,
    shared: Shared,
    weights: np.ndarray | None,
) -> np.ndarray:
    """Return new factors of the trained rows of one part of a shard."""
    own(side.rows)
    part, fixed = _parts(side, n_parts)[at], _fixed(np.concatenate(pieces), axes)
    return side.refitted(fixed, active(side, factors), shared.mean, weights, part)


def _joined(parts: list[np.ndarray], side: Side) -> np.ndarray:
    return everyone(side, np.concatenate(parts))
