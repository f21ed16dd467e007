"""Skip-gram with negative sampling over walks (Mikolov et al., NeurIPS 2013).

Pair by pair, vectors would be read and written over and over. Here a stretch of a walk learns at
once, against noise that it shares, by products of small matrices, after Ji et al.,
"Parallelizing word2vec in shared and distributed memory" (2016).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from hybridrec.kernels.prefetch import prefetch_row
from hybridrec.kernels.rng import stream_key
from hybridrec.kernels.skipgram_batch import (
    count_noise,
    count_pairs,
    cut_steps,
    draw_noise,
    gather,
    number_nodes,
    scatter,
    slopes,
)

_SLOWEST = 1e-4  # the learning rate ends at this share of its start, as in word2vec
_STRETCH = 20  # positions that learn together
_SHARED = 4  # a stretch draws so many noise nodes per negative
_SHARE = np.float32(1.0 / _SHARED)


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


def scratch_bytes(walk_length: int, dimensions: int, window: int, negatives: int) -> int:
    """Return how much space `train` takes beside the tables."""
    stretch = min(_STRETCH, walk_length)
    near, target = min(walk_length, stretch + 2 * window), stretch + _SHARED * negatives
    return 8 * (dimensions * (near + target) + near * target)


class _Side(NamedTuple):
    """Scratch space for the near nodes of a stretch, or for its targets."""

    nodes: np.ndarray
    place: np.ndarray
    rows: np.ndarray
    change: np.ndarray
    squares: np.ndarray
    cut: np.ndarray


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
    rate falls linearly. The pairs of a stretch of a walk take their step together. They share
    their noise: independent draws, more than one pair would have, and worth ``negatives`` in sum.

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
        Largest reach, and what noise weighs beside a true pair.
    learning_rate : float
        At the start of the whole training.
    """
    stretch = min(_STRETCH, walks.shape[1])
    noise = _SHARED * negatives
    near = _side(min(walks.shape[1], stretch + 2 * window), vectors.shape[1])
    target = _side(stretch + noise, vectors.shape[1])
    space = np.empty((2, target.nodes.size * near.nodes.size), np.float32)
    draws = stretch + 2 * noise
    for row in range(walks.shape[0]):
        key = stream_key(seed, done + row)
        rate = np.float32(learning_rate * max(_SLOWEST, 1.0 - (done + row) / total))
        walk = walks[row, : _length(walks[row])]
        if row + 1 < walks.shape[0]:
            _ask_for(walks[row + 1], vectors, contexts)
        for first in range(0, walk.size if walk.size > 1 else 0, stretch):
            last = min(first + stretch, walk.size)
            counter = first // stretch * draws
            true = number_nodes(walk[first:last], target.nodes, target.place)
            draw_noise(target.nodes[true : true + noise], key, counter + stretch, keep, other)
            for node in target.nodes[true : true + noise]:
                prefetch_row(contexts, node)
            start, end = max(0, first - window), min(walk.size, last + window)
            known = number_nodes(walk[start:end], near.nodes, near.place)
            sides = _first(near, known), _first(target, true + noise)
            counts = space[0, : known * (true + noise)].reshape((true + noise, known))
            errors = space[1, : counts.size].reshape(counts.shape)
            count_pairs(
                counts[:true],
                near.place[: end - start],
                target.place[: last - first],
                first - start,
                key,
                counter,
                window,
            )
            count_noise(counts, target.nodes, true, _SHARE, near.cut[:known])
            _learn(vectors, contexts, *sides, counts, errors, true, rate)


@njit(cache=True, nogil=True)
def _learn(
    vectors: np.ndarray,
    contexts: np.ndarray,
    near: _Side,
    target: _Side,
    counts: np.ndarray,
    errors: np.ndarray,
    true: int,
    rate: np.float32,
) -> None:
    """Take one gradient step for the pairs of ``counts``; its first ``true`` rows are not noise.

    ``errors``, of the same shape, is scratch space.
    """
    gather(vectors, near.nodes, near.rows, near.squares)
    gather(contexts, target.nodes, target.rows, target.squares)
    np.dot(target.rows, near.rows.T, errors)
    slopes(errors.ravel(), counts.ravel(), true * counts.shape[1], rate)
    cut_steps(counts, rate, near.squares, target.squares, near.cut, target.cut)
    np.dot(errors.T, target.rows, near.change)
    np.dot(errors, near.rows, target.change)
    scatter(vectors, near.nodes, near.change, near.cut)
    scatter(contexts, target.nodes, target.change, target.cut)


@njit(cache=True, nogil=True)
def _side(size: int, dimensions: int) -> _Side:
    """Return scratch space for so many nodes."""
    rows = np.empty((2, size, dimensions), np.float32)
    numbers = np.empty((2, size), np.float32)
    return _Side(
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        rows[0],
        rows[1],
        numbers[0],
        numbers[1],
    )


@njit(cache=True, nogil=True)
def _first(side: _Side, size: int) -> _Side:
    """Return the space of the first ``size`` nodes."""
    return _Side(
        side.nodes[:size],
        side.place[:size],
        side.rows[:size],
        side.change[:size],
        side.squares[:size],
        side.cut[:size],
    )


@njit(cache=True, nogil=True)
def _ask_for(walk: np.ndarray, vectors: np.ndarray, contexts: np.ndarray) -> None:
    """Ask for the rows of a walk, to have them when its turn comes."""
    for node in walk:
        if node >= 0:
            prefetch_row(vectors, node)
            prefetch_row(contexts, node)


@njit(cache=True, nogil=True)
def _length(walk: np.ndarray) -> int:
    """Return the number of nodes of a walk."""
    length = walk.size
    while length > 0 and walk[length - 1] < 0:
        length -= 1
    return length
