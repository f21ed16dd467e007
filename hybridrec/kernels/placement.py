"""Kernels that find where test items stand among all candidates, from tiles of scores.

A tile holds the scores of a few users for a few candidates, so nothing of the size users x items
is ever held. Scores from a matrix product are rounded; where one is too near a test item's to
tell, the exact score decides: it is the one `hybridrec.kernels.topk.exact_dots` gives.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# What rounding to float32 can do to a threshold, and to its sum with the error, as a share of it.
_RELATIVE = 2.0**-22


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _count(scores: np.ndarray, low: np.float32, high: np.float32) -> tuple[int, int]:
    """Return how many scores are above ``high``, and how many are ``low`` or more; NaN is neither.

    Counted in float32, which is exact up to 2**24 and half as wide as the integers would be.
    """
    above = np.float32(0)
    not_below = np.float32(0)
    for column in range(len(scores)):
        score = scores[column]
        above += np.float32(1) if score > high else np.float32(0)
        not_below += np.float32(1) if score >= low else np.float32(0)
    return int(above), int(not_below)


@njit(cache=True, nogil=True)
def _exact(user: np.ndarray, item: np.ndarray) -> np.float32:
    total = 0.0
    for factor in range(len(user)):
        total += np.float64(user[factor]) * np.float64(item[factor])
    return np.float32(total)


@njit(cache=True, nogil=True)
def count_above(
    tile: np.ndarray,
    first: int,
    error: np.ndarray,
    user_factors: np.ndarray,
    item_factors: np.ndarray,
    tie: np.ndarray,
    known_indptr: np.ndarray,
    known: np.ndarray,
    test_indptr: np.ndarray,
    test_scores: np.ndarray,
    test_tie: np.ndarray,
    above: np.ndarray,
    tied: np.ndarray,
    ahead: np.ndarray,
    negatives: np.ndarray,
) -> None:
    """Add what one tile holds to the counts of every test item.

    Parameters
    ----------
    tile : ndarray of float32, shape (users, width), overwritten
    first : int
        Number of the tile's first column among the columns of all tiles.
    error : ndarray of float64, shape (users,)
        How far scores of the tile can be from exact ones; 0 if they are exact.
    user_factors, item_factors : ndarray of float32, shapes (users, f) and (width, f)
        Their products in order are the exact scores. Not read where there is no error.
    tie : ndarray of int32, shape (width,)
        Order of equal scores.
    known_indptr, known : ndarray
        CSR rows of columns (of all tiles) that are no negatives of the user: seen items and test
        items. -1 is no column.
    test_indptr : ndarray
        CSR rows of the test items, to which the next arrays belong.
    test_scores, test_tie : ndarray of float32 and of int32
        Exact scores, minus infinity for items that are never recommended.
    above, tied, ahead : ndarray of int32, added to
        Negatives with a higher score, with the same, and those of the same that come first.
    negatives : ndarray of int32, shape (users,), added to
    """
    n_users, width = tile.shape
    for user in range(n_users):
        scores = tile[user]
        negatives[user] += width
        for place in range(known_indptr[user], known_indptr[user + 1]):
            column = known[place] - first
            if 0 <= column < width:
                scores[column] = np.nan
                negatives[user] -= 1
        for test in range(test_indptr[user], test_indptr[user + 1]):
            score = test_scores[test]
            slack = 0.0
            if error[user] > 0 and score > -np.inf:
                slack = error[user] + _RELATIVE * abs(score)
            low, high = np.float32(score - slack), np.float32(score + slack)
            clearly, possibly = _count(scores, low, high)
            above[test] += clearly
            if possibly > clearly:
                left, right = user_factors[user], item_factors
                exact = slack == 0
                for column in range(width):
                    if not low <= scores[column] <= high:
                        continue
                    other = scores[column] if exact else _exact(left, right[column])
                    above[test] += other > score
                    tied[test] += other == score
                    ahead[test] += other == score and tie[column] < test_tie[test]


@njit(cache=True, nogil=True)
def ranks_of_tests(
    indptr: np.ndarray, scores: np.ndarray, tie: np.ndarray, above: np.ndarray, ahead: np.ndarray
) -> np.ndarray:
    """Return the rank of every test item in the full list of its user, from 1, int32.

    0 for a score of minus infinity. The arguments are those of `count_above`; what is left to do
    is the order of a user's test items among themselves.
    """
    ranks = np.zeros(len(scores), dtype=np.int32)
    for user in range(len(indptr) - 1):
        for test in range(indptr[user], indptr[user + 1]):
            score = scores[test]
            if score == -np.inf:
                continue
            rank = 1 + above[test] + ahead[test]
            for other in range(indptr[user], indptr[user + 1]):
                same = scores[other] == score
                rank += scores[other] > score or (same and tie[other] < tie[test])
            ranks[test] = rank
    return ranks


@njit(cache=True, nogil=True)
def statistics_of_ranks(
    ranks: np.ndarray, indptr: np.ndarray, cutoffs: np.ndarray, discounts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what `hybridrec.kernels.metrics.rank_statistics` returns, from ranks of test items.

    Parameters
    ----------
    ranks : ndarray of int32, shape (test items,)
        From 1; 0 for an item that is in no list.
    indptr : ndarray of int, shape (n_users + 1,)
    cutoffs : ndarray of int64, shape (n_k,)
        Ascending.
    discounts : ndarray of float64
        What a hit at each rank is worth, as long as the last cut-off or the longest list.
    """
    n_users, n_k = len(indptr) - 1, len(cutoffs)
    hits = np.zeros((n_users, n_k), dtype=np.int32)
    gains = np.zeros((n_users, n_k), dtype=np.float64)
    precisions = np.zeros((n_users, n_k), dtype=np.float64)
    first = np.zeros(n_users, dtype=np.int32)
    for user in range(n_users):
        found, gain, precision = 0, 0.0, 0.0
        cut = 0
        for rank in np.sort(ranks[indptr[user] : indptr[user + 1]]):
            if rank == 0:
                continue
            if found == 0:
                first[user] = rank
            while cut < n_k and cutoffs[cut] < rank:
                hits[user, cut], gains[user, cut], precisions[user, cut] = found, gain, precision
                cut += 1
            if cut == n_k:
                break
            found += 1
            gain += discounts[rank - 1]
            precision += found / rank
        for rest in range(cut, n_k):
            hits[user, rest], gains[user, rest], precisions[user, rest] = found, gain, precision
    return hits, gains, precisions, first
