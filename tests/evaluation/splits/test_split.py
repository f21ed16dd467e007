from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits import SPLITS, Split, cold_users, random_split


@pytest.fixture
def rows() -> Interactions:
    return Interactions.from_frame(
        pd.DataFrame({"user": [1, 1, 2, 2, 3, 3], "item": list("abacbc")})
    )


def cut(rows: Interactions, train: list[int], test: list[int], **rest) -> Split:
    return Split("mine", {}, Dataset.build(rows.take(np.array(train))), rows.take(test), **rest)


def test_a_split_by_hand(rows):
    split = cut(rows, [0, 2, 4], [1, 3])
    assert split.test_users.tolist() == [0, 1]
    assert split.seed is None
    assert split.seen.nnz == 3


def test_a_shared_pair_is_refused_and_named(rows):
    with pytest.raises(DataError, match=r"both in train and in test: '\(1, b\)'"):
        cut(rows, [0, 1, 2], [1, 3])


def test_support_must_be_apart_from_test_and_train(rows):
    with pytest.raises(DataError, match="both in support and in test"):
        cut(rows, [0, 1], [2, 3], support=rows.take(np.array([3])))
    with pytest.raises(DataError, match="users with support must have no training row, but 2"):
        cut(rows, [0, 2], [1], support=rows.take(np.array([3])))


def test_something_must_be_held_out(rows):
    with pytest.raises(DataError, match="nothing is held out"):
        cut(rows, [0, 1, 2], [])


def test_rows_of_weight_0_are_no_positives(rows):
    test = replace(rows.take(np.array([3, 5])), weights=np.array([1, 0], dtype=np.float32))
    split = Split("mine", {}, Dataset.build(rows.take(np.array([0]))), test)
    assert split.test_users.tolist() == [1]


def test_id_maps_must_agree(rows):
    other = Interactions.from_frame(pd.DataFrame({"user": [1, 2], "item": ["a", "z"]}))
    with pytest.raises(DataError, match="same id maps"):
        Split("mine", {}, Dataset.build(rows), other)


def test_test_items_must_be_candidates(rows):
    with pytest.raises(DataError, match="no candidates cannot be found: 'c'"):
        cut(rows, [0, 2], [1, 3], candidates=np.array([True, True, False]))
    with pytest.raises(DataError, match="one bool per item"):
        cut(rows, [0, 2], [1, 3], candidates=np.array([True, True]))


def test_fingerprint_is_of_the_content_alone(rows):
    split = cut(rows, [0, 2, 4], [1, 3])
    assert len(split.fingerprint) == 64
    assert replace(split, name="other", params={"x": 1}).fingerprint == split.fingerprint
    others = [
        cut(rows, [0, 2], [1, 3]),
        cut(rows, [0, 2, 4], [1, 5]),
        cut(rows, [0, 2, 4], [1, 3], candidates=np.ones(3, dtype=bool)),
        cut(rows, [0, 2], [1, 3], support=rows.take(np.array([4]))),
        cut(rows, [0, 2], [1, 3], validation=rows.take(np.array([4]))),
        Split(
            "mine",
            {},
            Dataset.build(replace(rows, weights=rows.weights * 2).take([0, 2, 4])),
            rows.take([1, 3]),
        ),
    ]
    prints = {split.fingerprint, *(other.fingerprint for other in others)}
    assert len(prints) == 1 + len(others)


def test_fingerprint_tells_ids_apart():
    def of(items: list[str]) -> str:
        rows = Interactions.from_frame(pd.DataFrame({"user": [1, 1], "item": items}))
        return cut(rows, [0], [1]).fingerprint

    assert of(["a", "bc"]) != of(["ab", "c"])


def test_validation_is_apart_from_all_others(rows):
    split = cut(rows, [0, 2, 4], [1], validation=rows.take([3]))
    assert list(split.parts) == ["train", "validation", "test"]
    assert split.seen.nnz == 3
    with pytest.raises(DataError, match="both in validation and in test"):
        cut(rows, [0], [1, 3], validation=rows.take([3]))
    with pytest.raises(DataError, match="both in train and in validation"):
        cut(rows, [0, 3], [1], validation=rows.take([3]))


def test_parameters_are_chosen_on_the_validation_part(rows):
    split = cut(rows, [0, 2, 4], [1], validation=rows.take([3, 5]))
    chosen_on = split.on_validation()
    assert chosen_on.test is split.validation
    assert chosen_on.train is split.train
    assert chosen_on.validation is None
    assert chosen_on.fingerprint != split.fingerprint
    with pytest.raises(ParameterError, match="has no validation part"):
        chosen_on.on_validation()


def test_test_pairs_hold_negatives_too(rows):
    test = replace(
        rows.take([1, 1, 3, 5]), weights=np.array([0, 2, 0, 1], dtype=np.float32)
    )  # the first pair has rows of weight 0 and 2: it is positive
    split = Split("mine", {}, Dataset.build(rows.take([0])), test)
    assert split.test_pairs.users.tolist() == [0, 1, 2]
    assert split.test_pairs.items.tolist() == [1, 2, 2]
    assert split.test_pairs.labels.tolist() == [True, False, True]
    assert split.test_users.tolist() == [0, 2]


@pytest.mark.parametrize("name", SPLITS)
def test_every_split(name, random_dataset, pairs_of):
    dataset = random_dataset(seed=3)
    before = dataset.interactions.user_codes.copy()
    split = SPLITS[name](dataset)
    assert split.name == name
    assert split.train.users == dataset.users
    assert split.train.items == dataset.items
    parts = list(split.parts.values())
    assert sum(map(len, parts)) + split.dropped_rows == len(dataset.interactions)
    assert split.dropped_rows == 0 or name == "by-time"
    sets = [pairs_of(part) for part in parts]
    assert sum(map(len, sets)) == len(pairs_of(dataset.interactions))
    assert set.union(*sets) == pairs_of(dataset.interactions)
    assert split.fingerprint == SPLITS[name](dataset).fingerprint
    assert np.array_equal(before, dataset.interactions.user_codes)


@pytest.mark.parametrize(
    "name", ["random", "cold-items", "warm-and-cold", "cold-users", "labelled-pairs"]
)
def test_random_state_decides(name, random_dataset):
    dataset = random_dataset()
    prints = {SPLITS[name](dataset, random_state=seed).fingerprint for seed in (0, 0, 1, 2)}
    assert len(prints) == 3
    assert SPLITS[name](dataset, random_state=2).seed == 2


def test_the_order_of_rows_does_not_matter(random_dataset, pairs_of):
    dataset = random_dataset()
    shuffled = dataset.with_interactions(
        dataset.interactions.take(np.random.default_rng(1).permutation(len(dataset.interactions)))
    )
    for name, make in SPLITS.items():
        one, two = make(dataset), make(shuffled)
        assert pairs_of(one.test) == pairs_of(two.test), name


def test_seen_holds_train_and_support(random_dataset):
    split = cold_users(random_dataset())
    assert split.seen.nnz == split.train.matrix.nnz + split.support.matrix.nnz
    plain = random_split(random_dataset())
    assert plain.seen.nnz == plain.train.matrix.nnz
