"""Kernels that turn the candidates of `hybridrec.kernels.topk_dense` into exact lists."""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.topk import exact_scores, keep_best, rank_key, write_list
from hybridrec.kernels.topk_dense import TOO_MANY, shrink

_STEP = 256  # items scored at a time


@njit(cache=True, nogil=True)
def _offer(
    items: np.ndarray,
    scores: np.ndarray,
    may: np.ndarray,
    tie: np.ndarray,
    keys: np.ndarray,
    kept: np.ndarray,
    size: int,
) -> int:
    """Offer the items that may come out to a heap of the best; return its new size."""
    for place in range(len(items)):
        item = items[place]
        if may[item] and scores[place] > -np.inf:
            size = keep_best(keys, kept, size, rank_key(scores[place], tie[item]), item)
    return size


@njit(cache=True, nogil=True)
def write_lists(
    users: np.ndarray,
    item_factors: np.ndarray,
    item_bias: np.ndarray,
    order: np.ndarray,
    exclude_indptr: np.ndarray,
    exclude_indices: np.ndarray,
    allowed: np.ndarray,
    tie: np.ndarray,
    error: np.ndarray,
    candidates: np.ndarray,
    rounded: np.ndarray,
    sizes: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Choose the best candidates by exact scores; look at all items where they do not fit.

    Parameters
    ----------
    users : ndarray of float32, shape (rows, f)
    item_factors, item_bias : ndarray of float32, shapes (n_items, f) and (n_items,)
    order : ndarray of int32
        All items to look at.
    exclude_indptr, exclude_indices, allowed, tie
        As in `hybridrec.kernels.topk.select_top`.
    error, candidates, rounded, sizes
        As `hybridrec.kernels.topk_dense.scan_tile` left them.
    items, scores : ndarray of int32 and of float32, shape (rows, k), out
    """
    k = items.shape[1]
    keys, kept = np.empty(k, dtype=np.uint64), np.empty(k, dtype=np.int32)
    exact = np.empty(max(_STEP, candidates.shape[1]), dtype=np.float32)
    for row in range(len(users)):
        found, size = 0, sizes[row]
        if size > k:
            size = shrink(candidates[row], rounded[row], size, k, error[row])[0]
        if size != TOO_MANY:
            own = candidates[row, :size]
            exact_scores(users[row], item_factors, item_bias, own, exact)
            found = _offer(own, exact, allowed, tie, keys, kept, found)
        else:
            may = allowed.copy()
            for item in exclude_indices[exclude_indptr[row] : exclude_indptr[row + 1]]:
                may[item] = False
            for start in range(0, len(order), _STEP):
                own = order[start : start + _STEP]
                exact_scores(users[row], item_factors, item_bias, own, exact)
                found = _offer(own, exact, may, tie, keys, kept, found)
        write_list(keys, kept, found, items[row], scores[row])
