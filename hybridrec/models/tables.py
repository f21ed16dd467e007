"""The item table inside a model: columns of the few types that a model folder keeps.

A model takes its table over in this form, so that a rule says the same before saving and after
loading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.knowledge import as_list

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
WHOLE = {"b": np.bool_, "i": np.int64, "u": np.uint64}
TIME = "datetime64[us]"
LISTS = (list, tuple, set, np.ndarray)


def plain_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of numbers, truth values, times, text and lists of text.

    Truth values with gaps become an object column of True, False and None, whole numbers with
    gaps floats; times lose their zone (they become UTC); all other things become text.
    """
    import pandas as pd

    return pd.DataFrame({name: _plain(table[name]) for name in table.columns}, index=table.index)


def to_parts(table: pd.DataFrame) -> tuple[list[list[str]], dict[str, np.ndarray]]:
    """Return [name, kind] of every column of a plain table, and what the store takes for it."""
    kinds, parts = [], {}
    for position, name in enumerate(table.columns):
        column = table[name]
        kind, values = "plain", column.to_numpy()
        if values.dtype.kind == "M":
            kind, values = "time", values.astype(TIME).astype(np.int64)
        elif values.dtype == object and _holds(column) == "boolean":
            kind, values = "boolean", column.astype(np.float64).to_numpy()
        elif values.dtype == object:
            values = _objects(None if missing else one for one, missing in _cells(column))
        kinds.append([name, kind])
        parts[str(position)] = values
    return kinds, parts


def from_parts(
    kinds: Iterable[tuple[str, str]], parts: Mapping[str, np.ndarray], n: int
) -> pd.DataFrame:
    """Return the table of ``n`` rows that `to_parts` took apart."""
    import pandas as pd

    columns = {}
    for position, (name, kind) in enumerate(kinds):
        values = parts[str(position)]
        if kind == "time":
            values = values.astype(TIME)
        elif kind == "boolean":
            values = _objects(None if np.isnan(one) else bool(one) for one in values)
        columns[name] = values
    return pd.DataFrame(columns, index=range(n))


def _plain(column: pd.Series) -> np.ndarray:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    kind, holds = column.dtype.kind, _holds(column)
    if kind in WHOLE and not column.isna().any():
        values: np.ndarray = column.to_numpy(dtype=WHOLE[kind])
    elif holds == "boolean":
        values = _objects(None if missing else bool(one) for one, missing in _cells(column))
    elif holds in NUMBERS:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    elif kind == "M":
        values = column.to_numpy(dtype=TIME)
    elif holds in ("date", "datetime"):
        listed = [None if missing else one for one, missing in _cells(column)]
        values = np.array(listed, dtype=TIME)
    else:
        values = _texts(column)
    return values


def _texts(column: pd.Series) -> np.ndarray:
    """Return a column as text, or as lists of text where all its cells are lists."""
    lists = all(missing or isinstance(one, LISTS) for one, missing in _cells(column))
    return _objects(
        None if missing else [str(part) for part in as_list(one)] if lists else str(one)
        for one, missing in _cells(column)
    )


def _holds(column: pd.Series) -> str:
    import pandas as pd

    return str(pd.api.types.infer_dtype(column, skipna=True))


def _cells(column: pd.Series) -> Iterable[tuple[Any, bool]]:
    """Return every cell, and whether it is missing."""
    return zip(column.astype(object), column.isna(), strict=True)


def _objects(cells: Iterable[Any]) -> np.ndarray:
    return np.fromiter(cells, dtype=object)
