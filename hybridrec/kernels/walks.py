"""Random walks of first order on a CSR graph, along layers of it, with restart."""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.rng import GOLDEN, stream_key, uniform
from hybridrec.kernels.walk_lanes import (
    DEGREE,
    DRAWS,
    EDGE,
    FIELDS,
    KEY,
    LANES,
    LOW,
    NODE,
    enter,
    find_rows,
    go_home,
    leave_dead_ends,
    write,
)
from hybridrec.kernels.walk_tables import Tables, toss


@njit(cache=True, nogil=True)
def walk_keys(seed: np.uint64, starts: np.ndarray, walks: np.ndarray) -> np.ndarray:
    """Return the stream keys of walk number ``walks[i]`` from start number ``starts[i]``."""
    keys = np.empty(starts.size, np.uint64)
    for row in range(starts.size):
        keys[row] = stream_key(stream_key(seed, starts[row]), walks[row])
    return keys


def keys_after(keys: np.ndarray, steps: int) -> np.ndarray:
    """Return stream keys with which the first step draws what step ``steps + 1`` would."""
    with np.errstate(over="ignore"):
        later: np.ndarray = keys + np.uint64(steps * DRAWS % 2**64) * GOLDEN
    return later


@njit(cache=True, nogil=True)
def first_order(
    tables: Tables, layers: np.ndarray, restart: float, keys: np.ndarray, walks: np.ndarray
) -> None:
    """Continue each row of ``walks``, its start in column 0, by the weights of the edges.

    Parameters
    ----------
    tables : Tables
    layers : ndarray
        int64 (period,): step t leaves node v by the row ``layers[(t - 1) % period] + v``; one
        zero for a plain graph.
    restart : float
        Probability of a step back to the start instead; above 0, so is every step from a dead
        end, unless it is the start itself.
    keys : ndarray
        uint64 (walks,), the stream of each walk.
    walks : ndarray
        int32 (walks, length), filled in place; -1 after a dead end.
    """
    count, length = walks.shape
    lanes, share = np.empty((FIELDS, LANES), np.int64), np.empty(LANES, np.float64)
    for first in range(0, count, LANES):
        size = min(LANES, count - first)
        for lane in range(size):
            enter(lanes, lane, first + lane, keys, walks)
        for step in range(1, length):
            if not find_rows(tables.indptr, layers[(step - 1) % layers.size], lanes, size):
                size = leave_dead_ends(lanes, size, step, restart, walks)
            _draw(tables.alias, lanes, size, step * DRAWS, share)
            _follow(tables.indices, lanes, size)
            if restart > 0.0:
                go_home(lanes, size, step, restart)
            write(lanes, size, step, walks)


@njit(cache=True, nogil=True)
def _draw(alias: np.ndarray, lanes: np.ndarray, size: int, counter: int, share: np.ndarray) -> None:
    """Draw an edge for every walker."""
    key, low, degree, edge = lanes[KEY], lanes[LOW], lanes[DEGREE], lanes[EDGE]
    for lane in range(size):
        share[lane] = uniform(np.uint64(key[lane]), counter) * degree[lane]
        edge[lane] = low[lane] + np.int64(share[lane])
    if alias.size == 0:
        return
    for lane in range(size):
        slot = edge[lane] - low[lane]
        edge[lane] = low[lane] + toss(alias[np.uint64(edge[lane])], slot, share[lane] - slot)


@njit(cache=True, nogil=True)
def _follow(indices: np.ndarray, lanes: np.ndarray, size: int) -> None:
    """Take the edges drawn."""
    node, edge = lanes[NODE], lanes[EDGE]
    for lane in range(size):
        node[lane] = indices[np.uint64(edge[lane])]


@njit(cache=True, nogil=True)
def keep_only(walks: np.ndarray, wanted: np.ndarray) -> None:
    """Move the nodes ``wanted`` (bool, by node) to the front of each row and fill up with -1."""
    for row in range(walks.shape[0]):
        kept = 0
        for column in range(walks.shape[1]):
            node = walks[row, column]
            if node >= 0 and wanted[node]:
                walks[row, kept] = node
                kept += 1
        for column in range(kept, walks.shape[1]):
            walks[row, column] = -1
