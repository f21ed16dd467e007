from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits import random_split


def dataset_of(sizes: dict[int, int]) -> Dataset:
    pairs = [(user, item) for user, size in sizes.items() for item in range(size)]
    return Dataset.build(pd.DataFrame(pairs, columns=["user", "item"]))


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.2, 20), (0.255, 26), (0.001, 1), (0.999, 99)]
)
def test_global_share_is_exact(fraction, expected):
    split = random_split(dataset_of({1: 50, 2: 30, 3: 20}), test_fraction=fraction)
    assert len(split.test) == expected


def test_share_of_every_user():
    sizes = {1: 10, 2: 5, 3: 3, 4: 2, 5: 1}
    split = random_split(dataset_of(sizes), test_fraction=0.2, by="user")
    held = np.bincount(split.test.user_codes, minlength=5)
    assert held.tolist() == [2, 1, 1, 0, 0]
    assert split.skipped_users == 2
    everything = random_split(dataset_of(sizes), test_fraction=0.99, by="user")
    assert np.bincount(everything.train.interactions.user_codes).tolist() == [1, 1, 1, 1, 1]


def test_repeats_of_a_pair_stay_together(random_dataset, pairs_of):
    split = random_split(random_dataset(), test_fraction=0.5)
    assert not pairs_of(split.train.interactions) & pairs_of(split.test)
    assert len(split.test) > split.test.matrix.nnz  # the data has repeats


def test_every_item_can_be_drawn():
    dataset = dataset_of({1: 20})
    drawn = {
        item
        for seed in range(60)
        for item in random_split(dataset, random_state=seed).test.item_codes.tolist()
    }
    assert drawn == set(range(20))


@pytest.mark.parametrize(
    "wrong",
    [
        {"test_fraction": 0},
        {"test_fraction": 1.0},
        {"test_fraction": "0.2"},
        {"test_fraction": float("nan")},
        {"by": "item"},
        {"random_state": -1},
    ],
)
def test_wrong_parameters(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        random_split(dataset_of({1: 5}), **wrong)


def test_too_little_data():
    with pytest.raises(DataError, match="cannot split 1 interactions"):
        random_split(dataset_of({1: 1}))
    with pytest.raises(DataError, match="nothing is held out"):
        random_split(dataset_of({1: 1, 2: 1}), by="user")
