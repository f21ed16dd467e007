from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Interactions
from hybridrec.errors import DataError
from hybridrec.models.labels import labelled_pairs
from hybridrec.testing.contract import checkerboard


def interactions(rows) -> Interactions:
    return Interactions.from_frame(pd.DataFrame(rows, columns=["user", "item", "weight"]))


def test_pairs_of_weight_zero_are_the_negatives():
    rows = [("a", 1, 1), ("a", 2, 0), ("b", 1, 0), ("b", 1, 2), ("b", 2, 0), ("b", 2, 0)]
    pairs = labelled_pairs(interactions(rows), 2, np.random.default_rng(0))
    assert list(zip(pairs.users, pairs.items, pairs.labels, strict=True)) == [
        *((0, 0, True), (1, 0, True)),
        *((0, 1, False), (1, 1, False)),
    ]
    assert sorted(pairs.folds) == [0, 0, 1, 1]


def test_without_negatives_one_is_sampled_for_each_positive():
    rows = Interactions.from_frame(checkerboard())
    pairs = labelled_pairs(rows, 5, np.random.default_rng(0))
    assert pairs.labels.sum() == rows.matrix.nnz
    assert 0.95 < (~pairs.labels).sum() / pairs.labels.sum() <= 1
    negatives = np.stack([pairs.users, pairs.items])[:, ~pairs.labels]
    assert len(np.unique(negatives, axis=1).T) == negatives.shape[1]
    assert not np.asarray(rows.matrix[negatives[0], negatives[1]]).any()
    own = [np.bincount(pairs.users[pairs.labels == one], minlength=30) for one in (True, False)]
    assert (own[0] >= own[1]).all()


def test_a_user_who_has_everything_gets_no_negative():
    pairs = labelled_pairs(
        interactions([("a", 1, 1), ("a", 2, 1), ("b", 1, 1)]), 2, np.random.default_rng(0)
    )
    assert list(zip(pairs.users, pairs.items, pairs.labels, strict=True))[3:] == [(1, 1, False)]


def test_without_a_fold_its_positives_are_gone():
    rows = Interactions.from_frame(checkerboard())
    pairs = labelled_pairs(rows, 5, np.random.default_rng(0))
    rest = pairs.without(2, rows.matrix)
    held = pairs.labels & (pairs.folds == 2)
    assert not np.asarray(rest[pairs.users[held], pairs.items[held]]).any()
    assert rest.nnz == rows.matrix.nnz - held.sum()
    kept = pairs.labels & (pairs.folds != 2)
    assert np.asarray(rest[pairs.users[kept], pairs.items[kept]]).all()


def test_too_few_pairs():
    with pytest.raises(DataError, match="cannot deal 1 interactions into 5 folds"):
        labelled_pairs(interactions([("a", 1, 1)]), 5, np.random.default_rng(0))
