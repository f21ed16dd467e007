"""Shares and distances by hand, what chance gives, and every bad input."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError, UnknownIdError
from hybridrec.online.interest_drift import interest_drift

GENRES = {"i": ["a"], "j": ["a", "b"], "k": ["c"], "l": []}
DAYS = {"2020-01-03": "i", "2020-01-20": "j", "2020-03-01": "k", "2020-03-02": "l"}


def small(days=DAYS):
    rows = pd.DataFrame({"user": "u", "item": list(days.values()), "time": list(days)})
    items = pd.DataFrame({"item": list(GENRES), "genres": list(GENRES.values()), "kind": "x"})
    facts = pd.DataFrame({"head": list("ijkl"), "relation": "is", "tail": list("ppqq")})
    return Dataset.build(rows, KnowledgeGraph.from_frame(facts), item_table=items)


def test_by_hand():
    """January: a 3/4, b 1/4; March: c alone, so nothing in common."""
    found = interest_drift(small(), "u", shuffles=99)
    assert [period.name for period in found.periods] == ["2020-01", "2020-03"]
    assert [period.interactions for period in found.periods] == [2, 1]
    assert found.periods[0].end == "2020-01-20"
    assert found.values.tolist() == ["a", "c", "b"]
    np.testing.assert_allclose(found.shares, [[0.75, 0, 0.25], [0, 1, 0]])
    assert found.left_out == 1
    assert len(found.steps) == 1
    assert found.overall.distance == pytest.approx(1.0)
    frame = found.shares_frame()
    assert frame["share"].tolist() == [0.75, 0.25, 1.0]
    assert list(found.drift_frame()["start"]) == ["2020-01", "2020-01"]


def test_single_values_and_facts_can_be_asked_for():
    assert interest_drift(small(), "u", by="kind", periods=2).shares.tolist() == [[1.0], [1.0]]
    facts = interest_drift(small(), "u", by="tokens", periods=3)
    np.testing.assert_allclose(facts.shares, [[1, 0], [0, 1], [0, 1]])
    assert [step.distance for step in facts.steps] == pytest.approx([1, 0])


def person(seed, moves, n=120):
    """Return a user of whom the second half is of other genres, or as the first."""
    rng = np.random.default_rng(seed)
    late = np.arange(n) >= n // 2
    kinds = rng.integers(0, 6, n)
    if moves:
        kinds = np.where(late, rng.integers(4, 8, n), rng.integers(0, 4, n))
    rows = pd.DataFrame({"user": 1, "item": range(n), "time": np.arange(n) * 86_400.0})
    return Dataset.build(
        rows, item_table=pd.DataFrame({"item": range(n), "genres": [f"g{one}" for one in kinds]})
    )


def test_a_move_is_told_from_chance():
    found = interest_drift(person(0, moves=True), 1, periods=4)
    assert [step.is_drift for step in found.steps] == [False, True, False]
    assert found.overall.is_drift
    assert found.overall.p_value == pytest.approx(1 / 1000)


def test_the_same_taste_is_drift_no_more_often_than_chance_says():
    found = [interest_drift(person(seed, False), 1, periods=3, shuffles=99) for seed in range(80)]
    assert sum(one.overall.is_drift for one in found) <= 10  # 4 expected, sd 2
    distances = [one.overall.distance for one in found]
    expected = [one.overall.by_chance for one in found]
    assert np.mean(distances) == pytest.approx(np.mean(expected), abs=0.02)
    assert np.mean(expected) > 0.1  # what would be taken for drift without asking chance


def test_the_same_seed_gives_the_same():
    data = person(3, moves=False)
    one, same, other = (interest_drift(data, 1, random_state=seed) for seed in (5, 5, 6))
    assert one.to_json() == same.to_json()
    assert one.to_json() != other.to_json()
    json.dumps(one.to_json())


def test_one_period_has_no_step():
    found = interest_drift(small({"2020-01-03": "i"}), "u")
    assert (found.steps, found.overall) == ((), None)
    assert found.drift_frame().shape[0] == 0
    assert found.to_json()["overall"] is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"by": "genre"}, ParameterError, "no column 'genre'; did you mean 'genres'"),
        ({"periods": 0}, ParameterError, "periods must be 'month' or a whole number"),
        ({"periods": "week"}, ParameterError, "periods must be 'month'"),
        ({"periods": 4}, DataError, "user 'u' has 3 interactions, too few for 4 periods"),
        ({"shuffles": 0}, ParameterError, "shuffles must be a whole number"),
        ({"user": "v"}, UnknownIdError, "unknown user id 'v'"),
    ],
)
def test_bad_input(options, error, message):
    with pytest.raises(error, match=message):
        interest_drift(small(), **{"user": "u", **options})


def test_what_cannot_be_told():
    with pytest.raises(DataError, match="no item of user 'u' has a value of 'genres'"):
        interest_drift(small({"2020-01-03": "l"}), "u")
    data = Dataset.build(pd.DataFrame({"user": [1], "item": [1]}))
    with pytest.raises(DataError, match="need interactions with a timestamp column"):
        interest_drift(data, 1)
