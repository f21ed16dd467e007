"""Kernels of re-ranking: greedy selection among each user's candidates, one after the other.

Candidates are positions 0, 1, ... of a row; their relevance is minus infinity where there is no
candidate. Every kernel writes the positions in their new order and ends a row with -1. Of gains
that are equal but for rounding the first position wins.
"""

from __future__ import annotations

import numpy as np
from numba import njit

OWN = 0.01  # share of every item's squared length that no other item has a part in (DPP)
SMOOTHING = 0.01  # alpha of Steck 2018
ROUNDING = 1e-9  # gains that differ by less are equal


@njit(cache=True, nogil=True)
def relevances(items: np.ndarray, scores: np.ndarray, relevance: np.ndarray) -> None:
    """Write the scores of each row's candidates with mean 0 and standard deviation 1.

    All are 0 if they are equal.

    Parameters
    ----------
    items : ndarray of int32, shape (n, m)
        Negative where there is no candidate.
    scores : ndarray of float32, shape (n, m)
        Minus infinity likewise.
    relevance : ndarray of float64, shape (n, m), out
        Minus infinity there.
    """
    for row in range(items.shape[0]):
        count, total, squares = 0, 0.0, 0.0
        for place in range(items.shape[1]):
            if items[row, place] >= 0 and scores[row, place] > -np.inf:
                count += 1
                total += scores[row, place]
        mean = total / max(count, 1)
        for place in range(items.shape[1]):
            relevance[row, place] = -np.inf
            if items[row, place] >= 0 and scores[row, place] > -np.inf:
                relevance[row, place] = scores[row, place] - mean
                squares += relevance[row, place] ** 2
        deviation = np.sqrt(squares / max(count, 1))
        for place in range(items.shape[1]):
            if relevance[row, place] > -np.inf:
                relevance[row, place] = relevance[row, place] / deviation if deviation > 0 else 0.0


# ---- how alike candidates are -------------------------------------------------------------------


@njit(cache=True, nogil=True)
def sparse_cosines(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    width: int,
    items: np.ndarray,
    cosines: np.ndarray,
) -> None:
    """Write the cosines of all pairs of each row's candidates, from sparse vectors.

    Parameters
    ----------
    indptr, indices, data : ndarray
        Vectors of length 1 or 0, one row an item; data float32.
    width : int
        Their number of columns.
    items : ndarray of int32, shape (n, m)
        Negative where there is no candidate.
    cosines : ndarray of float32, shape (n, m, m), out
        Candidates of which nothing is known are as unlike the others as those are on average.
    """
    spread = np.zeros(width, dtype=np.float32)
    for row in range(items.shape[0]):
        for one in range(items.shape[1]):
            start, end = _stretch(indptr, items[row, one])
            for at in range(start, end):
                spread[indices[at]] = data[at]
            cosines[row, one, one] = end > start
            for other in range(one + 1, items.shape[1]):
                product = np.float32(0.0)
                first, last = _stretch(indptr, items[row, other])
                for at in range(first, last):
                    product += spread[indices[at]] * data[at]
                cosines[row, one, other] = product
                cosines[row, other, one] = product
            for at in range(start, end):
                spread[indices[at]] = 0.0
        _complete(cosines[row])


@njit(cache=True, nogil=True)
def _stretch(indptr: np.ndarray, item: int) -> tuple[int, int]:
    """Return where the row of an item begins and ends; empty where there is no item."""
    if item < 0:
        return 0, 0
    return indptr[item], indptr[item + 1]


@njit(cache=True, nogil=True)
def dense_cosines(vectors: np.ndarray, items: np.ndarray, cosines: np.ndarray) -> None:
    """Write the cosines of all pairs of each row's candidates, from dense vectors.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n_items, width)
        Of length 1 or 0.
    items, cosines
        As in `sparse_cosines`.
    """
    width, most = vectors.shape[1], items.shape[1]
    columns = np.empty((width, most), dtype=np.float32)
    for row in range(items.shape[0]):
        for one in range(most):
            item = items[row, one]
            for at in range(width):
                columns[at, one] = vectors[item, at] if item >= 0 else 0.0
        for one in range(most):
            line = cosines[row, one]
            line[:] = 0.0
            for at in range(width):
                for other in range(most):
                    line[other] += columns[at, one] * columns[at, other]
            line[one] = line[one] > 0
        _complete(cosines[row])


@njit(cache=True, nogil=True)
def _complete(cosines: np.ndarray) -> None:
    """Make candidates of which nothing is known as unlike the others as those are on average.

    Such a candidate is taken to be the mean vector of the known ones, and a part of its own up
    to length 1: its cosine with a known candidate is the mean of all known ones' with that
    candidate, with another unknown one the mean of those means. So nothing gains by being unknown,
    and the matrix stays one of cosines.

    Parameters
    ----------
    cosines : ndarray of float32, shape (m, m), in and out
        With zeros in the rows and columns of unknown candidates, on the diagonal too.
    """
    known = np.diag(cosines) > 0
    if known.all():
        return
    count = max(known.sum(), 1)
    means = np.zeros(len(cosines), dtype=np.float64)
    for one in range(len(cosines)):
        means += cosines[one]
    means /= count
    overall = means.sum() / count
    for one in range(len(cosines)):
        if known[one]:
            continue
        for other in range(len(cosines)):
            value = means[other] if known[other] else overall
            cosines[one, other] = value
            cosines[other, one] = value
        cosines[one, one] = 1.0


# ---- greedy orders ------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def mmr_order(relevance: np.ndarray, cosines: np.ndarray, weight: float, order: np.ndarray) -> None:
    """Order candidates by maximal marginal relevance.

    Parameters
    ----------
    relevance : ndarray of float64, shape (n, m)
    cosines : ndarray of float32, shape (n, m, m)
    weight : float
        Of the largest cosine with a candidate chosen before; relevance has the rest.
    order : ndarray of intp, shape (n, m), out
    """
    nearest = np.empty(relevance.shape[1], dtype=np.float64)
    gains = np.empty(relevance.shape[1], dtype=np.float64)
    for row in range(relevance.shape[0]):
        left = relevance[row].copy()
        for step in range(len(left)):
            for one in range(len(left)):
                gains[one] = (1.0 - weight) * left[one]
                if step > 0 and left[one] > -np.inf:
                    gains[one] -= weight * nearest[one]
            best = _best(left, gains)
            order[row, step] = best
            if best < 0:
                continue
            left[best] = -np.inf
            for one in range(len(left)):
                alike = np.float64(cosines[row, best, one])
                nearest[one] = alike if step == 0 else max(nearest[one], alike)


@njit(cache=True, nogil=True)
def dpp_order(relevance: np.ndarray, cosines: np.ndarray, weight: float, order: np.ndarray) -> None:
    """Order candidates by greedy maximisation of a determinantal point process.

    The kernel of the process is ``S = (1 - OWN) cosines + OWN I``. The gain of a candidate in
    ``log det`` of the chosen ones' part of S is the logarithm of what is left of its squared
    length; a Cholesky decomposition that grows by a row with each choice has it.

    Parameters
    ----------
    relevance : ndarray of float64, shape (n, m)
    cosines : ndarray of float32, shape (n, m, m)
    weight : float
        Of the gain in ``log det S``; relevance has the rest.
    order : ndarray of intp, shape (n, m), out
    """
    most = relevance.shape[1]
    rows = np.empty((most, most), dtype=np.float64)  # of the decomposition, one a choice
    rest = np.empty(most, dtype=np.float64)
    gains = np.empty(most, dtype=np.float64)
    for row in range(relevance.shape[0]):
        left = relevance[row].copy()
        rest[:] = 1.0
        for step in range(most):
            for one in range(most):
                gains[one] = (1.0 - weight) * left[one]
                if left[one] > -np.inf:
                    gains[one] += weight * np.log(rest[one])
            best = _best(left, gains)
            order[row, step] = best
            if best < 0:
                continue
            left[best] = -np.inf
            new = rows[step]
            for one in range(most):
                new[one] = (1.0 - OWN) * cosines[row, best, one]
            for before in range(step):
                share = rows[before, best]
                for one in range(most):
                    new[one] -= share * rows[before, one]
            length = np.sqrt(rest[best])
            for one in range(most):
                new[one] /= length
                rest[one] = max(rest[one] - new[one] ** 2, 0.5 * OWN)  # rounding


@njit(cache=True, nogil=True)
def calibrated_order(
    relevance: np.ndarray,
    items: np.ndarray,
    history_indptr: np.ndarray,
    history_indices: np.ndarray,
    history_data: np.ndarray,
    share_indptr: np.ndarray,
    share_indices: np.ndarray,
    share_data: np.ndarray,
    n_categories: int,
    weight: float,
    order: np.ndarray,
) -> None:
    """Order candidates so that the mix of categories chosen so far follows that of the history.

    Parameters
    ----------
    relevance : ndarray of float64, shape (n, m)
    items : ndarray of int32, shape (n, m)
    history_indptr, history_indices, history_data : ndarray
        Rows of items of the users; entries of 0 do not count, all others the same.
    share_indptr, share_indices, share_data : ndarray
        Categories of each item with shares that sum to 1.
    n_categories : int
    weight : float
        Of the negative divergence of the mixes; relevance has the rest.
    order : ndarray of intp, shape (n, m), out
    """
    mix = np.empty(n_categories, dtype=np.float64)
    chosen = np.empty(n_categories, dtype=np.float64)
    smooth = np.empty(n_categories, dtype=np.float64)
    gains = np.empty(relevance.shape[1], dtype=np.float64)
    for row in range(relevance.shape[0]):
        mix[:] = 0.0
        for place in range(history_indptr[row], history_indptr[row + 1]):
            if history_data[place] != 0:
                _add_shares(
                    share_indptr, share_indices, share_data, history_indices[place], 1.0, mix
                )
        mix /= max(mix.sum(), 1e-12)
        wanted = np.flatnonzero(mix)
        chosen[:] = 0.0
        count = 0  # of the chosen, those with a category
        left = relevance[row].copy()
        for step in range(len(left)):
            same = -_fit(mix, chosen, wanted, max(count, 1), smooth)
            more = -_fit(mix, chosen, wanted, count + 1, smooth)
            for one in range(len(left)):
                if left[one] == -np.inf:
                    continue
                item = items[row, one]
                divergence = more if share_indptr[item + 1] > share_indptr[item] else same
                for at in range(share_indptr[item], share_indptr[item + 1]):
                    category = share_indices[at]
                    if mix[category] > 0:
                        grown = smooth[category] + (1.0 - SMOOTHING) * share_data[at]
                        divergence -= mix[category] * np.log(grown / smooth[category])
                gains[one] = (1.0 - weight) * left[one] - weight * divergence
            best = _best(left, gains)
            order[row, step] = best
            if best >= 0:
                left[best] = -np.inf
                item = items[row, best]
                count += share_indptr[item + 1] > share_indptr[item]
                _add_shares(share_indptr, share_indices, share_data, item, 1.0, chosen)


@njit(cache=True, nogil=True)
def _fit(
    mix: np.ndarray, chosen: np.ndarray, wanted: np.ndarray, count: int, smooth: np.ndarray
) -> float:
    """Return sum of p(c) ln((1 - alpha) q(c) + alpha p(c)) for ``q = chosen / count``.

    Larger is a better fit of q to p: the divergence is what this lacks to the sum of p(c) ln p(c).
    Writes the terms of the logarithm, times ``count``, to ``smooth``.
    """
    total = 0.0
    for category in wanted:
        term = (1.0 - SMOOTHING) * chosen[category] + SMOOTHING * mix[category] * count
        smooth[category] = term
        total += mix[category] * np.log(term / count)
    return total


@njit(cache=True, nogil=True)
def exposure_order(
    relevance: np.ndarray,
    items: np.ndarray,
    share_indptr: np.ndarray,
    share_indices: np.ndarray,
    share_data: np.ndarray,
    target: np.ndarray,
    weight: float,
    order: np.ndarray,
) -> None:
    """Order candidates so that groups of items get their shares of the exposure.

    Rank r is worth ``1 / log2(r + 1)``.

    Parameters
    ----------
    relevance : ndarray of float64, shape (n, m)
    items : ndarray of int32, shape (n, m)
    share_indptr, share_indices, share_data : ndarray
        Groups of each item with shares that sum to 1.
    target : ndarray of float64, shape (groups,)
        Shares of the exposure.
    weight : float
        Of what the groups of a candidate are owed at its rank; relevance has the rest.
    order : ndarray of intp, shape (n, m), out
    """
    shown = np.empty(len(target), dtype=np.float64)
    gains = np.empty(relevance.shape[1], dtype=np.float64)
    for row in range(relevance.shape[0]):
        shown[:] = 0.0
        total = 0.0
        left = relevance[row].copy()
        for step in range(len(left)):
            worth = 1.0 / np.log2(step + 2.0)
            for one in range(len(left)):
                if left[one] == -np.inf:
                    continue
                owed = 0.0
                for at in range(share_indptr[items[row, one]], share_indptr[items[row, one] + 1]):
                    group = share_indices[at]
                    owed += share_data[at] * (target[group] * (total + worth) - shown[group])
                gains[one] = (1.0 - weight) * left[one] + weight * owed
            best = _best(left, gains)
            order[row, step] = best
            if best >= 0:
                left[best] = -np.inf
                item = items[row, best]
                total += worth * (share_indptr[item + 1] > share_indptr[item])
                _add_shares(share_indptr, share_indices, share_data, item, worth, shown)


@njit(cache=True, nogil=True)
def _add_shares(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    item: int,
    times: float,
    sums: np.ndarray,
) -> None:
    """Add the shares of an item in its groups, so many times, to the sums of the groups."""
    for at in range(indptr[item], indptr[item + 1]):
        sums[indices[at]] += times * data[at]


@njit(cache=True, nogil=True)
def _best(left: np.ndarray, gains: np.ndarray) -> int:
    """Return the first of the candidates left with the largest gain, -1 if none is left."""
    best = -1
    for one in range(len(left)):
        if left[one] > -np.inf and (best < 0 or gains[one] > gains[best] + ROUNDING):
            best = one
    return best
