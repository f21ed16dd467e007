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
_CHUNK = 64  # columns that are searched at a time for scores near a test item's


@njit(cache=True, nogil=True)
def _hide(scores: np.ndarray, columns: np.ndarray, first: int) -> None:
    """Give the scores of some columns of all tiles, where they are of this one, minus infinity."""
    for column in columns:
        if first <= column < first + len(scores):
            scores[column - first] = -np.inf


@njit(cache=True, nogil=True)
def _below(scores: np.ndarray, low: np.float32) -> tuple[int, np.uint32]:
    """Return how many scores are below ``low``, and by how much the nearest other exceeds it.

    The latter as bits. A difference of floats has the right sign, and those from 0 up are ordered
    like their bits, below all negative ones: so one pass needs no comparison of floats, and no
    more than four vector operations.
    """
    below = np.uint32(0)
    least = np.uint32(0xFFFFFFFF)
    for column in range(len(scores)):
        bits = np.float32(scores[column] - low).view(np.uint32)
        below = np.uint32(below + (bits >> np.uint32(31)))  # numba would count in 64 bits
        least = min(least, bits)
    return int(below), least


@njit(cache=True, nogil=True)
def _exact(user: np.ndarray, item: np.ndarray) -> np.float32:
    total = 0.0
    for factor in range(len(user)):
        total += np.float64(user[factor]) * np.float64(item[factor])
    return np.float32(total)


@njit(cache=True, nogil=True)
def _unscored(
    scores: np.ndarray, tie: np.ndarray, hidden: np.ndarray, first: int, limit: int
) -> tuple[int, int, int]:
    """Return how many columns have a score, how many have none, and how many of these come first.

    Those are the ones with a tie rank below ``limit``. Hidden columns do not count.
    """
    scored, tied, ahead = 0, 0, 0
    for column in range(len(scores)):
        if scores[column] > -np.inf:
            scored += 1
        else:
            tied += 1
            ahead += tie[column] < limit
    for column in hidden:
        if first <= column < first + len(scores):
            tied -= 1
            ahead -= tie[column - first] < limit
    return scored, tied, ahead


@njit(cache=True, nogil=True)
def _settle(
    scores: np.ndarray,
    low: np.float32,
    high: np.float32,
    score: np.float32,
    user: np.ndarray,
    items: np.ndarray,
    tie: np.ndarray,
    limit: int,
) -> tuple[int, int, int]:
    """Compare the scores in [low, high] with ``score``, by exact ones if these are two numbers.

    Returns how many are not above, how many are the same, and how many of these have a tie rank
    below ``limit``.
    """
    not_above, tied, ahead = 0, 0, 0
    gap = np.float32(high - low).view(np.uint32)
    for start in range(0, len(scores), _CHUNK):
        if _below(scores[start : start + _CHUNK], low)[1] > gap:
            continue
        for column in range(start, min(start + _CHUNK, len(scores))):
            if low <= scores[column] <= high:
                other = scores[column] if low == high else _exact(user, items[column])
                not_above += int(other <= score)
                tied += int(other == score)
                ahead += int(other == score and tie[column] < limit)
    return not_above, tied, ahead


@njit(cache=True, nogil=True)
def count_above(
    tile: np.ndarray,
    first: int,
    users: np.ndarray,
    error: np.ndarray,
    ceiling: np.ndarray,
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
) -> None:
    """Add what one tile holds to the counts of every test item.

    Parameters
    ----------
    tile : ndarray of float32, shape (rows, width), overwritten
        Finite scores, or minus infinity.
    first : int
        Number of the tile's first column among the columns of all tiles.
    users : ndarray of int, shape (rows,)
        To whom the rows of the tile belong; the next arrays but two have a row for every user.
    error, ceiling : ndarray of float64, shape (rows,)
        How far scores of the tile can be from exact ones (0 if they are exact), and a bound that
        no exact score exceeds.
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
    """
    n_rows, width = tile.shape
    for row in range(n_rows):
        user, scores = users[row], tile[row]
        hidden = known[known_indptr[user] : known_indptr[user + 1]]
        _hide(scores, hidden, first)
        for test in range(test_indptr[user], test_indptr[user + 1]):
            score = test_scores[test]
            if score > ceiling[row]:
                continue
            if score == -np.inf:
                counts = _unscored(scores, tie, hidden, first, test_tie[test])
                above[test] += counts[0]
                tied[test] += counts[1]
                ahead[test] += counts[2]
                continue
            slack = error[row] + _RELATIVE * abs(score) if error[row] > 0 else 0.0
            low, high = np.float32(score - slack), np.float32(score + slack)
            below, least = _below(scores, low)
            above[test] += width - below
            if least <= np.float32(high - low).view(np.uint32):
                counts = _settle(
                    scores, low, high, score, user_factors[user], item_factors, tie, test_tie[test]
                )
                above[test] -= counts[0]
                tied[test] += counts[1]
                ahead[test] += counts[2]


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
    hits = np.zeros((n_k, n_users), dtype=np.int32).T
    gains = np.zeros((n_k, n_users), dtype=np.float64).T
    precisions = np.zeros((n_k, n_users), dtype=np.float64).T
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
