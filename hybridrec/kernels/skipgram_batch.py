"""One step of skip-gram: the nodes of a stretch of a walk, learned together.

The counts say how often each target (row) is paired with each node near it (column), true pairs
above and noise below. From them, a step is three products of small matrices.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.rng import bounded, uniform

_FLOAT_MATH = {"reassoc", "contract", "nsz"}  # lets sums become vector instructions
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_STEEPEST = np.float32(0.25)  # the largest slope of the logistic function
_TINY = np.float32(1e-20)

# The rational approximation of tanh that Eigen uses, to 1e-6 of float32 within +-7.9.
_TOP = tuple(
    np.float32(x)
    for x in (
        4.89352455891786e-03,
        6.37261928875436e-04,
        1.48572235717979e-05,
        5.12229709037114e-08,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    )
)
_BOTTOM = tuple(
    np.float32(x)
    for x in (
        4.89352518554385e-03,
        2.26843463243900e-03,
        1.18534705686654e-04,
        1.19825839466702e-06,
    )
)
_FAR = np.float32(7.9)


@njit(cache=True, nogil=True)
def number_nodes(walk: np.ndarray, nodes: np.ndarray, place: np.ndarray) -> int:
    """Write the distinct nodes of a stretch, and the place of each position's node among them.

    Returns
    -------
    int
        How many are distinct.
    """
    found = 0
    for position in range(walk.size):
        node = walk[position]
        at = 0
        while at < found and nodes[at] != node:
            at += 1
        if at == found:
            nodes[found] = node
            found += 1
        place[position] = at
    return found


@njit(cache=True, nogil=True)
def draw_noise(
    nodes: np.ndarray, key: np.uint64, counter: int, keep: np.ndarray, other: np.ndarray
) -> None:
    """Fill ``nodes`` with independent draws from an alias table."""
    for k in range(nodes.size):
        node = bounded(key, counter + 2 * k, keep.size)
        if uniform(key, counter + 2 * k + 1) >= keep[node]:
            node = int(other[node])
        nodes[k] = node


@njit(cache=True, nogil=True)
def count_pairs(
    counts: np.ndarray,
    near_place: np.ndarray,
    place: np.ndarray,
    ahead: int,
    key: np.uint64,
    counter: int,
    window: int,
) -> None:
    """Count (target, near node) over the true pairs; each position draws its reach.

    Parameters
    ----------
    counts : ndarray
        float32 (targets, near nodes), written.
    near_place, place : ndarray
        int64: columns of the positions that may be near, rows of those that are targets.
    ahead : int
        How many of the former come before the first of the latter.
    key, counter, window
        Of the draws.
    """
    counts[:] = 0.0
    for target in range(place.size):
        reach = 1 + bounded(key, counter + target, window)
        row, here = counts[place[target]], ahead + target
        for near in range(max(0, here - reach), min(near_place.size, here + reach + 1)):
            if near != here:
                row[near_place[near]] += _ONE


@njit(cache=True, nogil=True)
def count_noise(
    counts: np.ndarray, targets: np.ndarray, true: int, share: np.float32, pairs: np.ndarray
) -> None:
    """Give noise (rows from ``true`` on) ``share`` of the true pairs of each near node.

    A pair whose target is the noise node itself is left out, as in word2vec. ``pairs`` (near
    nodes,) is scratch space.
    """
    pairs[:] = 0.0
    for t in range(true):
        for near in range(pairs.size):
            pairs[near] += share * counts[t, near]
    for noise in range(true, counts.shape[0]):
        row = counts[noise]
        for near in range(pairs.size):
            row[near] = pairs[near]
        for t in range(true):
            if targets[t] == targets[noise]:
                own = counts[t]
                for near in range(pairs.size):
                    row[near] -= share * own[near]


@njit(cache=True, nogil=True, fastmath=_FLOAT_MATH)
def gather(table: np.ndarray, nodes: np.ndarray, rows: np.ndarray, squares: np.ndarray) -> None:
    """Copy the rows of ``nodes`` and take their squared lengths."""
    for n in range(nodes.size):
        node = nodes[n]
        source, target = table[node], rows[n]
        total = np.float32(0.0)
        for d in range(source.size):
            value = source[d]
            target[d] = value
            total += value * value
        squares[n] = total


@njit(cache=True, nogil=True, fastmath=_FLOAT_MATH)
def scatter(table: np.ndarray, nodes: np.ndarray, change: np.ndarray, cut: np.ndarray) -> None:
    """Add ``cut[n] * change[n]`` to the row of node n."""
    for n in range(nodes.size):
        node, factor = nodes[n], cut[n]
        target, source = table[node], change[n]
        for d in range(target.size):
            target[d] += factor * source[d]


@njit(cache=True, nogil=True, fastmath=_FLOAT_MATH, error_model="numpy")
def slopes(scores: np.ndarray, counts: np.ndarray, true: int, rate: np.float32) -> None:
    """Turn scores into slopes, rate x count x (label - logistic(score)), in place.

    Parameters
    ----------
    scores, counts : ndarray
        float32 (pairs,).
    true : int
        The first pairs, whose label is 1; that of the others is 0.
    rate : float32
    """
    for n in range(scores.size):
        x = min(max(scores[n] * _HALF, -_FAR), _FAR)
        s = x * x
        top = _TOP[3] + s * (_TOP[4] + s * (_TOP[5] + s * _TOP[6]))
        top = _TOP[0] + s * (_TOP[1] + s * (_TOP[2] + s * top))
        bottom = _BOTTOM[0] + s * (_BOTTOM[1] + s * (_BOTTOM[2] + s * _BOTTOM[3]))
        sign = _HALF if n < true else -_HALF  # logistic(x) = (1 + tanh(x / 2)) / 2
        scores[n] = rate * counts[n] * (sign - _HALF * x * top / bottom)


@njit(cache=True, nogil=True, fastmath=_FLOAT_MATH, error_model="numpy")
def cut_steps(
    counts: np.ndarray,
    rate: np.float32,
    near_squares: np.ndarray,
    squares: np.ndarray,
    near_cut: np.ndarray,
    cut: np.ndarray,
) -> None:
    """Return the factors that keep a step of many pairs from passing its goal.

    One after the other, pairs see what those before have done; together they do not, so a hub
    that fills half a walk would jump far too wide. With curvature at most ``_STEEPEST`` x count
    x squared length per pair, a row whose sum exceeds 1 / rate is scaled down to it.
    """
    np.dot(counts.T, squares, near_cut)
    np.dot(counts, near_squares, cut)
    for sums in (near_cut, cut):
        for n in range(sums.size):
            sums[n] = min(_ONE, _ONE / (rate * _STEEPEST * sums[n] + _TINY))
