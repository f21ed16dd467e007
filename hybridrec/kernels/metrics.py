"""Kernels of evaluation: lists against sorted test items, rows into lists, samples.

A list is a row of item codes, best first, without repeats; a negative code ends it. The test
items of user ``u`` are ``indices[indptr[u]:indptr[u + 1]]``, sorted.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.rng import bounded, stream_key

_SHORT = 16


@njit(cache=True, nogil=True)
def _contains(values: np.ndarray, low: int, high: int, wanted: int) -> bool:
    """Tell whether the sorted stretch [low, high) of ``values`` holds ``wanted``.

    Halved until it is short, then read to its end: branches that cannot be guessed cost more.
    """
    while high - low > _SHORT:
        middle = (low + high) >> 1
        if values[middle] <= wanted:
            low = middle
        else:
            high = middle
    found = False
    for place in range(low, high):
        found |= values[place] == wanted
    return found


@njit(cache=True, nogil=True)
def rank_statistics(
    lists: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    cutoffs: np.ndarray,
    discounts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what every accuracy metric is made of, at several cut-offs, in one pass.

    Parameters
    ----------
    lists : ndarray of int32, shape (n_users, width)
    indptr, indices : ndarray of int
        Sorted test items of each user.
    cutoffs : ndarray of int64, shape (n_k,)
        Ascending; one may exceed ``width``.
    discounts : ndarray of float64, shape (width or longer,)
        What a hit at each rank is worth.

    Returns
    -------
    hits : ndarray of int32, shape (n_users, n_k)
        Test items among the first k. This and the next two lie in memory column by column.
    gains : ndarray of float64, shape (n_users, n_k)
        Sum of the discounts of the hits.
    precisions : ndarray of float64, shape (n_users, n_k)
        Sum, over the hits, of the precision at the rank of each.
    first : ndarray of int32, shape (n_users,)
        Rank of the first hit, counting from 1; 0 without a hit.
    """
    n_users, width = lists.shape
    n_k = len(cutoffs)
    hits = np.empty((n_k, n_users), dtype=np.int32).T
    gains = np.empty((n_k, n_users), dtype=np.float64).T
    precisions = np.empty((n_k, n_users), dtype=np.float64).T
    first = np.zeros(n_users, dtype=np.int32)
    n_tested = indices.max() + 1 if len(indices) else 0
    tested_by = np.full(n_tested, -1, dtype=np.int32)  # the last user so far who has the item
    for user in range(n_users):
        for test in range(indptr[user], indptr[user + 1]):
            tested_by[indices[test]] = user
        place, found, gain, precision = 0, 0, 0.0, 0.0
        for cut in range(n_k):
            stop = min(cutoffs[cut], width)
            while place < stop:
                item = lists[user, place]
                if item < 0:
                    break
                if item < n_tested and tested_by[item] == user:
                    found += 1
                    gain += discounts[place]
                    precision += found / (place + 1)
                    if found == 1:
                        first[user] = place + 1
                place += 1
            hits[user, cut] = found
            gains[user, cut] = gain
            precisions[user, cut] = precision
    return hits, gains, precisions, first


@njit(cache=True, nogil=True)
def best_ranks(lists: np.ndarray, n_items: int) -> np.ndarray:
    """Return the best rank of every item over all lists, int32 (n_items,), 0 if in none.

    Codes of ``n_items`` and above are passed over.
    """
    n_users, width = lists.shape
    best = np.full(n_items, width, dtype=np.int32)
    for user in range(n_users):
        for place in range(width):
            item = lists[user, place]
            if item < 0:
                break
            if item < n_items and place < best[item]:
                best[item] = place
    return np.where(best < width, best + 1, 0).astype(np.int32)


@njit(cache=True, nogil=True)
def stored_pairs(
    indptr: np.ndarray, indices: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Tell which pairs (row, column) a sorted CSR matrix stores, bool (pairs,)."""
    stored = np.empty(len(rows), dtype=np.bool_)
    for pair in range(len(rows)):
        row = rows[pair]
        stored[pair] = _contains(indices, indptr[row], indptr[row + 1], columns[pair])
    return stored


@njit(cache=True, nogil=True)
def lists_of_rows(
    users: np.ndarray,
    items: np.ndarray,
    keys: np.ndarray,
    tie: np.ndarray,
    n_users: int,
    width: int,
) -> np.ndarray:
    """Return the first ``width`` items of every user by key, equal keys by tie rank.

    Parameters
    ----------
    users, items : ndarray of int32, shape (rows,)
        No pair twice; rows in any order (best first is fastest).
    keys : ndarray of float64, shape (rows,)
        The smallest comes first.
    tie : ndarray of int32, shape (n_items,)
        Distinct ranks of the items; the smaller comes first.

    Returns
    -------
    ndarray of int32, shape (n_users, width)
        Ends with -1 where a user has fewer rows.
    """
    lists = np.full((n_users, width), -1, dtype=np.int32)
    kept = np.full((n_users, width), np.inf, dtype=np.float64)
    sizes = np.zeros(n_users, dtype=np.int64)
    for row in range(len(users)):
        user, item, key = users[row], items[row], keys[row]
        place = sizes[user]
        if place < width:
            sizes[user] += 1
        else:
            place = width - 1
            last = kept[user, place]
            if key > last or (key == last and tie[item] > tie[lists[user, place]]):
                continue
        while place > 0:
            before = kept[user, place - 1]
            if before < key or (before == key and tie[lists[user, place - 1]] < tie[item]):
                break
            kept[user, place] = before
            lists[user, place] = lists[user, place - 1]
            place -= 1
        kept[user, place] = key
        lists[user, place] = item
    return lists


@njit(cache=True, nogil=True)
def popular_places(
    lists: np.ndarray,
    users: np.ndarray,
    seen_indptr: np.ndarray,
    seen: np.ndarray,
    popular_rank: np.ndarray,
) -> np.ndarray:
    """Return where each listed item stands in its user's own list of popular items, from 1.

    That list holds all items by ``popular_rank`` (int32, shape (n_items,), from 1) without those
    the user has. int32, of the shape of ``lists``; 0 for no item and for an unknown one.
    """
    places = np.zeros(lists.shape, dtype=np.int32)
    for row in range(len(lists)):
        own = seen[seen_indptr[users[row]] : seen_indptr[users[row] + 1]]
        for slot in range(lists.shape[1]):
            item = lists[row, slot]
            if item < 0 or item >= len(popular_rank):
                continue
            place = popular_rank[item]
            for other in own:
                place -= popular_rank[other] < popular_rank[item]
            places[row, slot] = place
    return places


@njit(cache=True, nogil=True)
def stream_keys(seed: np.uint64, units: np.ndarray) -> np.ndarray:
    """Return the key of the random stream of every unit, uint64 (units,)."""
    keys = np.empty(len(units), dtype=np.uint64)
    for place in range(len(units)):
        keys[place] = stream_key(seed, units[place])
    return keys


@njit(cache=True, nogil=True)
def sample_columns(
    indptr: np.ndarray, known: np.ndarray, keys: np.ndarray, n_columns: int, size: int
) -> np.ndarray:
    """Draw ``size`` different columns for every row, none of them known.

    Parameters
    ----------
    indptr, known : ndarray of int
        CSR rows of sorted columns that must not be drawn.
    keys : ndarray of uint64, shape (rows,)
        Keys of random streams.
    n_columns, size : int

    Returns
    -------
    ndarray of int32, shape (rows, size)
        Ascending; ends with -1 where fewer are open. All sets are equally likely (Floyd's method:
        Bentley & Floyd, "A sample of brilliance", CACM 1987).
    """
    drawn = np.full((len(keys), size), -1, dtype=np.int32)
    for row in range(len(keys)):
        hidden = known[indptr[row] : indptr[row + 1]]
        n_open = n_columns - len(hidden)
        kept = drawn[row]
        count = 0
        for last in range(max(n_open - size, 0), n_open):
            wanted = bounded(keys[row], last, last + 1)
            if _contains(kept, 0, count, wanted):
                wanted = last
            place = count
            while place > 0 and kept[place - 1] > wanted:
                kept[place] = kept[place - 1]
                place -= 1
            kept[place] = wanted
            count += 1
        passed = 0
        for place in range(count):
            while passed < len(hidden) and hidden[passed] <= kept[place] + passed:
                passed += 1
            kept[place] += passed
    return drawn
