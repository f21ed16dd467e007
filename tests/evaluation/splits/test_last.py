from __future__ import annotations

import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits import leave_last_n


def dataset_of(rows: list[tuple[str, str, int]]) -> Dataset:
    return Dataset.build(pd.DataFrame(rows, columns=["user", "item", "timestamp"]))


ROWS = [
    *[("u", "a", 100), ("u", "b", 300), ("u", "c", 200), ("u", "a", 400)],
    *[("v", "a", 500), ("v", "b", 100)],
    ("w", "c", 100),
]


def test_the_newest_items_go(pairs_of):
    split = leave_last_n(dataset_of(ROWS))
    # u came back to a last, so both of its rows are held out
    assert pairs_of(split.test) == {("u", "a"), ("v", "a")}
    assert len(split.test) == 3
    assert split.skipped_users == 1


def test_n_items(pairs_of):
    split = leave_last_n(dataset_of(ROWS), n=2)
    assert pairs_of(split.test) == {("u", "a"), ("u", "b")}
    assert split.skipped_users == 2


def test_no_training_row_is_newer_than_the_last_test_row(random_dataset):
    split = leave_last_n(random_dataset(), n=3)
    train, test = split.train.interactions, split.test
    for user in split.test_users:
        mine = train.timestamps[(train.user_codes == user) & (train.weights > 0)]
        assert mine.max() <= test.timestamps[test.user_codes == user].max()
        assert test.matrix[user].nnz == 3


def test_equal_times_do_not_follow_the_order_of_items():
    rows = [(f"u{user}", f"i{item}", 7) for user in range(2) for item in range(50)]
    split = leave_last_n(dataset_of(rows), n=5)
    held = split.test.item_codes[split.test.user_codes == 0]
    assert set(split.train.items.tie_order[held]) == set(range(5))
    assert sorted(held) not in (list(range(5)), list(range(45, 50)))


def test_refusals():
    with pytest.raises(DataError, match="timestamp"):
        leave_last_n(Dataset.build(pd.DataFrame({"user": [1, 1], "item": [1, 2]})))
    with pytest.raises(DataError, match="nothing is held out"):
        leave_last_n(dataset_of(ROWS), n=3)
    for n in (0, 1.5, True):
        with pytest.raises(ParameterError, match="n must be a whole number"):
            leave_last_n(dataset_of(ROWS), n=n)
