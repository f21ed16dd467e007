"""Kernels of exact top-k that all scorers share: a heap, selection from blocks, exact scores.

Order of two items: the higher score first, equal scores by the lower ``tie`` rank. A score of
minus infinity or NaN never leaves. Both are packed into one number, so that a list is sorted by
comparing integers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.lanes import LANES, reaching

_SUMS = 4  # that run beside each other
_SIGN = np.uint32(0x80000000)
_ALL = np.uint32(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def rank_key(score: np.float32, tie: int) -> np.uint64:
    """Pack a score and a tie rank: the key of what comes first is the larger one."""
    bits = np.float32(score + np.float32(0)).view(np.uint32)  # -0 is 0
    ordered = np.uint32(bits ^ (_ALL if bits & _SIGN else _SIGN))
    return (np.uint64(ordered) << np.uint64(32)) | np.uint64(_ALL - np.uint32(tie))


@njit(cache=True, nogil=True)
def _score_of(key: np.uint64) -> np.float32:
    ordered = np.uint32(key >> np.uint64(32))
    return np.uint32(ordered ^ (_SIGN if ordered & _SIGN else _ALL)).view(np.float32)


@njit(cache=True, nogil=True)
def _sift_down(keys: np.ndarray, items: np.ndarray, size: int) -> None:
    """Restore the heap, whose root is the worst kept entry, after the root was replaced."""
    root = 0
    key, item = keys[0], items[0]
    while True:
        child = 2 * root + 1
        if child >= size:
            break
        child += child + 1 < size and keys[child + 1] < keys[child]
        if keys[child] >= key:
            break
        keys[root], items[root] = keys[child], items[child]
        root = child
    keys[root], items[root] = key, item


@njit(cache=True, nogil=True)
def keep_best(keys: np.ndarray, items: np.ndarray, size: int, key: np.uint64, item: int) -> int:
    """Offer an entry to a heap of the best ``len(keys)`` so far; return its new size."""
    if size == len(keys):
        if key > keys[0]:
            keys[0], items[0] = key, item
            _sift_down(keys, items, size)
        return size
    place = size
    while place > 0 and keys[(place - 1) >> 1] > key:
        keys[place], items[place] = keys[(place - 1) >> 1], items[(place - 1) >> 1]
        place = (place - 1) >> 1
    keys[place], items[place] = key, item
    return size + 1


@njit(cache=True, nogil=True)
def score_at_root(keys: np.ndarray, size: int) -> np.float32:
    """Return the score that an entry must reach to get into a heap: minus infinity till full."""
    return _score_of(keys[0]) if size == len(keys) else np.float32(-np.inf)


@njit(cache=True, nogil=True)
def write_list(
    keys: np.ndarray, kept: np.ndarray, size: int, items: np.ndarray, scores: np.ndarray
) -> None:
    """Empty a heap into a list, best first, padded with -1 and minus infinity."""
    for place in range(size - 1, -1, -1):
        items[place], scores[place] = kept[0], _score_of(keys[0])
        keys[0], kept[0] = keys[place], kept[place]
        _sift_down(keys, kept, place)
    items[size:] = -1
    scores[size:] = -np.inf


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
        CSR rows of items that must not come out.
    allowed : ndarray of bool, shape (n_items,)
    tie : ndarray of int32, shape (n_items,)
    items : ndarray of int32, shape (rows, k), out
        Filled with -1 where there are fewer than k.
    scores : ndarray of float32, shape (rows, k), out
        Minus infinity there.
    """
    n_items = block.shape[1]
    keys = np.empty(items.shape[1], dtype=np.uint64)
    kept = np.empty(items.shape[1], dtype=np.int32)
    may = allowed.copy()
    for row in range(block.shape[0]):
        excluded = exclude_indices[exclude_indptr[row] : exclude_indptr[row + 1]]
        for item in excluded:
            may[item] = False
        size, bar = 0, np.float32(-np.inf)
        for start in range(0, n_items, LANES):
            if start + LANES <= n_items and not reaching(block[row], start, bar):
                continue
            for item in range(start, min(start + LANES, n_items)):
                score = block[row, item]
                if score >= bar and score > -np.inf and may[item]:
                    size = keep_best(keys, kept, size, rank_key(score, tie[item]), item)
                    bar = score_at_root(keys, size)
        write_list(keys, kept, size, items[row], scores[row])
        for item in excluded:
            may[item] = allowed[item]


@njit(cache=True, nogil=True)
def exact_scores(
    user: np.ndarray,
    item_factors: np.ndarray,
    item_bias: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write ``user . Q[items[j]] + b`` summed in float64 in a fixed order; skip items of -1.

    A matrix product rounds differently with its shape; these scores do not, so lists are the
    same for one user or many, at any thread count.
    """
    one = np.zeros(_SUMS, dtype=np.int64)
    for start in range(0, len(items), _SUMS):
        stop = min(start + _SUMS, len(items))
        for place in range(start, stop):
            one[place - start] = max(items[place], 0)
        # Each sum waits for its own last addition, so several of them run side by side.
        a, b, c, d = one[0], one[1], one[2], one[3]
        sum_a, sum_b = np.float64(item_bias[a]), np.float64(item_bias[b])
        sum_c, sum_d = np.float64(item_bias[c]), np.float64(item_bias[d])
        for f in range(len(user)):
            factor = np.float64(user[f])
            sum_a += factor * np.float64(item_factors[a, f])
            sum_b += factor * np.float64(item_factors[b, f])
            sum_c += factor * np.float64(item_factors[c, f])
            sum_d += factor * np.float64(item_factors[d, f])
        sums = (sum_a, sum_b, sum_c, sum_d)
        for place in range(start, stop):
            if items[place] >= 0:
                scores[place] = sums[place - start]


@njit(cache=True, nogil=True)
def exact_dots(
    user_factors: np.ndarray,
    item_factors: np.ndarray,
    item_bias: np.ndarray,
    rows: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write ``P[rows[r]] . Q[items[r, j]] + b``, see `exact_scores`; items of -1 are left alone."""
    if len(item_bias) == 0:
        return
    for r in range(items.shape[0]):
        exact_scores(user_factors[rows[r]], item_factors, item_bias, items[r], scores[r])


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
