"""Kernels of rules on whole lists: at most so many items of a value, items at fixed places."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _fits(
    item: int, indptr: np.ndarray, indices: np.ndarray, limits: np.ndarray, counts: np.ndarray
) -> bool:
    """Tell whether a list with these counts has room for an item."""
    for at in range(indptr[item], indptr[item + 1]):
        if counts[indices[at]] >= limits[indices[at]]:
            return False
    return True


@njit(cache=True, nogil=True)
def _count(
    item: int, indptr: np.ndarray, indices: np.ndarray, counts: np.ndarray, step: int
) -> None:
    for at in range(indptr[item], indptr[item + 1]):
        counts[indices[at]] += step


@njit(cache=True, nogil=True)
def within_quota(
    items: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    limits: np.ndarray,
    taken: np.ndarray,
    places: np.ndarray,
) -> None:
    """Walk down lists and keep every item whose values all have room.

    Parameters
    ----------
    items : ndarray of int32, shape (n, m)
        Best first; -1 is passed over.
    indptr, indices : ndarray
        CSR of the values of every item.
    limits : ndarray of int32, shape (values,)
        How many items of a value a list may have.
    taken : ndarray of int32, shape (n, p)
        Items that the list has already; -1 is none.
    places : ndarray of int32, shape (n, k), out
        Columns of the first k kept items, ascending; -1 after the end.
    """
    counts = np.zeros(len(limits), dtype=np.int32)
    places[:] = -1
    for row in range(items.shape[0]):
        for item in taken[row]:
            if item >= 0:
                _count(item, indptr, indices, counts, 1)
        kept = 0
        for place in range(items.shape[1]):
            if kept == places.shape[1]:
                break
            item = items[row, place]
            if item >= 0 and _fits(item, indptr, indices, limits, counts):
                _count(item, indptr, indices, counts, 1)
                places[row, kept] = place
                kept += 1
        for item in taken[row]:
            if item >= 0:
                _count(item, indptr, indices, counts, -1)
        for at in range(kept):
            _count(items[row, places[row, at]], indptr, indices, counts, -1)


@njit(cache=True, nogil=True)
def room_left(
    lists: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    limits: np.ndarray,
    candidates: np.ndarray,
    exclude_indptr: np.ndarray,
    exclude_indices: np.ndarray,
    found: np.ndarray,
) -> None:
    """Tell for which lists there is any further candidate whose values all have room.

    Parameters
    ----------
    lists : ndarray of int32, shape (n, m)
        All that a list has; -1 is none.
    indptr, indices, limits : ndarray
        As in `within_quota`.
    candidates : ndarray of int32
        Items that may come out.
    exclude_indptr, exclude_indices : ndarray
        CSR rows of items that must not.
    found : ndarray of bool, shape (n,), out
    """
    counts = np.zeros(len(limits), dtype=np.int32)
    mark = np.full(len(indptr) - 1, -1, dtype=np.int64)
    for row in range(lists.shape[0]):
        for item in lists[row]:
            if item >= 0:
                _count(item, indptr, indices, counts, 1)
                mark[item] = row
        for at in range(exclude_indptr[row], exclude_indptr[row + 1]):
            mark[exclude_indices[at]] = row
        found[row] = False
        for item in candidates:
            if mark[item] != row and _fits(item, indptr, indices, limits, counts):
                found[row] = True
                break
        for item in lists[row]:
            if item >= 0:
                _count(item, indptr, indices, counts, -1)


@njit(cache=True, nogil=True)
def place_pins(
    items: np.ndarray,
    scores: np.ndarray,
    pins: np.ndarray,
    pin_scores: np.ndarray,
    ranks: np.ndarray,
    placed: np.ndarray,
    placed_scores: np.ndarray,
    pinned: np.ndarray,
) -> None:
    """Put pinned items at their ranks, the others around them in order; a short list closes up.

    Parameters
    ----------
    items, scores : ndarray of int32 and float32, shape (n, k)
        Lists without pinned items; -1 after the end.
    pins, pin_scores : ndarray of int32 and float32, shape (n, p)
        Items to place for each user; -1 is none.
    ranks : ndarray of int32, shape (p,)
        Their ranks from 1, ascending.
    placed, placed_scores, pinned : ndarray of int32, float32 and bool, shape (n, k), out
        -1, minus infinity and False after the end.
    """
    k = placed.shape[1]
    placed[:] = -1
    placed_scores[:] = -np.inf
    pinned[:] = False
    for row in range(placed.shape[0]):
        pin = 0
        other = 0
        for place in range(k):
            while pin < len(ranks) and pins[row, pin] < 0:
                pin += 1
            ended = other == k or items[row, other] < 0
            if pin < len(ranks) and (ended or ranks[pin] <= place + 1):
                placed[row, place] = pins[row, pin]
                placed_scores[row, place] = pin_scores[row, pin]
                pinned[row, place] = True
                pin += 1
            elif not ended:
                placed[row, place] = items[row, other]
                placed_scores[row, place] = scores[row, other]
                other += 1
            else:
                break
