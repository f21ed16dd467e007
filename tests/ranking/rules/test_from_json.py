from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.errors import ParameterError
from hybridrec.ranking.rules import Condition, Rules


def test_every_rule():
    text = """{"allow": [1, "x"], "deny": [], "quota": {"genre": 3}, "pin": {"2": 5, "1": "y"},
        "where": [{"column": "year", "operator": ">=", "value": 1990},
                  {"column": "genre", "operator": "in", "value": ["a"]},
                  {"column": "title", "operator": "missing"}],
        "user_deny": [{"user": 7, "items": [1]}, {"user": 7, "items": [2]}]}"""
    assert Rules.from_json(json.loads(text)) == Rules(
        allow=[1, "x"],
        quota={"genre": 3},
        pin={1: "y", 2: 5},
        where=[
            Condition("year", ">=", 1990),
            Condition("genre", "in", ("a",)),
            Condition("title", "missing"),
        ],
        user_deny={7: [1, 2]},
    )


def test_nothing():
    assert Rules.from_json({}) == Rules()
    assert Rules.from_json(dict.fromkeys(["allow", "deny", "where", "quota", "pin"])) == Rules()
    assert Rules.from_json({"allow": []}) == Rules(allow=[])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "rules must be an object with allow, deny"),
        ([], "rules must be an object"),
        ({"alow": []}, "rules has no 'alow'; did you mean 'allow'"),
        ({"allow": "a"}, "allow must be a list of ids, got 'a'"),
        ({"allow": [1.5]}, "allow: an id must be a text or a whole number, got 1.5"),
        ({"deny": [True]}, "deny: an id must be a text or a whole number, got True"),
        ({"where": "year > 1"}, "where must be a list, got 'year > 1'"),
        ({"where": ["year > 1"]}, "an entry of where must be an object with column, operator"),
        (
            {"where": [{"column": "a", "operator": "==", "sql": 1}]},
            "an entry of where has no 'sql'",
        ),
        ({"where": [{"operator": "=="}]}, "an entry of where lacks 'column'"),
        ({"where": [{"column": "a"}]}, "an entry of where lacks 'operator'"),
        ({"where": [{"column": "a", "operator": "=="}]}, "== needs a value"),
        ({"quota": [3]}, "quota must be a mapping"),
        ({"quota": {"genre": 1.5}}, "must be a whole number of at least 0, got 1.5"),
        ({"pin": [1]}, 'pin must be an object such as {"1": id}'),
        ({"pin": {"0": 1}}, "pin: the rank '0' must be a whole number of at least 1"),
        ({"pin": {"-1": 1}}, "pin: the rank '-1' must be"),
        ({"pin": {"9" * 5000: 1}}, "pin: the rank '99"),
        ({"pin": {"1": 1, "01": 2}}, "pin: the rank '01' is there twice"),
        ({"pin": {"1": 5, "2": 5}}, "item 5 is pinned twice"),
        ({"pin": {"1": None}}, "pin: an id must be"),
        ({"user_deny": {"7": [1]}}, "user_deny must be a list"),
        ({"user_deny": [{"user": 7}]}, "an entry of user_deny lacks 'items'"),
        ({"user_deny": [{"user": None, "items": []}]}, "an entry of user_deny lacks 'user'"),
    ],
)
def test_what_is_refused(data, message):
    with pytest.raises(ParameterError, match=message) as raised:
        Rules.from_json(data)
    assert len(str(raised.value)) < 300


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda one: st.one_of(
        st.lists(one, max_size=3), st.dictionaries(st.text(max_size=8), one, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from(["allow", "deny", "where", "quota", "pin", "user_deny", "other"])


@given(st.dictionaries(names, values, max_size=3))
def test_any_json_is_read_or_refused(data):
    with suppress(ParameterError):
        assert isinstance(Rules.from_json(data), Rules)
