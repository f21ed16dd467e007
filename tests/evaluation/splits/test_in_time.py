from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits import by_time, sliding_windows

DAY = 86_400


def dataset_of(rows: list[tuple], *columns: str) -> Dataset:
    return Dataset.build(pd.DataFrame(rows, columns=["user", "item", "timestamp", *columns]))


ROWS = [("u", "a", 1 * DAY), ("v", "b", 2 * DAY), ("u", "b", 3 * DAY), ("v", "c", 4 * DAY)]


@pytest.mark.parametrize("at", [3 * DAY, str(3 * DAY), "1970-01-04", "1970-01-04T01:00:00+01:00"])
def test_the_moment_belongs_to_the_test(pairs_of, at):
    split = by_time(dataset_of(ROWS), at=at)
    assert pairs_of(split.train.interactions) == {("u", "a"), ("v", "b")}
    assert pairs_of(split.test) == {("u", "b"), ("v", "c")}
    assert split.params["at"] == "1970-01-04T00:00:00Z"
    assert split.dropped_rows == 0


def test_a_datetime_is_a_moment(pairs_of):
    at = datetime.datetime(1970, 1, 5, tzinfo=datetime.timezone.utc)
    assert pairs_of(by_time(dataset_of(ROWS), at=at).test) == {("v", "c")}


@pytest.mark.parametrize(("share", "tested"), [(0.2, 1), (0.5, 2), (0.9, 3)])
def test_a_share_of_the_interactions(share, tested):
    split = by_time(dataset_of(ROWS), test_fraction=share)
    assert len(split.test) == tested
    again = by_time(dataset_of(ROWS), **split.params)
    assert again.fingerprint == split.fingerprint


def test_equal_times_stay_together():
    rows = [(user, "a", time * DAY) for user, time in enumerate([1, 1, 1, 2, 2, 3])]
    held_out = [len(by_time(dataset_of(rows), test_fraction=f).test) for f in (0.1, 0.3, 0.5, 0.9)]
    assert held_out == [1, 3, 3, 3]  # 2 of 6 is as near to 1 as to 3


def test_what_is_known_by_then_is_not_asked_for_again(pairs_of):
    again = [("u", "a", 5 * DAY), ("v", "c", 6 * DAY)]
    split = by_time(dataset_of(ROWS + again), at=3 * DAY)
    assert pairs_of(split.test) == {("u", "b"), ("v", "c")}
    assert len(split.test) == 3  # both events of (v, c)
    assert split.dropped_rows == 1


def test_rows_of_weight_0_are_no_knowledge(pairs_of):
    rows = [("u", "a", DAY, 1), ("u", "b", DAY, 0), ("u", "b", 3 * DAY, 1), ("u", "c", 3 * DAY, 0)]
    split = by_time(dataset_of(rows, "weight"), at=2 * DAY)
    assert pairs_of(split.test) == {("u", "b")}
    assert len(split.train.interactions) == 1
    assert split.dropped_rows == 2


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 8), st.integers(0, 2)),
        min_size=1,
        max_size=30,
    ),
    share=st.floats(0.01, 0.99),
)
def test_nothing_in_training_is_newer_than_the_test(rows, share):
    data = dataset_of(rows, "weight")
    times = {time for *_, time, weight in rows if weight}
    if len(times) < 2:
        with pytest.raises(DataError):
            by_time(data, test_fraction=share)
        return
    try:
        split = by_time(data, test_fraction=share)
    except DataError:  # everything after the moment repeats what was before
        reject()
    train, test = split.train.interactions, split.test
    assert train.timestamps.max() < test.timestamps.min()
    first = {}
    for user, item, time, weight in rows:
        if weight:
            first[user, item] = min(time, first.get((user, item), time))
    expected = sorted(pair for pair, time in first.items() if time >= test.timestamps.min())
    matrix = test.matrix.tocoo()
    found = zip(test.users.ids[matrix.row], test.items.ids[matrix.col], strict=True)
    assert sorted(found) == expected
    assert len(train) + len(test) + split.dropped_rows == len(rows)


def test_windows_follow_each_other(random_dataset):
    dataset = random_dataset()
    times = dataset.interactions.timestamps
    newest = times.max()
    splits = sliding_windows(dataset, windows=3, days=10 / DAY)
    assert [split.params["window"] for split in splits] == [1, 2, 3]
    for number, split in enumerate(splits):
        start = newest - 10 * (3 - number)
        end = start + 10 if number < 2 else newest + 1
        assert split.train.interactions.timestamps.max() < start
        assert split.test.timestamps.min() >= start
        assert split.test.timestamps.max() < end
        new = {
            pair
            for pair, weight, time in zip(pairs_list(dataset), weights(dataset), times, strict=True)
            if weight and start <= time < end
        } - set(pairs_list(split.train))
        assert new == set(pairs_list(split.train.with_interactions(split.test)))
    assert splits[2].fingerprint == by_time(dataset, at=float(newest - 10)).fingerprint


def pairs_list(dataset: Dataset) -> list[tuple[int, int]]:
    rows = dataset.interactions
    return list(zip(rows.user_codes.tolist(), rows.item_codes.tolist(), strict=True))


def weights(dataset: Dataset) -> np.ndarray:
    return dataset.interactions.weights


def test_old_rows_can_be_forgotten(random_dataset):
    splits = sliding_windows(random_dataset(), windows=2, days=5 / DAY, train_days=12 / DAY)
    for split in splits:
        first = split.test.timestamps.min()
        assert split.train.interactions.timestamps.min() >= first - 5 - 12
        assert split.dropped_rows > 0


def test_refusals(random_dataset):
    dataset = random_dataset()
    with pytest.raises(DataError, match="by-time needs interactions with a timestamp"):
        by_time(Dataset.build(pd.DataFrame({"user": [1, 1], "item": [1, 2]})))
    with pytest.raises(DataError, match="sliding-windows needs interactions with a timestamp"):
        sliding_windows(Dataset.build(pd.DataFrame({"user": [1, 1], "item": [1, 2]})))
    with pytest.raises(DataError, match="no new interaction from 2030-01-01T00:00:00Z on; times"):
        by_time(dataset, at="2030-01-01")
    with pytest.raises(DataError, match="no new interaction before 1999-01-01"):
        by_time(dataset, at="1999-01-01")
    with pytest.raises(DataError, match="the same time"):
        by_time(dataset_of([("u", "a", DAY), ("u", "b", DAY)]))
    with pytest.raises(DataError, match=r"from 2001-12-31.* to 2002-01-01"):
        sliding_windows(dataset_of([("u", "a", 1e9), ("u", "b", 1.01e9)]), windows=2, days=1)
    for at in ("soon", "", np.nan, "2015-13-01"):
        with pytest.raises(ParameterError, match="at must be a time"):
            by_time(dataset, at=at)
    for wrong in (0, 1, True, "x"):
        with pytest.raises(ParameterError, match="test_fraction"):
            by_time(dataset, test_fraction=wrong)
    with pytest.raises(ParameterError, match="windows must be a whole number"):
        sliding_windows(dataset, windows=0)
    for wrong in (0, -1, np.inf, np.nan, True):
        with pytest.raises(ParameterError, match="days must be a positive number"):
            sliding_windows(dataset, days=wrong)
        with pytest.raises(ParameterError, match="train_days must be a positive number"):
            sliding_windows(dataset, train_days=wrong)
