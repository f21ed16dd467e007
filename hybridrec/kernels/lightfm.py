"""Stochastic descent of LightFM over samples: find a negative, weigh it, move three rows.

The losses are those of Kula (2015): WARP and k-OS WARP (Weston et al. 2011, 2013), BPR (Rendle
et al. 2009) and the logistic loss. A row of a user is its factors, a constant 1 and zeros up to
a whole number of `LANES`; a row of an item is its factors, its bias and zeros. So a score is the
product of two rows, and a bias learns like any other column.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from hybridrec.kernels.lightfm_steps import FLOAT_MATH, ONE, Pace, Rows, step
from hybridrec.kernels.prefetch import prefetch_row
from hybridrec.kernels.rng import bounded, stream_key

WARP, KOS, BPR, LOGISTIC = range(4)
LANES = 16  # floats of the widest vector registers

_MOST = 10.0  # largest weight of a sample, as in the package
_PATIENCE = 100  # draws for an item that the user does not have
_KTH, _TRIED = 5, 10  # k-OS takes the 5th best of 10 positives: the defaults of the package
_AHEAD, _NEGATIVES = 2, 3  # samples, and negatives of each, that memory is asked for in advance


class Samples(NamedTuple):
    """What is learned from, and what cannot be a negative.

    Attributes
    ----------
    users, items : ndarray of int32, shape (samples,)
        k-OS chooses another item of the user.
    weights : ndarray of float32, shape (samples,)
    indptr, indices : ndarray
        Positives of all users: CSR with sorted indices.
    pool : ndarray of int32
        Items that negatives are drawn from.
    """

    users: np.ndarray
    items: np.ndarray
    weights: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    pool: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def learn(
    batch: np.ndarray,
    seed: np.uint64,
    done: int,
    samples: Samples,
    loss: int,
    max_sampled: int,
    pace: Pace,
    users: Rows,
    items: Rows,
    factors: int,
) -> float:
    """Learn from samples one after the other, in place.

    Parameters
    ----------
    batch : ndarray of int
        Which samples, in order.
    seed : uint64
    done : int
        Number of the first of them; sample ``done + n`` has a random stream of its own.
    samples : Samples
    loss : int
        ``WARP``, ``KOS``, ``BPR`` or ``LOGISTIC``.
    max_sampled : int
        Negatives tried for WARP and k-OS.
    pace : Pace
    users, items : Rows
    factors : int
        Position of the constant in user rows and of the bias in item rows.

    Returns
    -------
    float
        Sum over the samples of the mean learning rate of their rows.
    """
    # Arrays are taken out of the tuples once: every access in the loop would count references.
    of_user, of_item, weights, indptr, indices, pool = samples
    user_rows, user_squares, user_moves, user_gradients = users
    item_rows, item_squares, item_moves, item_gradients = items
    width = user_rows.shape[1]
    user_row, change = np.empty(width, np.float32), np.empty(width, np.float32)
    source = of_item if loss == BPR else pool
    rates = np.float64(0.0)
    for at in range(batch.size):
        if at + _AHEAD < batch.size:
            sample, key = batch[at + _AHEAD], stream_key(seed, done + at + _AHEAD)
            _prefetch(user_rows, user_squares, of_user[sample])
            _prefetch(item_rows, item_squares, of_item[sample])
            for tried in range(_NEGATIVES):
                prefetch_row(item_rows, source[bounded(key, tried, source.size)])
        sample = batch[at]
        user, positive = of_user[sample], of_item[sample]
        first, last = indptr[user], indptr[user + 1]
        key = stream_key(seed, done + at)
        _copy(user_rows, user, user_row)
        if loss == KOS:
            positive = _kth_positive(user_row, item_rows, indices, first, last, key)
        score = _dot(user_row, item_rows, positive)
        if loss in (BPR, LOGISTIC):
            negative, up, down = _sampled(
                user_row, item_rows, score, loss, indices, first, last, source, key
            )
        else:
            negative, up = _violating(
                user_row, item_rows, score, indices, first, last, source, key, max_sampled
            )
            down = up
        if negative < 0:
            continue
        prefetch_row(item_squares, negative)
        raised = np.float32(-min(up * weights[sample], _MOST))
        lowered = np.float32(min(down * weights[sample], _MOST))
        _weighted_sum(item_rows, positive, raised, negative, lowered, change)
        change[factors] = 0.0  # the constant of the user stays
        rates += step(
            item_rows, item_squares, item_moves, item_gradients, positive, user_row, raised, pace
        )
        rates += step(user_rows, user_squares, user_moves, user_gradients, user, change, ONE, pace)
        rates += step(
            item_rows, item_squares, item_moves, item_gradients, negative, user_row, lowered, pace
        )
    return float(rates / (3 * width))


@njit(cache=True, nogil=True, forceinline=True)
def _prefetch(values: np.ndarray, squares: np.ndarray, row: int) -> None:
    prefetch_row(values, row)
    prefetch_row(squares, row)


@njit(cache=True, nogil=True, error_model="numpy")
def _violating(
    user_row: np.ndarray,
    item_rows: np.ndarray,
    score: np.float32,
    indices: np.ndarray,
    first: int,
    last: int,
    pool: np.ndarray,
    key: np.uint64,
    max_sampled: int,
) -> tuple[int, float]:
    """Draw until an item comes within 1 of the score of the positive; -1 if none does.

    Returns
    -------
    (int, float)
        The item, and the logarithm of the rank that the number of draws lets expect.
    """
    bar = score - ONE
    for tried in range(max_sampled):
        item = pool[bounded(key, tried, pool.size)]
        if _dot(user_row, item_rows, item) > bar and not _among(item, indices, first, last):
            return item, np.log(max(1, (pool.size - 1) // (tried + 1)))
    return -1, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _sampled(
    user_row: np.ndarray,
    item_rows: np.ndarray,
    score: np.float32,
    loss: int,
    indices: np.ndarray,
    first: int,
    last: int,
    source: np.ndarray,
    key: np.uint64,
) -> tuple[int, float, float]:
    """Draw an item that is not the user's own, -1 if none is found.

    Returns
    -------
    (int, float, float)
        The item, and the slopes of the loss at the scores of the positive and of the item.
    """
    for tried in range(_PATIENCE):
        item = source[bounded(key, tried, source.size)]
        if not _among(item, indices, first, last):
            other = _dot(user_row, item_rows, item)
            if loss == BPR:
                slope = 1.0 / (1.0 + np.exp(score - other))
                return item, slope, slope
            return item, 1.0 / (1.0 + np.exp(score)), 1.0 / (1.0 + np.exp(-other))
    return -1, 0.0, 0.0


@njit(cache=True, nogil=True)
def _among(item: int, indices: np.ndarray, first: int, last: int) -> bool:
    """Tell whether an item is in a part of the indices, which is sorted."""
    end = last
    while first < last:
        middle = (first + last) // 2
        if indices[middle] < item:
            first = middle + 1
        else:
            last = middle
    return first < end and indices[first] == item


@njit(cache=True, nogil=True)
def _kth_positive(
    user_row: np.ndarray,
    item_rows: np.ndarray,
    indices: np.ndarray,
    first: int,
    last: int,
    key: np.uint64,
) -> int:
    """Return the item of the k-th best score of some of the user's own."""
    count = min(_TRIED, last - first)
    found, scores = np.empty(count, np.int64), np.empty(count, np.float32)
    stream = stream_key(key, 0)  # its own: the key itself draws the negatives
    for n in range(count):
        found[n] = indices[first + bounded(stream, n, last - first)]
        scores[n] = -_dot(user_row, item_rows, found[n])
    return int(found[np.argsort(scores)[min(_KTH, count) - 1]])


# ---- rows of numbers ----------------------------------------------------------------------------


@njit(cache=True, nogil=True, fastmath=FLOAT_MATH)
def _dot(one: np.ndarray, rows: np.ndarray, row: int) -> np.float32:
    total = np.float32(0.0)
    for d in range(one.size):
        total += one[d] * rows[row, d]
    return total


@njit(cache=True, nogil=True, fastmath=FLOAT_MATH)
def _copy(rows: np.ndarray, row: int, out: np.ndarray) -> None:
    for d in range(out.size):
        out[d] = rows[row, d]


@njit(cache=True, nogil=True, fastmath=FLOAT_MATH)
def _weighted_sum(
    rows: np.ndarray, one: int, of_one: np.float32, two: int, of_two: np.float32, out: np.ndarray
) -> None:
    for d in range(out.size):
        out[d] = of_one * rows[one, d] + of_two * rows[two, d]
