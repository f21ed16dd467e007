"""Kernels of exact top-k: mask and select from score blocks, exact scores of chosen pairs.

Order of two items: the higher score first, equal scores by the lower ``tie`` rank. A score of
minus infinity or NaN never leaves.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, inline="always")
def _worse(score_a: float, tie_a: int, score_b: float, tie_b: int) -> bool:
    """Tell whether a stands below b in a list."""
    return score_a < score_b or (score_a == score_b and tie_a > tie_b)


@njit(cache=True, nogil=True)
def _sift_down(
    scores: np.ndarray, items: np.ndarray, tie: np.ndarray, start: int, size: int
) -> None:
    """Restore the heap whose root is the worst kept entry."""
    root = start
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        right = child + 1
        if right < size and _worse(
            scores[right], tie[items[right]], scores[child], tie[items[child]]
        ):
            child = right
        if not _worse(scores[child], tie[items[child]], scores[root], tie[items[root]]):
            return
        scores[root], scores[child] = scores[child], scores[root]
        items[root], items[child] = items[child], items[root]
        root = child


@njit(cache=True, nogil=True)
def _heapify(scores: np.ndarray, items: np.ndarray, tie: np.ndarray, size: int) -> None:
    for start in range(size // 2 - 1, -1, -1):
        _sift_down(scores, items, tie, start, size)


@njit(cache=True, nogil=True)
def _sort_heap(scores: np.ndarray, items: np.ndarray, tie: np.ndarray, size: int) -> None:
    """Turn a heap into a list, best first."""
    for last in range(size - 1, 0, -1):
        scores[0], scores[last] = scores[last], scores[0]
        items[0], items[last] = items[last], items[0]
        _sift_down(scores, items, tie, 0, last)


@njit(cache=True, nogil=True)
def select_top(
    block: np.ndarray,
    exclude_indptr: np.ndarray,
    exclude_indices: np.ndarray,
    allowed: np.ndarray,
    tie: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write the best allowed items of each row of a score block.

    Parameters
    ----------
    block : ndarray of float32, shape (rows, n_items)
    exclude_indptr, exclude_indices : ndarray
        CSR rows, sorted, of items that must not come out.
    allowed : ndarray of bool, shape (n_items,)
    tie : ndarray of int32, shape (n_items,)
    items : ndarray of int32, shape (rows, k), out
        Filled with -1 where there are fewer than k.
    scores : ndarray of float32, shape (rows, k), out
        Minus infinity there.
    """
    n_items = block.shape[1]
    k = items.shape[1]
    items[:] = -1
    scores[:] = -np.inf
    for row in range(block.shape[0]):
        kept_scores = scores[row]
        kept_items = items[row]
        size = 0
        excluded = exclude_indices[exclude_indptr[row] : exclude_indptr[row + 1]]
        seen = 0
        bar = -np.inf
        for item in range(n_items):
            while seen < len(excluded) and excluded[seen] < item:
                seen += 1
            score = block[row, item]
            if score < bar or not score > -np.inf or not allowed[item]:
                continue
            if seen < len(excluded) and excluded[seen] == item:
                continue
            if size < k:
                kept_scores[size] = score
                kept_items[size] = item
                size += 1
                if size == k:
                    _heapify(kept_scores, kept_items, tie, k)
                    bar = kept_scores[0]
            elif _worse(bar, tie[kept_items[0]], score, tie[item]):
                kept_scores[0] = score
                kept_items[0] = item
                _sift_down(kept_scores, kept_items, tie, 0, k)
                bar = kept_scores[0]
        if size < k:
            _heapify(kept_scores, kept_items, tie, size)
        _sort_heap(kept_scores, kept_items, tie, size)


@njit(cache=True, nogil=True)
def resort(items: np.ndarray, scores: np.ndarray, tie: np.ndarray) -> None:
    """Sort padded lists in place after their scores were recomputed, best first."""
    for row in range(items.shape[0]):
        size = 0
        while size < items.shape[1] and items[row, size] >= 0:
            size += 1
        _heapify(scores[row], items[row], tie, size)
        _sort_heap(scores[row], items[row], tie, size)


@njit(cache=True, nogil=True)
def exact_dots(
    user_factors: np.ndarray,
    item_factors: np.ndarray,
    item_bias: np.ndarray,
    rows: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write ``P[rows[r]] . Q[items[r, j]] + b`` summed in float64 in a fixed order.

    A matrix product rounds differently with its shape; these scores do not, so lists are the
    same for one user or many, at any thread count. Entries with item -1 are left alone.
    """
    for r in range(items.shape[0]):
        user = rows[r]
        for j in range(items.shape[1]):
            item = items[r, j]
            if item < 0:
                continue
            total = np.float64(item_bias[item])
            for f in range(user_factors.shape[1]):
                total += np.float64(user_factors[user, f]) * np.float64(item_factors[item, f])
            scores[r, j] = total


@njit(cache=True, nogil=True)
def sparse_block(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    weight_indptr: np.ndarray,
    weight_indices: np.ndarray,
    weight_data: np.ndarray,
    rows: np.ndarray,
    block: np.ndarray,
) -> None:
    """Write the rows of a product of two CSR matrices; minus infinity where nothing meets.

    Parameters
    ----------
    indptr, indices, data : ndarray
        CSR of the left matrix (users x m).
    weight_indptr, weight_indices, weight_data : ndarray
        CSR of the right matrix (m x n_items).
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
            middle = indices[position]
            value = np.float64(data[position])
            for other in range(weight_indptr[middle], weight_indptr[middle + 1]):
                item = weight_indices[other]
                total[item] += value * weight_data[other]
                met[item] = True
        for item in range(n_items):
            block[r, item] = total[item] if met[item] else -np.inf


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
