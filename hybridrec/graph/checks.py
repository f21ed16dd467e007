"""Checks on parameters that the calls of this room share."""

from __future__ import annotations

import math
import numbers
from pathlib import Path

from hybridrec.errors import ParameterError


def check_whole(name: str, value: object, least: int) -> int:
    """Return a parameter as an int; `ParameterError` unless a whole number of ``least`` or more."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ParameterError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def check_positive(name: str, value: object) -> float:
    """Return a parameter as a float; `ParameterError` unless positive and finite."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ParameterError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if not 1e-100 <= number <= 1e100:  # so that 1 / number and its products are finite, too
        raise ParameterError(f"{name} must be positive and finite, got {value!r}")
    return number


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
