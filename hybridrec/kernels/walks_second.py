"""Random walks of second order: node2vec and node2vec+, by rejection sampling.

Edges are proposed by weight and accepted with probability bias / ``top``, ``top`` being the
largest bias of an edge that does not lead back. Where the way back counts more than that, the
excess is a proposal of its own, always accepted: a small p then costs no rejections.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.rng import uniform
from hybridrec.kernels.walk_bias import judge, scan_rows
from hybridrec.kernels.walk_lanes import (
    CAME,
    DEGREE,
    DRAWS,
    EDGE,
    FIELDS,
    KEY,
    LANES,
    LOW,
    NEXT,
    NODE,
    PREVIOUS,
    enter,
    find_rows,
    go_home,
    leave_dead_ends,
    write,
)
from hybridrec.kernels.walk_tables import Tables, edge_hash, find, may_have, toss

_EXTRA_TRIES = 8  # rejections beyond the row's length before the row is scanned instead


@njit(cache=True, nogil=True)
def second_order(
    tables: Tables, back: float, far: float, restart: float, keys: np.ndarray, walks: np.ndarray
) -> None:
    """Continue each row of ``walks``, its start in column 0, with the bias of node2vec.

    The first step, and the one after a restart, have no bias.

    Parameters
    ----------
    tables : Tables
    back, far : float
        1 / p and 1 / q.
    restart, keys, walks
        As in `hybridrec.kernels.walks.first_order`.
    """
    count, length = walks.shape
    lanes, lists = np.empty((FIELDS, LANES), np.int64), np.empty((5, LANES), np.int64)
    height, excess = np.empty(LANES), np.zeros(LANES)
    ratio = back / max(1.0, far) - 1.0
    for first in range(0, count, LANES):
        size = min(LANES, count - first)
        for lane in range(size):
            enter(lanes, lane, first + lane, keys, walks)
        for step in range(1, length):
            if not find_rows(tables.indptr, 0, lanes, size):
                size = leave_dead_ends(lanes, size, step, restart, walks)
            if ratio > 0.0:
                _weigh_way_back(tables, ratio, lanes, size, excess)
            _choose(tables, back, far, lanes, size, step * DRAWS, height, excess, lists)
            _move(lanes, size, height)
            if restart > 0.0:
                go_home(lanes, size, step, restart)
            write(lanes, size, step, walks)


@njit(cache=True, nogil=True)
def _choose(
    tables: Tables,
    back: float,
    far: float,
    lanes: np.ndarray,
    size: int,
    counter: int,
    height: np.ndarray,
    excess: np.ndarray,
    lists: np.ndarray,
) -> None:
    """Find the next node of every walker: propose until all have accepted."""
    todo = lists[0]
    left = 0
    for lane in range(size):
        todo[left] = lane
        left += lanes[DEGREE, lane] > 0
    tries = 0
    while left > 0:
        _propose(tables.alias, lanes, todo, left, counter + 2 * tries, height, excess)
        left = judge(tables, back, far, lanes, lists, left, height)
        tries += 1
        if tries >= _EXTRA_TRIES:
            left = scan_rows(
                tables, back, far, lanes, todo, left, tries - _EXTRA_TRIES, counter + 2 * tries
            )


@njit(cache=True, nogil=True)
def _propose(
    alias: np.ndarray,
    lanes: np.ndarray,
    todo: np.ndarray,
    left: int,
    counter: int,
    height: np.ndarray,
    excess: np.ndarray,
) -> None:
    """Draw an edge by weight, and a height in [0, 1); a negative one means the way back."""
    key, low, degree, edge = lanes[KEY], lanes[LOW], lanes[DEGREE], lanes[EDGE]
    for place in range(left):
        lane = np.uint64(todo[place])
        share = uniform(np.uint64(key[lane]), counter) * (degree[lane] + excess[lane])
        share -= excess[lane]
        slot = min(np.int64(max(share, 0.0)), degree[lane] - 1)
        edge[lane] = low[lane] + slot
        height[lane] = share - slot
    if alias.size == 0:
        return
    for place in range(left):
        lane = np.uint64(todo[place])
        if height[lane] >= 0.0:
            slot = edge[lane] - low[lane]
            edge[lane] = low[lane] + toss(alias[np.uint64(edge[lane])], slot, height[lane])
            height[lane] = uniform(np.uint64(key[lane]), counter + 1)


@njit(cache=True, nogil=True)
def _move(lanes: np.ndarray, size: int, height: np.ndarray) -> None:
    """Go to the node chosen."""
    node, previous, following = lanes[NODE], lanes[PREVIOUS], lanes[NEXT]
    edge, came = lanes[EDGE], lanes[CAME]
    for lane in range(size):
        previous[lane] = node[lane]
        node[lane] = following[lane]
        came[lane] = edge[lane] if height[lane] >= 0.0 else came[lane]  # back by the same edge


@njit(cache=True, nogil=True)
def _weigh_way_back(
    tables: Tables, ratio: float, lanes: np.ndarray, size: int, excess: np.ndarray
) -> None:
    """Leave for every lane how much the way back counts beyond its edge, in mean edges."""
    indptr, indices, weights, _, means, _, words, symmetric = tables
    node, previous, came = lanes[NODE], lanes[PREVIOUS], lanes[CAME]
    for lane in range(size):
        excess[lane] = 0.0
        if previous[lane] < 0:
            continue
        edge = came[lane]
        if not symmetric:
            edge = -1
            if may_have(words, edge_hash(node[lane], previous[lane], symmetric)):
                edge = find(indptr, indices, node[lane], previous[lane])
        if edge >= 0:
            excess[lane] = ratio
            if weights.size > 0:
                excess[lane] *= weights[edge] / means[node[lane]]
