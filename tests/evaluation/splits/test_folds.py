from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits import k_fold


@pytest.mark.parametrize("by", ["global", "user"])
@pytest.mark.parametrize("folds", [2, 3, 5])
def test_every_pair_is_tested_once(random_dataset, pairs_of, by, folds):
    dataset = random_dataset(seed=4)
    splits = k_fold(dataset, folds=folds, by=by)
    assert [split.params["fold"] for split in splits] == list(range(1, folds + 1))
    tests = [pairs_of(split.test) for split in splits]
    single = {
        (user, item)
        for user, item in pairs_of(dataset.interactions)
        if dataset.matrix[dataset.users.codes([user])[0]].nnz == 1
    }
    assert set.union(*tests) == pairs_of(dataset.interactions) - (single if by == "user" else set())
    assert sum(map(len, tests)) == len(set.union(*tests))
    for split in splits:
        assert len(split.train.interactions) + len(split.test) == len(dataset.interactions)


def test_folds_are_of_equal_size(random_dataset, pairs_of):
    sizes = [len(pairs_of(split.test)) for split in k_fold(random_dataset(), folds=4)]
    assert max(sizes) - min(sizes) <= 1


def test_each_users_pairs_are_spread_evenly(random_dataset):
    dataset = random_dataset(rows=300, users=60)
    splits = k_fold(dataset, folds=3, by="user", random_state=1)
    counts = np.stack([np.diff(split.test.matrix.indptr) for split in splits])
    owned = np.diff(dataset.matrix.indptr)
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1)[owned > 1].all()
    assert (counts.sum(axis=0) == np.where(owned > 1, owned, 0)).all()
    assert all(split.skipped_users == (owned == 1).sum() for split in splits)
    for split in splits:  # who is tested has something to learn from
        assert (np.diff(split.train.matrix.indptr)[split.test_users] > 0).all()


def test_small_users_do_not_share_a_fold():
    rows = [(user, item) for user in range(90) for item in range(2)]
    splits = k_fold(Dataset.build(pd.DataFrame(rows, columns=["user", "item"])), folds=3, by="user")
    assert min(len(split.test) for split in splits) > 40


def test_random_state_decides(random_dataset):
    dataset = random_dataset()
    prints = {k_fold(dataset, random_state=seed)[0].fingerprint for seed in (0, 0, 1)}
    assert len(prints) == 2
    assert k_fold(dataset, random_state=7)[2].seed == 7


def test_refusals(random_dataset):
    for folds in (1, 2.5, True):
        with pytest.raises(ParameterError, match="folds must be a whole number of at least 2"):
            k_fold(random_dataset(), folds=folds)
    with pytest.raises(ParameterError, match="did you mean 'user'"):
        k_fold(random_dataset(), by="users")
    few = Dataset.build(pd.DataFrame({"user": [1, 2], "item": [1, 2]}))
    with pytest.raises(DataError, match="cannot deal 2 interactions into 5 folds"):
        k_fold(few)
