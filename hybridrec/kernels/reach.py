"""Kernel of walks with restart: where they are, for many starts at a time."""

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
    """Write the sum of the weighted rows of ``source`` that each row of a CSR matrix names."""
    for row in range(len(indptr) - 1):
        total = out[row]
        total[:] = 0
        for at in range(indptr[row], indptr[row + 1]):
            neighbor, weight = source[np.uint32(indices[at])], weights[at]
            for lane in range(LANES):
                total[lane] += weight * neighbor[lane]


@njit(cache=True, nogil=True)
def reach_block(
    starts: np.ndarray,
    from_items: tuple[np.ndarray, np.ndarray, np.ndarray],
    to_items: tuple[np.ndarray, np.ndarray, np.ndarray],
    restart: float,
    steps: int,
    out: np.ndarray,
) -> None:
    """Write where walks with restart from some items are, over the items.

    ``sum over t < steps of restart (1 - restart)^t T^t + (1 - restart)^steps T^steps``, where T
    goes from an item to a node beside it (a user, a feature) and on to an item. A lane is one
    start: it does not depend on the others, nor its sums on anything but the graph.

    Parameters
    ----------
    starts : ndarray of int64, shape (n,)
        Items.
    from_items : CSR (indptr, indices, weights)
        nodes x items: probability of going from the item to the node.
    to_items : CSR (indptr, indices, weights)
        items x nodes: probability of going from the node to the item.
    restart : float
    steps : int
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
        share = np.float32(1)
        for _ in range(steps):
            stay = share * np.float32(restart)
            for item in range(n_items):
                for lane in range(LANES):
                    total[item, lane] += stay * here[item, lane]
            share *= np.float32(1 - restart)
            _pull(from_items[0], from_items[1], from_items[2], here, beside)
            _pull(to_items[0], to_items[1], to_items[2], beside, here)
        for item in range(n_items):
            for lane in range(count):
                out[first + lane, item] = total[item, lane] + share * here[item, lane]
