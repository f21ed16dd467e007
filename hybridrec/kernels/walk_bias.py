"""Whether a proposed step of second order is taken: the bias of node2vec and node2vec+.

Come from t to v, a step to x counts its weight times a bias (Grover & Leskovec, "node2vec",
KDD 2016): ``back`` (1 / p) if x is t, 1 if there is an edge from t to x, ``far`` (1 / q)
otherwise. In node2vec+ (Liu, Hirn & Krishnan, Bioinformatics 2023) an edge from t to x that is
loose, lighter than ``loose[x]``, counts in between, and one from v to x that is lighter than
``loose[v]`` counts the least where x is not near.

Most proposals are decided without looking for the edge from t to x, or with the filter alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.rng import uniform
from hybridrec.kernels.walk_lanes import DEGREE, EDGE, KEY, LOW, NEXT, NODE, PREVIOUS
from hybridrec.kernels.walk_tables import Tables, edge_hash, find, holds, may_have, word_of


@njit(cache=True, nogil=True)
def judge(
    tables: Tables,
    back: float,
    far: float,
    lanes: np.ndarray,
    lists: np.ndarray,
    left: int,
    height: np.ndarray,
) -> int:
    """Leave in every lane of the list ``lists[0]`` the node it goes to next.

    The lanes that reject it are put back into that list; the number of those. The other lists
    are for work. A ``height`` below 0 stays so, others are free to change.
    """
    indptr, indices, weights, _, _, loose, words, symmetric = tables
    todo, queue, met, hashed, word = lists
    node, edge, degree = lanes[NODE], lanes[EDGE], lanes[DEGREE]
    previous, following = lanes[PREVIOUS], lanes[NEXT]
    for place in range(left):
        lane = todo[place]
        following[lane] = indices[np.uint64(edge[lane])]
    again, waiting = _judge_at_sight(back, far, previous, following, degree, height, lists, left)
    found = 0
    _look_up(words, symmetric, previous, following, queue[:waiting], hashed, word)
    for place in range(waiting):
        lane = np.uint64(queue[place])
        if holds(np.uint64(word[place]), np.uint64(hashed[place])):
            met[found] = lane
            found += 1
        elif height[lane] >= _bias(weights, loose, far, node[lane], edge[lane], -1, 0):
            todo[again] = lane
            again += 1
    for place in range(found):
        lane = met[place]
        target = following[lane]
        chord = _chord(indptr, indices, symmetric, previous[lane], target)
        todo[again] = lane
        again += height[lane] >= _bias(weights, loose, far, node[lane], edge[lane], chord, target)
    return again


@njit(cache=True, nogil=True)
def _judge_at_sight(
    back: float,
    far: float,
    previous: np.ndarray,
    following: np.ndarray,
    degree: np.ndarray,
    height: np.ndarray,
    lists: np.ndarray,
    left: int,
) -> tuple[int, int]:
    """Decide what needs no look-up, and queue the other lanes; how many reject, how many wait."""
    todo, queue = lists[0], lists[1]
    top, sure = max(1.0, far), min(1.0, far)
    again = waiting = 0
    for place in range(left):
        lane = todo[place]
        height[lane] *= top
        if height[lane] < 0.0:
            following[lane] = previous[lane]
        elif previous[lane] < 0 or degree[lane] == 1:
            continue
        elif following[lane] == previous[lane]:
            todo[again] = lane
            again += height[lane] >= back
        elif height[lane] >= sure:
            queue[waiting] = lane
            waiting += 1
    return again, waiting


@njit(cache=True, nogil=True)
def _look_up(
    words: np.ndarray,
    symmetric: bool,
    previous: np.ndarray,
    following: np.ndarray,
    queue: np.ndarray,
    hashed: np.ndarray,
    word: np.ndarray,
) -> None:
    """Read the words of the filter in which the edges of the lanes that wait would be.

    First all hashes, then nothing but loads: so many of these are under way at a time.
    """
    for place in range(queue.size):
        lane = np.uint64(queue[place])
        hashed[place] = np.int64(edge_hash(previous[lane], following[lane], symmetric))
    if words.size == 0:
        word[: queue.size] = -1  # every bit is set: there may be any edge
        return
    for place in range(queue.size):
        word[place] = np.int64(words[word_of(np.uint64(hashed[place]), words.size)])


@njit(cache=True, nogil=True)
def _chord(
    indptr: np.ndarray, indices: np.ndarray, symmetric: bool, source: int, target: int
) -> int:
    """Return the edge from ``source`` to ``target``, or its like in the shorter row, or -1."""
    if symmetric:
        of_source = indptr[source + 1] - indptr[source]
        of_target = indptr[target + 1] - indptr[target]
        if of_target < of_source:
            return find(indptr, indices, target, source)
    return find(indptr, indices, source, target)


@njit(cache=True, nogil=True)
def _bias(
    weights: np.ndarray,
    loose: np.ndarray,
    far: float,
    node: int,
    edge: int,
    chord: int,
    target: int,
) -> float:
    """Return the bias of an ``edge`` from ``node`` to ``target``, which does not lead back.

    ``chord`` is the edge to ``target`` from the node before, -1 where none is.
    """
    if loose.size == 0:
        return 1.0 if chord >= 0 else far
    tie = 0.0
    if chord >= 0:
        if weights[chord] >= loose[target]:
            return 1.0
        tie = weights[chord] / loose[target]
    if weights[edge] < loose[node]:
        return min(1.0, far)
    return far + (1.0 - far) * tie


@njit(cache=True, nogil=True)
def scan_rows(
    tables: Tables,
    back: float,
    far: float,
    lanes: np.ndarray,
    todo: np.ndarray,
    left: int,
    longest: int,
    counter: int,
) -> int:
    """Let those choose from their whole row, by inverse CDF, whose row is no longer than that.

    The way out when rejection would go on for longer than this takes (a large q where hardly
    any neighbour is near); as the tries before were independent, the distribution is the same.
    The number of lanes that stay on the list.
    """
    kept = 0
    for place in range(left):
        lane = todo[place]
        low, high = lanes[LOW, lane], lanes[LOW, lane] + lanes[DEGREE, lane]
        if high - low > longest:
            todo[kept] = lane
            kept += 1
            continue
        node, previous = lanes[NODE, lane], lanes[PREVIOUS, lane]
        total = 0.0
        for edge in range(low, high):
            total += _mass_of(tables, back, far, previous, node, edge)
        rest = uniform(np.uint64(lanes[KEY, lane]), counter) * total
        chosen = high - 1
        for edge in range(low, high):
            rest -= _mass_of(tables, back, far, previous, node, edge)
            if rest < 0.0:
                chosen = edge
                break
        lanes[EDGE, lane], lanes[NEXT, lane] = chosen, tables.indices[chosen]
    return kept


@njit(cache=True, nogil=True)
def _mass_of(tables: Tables, back: float, far: float, previous: int, node: int, edge: int) -> float:
    """Return weight times bias of an edge."""
    indptr, indices, weights, _, _, loose, words, symmetric = tables
    target = indices[edge]
    weight = 1.0 if weights.size == 0 else weights[edge]
    if target == previous:
        return weight * back
    chord = -1
    if may_have(words, edge_hash(previous, target, symmetric)):
        chord = _chord(indptr, indices, symmetric, previous, target)
    return weight * _bias(weights, loose, far, node, edge, chord, target)
