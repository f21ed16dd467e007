"""The lanes of a thread: walkers that go in lockstep, so that their cache misses overlap.

A block of walks is done in stages: all its walkers find their rows, all draw, all read where they
come to. What a stage leaves for the next is in the columns of one small table, a row for each
field below. The numbers of a walk come from its own stream, at a counter made of the step and the
draw within it: walks do not depend on blocks or threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.rng import uniform

LANES = 128  # walkers in lockstep: enough to hide memory latency, few enough to stay in cache
DRAWS = 2**32  # counters set aside for one step
HOME = DRAWS - 1  # of them, the one that decides on a restart

# The walk and its stream, where it began and is, the edges there and the one drawn.
ROW, KEY, START, NODE, LOW, DEGREE, EDGE = range(7)
# For second order: the node before (-1: no bias), an edge like the one from there, the node next.
PREVIOUS, CAME, NEXT = range(EDGE + 1, EDGE + 4)
FIELDS = NEXT + 1

_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def enter(lanes: np.ndarray, lane: int, row: int, keys: np.ndarray, walks: np.ndarray) -> None:
    """Begin a walk in a lane."""
    lanes[ROW, lane] = row
    lanes[KEY, lane] = np.int64(keys[row])
    lanes[START, lane] = lanes[NODE, lane] = walks[row, 0]
    lanes[PREVIOUS, lane] = -1


@njit(cache=True, nogil=True)
def find_rows(indptr: np.ndarray, shift: int, lanes: np.ndarray, size: int) -> bool:
    """Look up the edges of every walker; whether all have one."""
    node, low, degree = lanes[NODE], lanes[LOW], lanes[DEGREE]
    least = np.int64(1)
    for lane in range(size):
        at = np.uint64(shift + node[lane])
        low[lane] = indptr[at]
        degree[lane] = indptr[at + _ONE] - low[lane]
        least = min(least, degree[lane])
    return bool(least > 0)


@njit(cache=True, nogil=True)
def leave_dead_ends(
    lanes: np.ndarray, size: int, step: int, restart: float, walks: np.ndarray
) -> int:
    """End the walks that can go nowhere; the number of those that go on."""
    lane = 0
    while lane < size:
        if lanes[DEGREE, lane] > 0:
            lane += 1
        elif restart > 0.0 and step > 1:
            lanes[LOW, lane] = 0  # any edge: `go_home` takes it away
            lane += 1
        else:
            for column in range(step, walks.shape[1]):
                walks[lanes[ROW, lane], column] = -1
            size -= 1
            for field in range(FIELDS):
                lanes[field, lane] = lanes[field, size]
    return size


@njit(cache=True, nogil=True)
def go_home(lanes: np.ndarray, size: int, step: int, restart: float) -> None:
    """Bring back to the start who draws it, or came to a dead end."""
    key, start, degree = lanes[KEY], lanes[START], lanes[DEGREE]
    counter = step * DRAWS + HOME
    for lane in range(size):
        if degree[lane] == 0 or uniform(np.uint64(key[lane]), counter) < restart:
            lanes[NODE, lane] = start[lane]
            lanes[PREVIOUS, lane] = -1


@njit(cache=True, nogil=True)
def write(lanes: np.ndarray, size: int, step: int, walks: np.ndarray) -> None:
    """Note where every walker is."""
    row, node = lanes[ROW], lanes[NODE]
    for lane in range(size):
        walks[np.uint64(row[lane]), step] = node[lane]
