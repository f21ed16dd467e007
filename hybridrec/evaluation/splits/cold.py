"""Cold start: items, or users, whose interactions are all kept from training."""

from __future__ import annotations

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.splits.pairs import (
    Pairs,
    check_count,
    check_fraction,
    share_of,
    split_stream,
)
from hybridrec.evaluation.splits.split import Split


def cold_items(dataset: Dataset, *, fraction: float = 0.2, random_state: int = 0) -> Split:
    """Hold out a random share of the items with all their interactions.

    The held-out items stay in the catalogue, with their features and knowledge, and are the only
    candidates: models rank the cold items among themselves. Items that never had an interaction
    are no candidates.

    Parameters
    ----------
    dataset : Dataset
    fraction : float, default 0.2
        Share of the items that have interactions, between 0 and 1.
    random_state : int, default 0

    Raises
    ------
    ParameterError
        If a parameter has another value.
    DataError
        If fewer than two items have interactions.
    """
    check_fraction("fraction", fraction)
    cold = _drawn_items(Pairs.of(dataset.interactions), fraction, random_state)
    test = cold[dataset.interactions.item_codes]
    return Split(
        "cold-items",
        {"fraction": fraction, "random_state": int(random_state)},
        dataset.with_interactions(dataset.interactions.take(~test)),
        dataset.interactions.take(test),
        candidates=cold,
    )


def warm_and_cold(
    dataset: Dataset,
    *,
    cold_fraction: float = 0.2,
    warm_fraction: float = 0.2,
    random_state: int = 0,
) -> Split:
    """Hold out some items with all their interactions, and a share of all other interactions.

    All items are candidates: new items must find their way into lists beside known ones. The
    cold items are those of `cold_items` with the same fraction and ``random_state``.

    Parameters
    ----------
    dataset : Dataset
    cold_fraction : float, default 0.2
        Share of the items that have interactions, between 0 and 1.
    warm_fraction : float, default 0.2
        Share of the (user, item) pairs of the other items, between 0 and 1, drawn over all alike.
    random_state : int, default 0

    Raises
    ------
    ParameterError
        If a parameter has another value.
    DataError
        If there are too few items or interactions to hold any out.
    """
    check_fraction("cold_fraction", cold_fraction)
    check_fraction("warm_fraction", warm_fraction)
    interactions = dataset.interactions
    pairs = Pairs.of(interactions)
    cold = _drawn_items(pairs, cold_fraction, random_state)
    warm_pairs = np.flatnonzero(~cold[pairs.items])
    count = share_of(len(warm_pairs), warm_fraction, "interactions with warm items")
    drawn = np.zeros(len(pairs), dtype=bool)
    drawn[split_stream("warm-and-cold", random_state).permutation(warm_pairs)[:count]] = True
    test = cold[interactions.item_codes] | pairs.rows(drawn)
    return Split(
        "warm-and-cold",
        {
            "cold_fraction": cold_fraction,
            "warm_fraction": warm_fraction,
            "random_state": int(random_state),
        },
        dataset.with_interactions(interactions.take(~test)),
        interactions.take(test),
    )


def cold_users(
    dataset: Dataset, *, fraction: float = 0.2, support: int = 5, random_state: int = 0
) -> Split:
    """Hold out a random share of the users; a few of their interactions are given as history.

    Parameters
    ----------
    dataset : Dataset
    fraction : float, default 0.2
        Share of the users with at least ``support + 1`` distinct items, between 0 and 1. Users
        with fewer stay in training and are counted as skipped.
    support : int, default 5
        Random items of each held-out user, known when recommendations are asked for; the others
        are the test. 0 asks for recommendations without any history.
    random_state : int, default 0

    Raises
    ------
    ParameterError
        If a parameter has another value.
    DataError
        If fewer than two users have enough items.
    """
    check_fraction("fraction", fraction)
    check_count("support", support, 0)
    interactions = dataset.interactions
    pairs = Pairs.of(interactions)
    owned = pairs.per_user
    eligible = np.flatnonzero(owned > support)
    count = share_of(len(eligible), fraction, f"users with more than {support} items")
    stream = split_stream("cold-users", random_state)
    cold = np.zeros(pairs.n_users, dtype=bool)
    cold[stream.permutation(eligible)[:count]] = True
    known = pairs.first_of_each_user(np.where(cold, support, 0), stream.random(len(pairs)))
    given = pairs.rows(known)
    held_out = cold[interactions.user_codes]
    return Split(
        "cold-users",
        {"fraction": fraction, "support": int(support), "random_state": int(random_state)},
        dataset.with_interactions(interactions.take(~held_out)),
        interactions.take(held_out & ~given),
        support=interactions.take(given),
        skipped_users=int(((owned > 0) & (owned <= support)).sum()),
    )


def _drawn_items(pairs: Pairs, fraction: float, random_state: int) -> np.ndarray:
    """Return a mask of a random share of the items that have interactions."""
    with_pairs = np.flatnonzero(pairs.per_item)
    count = share_of(len(with_pairs), fraction, "items with interactions")
    drawn = np.zeros(pairs.n_items, dtype=bool)
    drawn[split_stream("cold-items", random_state).permutation(with_pairs)[:count]] = True
    return drawn
