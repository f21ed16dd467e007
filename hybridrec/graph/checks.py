"""Checks on parameters that the calls of this room share."""

from __future__ import annotations

import math
import numbers
from pathlib import Path
from typing import Any

import numpy as np

from hybridrec.errors import ParameterError

MOST = 2**31 - 1  # of anything counted: a larger number is a slip, and may not fit a kernel


def check_whole(name: str, value: object, least: int) -> int:
    """Return a parameter as an int; `ParameterError` unless whole, from ``least`` to `MOST`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ParameterError(f"{name} must be a whole number of at least {least}, got {value!r}")
    number = int(value)
    if number > MOST:
        raise ParameterError(f"{name} must be at most {MOST}, got {number}")
    return number


def check_number(name: str, value: object) -> float:
    """Return a parameter as a float; `ParameterError` unless a finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not _is_finite(value):
        raise ParameterError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def check_positive(name: str, value: object) -> float:
    """Return a parameter as a float; `ParameterError` unless positive and finite."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ParameterError(f"{name} must be a number, got {value!r}")
    # The limits keep 1 / number and its products finite, too.
    if not _is_finite(value) or not 1e-100 <= float(value) <= 1e100:
        raise ParameterError(f"{name} must be positive and finite, got {value!r}")
    return float(value)


def check_array(name: str, values: Any) -> np.ndarray:
    """Return an array; `ParameterError` if rows are of different lengths."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ParameterError(f"{name} must be an array: {error}") from None


def _is_finite(value: numbers.Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond float64
        return False


def check_memory(size: int, what: str, advice: str) -> None:
    """Raise `ParameterError` if ``size`` bytes for ``what`` are more than can be had now."""
    available = _available_memory()
    if size > available:
        raise ParameterError(
            f"{what} would take {size / 2**30:.1f} GiB, only {available / 2**30:.1f} GiB are"
            f" available; {advice}"
        )


def _available_memory() -> float:
    """Return the bytes this process may still take, infinity where the system does not tell."""
    limit = _read_number(Path("/sys/fs/cgroup/memory.max"))  # of the container, if it has one
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(1024 * int(line.split()[1]) for line in lines if "MemAvailable" in line)
    except (OSError, ValueError, StopIteration):
        return limit
    return min(limit, free)


def _read_number(path: Path) -> float:
    """Return the number in a one-line file, infinity where there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return math.inf
