from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.dataset.columns import BadRowsError
from hybridrec.dataset.timestamps import to_epoch_seconds
from hybridrec.errors import DataError

DAY = 1577836800.0  # 2020-01-01 UTC
UTC = dt.timezone.utc


@given(
    st.lists(st.integers(10**9, 4 * 10**9), min_size=1),
    st.sampled_from([1, 1e3, 1e6, 1e9]),
    st.sampled_from([np.int64, np.float64]),
)
def test_numbers_of_any_unit(seconds, factor, dtype):
    given_ = (np.array(seconds, dtype=np.float64) * factor).astype(dtype)
    before = given_.copy()
    found = to_epoch_seconds(given_, "time")
    np.testing.assert_allclose(found, seconds)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(given_, before)


@pytest.mark.parametrize(
    "values",
    [
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.array(["2020-01-01T00:00:00.000000000"], dtype="datetime64[ns]"),
        np.array(["2020-01-01"], dtype=object),
        np.array(["2020-01-01T01:00:00+01:00"], dtype=object),
        np.array(["2020-01-01T00:00:00Z"]),
        np.array([dt.datetime(2020, 1, 1, tzinfo=UTC)], dtype=object),
        np.array([dt.datetime(2020, 1, 1)], dtype=object),
        np.array([dt.date(2020, 1, 1)], dtype=object),
        np.array([pd.Timestamp("2020-01-01 01:00", tz="Europe/Oslo")], dtype=object),
        np.array([1577836800], dtype=object),
    ],
)
def test_dates_of_any_type(values):
    assert to_epoch_seconds(values, "time").tolist() == [DAY]


def test_times_before_1970_and_zero():
    assert to_epoch_seconds(np.array([-5, 0, 10]), "time").tolist() == [-5, 0, 10]
    assert to_epoch_seconds(np.array([-5e12, 0, 2e12]), "time").tolist() == [-5e9, 0, 2e9]
    assert to_epoch_seconds(np.array([0, 1.6e12]), "time").tolist() == [0, 1.6e9]
    assert to_epoch_seconds(np.array([], dtype=np.int64), "time").tolist() == []


@pytest.mark.parametrize(
    ("values", "rows", "message"),
    [
        (np.array([1.0, np.nan, np.inf]), [1, 2], r"'time' holds no time: rows 1, 2"),
        (np.array([1.6e9, 1.6e12]), [0, 1], r"mixes units of time \(1600000000 and 1600000000000"),
        (np.array([1.6e12, -5.0]), [0, 1], "mixes units of time"),
        (
            np.array(["2020-01-01", "soon", None], dtype=object),
            [1, 2],
            "can be read .*'soon', None",
        ),
        (np.array(["2020-01-01", "NaT"], dtype="datetime64[s]"), [1], "holds no time that can be"),
    ],
)
def test_bad_times_are_named(values, rows, message):
    with pytest.raises(BadRowsError, match=message) as caught:
        to_epoch_seconds(values, "time")
    assert caught.value.rows.tolist() == rows


def test_a_column_of_no_times():
    with pytest.raises(DataError, match="column 'time' must hold times, got bool"):
        to_epoch_seconds(np.array([True, False]), "time")
