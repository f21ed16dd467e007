from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.splits import (
    SERIES,
    SPLITS,
    Split,
    by_time,
    k_fold,
    labelled_pairs,
    leave_last_n,
    predefined,
    random_split,
    read_predefined,
    sliding_windows,
)
from hybridrec.evaluation.tuning import validation_split

KINDS = {
    "random": {"test_fraction": 0.3, "by": "user", "random_state": 5},
    "leave-last-n": {"n": 2},
    "by-time": {"at": 1_000_000_030},
    "cold-items": {"random_state": 5},
    "warm-and-cold": {"random_state": 5},
    "cold-users": {"support": 2, "random_state": 5},
    "labelled-pairs": {"random_state": 5},
    "predefined": {},
}


@pytest.fixture(params=[*SPLITS, *SERIES])
def split(request, random_dataset) -> Split:
    """A split of every kind."""
    data = random_dataset()
    if request.param in SERIES:
        options = {"windows": 2, "days": 15 / 86400} if request.param == "sliding-windows" else {}
        return SERIES[request.param](data, **options)[-1]
    return SPLITS[request.param](data, **KINDS[request.param])


def _rows(interactions) -> set:
    columns = (interactions.user_codes, interactions.item_codes, interactions.weights)
    return set(zip(*(one.tolist() for one in columns), strict=True))


def _poisoned(split: Split) -> Split:
    """Return the split with other rows in its test."""
    shape = split.train.matrix.shape
    taken = np.zeros(shape, dtype=bool)
    for name, rows in split.parts.items():
        if name != "test":
            taken[rows.user_codes, rows.item_codes] = True
    if split.candidates is not None:
        taken[:, ~split.candidates] = True
    users, items = np.nonzero(~taken)
    test = split.test.take(np.zeros(len(users), dtype=np.int64))
    test = replace(
        test,
        user_codes=users.astype(np.int32),
        item_codes=items.astype(np.int32),
        weights=np.full(len(users), 9, dtype=np.float32),
    )
    return replace(split, test=test)


def test_it_is_made_of_what_is_not_the_test(split):
    found = validation_split(split)
    open_rows = _rows(split.train.interactions)
    if split.validation is not None:
        open_rows |= _rows(split.validation)
    assert _rows(found.test) <= open_rows
    assert _rows(found.train.interactions) <= _rows(split.train.interactions)
    assert not _rows(found.test) & _rows(split.test)
    assert len(found.test_users) > 0


def test_the_test_does_not_change_it(split):
    poisoned = _poisoned(split)
    assert poisoned.fingerprint != split.fingerprint
    assert validation_split(poisoned).fingerprint == validation_split(split).fingerprint


def test_a_validation_part_is_taken_where_there_is_one(random_dataset):
    split = labelled_pairs(random_dataset())
    assert validation_split(split).test is split.validation
    assert validation_split(split).train is split.train


def test_random_splits_are_made_again_with_the_next_seed(random_dataset):
    data = random_dataset()
    split = random_split(data, test_fraction=0.3, by="user", random_state=5)
    again = random_split(split.train, test_fraction=0.3, by="user", random_state=6)
    assert validation_split(split).fingerprint == again.fingerprint


def test_by_time_holds_out_the_newest_of_the_rest(random_dataset):
    split = by_time(random_dataset(), at=1_000_000_040)
    found = validation_split(split)
    assert found.test.timestamps.min() >= found.train.interactions.timestamps.max()
    assert found.fingerprint == by_time(split.train, test_fraction=0.2).fingerprint
    last = leave_last_n(random_dataset(), n=2)
    assert validation_split(last).fingerprint == leave_last_n(last.train, n=2).fingerprint


def test_series_hold_out_as_much_again(random_dataset):
    fold = k_fold(random_dataset(), folds=4, random_state=1)[2]
    found = validation_split(fold)
    pairs = len(found.train.matrix.data) + len(found.test.matrix.data)
    assert len(found.test.matrix.data) == int(pairs / 4 + 0.5)
    days = 15 / 86400
    window = sliding_windows(random_dataset(), windows=2, days=days)[-1]
    times = validation_split(window).test.timestamps
    assert times.min() >= window.train.interactions.timestamps.max() - 15
    assert window.test.timestamps.min() > times.max()


def test_a_predefined_validation_part_is_taken(random_dataset):
    frame = pd.DataFrame({"user": [1, 1, 2, 2], "item": [1, 2, 1, 2]})
    split = read_predefined(frame[:2], frame[2:3], validation=frame[3:])
    assert validation_split(split).test is split.validation
    without = predefined(random_dataset())
    assert validation_split(without).name == "random"


def test_a_split_of_ones_own_needs_a_validation_part(random_dataset):
    split = replace(random_split(random_dataset()), name="mine")
    with pytest.raises(ParameterError, match="'mine' has no validation part"):
        validation_split(split)
    with pytest.raises(ParameterError, match="has no validation part"):
        validation_split(labelled_pairs(random_dataset()).on_validation())
