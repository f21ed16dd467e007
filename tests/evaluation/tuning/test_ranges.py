from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.errors import ParameterError
from hybridrec.evaluation.tuning.ranges import Choice, Range, as_domain, contains

SHARES = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 500), st.integers(1, 500), st.booleans(), SHARES)
def test_whole_numbers_stay_whole_and_within(low, width, log, share):
    domain = Range(low, low + width, log)
    value = domain.at(share)
    assert isinstance(value, int)
    assert low <= value <= low + width
    assert value in domain


@given(st.floats(1e-6, 1e3), st.floats(1.01, 1e6), st.booleans(), SHARES)
def test_numbers_stay_within_and_are_short(low, ratio, log, share):
    domain = Range(low, low * ratio, log)
    value = domain.at(share)
    assert value in domain
    assert value in (low, low * ratio) or float(f"{value:.4g}") == value


def test_every_whole_number_is_as_likely_as_the_bounds():
    values = [Range(3, 6).at(share) for share in np.arange(0.0005, 1, 0.001)]
    assert np.bincount(values).tolist() == [0, 0, 0, 250, 250, 250, 250]


def test_a_log_scale_gives_every_decade_the_same():
    values = np.array([Range(0.1, 100.0, log=True).at(share) for share in np.arange(0, 1, 1e-3)])
    counts = np.histogram(np.log10(values), bins=[-1, 0, 1, 2.001])[0]
    assert np.abs(counts - 1000 / 3).max() <= 2


def test_a_choice_gives_each_value_its_share():
    domain = Choice(("a", "b", "c"))
    assert [domain.at(share) for share in (0, 0.33, 0.34, 0.66, 0.67, 0.999)] == list("aabbcc")


def test_a_range_holds_numbers_only():
    assert 2 in Range(1, 3)
    assert 2.0 in Range(1, 3)
    assert 2.5 not in Range(1, 3)
    assert 2 in Range(1.0, 3.0)
    assert True not in Range(1, 3)
    assert "2" not in Range(1, 3)
    assert contains({"a": Range(1, 3), "b": Choice(("x",))}, {"a": 3, "b": "x", "c": 9})
    assert not contains({"a": Range(1, 3)}, {"a": 4})


def test_sizes():
    assert Range(3, 6).size == 4
    assert Range(3.0, 6.0).size == math.inf
    assert Choice((1, 2)).size == 2


def test_what_callers_write():
    assert as_domain("x", [1, 2, 2], 5) == Choice((1, 2))
    assert as_domain("x", list(np.array([1, 2])), 5) == Choice((1, 2))
    assert as_domain("x", (1, 5), 5) == Range(1, 5)
    assert as_domain("x", (1.0, 5.0), 5) == Range(1, 5)
    assert as_domain("x", (1, 5), 5.0) == Range(1.0, 5.0)
    assert as_domain("x", (1, 5, "log"), 5.0) == Range(1.0, 5.0, log=True)
    assert as_domain("x", Range(1, 2), 5) == Range(1, 2)
    assert str(as_domain("x", (1, 5, "log"), 5.0)) == "1.0..5.0:log"


@pytest.mark.parametrize(
    ("given", "default", "message"),
    [
        ({1, 2}, 5, "must be a list of values or a tuple"),
        ([], 5, "must list numbers, texts or booleans, got none"),
        ([[1]], 5, r"must list numbers, texts or booleans, got \[1\]"),
        ((1,), 5, "must be"),
        ((5, 1), 5, "low below high"),
        ((1, 5, "lin"), 5, "low below high"),
        ((1, 5, 7, 9), 5, "low below high"),
        ((1, math.inf), 5.0, "low below high"),
        ((0, 5, "log"), 5, "must start above 0"),
        ((1.5, 5), 5, "whole bounds"),
        ((1, 5), "text", "is no number: list its values"),
        ((1, 5), True, "is no number"),
    ],
)
def test_what_makes_no_sense_is_refused(given, default, message):
    with pytest.raises(ParameterError, match=message):
        as_domain("x", given, default)
