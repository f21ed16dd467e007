from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.errors import HybridRecError, ParameterError
from hybridrec.ranking.rules import Condition
from hybridrec.ranking.rules.condition import OPERATORS

NAMES = np.array(list("abcd"))


def objects(*cells):
    return pd.Series(list(cells), dtype=object)


TABLE = pd.DataFrame(
    {
        "year": [1990.0, 2000.0, np.nan, 2010.0],
        "count": np.array([2**62 + 1, 2, 3, 4]),
        "title": objects("x", None, "it's ß", "xylo"),
        "genre": objects(["drama", "war"], ["drama"], None, []),
        "sizes": objects([1, 2], [2.0], None, []),
        "free": objects(True, None, False, True),
        "sold": [True, False, True, False],
        "released": pd.to_datetime(["1990-05-01T00:00", None, None, "2010-01-01T12:00"]),
        "day": objects(dt.date(1990, 5, 1), dt.date(1, 1, 1), None, dt.date(2010, 1, 1)),
        "zoned": pd.to_datetime(["2020-01-01T00:00Z", "2020-01-01T02:00Z", None, None], utc=True),
        "price": objects(Decimal("1.5"), Decimal(2), None, Decimal(3)),
        "mixed": objects(1, "a", None, 2.5),
        "nothing": objects(None, None, None, None),
        "kind": pd.Categorical(["p", "q", None, "p"]),
    }
)


def passing(column, operator, value=None):
    return "".join(NAMES[Condition(column, operator, value).passes(TABLE)])


@pytest.mark.parametrize(
    ("condition", "items"),
    [
        (("year", "==", 1990), "a"),
        (("year", "!=", 1990), "bd"),
        (("year", "<", 2000), "a"),
        (("year", "<=", 2000), "ab"),
        (("year", ">", 1999.5), "bd"),
        (("year", ">=", np.int64(2000)), "bd"),
        (("year", "<", float("inf")), "abd"),
        (("year", "<", 10**30), "abd"),
        (("year", "in", [1990, 2010.0, 5]), "ad"),
        (("year", "in", []), ""),
        (("year", "not-in", [1990]), "bd"),
        (("year", "not-in", []), "abd"),
        (("year", "missing"), "c"),
        (("year", "present"), "abd"),
        (("count", "==", 2**62 + 1), "a"),
        (("count", "==", 2**62), ""),
        (("count", "in", [2**62 + 1, 10**30]), "a"),
        (("title", "==", "x"), "a"),
        (("title", "==", ""), ""),
        (("title", ">", "x"), "d"),
        (("title", "contains", "x"), "ad"),
        (("title", "contains", "ß"), "c"),
        (("title", "contains", "X"), ""),
        (("title", "in", ["xylo", "\ud800"]), "d"),
        (("title", "==", "'; DROP TABLE item; --"), ""),
        (("genre", "contains", "drama"), "ab"),
        (("genre", "contains", "dram"), ""),
        (("genre", "missing"), "c"),
        (("genre", "present"), "abd"),
        (("sizes", "contains", 2), "ab"),
        (("sizes", "contains", 2.0), "ab"),
        (("free", "==", True), "ad"),
        (("free", "!=", True), "c"),
        (("free", "in", [False]), "c"),
        (("sold", "==", False), "bd"),
        (("released", ">=", "2000-01-01"), "d"),
        (("released", "==", "1990-05-01"), "a"),
        (("released", "<", dt.date(2000, 1, 1)), "a"),
        (("released", "==", "2010-01-01T14:00+02:00"), "d"),
        (("released", "==", "2010-01-01T12:00:00Z"), "d"),
        (("released", "in", ["1990-05-01", pd.Timestamp("2010-01-01 12:00")]), "ad"),
        (("released", ">", np.datetime64("2000-01-01")), "d"),
        (("day", "<", "1990-05-02"), "ab"),
        (("day", "in", [dt.date(1, 1, 1)]), "b"),
        (("zoned", ">", "2020-01-01T01:00"), "b"),
        (("price", "<", 2.5), "ab"),
        (("mixed", "==", "1"), "a"),
        (("mixed", "contains", "."), "d"),
        (("nothing", "==", 1), ""),
        (("nothing", "!=", "x"), ""),
        (("nothing", "contains", "x"), ""),
        (("nothing", "missing"), "abcd"),
        (("kind", "==", "p"), "ad"),
        (("kind", "not-in", ("p",)), "b"),
    ],
)
def test_what_passes(condition, items):
    assert passing(*condition) == items


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (("yaer", ">", 1), "where yaer > 1: .* no column 'yaer'; did you mean 'year'"),
        (("year", ">", "1990"), "holds numbers, so the value must be a number, got '1990'"),
        (("year", "==", True), "must be a number, got True"),
        (("year", "==", float("nan")), "must be a number, got nan"),
        (("year", "in", [1990, "x"]), "must be a number, got 'x'"),
        (("year", "contains", 1), "holds numbers; it takes ==, .*, missing, present"),
        (("title", "==", 1), "holds text, so the value must be a text, got 1"),
        (("title", "contains", 1), "must be a text, got 1"),
        (("genre", "==", "drama"), "holds lists; it takes contains, missing, present"),
        (("genre", "in", ["drama"]), "holds lists; it takes contains"),
        (("genre", "contains", True), "holds lists, so the value must be a text or number"),
        (("free", "==", 1), "holds truth values, so the value must be true or false, got 1"),
        (("free", "<", True), "holds truth values; it takes ==, !=, in, not-in, missing, present"),
        (("released", ">", "May 1990"), "must be a date such as '2020-05-31'"),
        (("released", ">", 1990), "holds times, so the value must be a date"),
        (("released", ">", pd.NaT), "must be a date"),
    ],
)
def test_what_cannot_be_compared(condition, message):
    with pytest.raises(ParameterError, match=message):
        passing(*condition)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (("year", "=", 1), "where year: no operator '='; did you mean"),
        (("year", ["=="], 1), "no operator"),
        (("year", "between", 1), r"there are ==, !=, <, <=, >, >=, in, not-in, contains"),
        ((1, "==", 1), "a condition is on a column by its name, got 1"),
        (("year", "=="), "where year ==: == needs a value"),
        (("year", "missing", 1), "missing takes no value"),
        (("year", "in", 1990), "the value must be a list of values, got 1990"),
        (("year", "in", "1990"), "the value must be a list of values, got '1990'"),
        (("year", "not-in"), "the value must be a list of values, got None"),
    ],
)
def test_form(condition, message):
    with pytest.raises(ParameterError, match=message):
        Condition(*condition)


@pytest.mark.parametrize("table", [None, pd.DataFrame(index=range(3))])
def test_needs_a_table(table):
    with pytest.raises(ParameterError, match="where year > 1 needs an item table"):
        Condition("year", ">", 1).passes(table)


def test_no_rows():
    assert Condition("year", ">", "any").passes(TABLE.iloc[:0]).shape == (0,)


def test_texts():
    assert str(Condition("year", ">=", 1990)) == "year >= 1990"
    assert str(Condition("title", "missing")) == "title missing"
    many = Condition("year", "in", list(range(1000)))
    assert str(many) == "year in (0, 1, 2, 3, 4 and 995 more)"


def test_the_table_is_not_changed():
    before = TABLE.copy(deep=True)
    for column in TABLE:
        passing(column, "present")
    pd.testing.assert_frame_equal(TABLE, before)


def test_as_sql_says_the_same():
    from hybridrec.dataset.idmap import IdMap
    from hybridrec.ranking.rules import Rules

    table = TABLE[["year", "title", "genre", "released"]]
    items = IdMap(NAMES, "item")
    for condition, text in (
        (Condition("year", "!=", 1990), "year <> 1990"),
        (Condition("title", "contains", "x"), "contains(title, 'x')"),
        (Condition("genre", "contains", "war"), "list_contains(genre, 'war')"),
        (Condition("released", ">=", "2000-01-01"), "released >= '2000-01-01'"),
        (Condition("year", "missing"), "year is null"),
        (Condition("year", "not-in", [1990]), "year not in (1990)"),
    ):
        both = (Rules(where=one).compile(items, table).allowed for one in (condition, text))
        np.testing.assert_array_equal(*both)


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=5),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.none()), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
    st.dates(),
    st.datetimes(timezones=st.timezones()),
    st.binary(max_size=2),
)


@given(st.sampled_from(list(TABLE.columns)), st.sampled_from(OPERATORS), odd)
def test_any_value_passes_or_is_refused(column, operator, value):
    try:
        found = Condition(column, operator, value).passes(TABLE)
    except HybridRecError:
        return
    assert found.shape == (4,)
    assert found.dtype == np.bool_
    if operator != "missing":
        assert not found[TABLE[column].isna().to_numpy()].any()
