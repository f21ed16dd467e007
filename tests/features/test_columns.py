"""Columns of a table as features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.features.columns import TableColumns, usable_columns

IDS = [1, 2, 3, 4]


def dataset(ids=None, **columns):
    ids = IDS if ids is None else ids
    rows = pd.DataFrame({"user": "u", "item": ids})
    table = pd.DataFrame({"item": ids, **columns}) if columns else None
    return Dataset.build(rows, item_table=table)


def fitted(kinds=None, ids=None, **columns):
    data = dataset(ids, **columns)
    block = TableColumns(kinds)
    block.fit(data, None)
    return block, tokens(block, data)


def tokens(block, data):
    names = block.feature_names(None)
    matrix = block.transform(data, None).toarray()
    assert set(np.unique(matrix)) <= {0.0, 1.0}
    return [names[row > 0].tolist() for row in matrix]


class TestRecognised:
    @pytest.mark.parametrize(
        ("cells", "kind"),
        [
            ([["a"], ["a", "b"], None, []], "list"),
            ([("a",), ("b",), ("a",), ()], "list"),
            (["a|b", "a", "c", "d"], "list"),
            (["a", "b", "a", None], None),
            (["a", "b", "a", "a"], "category"),
            (["a", "b", "c", "d"], None),
            (["a", "a", "b", "b"], "category"),
            ([1, 2, 3, 4], "number"),
            ([1.5, np.nan, 3, 4], "number"),
            ([0, 1, 0, 1], "category"),
            ([True, False, True, True], "category"),
            ([None, None, None, None], None),
            (pd.array([1, None, 3, 4], dtype="Int64"), "number"),
            (pd.Series([1, None, 3, 4], dtype=object), "number"),
            (pd.Series([True, None, False, False], dtype=object), "category"),
            (pd.Categorical(["a", "b", "a", "a"]), "category"),
        ],
    )
    def test_kinds(self, cells, kind):
        data = dataset(column=cells, anchor=[1, 2, 3, 4])
        block = TableColumns()
        block.fit(data, None)
        assert block.kinds_.get("column") == kind

    @pytest.mark.parametrize("name", ["title", "Name", "movie_title"])
    def test_titles_are_no_features(self, name):
        assert not usable_columns(dataset(**{name: ["a", "a", "b", "b"]}).item_table)

    def test_usable(self):
        assert not usable_columns(None)
        assert not usable_columns(dataset().item_table)
        assert usable_columns(dataset(year=IDS).item_table)


class TestValues:
    def test_categories(self):
        kinds = {"colour": "category", "kind": "category"}
        colour, kind = ["red", "blue", None, "red"], [1.0, 2.0, np.nan, 1.0]
        _, found = fitted(kinds, colour=colour, kind=kind)
        assert found[0] == ["colour=red", "kind=1"]
        assert found[1] == ["colour=blue", "kind=2"]
        assert found[2] == []

    @pytest.mark.parametrize(
        "cells",
        [
            pd.array([True, None, False, True], dtype="boolean"),
            pd.Series([True, None, False, True], dtype=object),
        ],
    )
    def test_false_and_missing_are_no_features(self, cells):
        assert fitted(flag=cells)[1] == [["flag=True"], [], [], ["flag=True"]]

    def test_missing_values_of_any_type(self):
        _, found = fitted(
            {"a": "category", "b": "category", "c": "category"},
            a=pd.array(["x", None, "x", "x"], dtype="string"),
            b=pd.to_datetime(["2020-01-01", None, None, None]),
            c=pd.Categorical(["x", None, "x", "x"]),
        )
        assert found[1] == []
        assert found[2] == ["a=x", "c=x"]

    def test_lists_and_texts_with_bars(self):
        _, found = fitted(genre=[["war", "drama"], "war|", None, "a||b"])
        assert found == [["genre=drama", "genre=war"], ["genre=war"], [], ["genre=a", "genre=b"]]

    def test_repeated_elements_count_once(self):
        assert fitted(genre=[["war", "war"], ["war"], [], None])[1][0] == ["genre=war"]

    def test_whole_floats_are_whole_numbers(self):
        """A column with gaps is float in pandas; the table of new items may be whole."""
        block, _ = fitted(part=[1.0, 2.0, np.nan, 1.0])
        assert tokens(block, dataset([9], part=[2])) == [["part=2"]]

    def test_columns_that_are_not_named_are_left_out(self):
        block, found = fitted({"b": "category"}, a=["x", "x", "y", "y"], b=["x", "x", "y", "y"])
        assert found[0] == ["b=x"]
        assert block.kinds_ == {"b": "category"}


class TestNumbers:
    def test_bins_of_equally_many_rows(self):
        values = np.arange(1000.0)
        block, found = fitted(ids=np.arange(1000), year=values)
        assert block.feature_names(None).shape == (10,)
        assert all(len(one) == 1 for one in found)
        counts = pd.Series([one[0] for one in found]).value_counts()
        assert counts.tolist() == [100] * 10

    @given(
        st.lists(
            st.none() | st.floats(-1e12, 1e12) | st.sampled_from([1.0, 2.0]),
            min_size=1,
            max_size=30,
        ),
        st.lists(st.floats(allow_nan=False), max_size=10),
    )
    @settings(max_examples=100, deadline=None)
    def test_every_number_falls_into_the_bin_it_is_named_after(self, values, later):
        column = np.array(values, dtype=np.float64)
        block, found = fitted({"x": "number"}, ids=np.arange(len(values)), x=column)
        data = dataset(np.arange(len(later)), x=np.array(later)) if later else dataset([0])
        pairs = list(zip(column, found, strict=True))
        pairs += list(zip(later, tokens(block, data), strict=False))
        for value, names in pairs:
            assert len(names) <= (not np.isnan(value))
            for name in names:
                low, high = (float(one) for one in name[3:-1].split(","))
                assert low * (1 - 1e-14 * np.sign(low)) <= value or np.isclose(low, value)
                assert value < high or np.isclose(value, high)
        assert all(names for value, names in pairs[: len(values)] if not np.isnan(value))

    def test_close_edges_stay_different_features(self):
        block, _ = fitted(when=[1_600_000_001, 1_600_000_002, 1_600_000_003, 1_600_000_004])
        assert len(block.feature_names(None)) == 4

    def test_infinite_numbers_fall_into_the_outer_bins(self):
        _, found = fitted(x=[1.0, 2.0, np.inf, -np.inf])
        assert found[2][0].endswith(",inf)")
        assert found[3][0].startswith("x=[-inf,")

    def test_nothing_but_gaps(self):
        block, found = fitted({"x": "number"}, x=[np.nan] * 4)
        assert found == [[]] * 4
        assert block.transform(dataset(x=[np.nan] * 4), None).shape == (4, 0)

    def test_numbers_written_as_text(self):
        block, found = fitted({"x": "number"}, x=["1", "2", "3", "4"])
        assert found == tokens(block, dataset(x=[1, 2, 3, 4]))

    def test_text_is_no_number(self):
        with pytest.raises(DataError, match=r"column 'x' must hold numbers: .*'dark'"):
            fitted({"x": "number"}, x=["1", "2", "dark", "4"])
        block, _ = fitted(x=[1, 2, 3, 4])
        with pytest.raises(DataError, match="column 'x' must hold numbers"):
            block.transform(dataset([9], x=["dark"]), None)


class TestLater:
    def test_unknown_values_and_columns_tell_nothing(self):
        block, _ = fitted(colour=["red", "red", "blue", "blue"], year=[1, 2, 3, 4])
        assert tokens(block, dataset([9], colour=["green"], other=[1])) == [[]]
        assert tokens(block, dataset([9], colour=["red"])) == [["colour=red"]]

    def test_no_table(self):
        block, _ = fitted(year=[1, 2, 3, 4])
        assert tokens(block, dataset([8, 9])) == [[], []]

    def test_an_item_without_a_row(self):
        block, _ = fitted(year=[1, 2, 3, 4])
        rows = pd.DataFrame({"user": "u", "item": [1, 9]})
        data = Dataset.build(rows, item_table=pd.DataFrame({"item": [1], "year": [1]}))
        assert [len(one) for one in tokens(block, data)] == [1, 0]


class TestUsers:
    def test_columns_of_the_user_table(self):
        rows = pd.DataFrame({"user": ["a", "b"], "item": [1, 1]})
        ages = pd.DataFrame({"user": ["b", "a"], "job": ["smith", "smith"]})
        data = Dataset.build(rows, user_table=ages)
        block = TableColumns(side="user")
        block.fit(data, None)
        assert block.transform(data, None).toarray().tolist() == [[1.0], [1.0]]


class TestRefused:
    def test_unknown_kind(self):
        with pytest.raises(ParameterError, match="column 'a': kind must be one of category"):
            TableColumns({"a": "prose"})

    def test_unknown_column(self):
        with pytest.raises(ParameterError, match="no column 'yeer'; did you mean 'year'"):
            fitted({"yeer": "number"}, year=[1, 2, 3, 4])

    @pytest.mark.parametrize("side", ["item", "user"])
    def test_no_table(self, side):
        with pytest.raises(ParameterError, match=f"needs a table of {side}s"):
            TableColumns(side=side).fit(dataset(), None)
