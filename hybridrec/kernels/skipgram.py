"""Skip-gram with negative sampling over walks (Mikolov et al., NeurIPS 2013)."""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.rng import bounded, stream_key, uniform

_SLOWEST = 1e-4  # the learning rate ends at this share of its start, as in word2vec
_FLOAT_MATH = {"reassoc", "contract", "nsz"}  # lets sums become vector instructions


@njit(cache=True, nogil=True)
def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Vose's alias table of float64 weights >= 0, one of them positive.

    To draw, take an even slot; keep it with probability ``keep[slot]``, else ``other[slot]``.

    Returns
    -------
    keep, other : ndarray
        float64 and int32, both (slots,).
    """
    size = weights.size
    keep = weights * (size / weights.sum())
    other = np.arange(size).astype(np.int32)
    order = np.empty(size, np.int64)  # a stack of slots below 1, then one of the others
    below, above = 0, size
    for slot in range(size):
        if keep[slot] < 1.0:
            order[below] = slot
            below += 1
        else:
            above -= 1
            order[above] = slot
    while below > 0 and above < size:
        below -= 1
        small, large = order[below], order[above]
        other[small] = large
        keep[large] -= 1.0 - keep[small]
        if keep[large] < 1.0:
            above += 1
            order[below] = large
            below += 1
    return keep, other


@njit(cache=True, nogil=True)
def train(
    walks: np.ndarray,
    seed: np.uint64,
    done: int,
    total: int,
    keep: np.ndarray,
    other: np.ndarray,
    vectors: np.ndarray,
    contexts: np.ndarray,
    window: int,
    negatives: int,
    learning_rate: float,
) -> None:
    """Learn from a block of walks, one after the other, in place.

    As in word2vec, the reach around each position is drawn from 1 to ``window``, the vector of
    every node within it learns to tell the node at the position from noise, and the learning
    rate falls linearly. The noise nodes are shared by the whole reach: each is still an
    independent draw, but far fewer rows travel through the cache.

    Parameters
    ----------
    walks : ndarray
        int32 (walks, length), -1 after the end of a walk.
    seed : uint64
        Of the streams; a walk's stream is its number in the whole training.
    done, total : int
        Walks learned before this block, and in the whole training.
    keep, other : ndarray
        The noise distribution over nodes, from `alias_table`.
    vectors, contexts : ndarray
        float32 (nodes, dimensions): the embedding and its output side, changed in place.
    window, negatives : int
        Largest reach, and noise nodes per position.
    learning_rate : float
        At the start of the whole training.
    """
    targets = np.empty(negatives + 1, np.int64)
    slopes = np.empty(negatives + 1, np.float32)
    change = np.empty(vectors.shape[1], np.float32)
    draws = 1 + 2 * negatives
    for row in range(walks.shape[0]):
        key = stream_key(seed, done + row)
        rate = np.float32(learning_rate * max(_SLOWEST, 1.0 - (done + row) / total))
        length = _length(walks[row])
        for position in range(length):
            reach = 1 + bounded(key, position * draws, window)
            targets[0] = walks[row, position]
            count = _add_noise(targets, key, position * draws + 1, keep, other)
            for near in range(max(0, position - reach), min(length, position + reach + 1)):
                if near != position:
                    node = walks[row, near]
                    _learn(vectors, contexts, node, targets, count, slopes, change, rate)


@njit(cache=True, nogil=True)
def _length(walk: np.ndarray) -> int:
    """Return the number of nodes of a walk."""
    length = walk.size
    while length > 0 and walk[length - 1] < 0:
        length -= 1
    return length


@njit(cache=True, nogil=True)
def _add_noise(
    targets: np.ndarray, key: np.uint64, counter: int, keep: np.ndarray, other: np.ndarray
) -> int:
    """Put noise nodes behind the true node ``targets[0]``; return the number of targets.

    A draw of the true node itself is left out, as in word2vec.
    """
    count = 1
    for draw in range(counter, counter + 2 * (targets.size - 1), 2):
        node = bounded(key, draw, keep.size)
        if uniform(key, draw + 1) >= keep[node]:
            node = int(other[node])
        if node != targets[0]:
            targets[count] = node
            count += 1
    return count


@njit(cache=True, nogil=True, fastmath=_FLOAT_MATH)
def _learn(
    vectors: np.ndarray,
    contexts: np.ndarray,
    node: int,
    targets: np.ndarray,
    count: int,
    slopes: np.ndarray,
    change: np.ndarray,
    rate: np.float32,
) -> None:
    """Take one gradient step: ``node`` against ``targets``, of which the first is the true one.

    ``slopes`` (targets,) and ``change`` (dimensions,) are scratch space.
    """
    size = change.size
    one = np.float32(1.0)
    for t in range(count):
        target = targets[t]
        dot = np.float32(0.0)
        for d in range(size):
            dot += vectors[node, d] * contexts[target, d]
        slopes[t] = dot
    for t in range(count):
        slopes[t] = -rate / (one + np.exp(-slopes[t]))
    slopes[0] += rate
    change[:] = 0.0
    for t in range(count):
        target, slope = targets[t], slopes[t]
        for d in range(size):
            change[d] += slope * contexts[target, d]
            contexts[target, d] += slope * vectors[node, d]
    for d in range(size):
        vectors[node, d] += change[d]
