"""Kernels of models made of others: rows of scores, on one scale, and what weights of them gain."""

from __future__ import annotations

import numpy as np
from numba import njit

WIDTH = 512  # items at a time, so that their running sums stay in cache


@njit(cache=True, nogil=True)
def exact_products(
    users: np.ndarray, item_factors: np.ndarray, item_bias: np.ndarray, block: np.ndarray
) -> None:
    """Write ``P[r] . Q[i] + b[i]`` of all items, each summed in float64 in the order of factors.

    The same numbers as `hybridrec.kernels.topk.exact_dots`, many items at a time.

    Parameters
    ----------
    users : ndarray of float32, shape (rows, factors)
    item_factors : ndarray of float32, shape (factors, n_items)
        One row a factor.
    item_bias : ndarray of float32, shape (n_items,)
    block : ndarray of float32, shape (rows, n_items), out
    """
    total = np.empty(WIDTH, dtype=np.float64)
    for start in range(0, block.shape[1], WIDTH):
        size = min(WIDTH, block.shape[1] - start)
        for row in range(block.shape[0]):
            for item in range(size):
                total[item] = item_bias[start + item]
            for factor in range(users.shape[1]):
                value = np.float64(users[row, factor])
                for item in range(size):
                    total[item] += value * np.float64(item_factors[factor, start + item])
            for item in range(size):
                block[row, start + item] = total[item]


@njit(cache=True, nogil=True)
def fill_unreached(block: np.ndarray, scorable: np.ndarray, reached: np.ndarray) -> None:
    """Give items that are not reached the score 0, the sum of nothing, or the lowest if lower.

    Parameters
    ----------
    block : ndarray of float32, shape (rows, n_items), in and out
    scorable : ndarray of bool, shape (n_items,)
        Other items count as not reached, as those of minus infinity do.
    reached : ndarray of bool, shape (rows, n_items), out
    """
    for row in range(block.shape[0]):
        lowest = np.float32(0.0)
        for item in range(block.shape[1]):
            reached[row, item] = scorable[item] and block[row, item] > -np.inf
            if reached[row, item]:
                lowest = min(lowest, block[row, item])
        for item in range(block.shape[1]):
            if not reached[row, item]:
                block[row, item] = lowest


@njit(cache=True, nogil=True)
def standardise(block: np.ndarray, measured: np.ndarray) -> None:
    """Turn each row of scores into distances from its mean, in standard deviations.

    A row in which all measured items score the same becomes 0.

    Parameters
    ----------
    block : ndarray of float32, shape (rows, n_items), in and out
    measured : ndarray of bool, shape (n_items,)
        Items over which the mean and the standard deviation are taken.
    """
    for row in range(block.shape[0]):
        mean, spread = _moments(block[row], measured)
        scale = 1.0 / spread if spread > 0.0 else 0.0
        for item in range(block.shape[1]):
            block[row, item] = (block[row, item] - mean) * scale


@njit(cache=True, nogil=True)
def _moments(scores: np.ndarray, measured: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation over some items, zeros if there are none."""
    count = max(measured.sum(), 1)
    total, squares = 0.0, 0.0
    for item in range(len(scores)):
        if measured[item]:
            total += scores[item]
    mean = total / count
    for item in range(len(scores)):
        if measured[item]:
            squares += (scores[item] - mean) ** 2
    return mean, np.sqrt(squares / count)


@njit(cache=True, nogil=True)
def weighted_gain(
    scores: np.ndarray, hits: np.ndarray, starts: np.ndarray, weights: np.ndarray, k: int
) -> float:
    """Return the mean NDCG@k of lists that rank candidates by weighted scores.

    A hit stands below the candidates of an equal score.

    Parameters
    ----------
    scores : ndarray of float32, shape (candidates, members)
        Candidates of one list after the other.
    hits : ndarray of bool, shape (candidates,)
        At least one in every list.
    starts : ndarray of int64, shape (lists + 1,)
    weights : ndarray of float64, shape (members,)
    k : int
    """
    mean = 0.0
    discount = 1.0 / np.log2(np.arange(k) + 2.0)
    total = np.zeros(len(scores), dtype=np.float64)
    for candidate in range(len(scores)):
        for member in range(len(weights)):
            total[candidate] += weights[member] * scores[candidate, member]
    for one in range(len(starts) - 1):
        part = slice(starts[one], starts[one + 1])
        mean += _ndcg(total[part], hits[part], discount)
    return mean / (len(starts) - 1)


@njit(cache=True, nogil=True)
def _ndcg(scores: np.ndarray, hits: np.ndarray, discount: np.ndarray) -> float:
    """Return the NDCG of one list."""
    own = np.flatnonzero(hits)
    gain, best = 0.0, float(discount[: len(own)].sum())
    for hit in own:
        rank = 0
        for other in range(len(scores)):
            equal = scores[other] == scores[hit]
            if scores[other] > scores[hit] or (equal and not hits[other]):
                rank += 1
        if rank < len(discount):
            gain += discount[rank]
    return gain / best
