"""Groups of people who look alike, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hybridrec.errors import DataError, ParameterError
from hybridrec.privacy import anonymity

PEOPLE = {
    "id": [1, 1, 2, 3, 4, 5, 6],
    "age": [30, 30, 30, 30, 41, 41, 52],
    "city": ["x", "x", "x", "x", "y", "y", None],
    "illness": ["a", "b", "a", "c", "a", "a", "c"],
}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_groups_by_hand(make):
    found = anonymity(make(PEOPLE), ["age", "city"], 3)
    assert (found.rows, found.groups, found.smallest) == (7, 3, 1)
    assert (found.below, found.exposed, found.holds) == (2, 3, False)
    assert [(values[0], size) for values, size in found.examples] == [(52, 1), (41, 2)]
    assert "NOT 3-anonymous: 3 in 2 groups below 3" in str(found)
    assert "  2: age=41, city=y" in str(found)
    assert found.least_diverse is None


def test_persons_are_counted_once():
    table = pd.DataFrame(PEOPLE)
    assert anonymity(table, ["age"], 4).exposed == 2 + 1
    found = anonymity(table, ["age"], 4, person="id")
    assert (found.smallest, found.below, found.exposed) == (1, 3, 3 + 2 + 1)


def test_a_group_with_one_secret_gives_it_away():
    table = pd.DataFrame(PEOPLE)[:6]
    found = anonymity(table, ["city"], 2, sensitive="illness")
    assert found.holds
    assert found.least_diverse == 1
    assert "2-anonymous" in str(found)
    assert "fewest different sensitive values in a group: 1" in str(found)


def test_lists_missing_values_and_nothing_at_all():
    cells = [["a", "b"], ["a", "b"], np.array(["a", "b"]), None]
    found = anonymity(pd.DataFrame({"genres": cells}), ["genres"], 2)
    assert (found.groups, found.smallest) == (2, 1)
    empty = anonymity(pd.DataFrame({"a": []}), ["a"])
    assert (empty.rows, empty.smallest, empty.holds) == (0, 0, True)


def test_only_the_first_few_are_named():
    found = anonymity(pd.DataFrame({"a": range(20)}), ["a"], 2)
    assert found.below == 20
    assert len(found.examples) == 5


@pytest.mark.parametrize(
    ("columns", "k", "error", "message"),
    [
        (["agee"], 3, DataError, "no column 'agee'; did you mean 'age'"),
        ([], 3, ParameterError, "name the columns"),
        (["age"], 0, ParameterError, "k must be"),
        (["age"], 2.5, ParameterError, "k must be"),
    ],
)
def test_bad_input(columns, k, error, message):
    with pytest.raises(error, match=message):
        anonymity(pd.DataFrame(PEOPLE), columns, k)
