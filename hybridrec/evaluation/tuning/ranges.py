"""What a parameter may be: one of some values, or a number between two bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from hybridrec.errors import ParameterError, first_few

Value: TypeAlias = "bool | int | float | str"
Point: TypeAlias = Mapping[str, Value]

_DIGITS = 4  # of a number that is drawn; more would only be harder to read


@dataclass(frozen=True)
class Choice:
    """One of some values; as text ``32,64``."""

    values: tuple[Value, ...]

    @property
    def size(self) -> float:
        """How many values there are."""
        return len(self.values)

    def at(self, share: float) -> Value:
        """Return the value at ``share`` of the way, 0 <= share < 1."""
        return self.values[int(share * len(self.values))]

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return ",".join(map(str, self.values))


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``, a whole one if they are; as text ``0.1..100:log``.

    Attributes
    ----------
    low, high : int or float
        Both belong to it.
    log : bool, default False
        Whether 1 to 10 is as likely as 10 to 100.
    """

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def size(self) -> float:
        """How many values there are."""
        return self.high - self.low + 1 if self.whole else math.inf

    def at(self, share: float) -> float:
        """Return the value at ``share`` of the way, 0 <= share < 1."""
        half = 0.5 if self.whole else 0.0  # the bounds are as likely as the numbers between
        low, high = self.low - half, self.high + half
        value = low * (high / low) ** share if self.log else low + (high - low) * share
        return self.nearest(value)

    def nearest(self, value: float) -> float:
        """Return the value of the range, written in a few digits, that is next to a number."""
        rounded = round(value) if self.whole else float(f"{value:.{_DIGITS}g}")
        return min(max(rounded, self.low), self.high)

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return self.low <= value <= self.high and (not self.whole or value == int(value))

    def __str__(self) -> str:
        return f"{self.low}..{self.high}{':log' if self.log else ''}"


Domain: TypeAlias = "Choice | Range"
Space: TypeAlias = Mapping[str, Domain]


def as_domain(name: str, given: Any, default: Any) -> Domain:
    """Read what a caller says a parameter may be.

    Parameters
    ----------
    name : str
    given : list, tuple, Choice or Range
        A list of values, or a tuple ``(low, high)`` or ``(low, high, "log")``.
    default : object
        Of the parameter: a range is of whole numbers if this is one.

    Raises
    ------
    ParameterError
        If it is none of these, is empty, or bounds make no sense.
    """
    if isinstance(given, (Choice, Range)):
        return given
    if isinstance(given, list):
        return _choice(name, given)
    if isinstance(given, tuple):
        return _range(name, given, default)
    raise ParameterError(
        f"the space of {name} must be a list of values or a tuple (low, high) or"
        f" (low, high, 'log'), got {given!r}"
    )


def contains(space: Space, point: Point) -> bool:
    """Tell whether all values of a point lie in a space."""
    return all(point[name] in domain for name, domain in space.items())


def as_value(given: Any) -> Any:
    """Turn a numpy scalar into the Python value that a file can hold."""
    return given.item() if hasattr(given, "item") else given


def _choice(name: str, given: Sequence[Any]) -> Choice:
    values = [as_value(one) for one in given]
    other = [one for one in values if not isinstance(one, (bool, int, float, str))]
    if other or not values:
        raise ParameterError(
            f"the space of {name} must list numbers, texts or booleans, got"
            f" {first_few(other) or 'none'}"
        )
    return Choice(tuple(dict.fromkeys(values)))


def _range(name: str, given: Sequence[Any], default: Any) -> Range:
    bounds = [one for one in given[:2] if isinstance(one, (int, float)) and math.isfinite(one)]
    log = given[2:] == ("log",)
    if len(bounds) < 2 or len(given) - log != 2 or not bounds[0] < bounds[1]:
        raise ParameterError(
            f"the space of {name} must be (low, high) or (low, high, 'log') with low below high,"
            f" got {given!r}"
        )
    if log and bounds[0] <= 0:
        raise ParameterError(f"the space of {name} is on a log scale and must start above 0")
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        raise ParameterError(f"{name} is no number: list its values, as in [{default!r}]")
    low, high = bounds
    if isinstance(default, float):
        return Range(float(low), float(high), log)
    if low != int(low) or high != int(high):
        raise ParameterError(f"the space of {name} must have whole bounds, got {given!r}")
    return Range(int(low), int(high), log)
