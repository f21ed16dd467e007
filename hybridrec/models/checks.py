"""Checks of numeric parameters, with one wording."""

from __future__ import annotations

import math
from numbers import Integral, Real

from hybridrec.errors import ParameterError


def positive(**values: object) -> None:
    """Refuse parameters that are not finite numbers above 0."""
    for name, value in values.items():
        if not _number(value) > 0:
            raise ParameterError(f"{name} must be a positive number, got {value!r}")


def whole(**values: object) -> None:
    """Refuse parameters that are not whole numbers of at least 1."""
    for name, value in values.items():
        if not isinstance(value, Integral) or not _number(value) >= 1:
            raise ParameterError(f"{name} must be a whole number of at least 1, got {value!r}")


def at_least(bound: float, **values: object) -> None:
    """Refuse parameters that are not finite numbers of at least ``bound``."""
    for name, value in values.items():
        if not _number(value) >= bound:
            raise ParameterError(f"{name} must be a number of at least {bound}, got {value!r}")


def _number(value: object) -> float:
    """Return a finite number as a float, NaN for all else."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return math.nan
    return float(value)
