"""Users and items in blocks of consecutive codes, and rows of interactions on their way there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ROWS = 1 << 22  # interactions of a block, about
LEAST = 16  # blocks, however few interactions, so that workers share them about evenly
MOST = 512  # blocks, however many: every one meets every other on the way to the other side


class Rows(NamedTuple):
    """Interactions as columns of codes."""

    users: np.ndarray
    """int32"""
    items: np.ndarray
    """int32"""
    weights: np.ndarray
    """float32"""
    times: np.ndarray | None
    """float64, seconds"""

    def take(self, chosen: np.ndarray) -> Rows:
        """Return some rows, a mask or positions."""
        times = None if self.times is None else self.times[chosen]
        return Rows(self.users[chosen], self.items[chosen], self.weights[chosen], times)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Return all rows in the order of the parts."""
        users, items, weights, times = zip(*parts, strict=True)
        timed = None if times[0] is None else np.concatenate(times)
        return cls(np.concatenate(users), np.concatenate(items), np.concatenate(weights), timed)


class Shard(NamedTuple):
    """The interactions of a block of users, or of items."""

    matrix: csr_matrix
    """float32, (rows of the block, all of the other side), sorted."""
    times: np.ndarray | None = None
    """float64, in the order of the matrix's entries."""


def block_starts(counts: np.ndarray, rows: int = ROWS) -> np.ndarray:
    """Cut codes into blocks with about as many interactions each.

    The cut depends on the data alone, never on the number of workers.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        Interactions of every code.
    rows : int
        Of a block, about.

    Returns
    -------
    ndarray of int64, shape (blocks + 1,)
        Where blocks start; the last entry is n.
    """
    n = len(counts)
    load = np.cumsum(counts.astype(np.float64) + 1.0)  # ids without a row are work, too
    blocks = min(max(LEAST, -(-int(counts.sum()) // rows)), MOST, max(n, 1))
    cuts = np.searchsorted(load, load[-1] * np.arange(1, blocks) / blocks) + 1 if n else []
    inner = np.minimum(np.asarray(cuts, dtype=np.int64), n)
    return np.unique(np.concatenate([[0], inner, [n]]))


def in_blocks(whole: Any, starts: np.ndarray) -> list[Any]:
    """Return the rows of every block of an array or a matrix."""
    return [whole[begin:end] for begin, end in pairwise(starts.tolist())]


def by_block(codes: np.ndarray, starts: np.ndarray) -> list[np.ndarray]:
    """Return the positions of the codes of every block, in the order they are in."""
    block = (np.searchsorted(starts, codes, side="right") - 1).astype(np.int16)  # sorted by radix
    order = np.argsort(block, kind="stable")
    ends = np.searchsorted(block[order], np.arange(len(starts)))
    return [order[ends[at] : ends[at + 1]] for at in range(len(starts) - 1)]


def shard_of(rows: Rows, shape: tuple[int, int]) -> Shard:
    """Return distinct pairs as a matrix of this shape, users counted from 0."""
    from scipy.sparse import csr_matrix

    order = np.argsort(rows.users.astype(np.int64) * shape[1] + rows.items)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows.users, minlength=shape[0]))])
    parts = rows.weights[order], rows.items[order], starts.astype(np.int32)
    matrix = csr_matrix(parts, shape=shape)
    return Shard(matrix, None if rows.times is None else rows.times[order])


def own(matrix: csr_matrix) -> csr_matrix:
    """Give a matrix arrays that may be written to, and return it.

    What came over the network may not be. Kernels are compiled for either kind of array, which
    takes seconds, and perhaps to other instructions: so they get one kind alone.
    """
    for name in ("data", "indices", "indptr"):
        setattr(matrix, name, np.require(getattr(matrix, name), requirements="W"))
    return matrix


def items_apart(matrix: csr_matrix, starts: np.ndarray) -> list[csr_matrix]:
    """Return what a block of users has of every block of items: items x users of the block."""
    by_item = matrix.T.tocsr()
    return in_blocks(by_item, starts)


def users_together(pieces: Sequence[csr_matrix]) -> csr_matrix:
    """Return a block of items over all users, from what every block of users has of it."""
    from scipy.sparse import hstack

    return hstack(pieces, format="csr", dtype=np.float32)
