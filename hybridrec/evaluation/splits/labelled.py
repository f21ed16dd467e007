"""Labelled pairs, the click-through protocol: which of two kinds is a given pair."""

from __future__ import annotations

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits.pairs import (
    Pairs,
    check_count,
    check_fraction,
    share_of,
    split_stream,
)
from hybridrec.evaluation.splits.split import Split


def labelled_pairs(
    dataset: Dataset,
    *,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.2,
    negatives: int = 0,
    random_state: int = 0,
) -> Split:
    """Deal labelled pairs, positive and negative alike, into train, validation and test.

    The protocol of RippleNet, KGCN and their followers: random 6:2:2 of all labelled rows. A pair
    is negative if all its rows have weight 0, as ``hybridrec.read_dataset`` gives the label 0 of
    their files (`hybridrec.clean` drops such rows). A model is asked for the scores of
    `Split.test_pairs`.

    Parameters
    ----------
    dataset : Dataset
        Not cleaned of rows of weight 0, unless negatives are sampled.
    validation_fraction, test_fraction : float, default 0.2
        Shares of the pairs; the rest, which must not be nothing, is learned from.
    negatives : int, default 0
        Negatives to sample for every positive, as KGCN's preprocessing does: without repeats,
        uniformly from the items that have interactions but no row with the user. They come
        beside those of the data; 0 takes the data as it is.
    random_state : int, default 0

    Raises
    ------
    ParameterError
        If a parameter has another value.
    DataError
        If there are no negatives, or too few pairs.

    Notes
    -----
    Where negatives match positives one to one per user, a user's balance in training tells the
    labels of the test: a score must not use a user's number of negatives.

    References
    ----------
    H. Wang et al., "Knowledge Graph Convolutional Networks for Recommender Systems", 2019.
    """
    check_fraction("validation_fraction", validation_fraction)
    check_fraction("test_fraction", test_fraction)
    if validation_fraction + test_fraction >= 1:
        raise ParameterError(
            "validation_fraction and test_fraction must leave something to learn from, got"
            f" {validation_fraction} and {test_fraction}"
        )
    check_count("negatives", negatives, 0)
    stream = split_stream("labelled-pairs", random_state)
    interactions = dataset.interactions
    if negatives:
        interactions = _with_sampled(interactions, negatives, stream)
    pairs = Pairs.of(interactions, zeros=True)
    if len(pairs) == len(Pairs.of(interactions)):
        raise DataError(
            "labelled-pairs needs rows of weight 0 as negatives, there are none (cleaning drops"
            " them); keep them, or sample some with negatives=1"
        )
    n_test = share_of(len(pairs), test_fraction, "labelled pairs")
    n_validation = share_of(len(pairs) - n_test, validation_fraction / (1 - test_fraction), "pairs")
    part = np.zeros(len(pairs), dtype=np.int8)
    order = np.argsort(stream.random(len(pairs)))
    part[order[:n_test]], part[order[n_test : n_test + n_validation]] = 2, 1
    train, validation, test = (interactions.take(pairs.rows(part == one)) for one in range(3))
    return Split(
        "labelled-pairs",
        {
            "validation_fraction": validation_fraction,
            "test_fraction": test_fraction,
            "negatives": int(negatives),
            "random_state": int(random_state),
        },
        dataset.with_interactions(train),
        test,
        validation=validation,
    )


def _with_sampled(
    interactions: Interactions, negatives: int, stream: np.random.Generator
) -> Interactions:
    """Add rows of weight 0; each has the time and context of the positive it is sampled for."""
    positive, known = Pairs.of(interactions), Pairs.of(interactions, zeros=True)
    pool = np.flatnonzero(positive.per_item)
    place_in_pool = np.cumsum(positive.per_item > 0) - 1
    in_pool = positive.per_item[known.items] > 0
    taken = place_in_pool[known.items[in_pool]]
    starts = np.searchsorted(known.users[in_pool], np.arange(positive.n_users + 1))
    first_pairs = np.concatenate([[0], np.cumsum(positive.per_user)])
    items, sampled_for = [], []
    for user in np.flatnonzero(positive.per_user):
        own = taken[starts[user] : starts[user + 1]]
        count = min(negatives * positive.per_user[user], len(pool) - len(own))
        # The r-th place that is not taken: r, and one more for each taken place before it.
        places = stream.choice(len(pool) - len(own), count, replace=False)
        places += np.searchsorted(own - np.arange(len(own)), places, side="right")
        items.append(pool[places])
        sampled_for.append(first_pairs[user] + np.arange(count) // negatives)
    row_of_pair = np.zeros(len(positive) + 1, dtype=np.int64)  # last: rows of no positive pair
    row_of_pair[positive.of_row] = np.arange(len(interactions))
    rows = row_of_pair[np.concatenate([first_pairs[:0], *sampled_for])]
    joined = interactions.take(np.concatenate([np.arange(len(interactions)), rows]))
    joined.item_codes[len(interactions) :] = np.concatenate([pool[:0], *items])
    joined.weights[len(interactions) :] = 0
    return joined
