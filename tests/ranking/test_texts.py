from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.errors import ParameterError
from hybridrec.ranking.texts import split_pairs, typed, value_text

DEFAULTS = {"count": 1, "share": 0.5, "flag": True, "name": "x", "any": None}


def test_values_get_the_types_of_the_defaults():
    texts = {"count": "3", "share": "2", "flag": "No", "name": "3"}
    values = typed(texts, DEFAULTS, "thing")
    assert values == {"count": 3, "share": 2.0, "flag": False, "name": "3"}
    assert [type(value) for value in values.values()] == [int, float, bool, str]


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("0.5", 0.5), ("2015-01-01", "2015-01-01")])
def test_without_a_default_a_value_is_what_it_looks_like(text, value):
    assert typed({"any": text}, DEFAULTS, "thing") == {"any": value}


def test_sequences_are_written_with_plus():
    defaults = {"members": ("a",), "weights": None}
    texts = {"members": "als:factors=3,alpha=2+item-knn", "weights": "0.5+2"}
    values = typed(texts, defaults, "thing")
    assert values == {"members": ("als:factors=3,alpha=2", "item-knn"), "weights": (0.5, 2.0)}
    assert value_text(values["members"]) == texts["members"]
    assert typed({"weights": value_text(values["weights"])}, defaults, "thing") == {
        "weights": (0.5, 2.0)
    }
    assert typed({"weights": "als+knn"}, defaults, "thing") == {"weights": "als+knn"}


@given(st.integers(), st.floats(allow_nan=False), st.booleans())
@settings(deadline=None)
def test_written_values_are_read_back(count, share, flag):
    texts = split_pairs([f"count={count}", f"share={share!r}", f"flag={flag}"], "parameter")
    assert typed(texts, DEFAULTS, "thing") == {"count": count, "share": share, "flag": flag}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count=3.5", "count must be a whole number, got '3.5'"),
        ("share=much", "share must be a number"),
        ("flag=maybe", "flag must be true or false"),
        ("cuont=3", "did you mean 'count'"),
        ("count", "must look like name=value"),
        ("=3", "must look like name=value"),
    ],
)
def test_bad_values_are_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        typed(split_pairs([text], "parameter"), DEFAULTS, "thing")
