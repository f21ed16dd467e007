"""Kernels of walks with restart: where they are, for many starts at a time.

A lane is one start: it does not depend on the others. Where walks come to is a sum over the nodes
beside an item in their order, so that nodes may be taken a block after the other: the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LANES = 64  # starts that walk side by side: long enough for SIMD, few enough for the cache


@njit(cache=True, nogil=True)
def _pull(
    indptr: np.ndarray,
    indices: np.ndarray,
    weights: np.ndarray,
    source: np.ndarray,
    out: np.ndarray,
) -> None:
    """Add the weighted rows of ``source`` that each row of a CSR matrix names, one by one."""
    for row in range(len(indptr) - 1):
        total = out[row]
        for at in range(indptr[row], indptr[row + 1]):
            neighbor, weight = source[np.uint32(indices[at])], weights[at]
            for lane in range(LANES):
                total[lane] += weight * neighbor[lane]


@njit(cache=True, nogil=True)
def _rest(here: np.ndarray, share: np.float32, total: np.ndarray) -> None:
    """Add the share of walks that end where they are."""
    for item in range(len(here)):
        for lane in range(LANES):
            total[item, lane] += share * here[item, lane]


@njit(cache=True, nogil=True)
def reach_block(
    starts: np.ndarray,
    from_items: tuple[np.ndarray, np.ndarray, np.ndarray],
    to_items: tuple[np.ndarray, np.ndarray, np.ndarray],
    ends: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write where walks from some items end, over the items.

    ``sum over t of ends[t] T^t``, where T goes from an item to a node beside it (a user, a
    feature) and on to an item.

    Parameters
    ----------
    starts : ndarray of int64, shape (n,)
        Items.
    from_items : CSR (indptr, indices, weights)
        nodes x items: probability of going from the item to the node.
    to_items : CSR (indptr, indices, weights)
        items x nodes: probability of going from the node to the item.
    ends : ndarray of float32, shape (steps + 1,)
        Shares of the walks that end after so many round trips.
    out : ndarray of float32, shape (n, n_items), out
    """
    n_nodes, n_items = len(from_items[0]) - 1, len(to_items[0]) - 1
    here = np.empty((n_items, LANES), dtype=np.float32)
    beside = np.empty((n_nodes, LANES), dtype=np.float32)
    total = np.empty((n_items, LANES), dtype=np.float32)
    for first in range(0, len(starts), LANES):
        count = min(LANES, len(starts) - first)
        here[:] = 0
        total[:] = 0
        for lane in range(count):
            here[starts[first + lane], lane] = 1
        _rest(here, ends[0], total)
        for share in ends[1:]:
            beside[:] = 0
            _pull(from_items[0], from_items[1], from_items[2], here, beside)
            here[:] = 0
            _pull(to_items[0], to_items[1], to_items[2], beside, here)
            _rest(here, share, total)
        for item in range(n_items):
            for lane in range(count):
                out[first + lane, item] = total[item, lane]


@njit(cache=True, nogil=True)
def add_round_trip(
    here: np.ndarray,
    from_items: tuple[np.ndarray, np.ndarray, np.ndarray],
    to_items: tuple[np.ndarray, np.ndarray, np.ndarray],
    out: np.ndarray,
) -> None:
    """Add where walks come to that go by way of some of the nodes: a block of them.

    Parameters
    ----------
    here : ndarray of float32 or float64, shape (n, n_items, LANES)
        Where they are.
    from_items, to_items : CSR (indptr, indices, weights)
        As of `reach_block`, of the nodes of the block.
    out : ndarray, the same
        What came by way of the blocks before; added to.
    """
    beside = np.empty((len(from_items[0]) - 1, LANES), dtype=here.dtype)
    for group in range(len(here)):
        beside[:] = 0
        _pull(from_items[0], from_items[1], from_items[2], here[group], beside)
        _pull(to_items[0], to_items[1], to_items[2], beside, out[group])
