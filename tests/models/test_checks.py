"""Checks of numeric parameters."""

from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.models.checks import at_least, positive, whole

NOT_NUMBERS = [None, "1", True, np.bool_(True), float("nan"), float("inf"), 1j, [1]]


@pytest.mark.parametrize("value", [1, 0.5, np.int32(3), np.float32(0.5), np.float64(2)])
def test_positive(value):
    positive(x=value)


@pytest.mark.parametrize("value", [*NOT_NUMBERS, 0, -1, 0.0])
def test_not_positive(value):
    with pytest.raises(ParameterError, match=r"^x must be a positive number, got "):
        positive(fine=1, x=value)


@pytest.mark.parametrize("value", [1, 7, np.int64(2), np.uint8(1)])
def test_whole(value):
    whole(x=value)


@pytest.mark.parametrize("value", [*NOT_NUMBERS, 0, -3, 1.0, 2.5, np.float64(2)])
def test_not_whole(value):
    with pytest.raises(ParameterError, match=r"^x must be a whole number of at least 1, got "):
        whole(fine=1, x=value)


@pytest.mark.parametrize("value", [0, 0.0, np.float32(0), 5])
def test_at_least(value):
    at_least(0, x=value)


@pytest.mark.parametrize("value", [*NOT_NUMBERS, -1e-9])
def test_less_than(value):
    with pytest.raises(ParameterError, match=r"^x must be a number of at least 0, got "):
        at_least(0, fine=1, x=value)
