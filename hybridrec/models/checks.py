"""Checks of numeric parameters, with one wording."""

from __future__ import annotations

import math

from hybridrec.errors import ParameterError


def positive(**values: float) -> None:
    """Refuse parameters that are not finite numbers above 0."""
    for name, value in values.items():
        if not _is_number(value) or value <= 0:
            raise ParameterError(f"{name} must be a positive number, got {value!r}")


def at_least(bound: float, **values: float) -> None:
    """Refuse parameters that are not finite numbers of at least ``bound``."""
    for name, value in values.items():
        if not _is_number(value) or value < bound:
            raise ParameterError(f"{name} must be a number of at least {bound}, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
