"""Structured conditions on a column of the item table: never text that reaches SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from math import isnan
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.ranking.rules.groups import LISTS, value_text
from hybridrec.ranking.rules.table import table_column

if TYPE_CHECKING:
    import pandas as pd

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_AMONG = ("in", "not-in")
_PRESENCE = ("missing", "present")
OPERATORS = (*_COMPARE, *_AMONG, "contains", *_PRESENCE)

_EQUALITY = ("==", "!=", *_AMONG)
_KINDS: Mapping[str, tuple[str, ...]] = {
    "numbers": (*_COMPARE, *_AMONG),
    "truth values": _EQUALITY,
    "times": (*_COMPARE, *_AMONG),
    "text": (*_COMPARE, *_AMONG, "contains"),
    "lists": ("contains",),
    "nothing": (*_COMPARE, *_AMONG, "contains"),
}
_WANTED = {
    "numbers": "a number",
    "truth values": "true or false",
    "times": "a date such as '2020-05-31' or '2020-05-31T12:00'",
    "text": "a text",
    "lists": "a text or number",
}
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
_TIME = "datetime64[us]"


@dataclass(frozen=True)
class Condition:
    """A condition on one column of the item table, such as ``Condition("year", ">=", 1990)``.

    A missing cell passes no condition but ``missing``, as in SQL.

    Attributes
    ----------
    column : str
    operator : str
        ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``; ``in``, ``not-in`` (the value is a sequence);
        ``contains`` (a list has the value, or a text has the part; upper and lower case differ);
        ``missing``, ``present`` (no value).
    value : optional
        A number, text, truth value or time, as the column holds; times also as ISO text.

    Raises
    ------
    ParameterError
        If there is no such operator, or the value cannot be one for it.
    """

    column: str
    operator: str
    value: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.column, str):
            raise ParameterError(
                f"a condition is on a column by its name, got {short(self.column)}"
            )
        if self.operator not in OPERATORS:
            raise ParameterError(
                f"where {self.column}: no operator {short(self.operator)}"
                f"{did_you_mean(self.operator, OPERATORS)} (there are {', '.join(OPERATORS)})"
            )
        if self.operator in _AMONG:
            if not isinstance(self.value, LISTS):
                raise ParameterError(
                    f"where {self.column} {self.operator}: the value must be a list of values,"
                    f" got {short(self.value)}"
                )
            object.__setattr__(self, "value", tuple(self.value))
        elif (self.value is None) != (self.operator in _PRESENCE):
            wants = "takes no value" if self.operator in _PRESENCE else "needs a value"
            raise ParameterError(f"where {self.column} {self.operator}: {self.operator} {wants}")

    def __str__(self) -> str:
        if self.operator in _PRESENCE:
            return f"{self.column} {self.operator}"
        if self.operator in _AMONG:
            return f"{self.column} {self.operator} ({first_few(self.value)})"
        return f"{self.column} {self.operator} {first_few([self.value])}"

    def passes(self, table: pd.DataFrame | None) -> np.ndarray:
        """Return which items it holds for, bool (n_items,).

        Raises
        ------
        ParameterError
            If the column does not exist, or holds what cannot be compared so.
        """
        column = table_column(table, self.column, f"where {self}")
        present: np.ndarray = column.notna().to_numpy(dtype=np.bool_)
        if self.operator in _PRESENCE:
            return ~present if self.operator == "missing" else present
        found = np.zeros(len(column), dtype=np.bool_)
        kind, cells = _read(column[present])
        if self.operator not in _KINDS[kind]:
            raise ParameterError(
                f"where {self}: column {self.column!r} holds {kind}; it takes"
                f" {', '.join((*_KINDS[kind], *_PRESENCE))}"
            )
        if len(cells):
            found[present] = self._holds(kind, cells)
        return found

    def _holds(self, kind: str, cells: np.ndarray) -> Any:
        """Return for which cells, none of them missing, it holds."""
        if self.operator in _AMONG:
            wanted = {self._typed(kind, one) for one in self.value}
            among = np.array([cell in wanted for cell in cells])
            return among if self.operator == "in" else ~among
        value = self._typed(kind, self.value)
        if self.operator == "contains" and kind == "lists":
            return [value in map(value_text, cell) for cell in cells]
        if self.operator == "contains":
            return [value in cell for cell in cells]
        return _COMPARE[self.operator](cells, value)

    def _typed(self, kind: str, value: Any) -> Any:
        """Return a value as the cells of a kind of column are, or refuse it."""
        typed = _typed(kind, value.item() if isinstance(value, np.generic) else value)
        if typed is None:
            raise ParameterError(
                f"where {self}: column {self.column!r} holds {kind}, so the value must be"
                f" {_WANTED[kind]}, got {short(value)}"
            )
        return typed


def _read(column: pd.Series) -> tuple[str, np.ndarray]:
    """Return what a column without missing cells holds, and its cells."""
    import pandas as pd

    if len(column) == 0:
        return "nothing", column.to_numpy()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return "truth values" if column.dtype == np.bool_ else "numbers", column.to_numpy()
    cells = column.to_numpy(dtype=object)
    holds = pd.api.types.infer_dtype(cells, skipna=False)
    if holds == "string":
        return "text", cells
    if holds == "boolean":
        return "truth values", cells.astype(np.bool_)
    if holds in _NUMBERS:
        return "numbers", np.array(cells.tolist())
    if holds.startswith("datetime") or holds == "date":
        return "times", np.array([_utc(one) for one in cells], dtype=_TIME)
    if all(isinstance(one, LISTS) for one in cells):
        return "lists", cells
    return "text", np.array([str(one) for one in cells], dtype=object)


def _typed(kind: str, value: Any) -> Any:
    """Return a value as cells of a kind are, None if it cannot be one."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "numbers":
        return value if is_number and not isnan(value) else None
    if kind == "truth values":
        return value if isinstance(value, bool) else None
    if kind == "times":
        return _time(value)
    if kind == "lists":
        return value_text(value) if is_number or isinstance(value, str) else None
    return value if isinstance(value, str) else None


def _time(value: Any) -> np.datetime64 | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
    is_time = isinstance(value, date) and value == value  # NaT is not itself
    return np.datetime64(_utc(value), "us") if is_time else None


def _utc(value: Any) -> Any:
    """Return a time without its zone, as UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return value
