"""Lists out of an order: slots are filled by chance now and then, and how probable that is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=256)
def slot_probabilities(count: int, k: int, epsilon: float) -> np.ndarray:
    """Return how probable it is that an item of an order comes to a slot of the list.

    The first k items of the order have the slots. Each slot is given up with probability
    ``epsilon``, whatever becomes of the others; the slots that are given up are filled by chance,
    all alike, with the items that have none then. So every item can come to every slot, and all
    others keep their places. With e slots given up there are ``count - k + e`` items for them,
    which makes these probabilities exact: for the item whose slot it is ``1 - epsilon + A``, for
    one from behind the list ``A = epsilon E[1 / (count - k + 1 + e)]`` over the e of the k - 1
    other slots, for one of another slot ``epsilon^2 E[1 / (count - k + 2 + e)]`` over the e of
    the k - 2 others.

    Parameters
    ----------
    count : int
        Items of the order.
    k : int
        Slots; those after the last item stay empty.
    epsilon : float
        From 0 to 1.

    Returns
    -------
    ndarray of float64, shape (count, k)
        Columns of slots that find an item sum to 1; read-only.
    """
    from scipy.stats import binom

    full = min(count, k)

    def mean_share(others: int, given_up: int) -> float:
        e = np.arange(others + 1)
        return float((binom.pmf(e, others, epsilon) / (count - full + given_up + e)).sum())

    table = np.zeros((count, k))
    if full > 0:
        by_chance = epsilon * mean_share(full - 1, 1)
        table[:, :full] = by_chance
        if full > 1:
            table[:full, :full] = epsilon**2 * mean_share(full - 2, 2)
        np.fill_diagonal(table[:full, :full], 1.0 - epsilon + by_chance)
    table.flags.writeable = False
    return table


def fill_slots(
    counts: np.ndarray, k: int, epsilon: float, streams: Sequence[np.random.Generator]
) -> np.ndarray:
    """Fill the slots of lists by chance, as `slot_probabilities` says.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        Items of each user's order.
    k : int
    epsilon : float
    streams : sequence of Generator, one a list

    Returns
    -------
    ndarray of int, shape (n, k)
        Positions in the orders, -1 where nothing is left.
    """
    n, width = len(counts), max(int(counts.max(initial=0)), k)
    draws = np.array([stream.random((2, k)) for stream in streams]).reshape(n, 2, k)
    rows, slots = np.arange(n), np.arange(k)
    has_item = slots < counts[:, None]
    given_up = (draws[:, 0] < epsilon) & has_item
    filled = np.where(has_item, slots, -1)
    free = np.arange(width) < counts[:, None]
    free[:, :k] &= ~has_item | given_up
    for slot in range(k):
        some = given_up[:, slot]
        left = free[some].sum(axis=1)
        among = np.minimum(np.floor(draws[some, 1, slot] * left).astype(np.intp), left - 1)
        found = np.argmax(np.cumsum(free[some], axis=1) > among[:, None], axis=1)
        filled[some, slot] = found
        free[rows[some], found] = False
    return filled


def examination(k: int) -> np.ndarray:
    """Return how probable it is that a user looks at each rank, as learners assume it.

    ``1 / log2(rank + 1)``, the discount of NDCG: a user who did not click on an item far down has
    told little about it (the position-based model of Craswell et al., "An experimental comparison
    of click position-bias models", WSDM 2008).
    """
    looks: np.ndarray = 1.0 / np.log2(np.arange(2, k + 2))
    return looks
