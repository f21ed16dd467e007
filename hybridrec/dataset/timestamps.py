"""Times in any usual form -> seconds since 1970-01-01 UTC."""

from __future__ import annotations

import numpy as np

from hybridrec.dataset.columns import BadRowsError
from hybridrec.errors import DataError

# Epoch numbers tell their unit by size: seconds stay below 1e11 until the year 5138.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (np.inf, 1e9))


def to_epoch_seconds(values: np.ndarray, column: str) -> np.ndarray:
    """Convert a column of times to float64 seconds since 1970-01-01 UTC.

    Parameters
    ----------
    values : ndarray
        Epoch numbers in seconds, milli-, micro- or nanoseconds (told by their size),
        ``datetime64``, or ISO 8601 text.
    column : str
        For messages.

    Raises
    ------
    DataError
        If a time is missing or unreadable, or numbers of different units are mixed.
    """
    array = np.asarray(values)
    if array.dtype.kind in "OUTM":
        return _from_dates(array, column)
    if array.dtype.kind not in "iuf":
        raise DataError(f"column {column!r} must hold times, got {array.dtype}")
    numbers = array.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        raise BadRowsError(f"column {column!r} holds no time", bad)
    return _scaled(numbers, column)


def _scaled(numbers: np.ndarray, column: str) -> np.ndarray:
    """Turn numbers of one unit into seconds, in place."""
    if numbers.size == 0:
        return numbers
    low, high = int(numbers.argmin()), int(numbers.argmax())
    if numbers[low] < 0:  # times before 1970
        size = np.abs(numbers)
        low, high = int(size.argmin()), int(size.argmax())
    factors = [next(f for bound, f in _UNITS if abs(numbers[row]) < bound) for row in (low, high)]
    if factors[0] != factors[1] and numbers[low] != 0:
        raise BadRowsError(
            f"column {column!r} mixes units of time ({numbers[low]:.0f} and {numbers[high]:.0f});"
            " convert them to one unit",
            np.array(sorted((low, high))),
        )
    numbers /= factors[1]
    return numbers


def _from_dates(array: np.ndarray, column: str) -> np.ndarray:
    import pandas as pd

    if array.dtype.kind == "O" and pd.api.types.infer_dtype(array) in ("integer", "floating"):
        return to_epoch_seconds(array.astype(np.float64), column)
    dates = pd.to_datetime(pd.Series(array), errors="coerce", utc=True, format="ISO8601")
    bad = np.flatnonzero(dates.isna())
    if bad.size:
        raise BadRowsError(
            f"column {column!r} holds no time that can be read (ISO 8601 or epoch numbers)",
            bad,
            array[bad],
        )
    naive = dates.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    seconds: np.ndarray = naive.astype(np.int64) / 1e6
    return seconds
