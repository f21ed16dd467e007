"""Kernels of foreign runs: rows (user, item, key) in any order into lists of item codes."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def rows_by_user(users: np.ndarray, n_users: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the rows of every user.

    Parameters
    ----------
    users : ndarray of int, shape (rows,)
    n_users : int

    Returns
    -------
    starts, stops : ndarray of int64, shape (n_users,)
        User ``u`` has the places [starts[u], stops[u]) of ``order``.
    order : ndarray of int64, shape (rows,)
        Rows, those of a user in their order. Empty where each user's rows are adjacent already
        (the users in any order): then places are rows.
    """
    starts = np.zeros(n_users, dtype=np.int64)
    stops = np.zeros(n_users, dtype=np.int64)
    row = 0
    while row < len(users):
        user = users[row]
        if stops[user] > 0:
            break
        starts[user] = row
        while row < len(users) and users[row] == user:
            row += 1
        stops[user] = row
    if row == len(users):
        return starts, stops, np.empty(0, dtype=np.int64)
    stops[:] = 0
    for user in users:
        stops[user] += 1
    starts[0] = 0
    for user in range(1, n_users):
        starts[user] = starts[user - 1] + stops[user - 1]
    stops[:] = starts
    order = np.empty(len(users), dtype=np.int64)
    for row in range(len(users)):
        order[stops[users[row]]] = row
        stops[users[row]] += 1
    return starts, stops, order


@njit(cache=True, nogil=True)
def repeated_pairs(
    users: np.ndarray, values: np.ndarray, n_users: int, n_values: int
) -> np.ndarray:
    """Tell which rows hold a (user, value) pair that an earlier row holds, bool (rows,).

    Every user leaves a mark on each value: no hashing, no sorting. ``values`` are integers in
    [0, n_values).
    """
    starts, stops, order = rows_by_user(users, n_users)
    repeated = np.empty(len(users), dtype=np.bool_)
    marks = np.full(n_values, -1, dtype=np.int32)
    for user in range(n_users):
        for place in range(starts[user], stops[user]):
            row = order[place] if len(order) else place
            repeated[row] = marks[values[row]] == user
            marks[values[row]] = user
    return repeated


@njit(cache=True, nogil=True)
def _mark(marks: np.ndarray, items: np.ndarray, value: int) -> None:
    for item in items:
        marks[item] = value


@njit(cache=True, nogil=True)
def _sort(keys: np.ndarray, items: np.ndarray, tie: np.ndarray, size: int, deepest: int) -> bool:
    """Sort the first ``size`` entries by key, equal keys by tie rank; tell whether some are equal.

    Only the keys of the first ``deepest`` and the items of all but the last of these are put in
    order and count.
    """
    ascending = True
    for place in range(1, size):
        ascending &= keys[place - 1] < keys[place]
    if ascending:
        return False
    for entry in range(1, size):
        key, item = keys[entry], items[entry]
        if entry >= deepest and key > keys[deepest - 1]:
            continue
        place = min(entry, deepest - 1)
        while place > 0 and (
            key < keys[place - 1] or (key == keys[place - 1] and tie[item] < tie[items[place - 1]])
        ):
            keys[place] = keys[place - 1]
            items[place] = items[place - 1]
            place -= 1
        keys[place] = key
        items[place] = item
    tied = False
    for place in range(1, min(size, deepest)):
        tied |= keys[place - 1] == keys[place]
    return tied


@njit(cache=True, nogil=True)
def fill_lists(
    starts: np.ndarray,
    stops: np.ndarray,
    items: np.ndarray,
    values: np.ndarray,
    sign: float,
    list_of: np.ndarray,
    code_of: np.ndarray,
    tie: np.ndarray,
    users: np.ndarray,
    seen_indptr: np.ndarray,
    seen: np.ndarray,
    n_items: int,
    lists: np.ndarray,
) -> tuple[int, int, int, int, int]:
    """Write the first items of every user by key, equal keys by tie rank; count what was met.

    A user leaves a mark on the items they have and on those of their rows: one pass over both
    finds what is seen and what comes twice. Rows that come in order are not sorted.

    Parameters
    ----------
    starts, stops : ndarray of int64, shape (run users,)
        The rows of each user (see `rows_by_user`).
    items : ndarray of int, shape (rows,)
    values : ndarray of float64, shape (rows,)
    sign : float
        The key of a row is ``sign * value``. The smallest comes first; infinity is not
        recommended.
    list_of : ndarray of int32, shape (run users,)
        The list of each user; -1 if the user is not tested.
    code_of : ndarray of int32
        The code of each of ``items``; for an item that is no candidate ``~code``, below 0.
    tie : ndarray of int32, shape (codes,)
        Distinct ranks of the codes; the smaller comes first.
    users : ndarray of int32, shape (n_lists,)
    seen_indptr, seen : ndarray of int
        CSR rows of known items; row ``users[l]`` is that of list ``l``.
    n_items : int
        Codes from here on are of unknown items.
    lists : ndarray of int32, shape (n_lists, width), out
        Filled with -1.

    Returns
    -------
    repeated : int
        Rows whose item the user had in an earlier row, all users; of such a run nothing else
        counts.
    removed, outside, unknown : int
        Rows of tested users that hold seen items, no candidates, and unknown items.
    tied : int
        Lists that would be others if equal keys came in another order.
    """
    width = lists.shape[1]
    longest = (stops - starts).max() if len(starts) else 0
    own_keys = np.empty(longest, dtype=np.float64)
    own_items = np.empty(longest, dtype=np.int32)
    marks = np.full(len(tie), -1, dtype=np.int32)
    repeated, removed, outside, unknown, tied = 0, 0, 0, 0, 0
    for user in range(len(starts)):
        own = list_of[user]
        has, listed = 2 * user, 2 * user + 1
        if own >= 0:
            _mark(marks, seen[seen_indptr[users[own]] : seen_indptr[users[own] + 1]], has)
        size = 0
        # Unsigned, as numba would ask of every other index whether it counts from the end.
        for row in range(np.uint64(starts[user]), np.uint64(stops[user])):
            code = code_of[np.uint32(items[row])]
            item = np.uint32(max(code, ~code))
            mark = marks[item]
            marks[item] = listed
            key = sign * values[row]
            if own < 0 or mark >= has or code < 0 or key == np.inf:
                repeated += mark == listed
                counts = own >= 0 and key < np.inf
                removed += int(counts and mark == has)
                outside += int(counts and mark < has)
                continue
            unknown += int(item >= n_items)
            own_keys[size] = key
            own_items[size] = item
            size += 1
        if own >= 0:  # one more than the list has, to see whether it ties
            tied += _sort(own_keys, own_items, tie, size, width + 1)
            for place in range(min(size, width)):
                lists[own, place] = own_items[place]
    return repeated, removed, outside, unknown, tied
