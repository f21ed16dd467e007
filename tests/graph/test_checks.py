from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.graph import checks


@pytest.mark.parametrize("value", [3, np.int32(3), np.uint8(3)])
def test_whole_numbers_pass(value):
    assert checks.check_whole("k", value, 3) == 3
    assert type(checks.check_whole("k", value, 3)) is int


@pytest.mark.parametrize("value", [2, -3, 3.0, "3", None, True, np.bool_(True), np.float32(3)])
def test_other_values_are_no_whole_numbers(value):
    with pytest.raises(ParameterError, match="k must be a whole number of at least 3"):
        checks.check_whole("k", value, 3)


def test_a_number_that_may_not_fit_a_kernel_is_refused():
    assert checks.check_whole("k", 2**31 - 1, 0) == 2**31 - 1
    with pytest.raises(ParameterError, match="k must be at most 2147483647, got 2147483648"):
        checks.check_whole("k", 2**31, 0)


@pytest.mark.parametrize("value", [0, -2.5, np.float32(0.5)])
def test_finite_numbers_pass(value):
    assert checks.check_number("mu", value) == value


@pytest.mark.parametrize("value", [np.nan, np.inf, 10**400, "1", None, True])
def test_other_values_are_no_finite_numbers(value):
    with pytest.raises(ParameterError, match="mu must be a finite number"):
        checks.check_number("mu", value)


@pytest.mark.parametrize("value", [1, 0.25, np.float32(0.5), 1e9])
def test_positive_numbers_pass(value):
    assert checks.check_positive("p", value) == value


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, 1e-300, 10**400, "1", None, True])
def test_other_values_are_not_positive(value):
    with pytest.raises(ParameterError, match="p must be"):
        checks.check_positive("p", value)


def test_memory_beyond_what_is_there_is_refused():
    checks.check_memory(2**20, "walks", "take fewer")
    with pytest.raises(ParameterError, match=r"walks would take \d+\.0 GiB, only .* take fewer"):
        checks.check_memory(2**60, "walks", "take fewer")


def test_a_file_without_a_number_sets_no_limit(tmp_path):
    assert checks._read_number(tmp_path / "missing") == np.inf
    (tmp_path / "limit").write_text("max\n")
    assert checks._read_number(tmp_path / "limit") == np.inf
    (tmp_path / "limit").write_text("4096\n")
    assert checks._read_number(tmp_path / "limit") == 4096
