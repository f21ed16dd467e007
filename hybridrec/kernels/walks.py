"""Random walks on a CSR graph: first order, and second order as node2vec defines it.

The walkers of a block take each step together, so that the cache misses of one overlap with
the work of the others. The numbers of a walk come from its own stream, at a counter made of the
step and the draw within it: walks do not depend on blocks or threads.

A weighted graph comes with the running sums of its weights per row (`row_cumulative`), an
unweighted one with an empty array in their place.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from hybridrec.kernels.rng import stream_key, uniform

_LANES = 64  # walkers in lockstep: enough to hide memory latency, few enough to stay in cache
_DRAWS = 2**32  # counters set aside for one step
_EXTRA_TRIES = 8  # rejections beyond the row's length before the row is scanned instead


@njit(cache=True, nogil=True)
def row_cumulative(indptr: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the running sums of the weights within each row, float64 (edges,)."""
    sums = np.empty(weights.size, np.float64)
    for node in range(indptr.size - 1):
        total = 0.0
        for edge in range(indptr[node], indptr[node + 1]):
            total += weights[edge]
            sums[edge] = total
    return sums


@njit(cache=True, nogil=True)
def walk_keys(seed: np.uint64, starts: np.ndarray, walks: np.ndarray) -> np.ndarray:
    """Return the stream keys of walk number ``walks[i]`` from start number ``starts[i]``."""
    keys = np.empty(starts.size, np.uint64)
    for row in range(starts.size):
        keys[row] = stream_key(stream_key(seed, starts[row]), walks[row])
    return keys


@njit(cache=True, nogil=True, parallel=True)
def first_order(
    indptr: np.ndarray,
    indices: np.ndarray,
    cumulative: np.ndarray,
    keys: np.ndarray,
    walks: np.ndarray,
) -> None:
    """Continue each row of ``walks``, its start in column 0, by the weights of the edges.

    Parameters
    ----------
    indptr, indices : ndarray
        int64 (nodes + 1,) and int32 (edges,), the CSR graph.
    cumulative : ndarray
        float64 (edges,) from `row_cumulative`, or (0,) for an unweighted graph.
    keys : ndarray
        uint64 (walks,), the stream of each walk.
    walks : ndarray
        int32 (walks, length), filled in place; -1 after a dead end.
    """
    count, length = walks.shape
    for block in prange((count + _LANES - 1) // _LANES):
        first = block * _LANES
        for step in range(1, length):
            for row in range(first, min(first + _LANES, count)):
                walks[row, step] = _first_step(
                    indptr, indices, cumulative, keys[row], step, walks[row, step - 1]
                )


@njit(cache=True, nogil=True, parallel=True)
def second_order(
    indptr: np.ndarray,
    indices: np.ndarray,
    cumulative: np.ndarray,
    keys: np.ndarray,
    walks: np.ndarray,
    back: float,
    far: float,
) -> None:
    """Continue each row of ``walks`` with the bias of node2vec (Grover & Leskovec, KDD 2016).

    From ``current``, come from ``previous``, an edge to x counts its weight times ``back``
    (1 / p) if x is ``previous``, times 1 if there is an edge from ``previous`` to x, and times
    ``far`` (1 / q) otherwise. Rejection sampling, so nothing is stored per pair of edges.
    Parameters as in `first_order`.
    """
    count, length = walks.shape
    for block in prange((count + _LANES - 1) // _LANES):
        first = block * _LANES
        for step in range(1, length):
            for row in range(first, min(first + _LANES, count)):
                current = walks[row, step - 1]
                if step == 1:
                    node = _first_step(indptr, indices, cumulative, keys[row], step, current)
                else:
                    previous = walks[row, step - 2]
                    node = _second_step(
                        indptr, indices, cumulative, keys[row], step, previous, current, back, far
                    )
                walks[row, step] = node


@njit(cache=True, nogil=True)
def _first_step(
    indptr: np.ndarray,
    indices: np.ndarray,
    cumulative: np.ndarray,
    key: np.uint64,
    step: int,
    current: int,
) -> int:
    """Return the next node of a first-order walk, -1 where none is."""
    if current < 0:
        return -1
    low, high = indptr[current], indptr[current + 1]
    if low == high:
        return -1
    return int(indices[_pick(cumulative, low, high, uniform(key, step * _DRAWS))])


@njit(cache=True, nogil=True)
def _pick(cumulative: np.ndarray, low: int, high: int, u: float) -> int:
    """Return the edge of row [low, high) at the share ``u`` of its weight, by inverse CDF."""
    if cumulative.size == 0:
        return low + min(int(u * (high - low)), high - low - 1)
    target = u * cumulative[high - 1]
    last = high - 1  # never beyond the row, however the sums were rounded
    while low < last:
        middle = (low + last) >> 1
        if cumulative[middle] > target:
            last = middle
        else:
            low = middle + 1
    return low


@njit(cache=True, nogil=True)
def _weight(cumulative: np.ndarray, low: int, edge: int) -> float:
    """Return the weight of an edge of the row that starts at ``low``."""
    if cumulative.size == 0:
        return 1.0
    return float(cumulative[edge] - (cumulative[edge - 1] if edge > low else 0.0))


@njit(cache=True, nogil=True)
def _find(indptr: np.ndarray, indices: np.ndarray, source: int, target: int) -> int:
    """Return the edge from ``source`` to ``target``, -1 where none is: search a sorted row."""
    low, high = indptr[source], indptr[source + 1]
    while low < high:
        middle = (low + high) >> 1
        if indices[middle] < target:
            low = middle + 1
        else:
            high = middle
    if low < indptr[source + 1] and indices[low] == target:
        return int(low)
    return -1


@njit(cache=True, nogil=True)
def _second_step(
    indptr: np.ndarray,
    indices: np.ndarray,
    cumulative: np.ndarray,
    key: np.uint64,
    step: int,
    previous: int,
    current: int,
    back: float,
    far: float,
) -> int:
    """Return the next node of a second-order walk, -1 where none is.

    Edges are proposed by weight and accepted with probability bias / ``top``, ``top`` being the
    largest bias of an edge that does not lead back. Where the way back counts more than that,
    the excess is a proposal of its own, always accepted; a small p then costs no rejections.
    """
    if current < 0:
        return -1
    low, high = indptr[current], indptr[current + 1]
    if low == high:
        return -1
    top = max(1.0, far)
    total = top * (np.float64(high - low) if cumulative.size == 0 else cumulative[high - 1])
    excess = 0.0
    if back > top:
        edge = _find(indptr, indices, current, previous)
        if edge >= 0:
            excess = (back - top) * _weight(cumulative, low, edge)
    for attempt in range(high - low + _EXTRA_TRIES):
        draw = step * _DRAWS + 2 * attempt
        mass = uniform(key, draw) * (total + excess) - excess
        if mass < 0.0:
            return previous
        node = int(indices[_pick(cumulative, low, high, mass / total)])
        height = uniform(key, draw + 1) * top
        if _accepts(indptr, indices, previous, node, back, far, height):
            return node
    u = uniform(key, step * _DRAWS + 2 * (high - low + _EXTRA_TRIES))
    return _scan_row(indptr, indices, cumulative, previous, current, back, far, u)


@njit(cache=True, nogil=True)
def _accepts(
    indptr: np.ndarray,
    indices: np.ndarray,
    previous: int,
    node: int,
    back: float,
    far: float,
    height: float,
) -> bool:
    """Return whether ``height`` is below the bias of a step to ``node``, with few searches."""
    if node == previous:
        return height < back
    if height < min(1.0, far):
        return True
    near = _find(indptr, indices, previous, node) >= 0
    return near == (far < 1.0)  # between the two biases: only the larger one is above


@njit(cache=True, nogil=True)
def _bias(
    indptr: np.ndarray, indices: np.ndarray, previous: int, node: int, back: float, far: float
) -> float:
    """Return the bias of a step to ``node`` for a walker that came from ``previous``."""
    if node == previous:
        return back
    return 1.0 if _find(indptr, indices, previous, node) >= 0 else far


@njit(cache=True, nogil=True)
def _scan_row(
    indptr: np.ndarray,
    indices: np.ndarray,
    cumulative: np.ndarray,
    previous: int,
    current: int,
    back: float,
    far: float,
    u: float,
) -> int:
    """Return the next node by inverse CDF over the whole row of ``current``.

    The way out when rejection would go on for longer than this takes (a large q where hardly
    any neighbour is near); as the tries before were independent, the distribution is the same.
    """
    low, high = indptr[current], indptr[current + 1]
    total = 0.0
    for edge in range(low, high):
        bias = _bias(indptr, indices, previous, indices[edge], back, far)
        total += bias * _weight(cumulative, low, edge)
    rest = u * total
    for edge in range(low, high):
        bias = _bias(indptr, indices, previous, indices[edge], back, far)
        rest -= bias * _weight(cumulative, low, edge)
        if rest < 0.0:
            return int(indices[edge])
    return int(indices[high - 1])
