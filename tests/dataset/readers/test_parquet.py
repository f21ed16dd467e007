from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hybridrec.dataset.readers import read_interactions, read_items
from hybridrec.errors import DataError

USERS, ITEMS = ["b", "a", "b"], [7, 5, 7]


def save(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("users", "ids"),
    [
        (pa.array([3, 1, 3], pa.int8()), [1, 3]),
        (pa.array([3, 1, 3], pa.uint64()), [1, 3]),
        (pa.array([3.0, 1.0, 3.0]), [1, 3]),
        (pa.array([Decimal(3), Decimal(1), Decimal(3)]), [1, 3]),
        (pa.array(["3", "1", "3"]), ["1", "3"]),  # text stays text: the format has types
        (pa.array(["3", "1", "3"]).dictionary_encode(), ["1", "3"]),
    ],
)
def test_ids_keep_their_type(tmp_path, users, ids):
    read = read_interactions(save(tmp_path / "r.parquet", user=users, item=ITEMS))
    assert read.users.ids.tolist() == ids
    assert read.user_codes.tolist() == [1, 0, 1]
    assert read.items.ids[read.item_codes].tolist() == ITEMS


@pytest.mark.parametrize(
    ("users", "message"),
    [
        (pa.array(["a", None, "b"]), r"r\.parquet row 1: user id missing: 'user=None, item=5'"),
        (pa.array([1, None, 2]), r"r\.parquet row 1: user id missing: 'user=None, item=5'"),
        (pa.array([1.0, 1.5, float("nan")]), r"user ids must be integers or text \(2 rows\)"),
        (pa.array([True, False, True]), "user ids must be integers or text, got bool"),
        (pa.array([dt.date(2020, 1, 1)] * 3), "user ids must be integers or text, got datetime64"),
        (pa.array([2**64 - 1, 1, 2], pa.uint64()), r"r\.parquet cannot be read: Conversion Error"),
    ],
)
def test_bad_ids(tmp_path, users, message):
    with pytest.raises(DataError, match=message):
        read_interactions(save(tmp_path / "r.parquet", user=users, item=ITEMS))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (pa.array([1.0, float("nan"), 2.0]), r"row 1: column 'weight': weights must be finite"),
        (pa.array([1, 2, -3]), r"row 2: column 'weight': weights must be finite and at least 0"),
        (pa.array([1, 2, None]), r"row 2: column 'weight': weights must be finite and at least 0"),
        (
            pa.array(["1", "2", "x"]),
            r"row 2: column 'weight' holds no number: 'user=b, item=7, weight=x'",
        ),
    ],
)
def test_bad_weights(tmp_path, weights, message):
    path = save(tmp_path / "r.parquet", user=USERS, item=ITEMS, weight=weights)
    with pytest.raises(DataError, match=message):
        read_interactions(path)


def test_weights_of_any_number_type(tmp_path):
    for weights in (
        pa.array([1, 0, 3], pa.int16()),
        pa.array([Decimal("1.00"), Decimal("0.00"), Decimal("3.00")]),
        pa.array(["1", "0e5", "3.0"]),
    ):
        path = save(tmp_path / "r.parquet", user=USERS, item=ITEMS, weight=weights)
        assert read_interactions(path).weights.tolist() == [1, 0, 3]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([dt.datetime(2020, 1, 1)] * 3, pa.timestamp("us")),
        pa.array([dt.datetime(2020, 1, 1)] * 3, pa.timestamp("ns")),
        pa.array([dt.datetime(2020, 1, 1)] * 3, pa.timestamp("s")),
        pa.array([dt.datetime(2020, 1, 1)] * 3, pa.timestamp("us", tz="Europe/Oslo")),
        pa.array([dt.date(2020, 1, 1)] * 3),
        pa.array([1577836800] * 3),
        pa.array([1577836800e9] * 3),
        pa.array(["2020-01-01T00:00:00"] * 3),
    ],
)
def test_times_of_any_type(tmp_path, times):
    path = save(tmp_path / "r.parquet", user=USERS, item=ITEMS, time=times)
    assert read_interactions(path).timestamps.tolist() == [1577836800.0] * 3


def test_a_missing_time(tmp_path):
    times = pa.array([dt.date(2020, 1, 1), None, dt.date(2020, 1, 1)])
    path = save(tmp_path / "r.parquet", user=USERS, item=ITEMS, time=times)
    with pytest.raises(DataError, match=r"row 1: column 'time' holds no time"):
        read_interactions(path)


def test_columns_of_a_table_keep_their_type(tmp_path):
    path = save(
        tmp_path / "items.parquet",
        item=[2, 1],
        genres=[["a", None], None],
        year=pa.array([1995, None]),
        seen=[True, False],
        flag=pa.array([True, None]),
        title=["x", None],
        added=pa.array([dt.datetime(2020, 1, 1), None], pa.timestamp("ms")),
    )
    table = read_items(path)
    assert table["genres"].tolist() == [["a", None], None]
    assert table["year"][0] == 1995
    assert np.isnan(table["year"][1])
    assert table["seen"].dtype == bool
    assert table["flag"].tolist() == [True, None]
    assert table["title"].isna().tolist() == [False, True]
    assert table["added"][0] == np.datetime64("2020-01-01")
    assert table["added"].isna()[1]


def test_lists_of_equal_length_stay_lists(tmp_path):
    path = save(tmp_path / "items.parquet", item=[1, 2], tags=[["a", "b"], ["c", "d"]])
    assert read_items(path)["tags"].tolist() == [["a", "b"], ["c", "d"]]


def test_a_table_with_repeated_ids(tmp_path):
    path = save(tmp_path / "items.parquet", item=["a", "b", "a"], title=["x", "y", "z"])
    with pytest.raises(DataError, match=r"duplicate item ids 'a' \(2 rows\)") as caught:
        read_items(path)
    assert "items.parquet row 0: 'item=a, title=x'" in str(caught.value)
    assert "items.parquet row 2: 'item=a, title=z'" in str(caught.value)


def test_names_with_quotes(tmp_path):
    path = save(tmp_path / 'it\'s "x".parquet', **{'the "user"': USERS, "item'; drop": ITEMS})
    read = read_interactions(path, user='the "user"', item="item'; drop", context=['the "user"'])
    assert read.context['the "user"'].tolist() == USERS


def test_broken_and_empty_files(tmp_path):
    path = save(tmp_path / "r.parquet", user=USERS, item=ITEMS)
    (tmp_path / "cut.parquet").write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"cut\.parquet cannot be read: "):
        read_interactions(tmp_path / "cut.parquet")
    empty = save(tmp_path / "e.parquet", user=pa.array([], pa.int64()), item=pa.array([], "int64"))
    with pytest.raises(DataError, match=r"e\.parquet has no rows below the column names"):
        read_interactions(empty)
    with pytest.raises(DataError, match="no column looks like the item"):
        read_interactions(save(tmp_path / "u.parquet", user=USERS))
