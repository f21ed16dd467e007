"""Item tables in the few types that a model folder keeps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from hybridrec.models.tables import from_parts, plain_table, to_parts
from hybridrec.store.tables import read_table, write_table

DAY = dt.date(2020, 5, 17)
COLUMNS = {  # what is given, and what becomes of it
    "whole": ([1, 2, 3], [1, 2, 3]),
    "gaps": ([1.0, None, 3.0], [1.0, None, 3.0]),
    "truth": ([True, False, True], [True, False, True]),
    "maybe": (pd.Series([True, None, False], dtype=object), [True, None, False]),
    "boolean": (pd.array([True, None, False], dtype="boolean"), [True, None, False]),
    "Int64": (pd.array([1, None, 3], dtype="Int64"), [1.0, None, 3.0]),
    "Int64 whole": (pd.array([1, 2, 3], dtype="Int64"), [1, 2, 3]),
    "unsigned": (np.array([1, 2, 2**64 - 1], dtype=np.uint64), [1, 2, 2**64 - 1]),
    "half": (np.array([1, 2, 3], dtype=np.float16), [1.0, 2.0, 3.0]),
    "objects": (pd.Series([1, None, 3], dtype=object), [1.0, None, 3.0]),
    "text": (["a", None, ""], ["a", None, ""]),
    "string": (pd.array(["a", None, "b"], dtype="string"), ["a", None, "b"]),
    "category": (pd.Categorical(["a", None, "b"]), ["a", None, "b"]),
    "numbers of a category": (pd.Categorical([1, 2, 1]), [1.0, 2.0, 1.0]),
    "lists": ([["a", "b"], None, []], [["a", "b"], None, []]),
    "tuples": ([("a",), ("b", None), ()], [["a"], ["b"], []]),
    "arrays": ([np.array([1, 2]), None, np.array([])], [["1", "2"], None, []]),
    "lists and text": ([["a"], "b", None], ["['a']", "b", None]),
    "mixed": ([1, "x", None], ["1", "x", None]),
    "dates": ([DAY, None, DAY], [pd.Timestamp(DAY), None, pd.Timestamp(DAY)]),
    "far dates": ([dt.date(1, 1, 1), DAY, None], [dt.datetime(1, 1, 1), pd.Timestamp(DAY), None]),
    "times": (pd.to_datetime(["2020-05-17", None, None]), [pd.Timestamp(DAY), None, None]),
    "zoned": (
        pd.to_datetime(["2020-05-17 12:00", None, None]).tz_localize("Asia/Tokyo"),
        [pd.Timestamp("2020-05-17 03:00"), None, None],
    ),
    "spans": (
        pd.to_timedelta([1, None, 2], unit="D"),
        ["1 days 00:00:00", None, "2 days 00:00:00"],
    ),
    "complex": ([1j, 2j, 3j], ["1j", "2j", "3j"]),
    "nothing": ([None, None, None], [None, None, None]),
}


def cells(column):
    missing = column.isna()
    return [None if gap else one for one, gap in zip(column.astype(object), missing, strict=True)]


@pytest.fixture
def given():
    return pd.DataFrame({name: pd.Series(values) for name, (values, _) in COLUMNS.items()})


@pytest.mark.parametrize("name", COLUMNS)
def test_plain(given, name):
    found = plain_table(given[[name]])
    values = cells(found[name])
    assert values == COLUMNS[name][1]
    for one, expected in zip(values, COLUMNS[name][1], strict=True):
        assert isinstance(one, bool) == isinstance(expected, bool)
        assert isinstance(one, str) == isinstance(expected, str)


def test_plain_tables_survive_the_store(given, tmp_path):
    """Also through a file, with names that SQL cannot tell apart."""
    table = plain_table(given)
    table["Text"], table["sp ace\"'"] = 1, 2
    kinds, parts = to_parts(table)
    write_table(tmp_path / "items.parquet", parts)
    found = from_parts(kinds, read_table(tmp_path / "items.parquet"), len(table))
    pd.testing.assert_frame_equal(found, table)


def test_plain_twice_is_plain_once(given):
    once = plain_table(given)
    pd.testing.assert_frame_equal(plain_table(once), once)


def test_the_table_given_stays_as_it_is(given):
    before = given.copy(deep=True)
    plain = plain_table(given)
    plain["whole"] = 7
    pd.testing.assert_frame_equal(given, before)


@pytest.mark.parametrize("rows", [0, 3])
def test_table_without_columns(rows):
    table = plain_table(pd.DataFrame(index=range(rows)))
    assert to_parts(table) == ([], {})
    assert from_parts([], {}, rows).shape == (rows, 0)


def test_table_without_rows(tmp_path):
    table = plain_table(pd.DataFrame({"a": pd.Series([], dtype=object), "b": np.zeros(0)}))
    kinds, parts = to_parts(table)
    write_table(tmp_path / "t.parquet", parts)
    assert from_parts(kinds, read_table(tmp_path / "t.parquet"), 0).shape == (0, 2)
