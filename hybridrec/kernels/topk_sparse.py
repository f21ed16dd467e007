"""Kernels of exact top-k over histories: sparse rows times weights, without a full-width pass."""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.topk import keep_best, rank_key, score_at_root, write_list


@njit(cache=True, nogil=True)
def _accumulate(
    middles: np.ndarray,
    values: np.ndarray,
    weight_indptr: np.ndarray,
    weight_indices: np.ndarray,
    weight_data: np.ndarray,
    total: np.ndarray,
    met: np.ndarray,
    touched: np.ndarray,
) -> int:
    """Add the rows of the weights that a profile names; return how many items they touch."""
    count = 0
    for position in range(len(middles)):
        middle = middles[position]
        value = np.float64(values[position])
        for other in range(weight_indptr[middle], weight_indptr[middle + 1]):
            item = weight_indices[other]
            total[item] += value * weight_data[other]
            touched[count] = item
            count += not met[item]
            met[item] = True
    return count


@njit(cache=True, nogil=True)
def _offer_touched(
    touched: np.ndarray,
    total: np.ndarray,
    lack: np.float32,
    background: np.ndarray,
    may: np.ndarray,
    tie: np.ndarray,
    keys: np.ndarray,
    kept: np.ndarray,
) -> int:
    """Fill an empty heap with the best items that a profile touches; return its size."""
    size, bar = 0, np.float32(-np.inf)
    for item in touched:
        score = np.float32(total[item])
        if len(background):
            if background[item] > 0 and score < 0:
                score = np.float32(0)
            score += lack * background[item]
        if score >= bar and score > -np.inf and may[item]:
            size = keep_best(keys, kept, size, rank_key(score, tie[item]), item)
            bar = score_at_root(keys, size)
    return size


@njit(cache=True, nogil=True)
def _offer_untouched(
    by_background: np.ndarray,
    met: np.ndarray,
    lack: np.float32,
    background: np.ndarray,
    may: np.ndarray,
    tie: np.ndarray,
    keys: np.ndarray,
    kept: np.ndarray,
    size: int,
) -> int:
    """Add items that have the background alone, the largest first, as far as they can count."""
    for item in by_background:
        score = lack * background[item]
        if score < score_at_root(keys, size):
            break
        if may[item] and not met[item]:
            size = keep_best(keys, kept, size, rank_key(score, tie[item]), item)
    return size


@njit(cache=True, nogil=True)
def top_of_histories(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    weight_indptr: np.ndarray,
    weight_indices: np.ndarray,
    weight_data: np.ndarray,
    rows: np.ndarray,
    lack: np.ndarray,
    background: np.ndarray,
    by_background: np.ndarray,
    exclude_indptr: np.ndarray,
    exclude_indices: np.ndarray,
    allowed: np.ndarray,
    tie: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write the best items of some rows of a product of two CSR matrices.

    The same lists as `sparse_block` and `select_top` give, but only items that a row touches are
    looked at.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR of the left matrix (users x m).
    weight_indptr, weight_indices, weight_data : ndarray
        CSR of the right matrix (m x n_items).
    rows : ndarray of int
        Rows of the left matrix.
    lack : ndarray of float32, shape (len(rows),)
        What is multiplied with the background, of each row.
    background : ndarray of float32, shape (n_items,) or (0,)
        Added to scores; items where it is above 0 have at least this score.
    by_background : ndarray of int32
        Items where it is above 0, the largest first.
    exclude_indptr, exclude_indices : ndarray
        CSR rows of items that must not come out.
    allowed : ndarray of bool, shape (n_items,)
    tie : ndarray of int32, shape (n_items,)
    items, scores : ndarray of int32 and of float32, shape (len(rows), k), out
    """
    n_items, k = len(allowed), items.shape[1]
    total = np.zeros(n_items, dtype=np.float64)
    met = np.zeros(n_items, dtype=np.bool_)
    touched = np.empty(n_items + 1, dtype=np.int32)
    may = allowed.copy()
    keys, kept = np.empty(k, dtype=np.uint64), np.empty(k, dtype=np.int32)
    for r in range(len(rows)):
        excluded = exclude_indices[exclude_indptr[r] : exclude_indptr[r + 1]]
        for item in excluded:
            may[item] = False
        first, last = indptr[rows[r]], indptr[rows[r] + 1]
        profile = indices[first:last], data[first:last]
        weights = weight_indptr, weight_indices, weight_data
        count = _accumulate(*profile, *weights, total, met, touched)
        size = _offer_touched(touched[:count], total, lack[r], background, may, tie, keys, kept)
        size = _offer_untouched(by_background, met, lack[r], background, may, tie, keys, kept, size)
        write_list(keys, kept, size, items[r], scores[r])
        for item in touched[:count]:
            total[item], met[item] = 0.0, False
        for item in excluded:
            may[item] = allowed[item]


@njit(cache=True, nogil=True)
def dense_weights_block(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    weights: np.ndarray,
    rows: np.ndarray,
    block: np.ndarray,
) -> None:
    """Write the rows of a CSR matrix times a dense one; a weight of 0 meets nothing.

    The same numbers as `sparse_block` gives for the weights as a CSR matrix.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR of the left matrix (users x m).
    weights : ndarray of float32, shape (m, n_items)
    rows : ndarray of int
        Rows of the left matrix.
    block : ndarray of float32, shape (len(rows), n_items), out
    """
    n_items = block.shape[1]
    total = np.zeros(n_items, dtype=np.float64)
    met = np.zeros(n_items, dtype=np.bool_)
    for r in range(len(rows)):
        total[:] = 0.0
        met[:] = False
        for position in range(indptr[rows[r]], indptr[rows[r] + 1]):
            value = np.float64(data[position])
            middle = weights[indices[position]]
            for item in range(n_items):
                total[item] += value * middle[item]
                met[item] |= middle[item] != 0.0
        for item in range(n_items):
            block[r, item] = total[item] if met[item] else -np.inf
