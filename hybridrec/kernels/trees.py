"""Kernels of boosted trees: their features, ranks among a user's items, and their sum.

A tree is a range of nodes. A node has a feature and a threshold, and the nodes to go to with a
value of at most the threshold (left) or above it (right), counted from the first node of its
tree; a leaf has feature -1 and a value.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FEW = 20  # items of a row up to which counting is faster than sorting


@njit(cache=True, nogil=True)
def middle_ranks(
    block: np.ndarray,
    measured: np.ndarray,
    starts: np.ndarray,
    items: np.ndarray,
    ranks: np.ndarray,
) -> None:
    """Write the share of the measured items of a row that score less, ties counting half.

    Parameters
    ----------
    block : ndarray of float32, shape (rows, n_items)
    measured : ndarray of int, shape (m,)
        At least one item.
    starts : ndarray of int64, shape (rows + 1,)
        ``items[starts[r] : starts[r + 1]]`` are asked for in row r.
    items : ndarray of int, shape (n,)
    ranks : ndarray of float32, shape (n,), out
    """
    for row in range(len(block)):
        scores = block[row][measured]
        first, last = starts[row], starts[row + 1]
        sort = last - first > FEW
        if sort:
            scores = np.sort(scores)
        for place in range(first, last):
            score = block[row, items[place]]
            if sort:
                below = np.searchsorted(scores, score)
                upto = np.searchsorted(scores, score, side="right")
            else:
                below, upto = (scores < score).sum(), (scores <= score).sum()
            ranks[place] = (below + upto) / (2.0 * len(scores))


@njit(cache=True, nogil=True)
def sum_of_trees(
    values: np.ndarray,
    starts: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    value: np.ndarray,
    total: np.ndarray,
) -> None:
    """Add the values of the leaves that rows of features come to, one tree after the other.

    Parameters
    ----------
    values : ndarray of float, shape (n, features)
    starts : ndarray of int32, shape (trees + 1,)
        First node of every tree.
    feature, left, right : ndarray of int32, shape (nodes,)
    threshold, value : ndarray of float64, shape (nodes,)
    total : ndarray of float64, shape (n,), in and out
    """
    for row in range(len(values)):
        for tree in range(len(starts) - 1):
            node = starts[tree]
            while feature[node] >= 0:
                below = values[row, feature[node]] <= threshold[node]
                node = starts[tree] + (left[node] if below else right[node])
            total[row] += value[node]
