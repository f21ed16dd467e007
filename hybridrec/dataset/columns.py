"""What every table gives, frame or file: its columns, checked by the role they play."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hybridrec.errors import DataError, first_few

if TYPE_CHECKING:
    from hybridrec.dataset.frames import Backend
    from hybridrec.dataset.idmap import IdMap


class BadRowsError(DataError):
    """Some rows of a table cannot be used; a reader of files turns their numbers into lines.

    Parameters
    ----------
    problem : str
        What is wrong with all of them.
    rows : ndarray of int
        Counted from 0.
    values : ndarray, optional
        What the rows hold.
    """

    def __init__(self, problem: str, rows: np.ndarray, values: Any = None) -> None:
        self.problem = problem
        self.rows = rows
        self.values = values
        held = "" if values is None else f" hold {first_few(values)}"
        super().__init__(f"{problem}: rows {first_few(rows)}{held} (rows count from 0)")


class Columns(Protocol):
    """The chosen columns of a table. All checks raise `DataError` and say which rows are bad."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def ids(self, name: str, role: str, *, distinct: bool = False) -> np.ndarray:
        """Return a column of ids (int64 or object of str), none missing, optionally none twice."""

    def coded_ids(self, name: str, role: str) -> tuple[IdMap, np.ndarray]:
        """Return the sorted distinct ids of a column and the int32 code of every row."""

    def weights(self, name: str) -> np.ndarray:
        """Return a column of weights: float32, finite and at least 0."""

    def times(self, name: str) -> np.ndarray:
        """Return a column of times: float64 seconds since 1970-01-01 UTC."""

    def values(self, name: str) -> np.ndarray:
        """Return a column as it is; missing values are NaN among numbers, None among texts."""


class Source(ABC):
    """A table that is read column by column: a data frame or a file.

    Attributes
    ----------
    where : str
        The file, or what the frame is, for messages.
    names : sequence of str
        The columns there are.
    backend : str
        The data frame library in which results are given.
    """

    where: str
    names: Sequence[str]
    backend: Backend

    @abstractmethod
    def read(self, names: Sequence[str]) -> AbstractContextManager[Columns]:
        """Read some of the columns."""


def check_weights(values: np.ndarray, column: str) -> np.ndarray:
    """Return weights as float32.

    Raises
    ------
    DataError
        If a value is not a number, NaN, infinite or negative; names the column and first rows.
    """
    try:
        with np.errstate(over="ignore"):  # becomes infinite, and is refused below
            weights = np.asarray(values).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {column!r} must hold numbers: {error}") from error
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if bad.size:
        raise BadRowsError(
            f"column {column!r}: weights must be finite and at least 0", bad, weights[bad]
        )
    return weights
