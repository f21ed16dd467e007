from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from hybridrec.errors import ParameterError
from hybridrec.ranking.rules import item_groups


def groups(*cells, dtype=object):
    found = item_groups(pd.DataFrame({"c": pd.Series(list(cells), dtype=dtype)}), "c")
    assert found.members.dtype == np.bool_
    assert found.members.shape == (len(cells), len(found.names))
    assert found.members.has_canonical_format
    return [found.names[row.indices].tolist() for row in found.members]


def test_lists_and_what_is_missing_in_them():
    assert groups(["b", "a", "b"], [], None, ("a",), {"c"}, np.array(["a"], dtype=object)) == [
        *(["a", "b"], [], [], ["a"], ["c"], ["a"]),
    ]
    assert groups([None, "x", np.nan], [pd.NA], [""]) == [["x"], [], []]


def test_texts_are_split_as_feature_columns_do():
    assert groups("b|a", "a", "", "|", np.nan, None, "b||b") == [
        *(["a", "b"], ["a"], [], [], [], [], ["b"]),
    ]


def test_numbers_read_the_same_with_gaps_and_without():
    assert groups(1990, 2000, dtype=np.int64) == [["1990"], ["2000"]]
    assert groups(1990, np.nan, 1.5, dtype=np.float64) == [["1990"], [], ["1.5"]]
    assert groups(1990, None, dtype="Int64") == [["1990"], []]


def test_other_cells():
    assert groups(True, False, None) == [["True"], ["False"], []]
    assert groups(dt.date(2020, 1, 2), None) == [["2020-01-02"], []]
    assert groups("a", None, "b", dtype="category") == [["a"], [], ["b"]]
    assert groups(1, "1", ["1", 2], "ß") == [["1"], ["1"], ["1", "2"], ["ß"]]


def test_no_rows_and_no_values():
    assert groups() == []
    assert groups(None, np.nan) == [[], []]


def test_rows_of_any_index():
    table = pd.DataFrame({"c": ["x", "y"]}, index=[9, 9])
    assert item_groups(table, "c").members.toarray().tolist() == [[True, False], [False, True]]


def test_names_are_sorted():
    table = pd.DataFrame({"c": ["b", "c", "a"]})
    assert item_groups(table, "c").names.tolist() == ["a", "b", "c"]


def test_unknown_column():
    table = pd.DataFrame({"genre": ["x"]})
    with pytest.raises(ParameterError, match="no column 'gerne'; did you mean 'genre'"):
        item_groups(table, "gerne")
    with pytest.raises(ParameterError, match="grouping by 'genre' needs an item table"):
        item_groups(None, "genre")
