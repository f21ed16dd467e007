"""Which items share a value of a column: genres, makers, shops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.features.columns import SEPARATOR
from hybridrec.ranking.rules.table import table_column

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

LISTS = (list, tuple, set, frozenset, np.ndarray)


@dataclass(frozen=True, eq=False)
class ItemGroups:
    """The items of every value of a column.

    Attributes
    ----------
    members : csr_matrix of bool, shape (n_items, values)
        Which values an item has; sorted, each once.
    names : ndarray of str, shape (values,)
        The values as text, in sorted order.
    """

    members: csr_matrix
    names: np.ndarray


def item_groups(table: pd.DataFrame | None, column: str) -> ItemGroups:
    """Group items by the values of a column of their table.

    An item is a member of every value in its cell: of each element of a list, of each part of a
    text with ``|`` (as feature columns read it), of the one value of any other cell. A missing
    or empty cell has no value.

    Parameters
    ----------
    table : pandas.DataFrame or None
        One row an item.
    column : str

    Raises
    ------
    ParameterError
        If there is no table, or no such column (suggests the nearest).
    """
    return groups_of(table_column(table, column, f"grouping by {column!r}"))


def groups_of(cells: pd.Series) -> ItemGroups:
    """Group items by their cells; see `item_groups`."""
    import pandas as pd
    from scipy.sparse import csr_matrix

    texts: list[str] = []
    counts = np.zeros(len(cells), dtype=np.int64)
    for row, values in enumerate(_values(cells)):
        counts[row] = len(values)
        texts += values
    codes, names = pd.factorize(np.array(texts, dtype=object), sort=True)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    ones = np.ones(len(codes), dtype=np.bool_)
    members = csr_matrix((ones, codes, indptr), shape=(len(cells), len(names)))
    members.sort_indices()
    return ItemGroups(members, np.asarray(names, dtype=object))


def _values(cells: pd.Series) -> Iterator[list[str]]:
    """Yield the distinct values of every cell as text."""
    known: dict[str, list[str]] = {}  # most cells of most columns repeat
    for cell, missing in zip(cells.astype(object), cells.isna(), strict=True):
        if isinstance(cell, LISTS):
            yield list(dict.fromkeys(text for one in cell if (text := value_text(one))))
        elif missing:
            yield []
        elif isinstance(cell, str):
            if cell not in known:
                known[cell] = [text for text in dict.fromkeys(cell.split(SEPARATOR)) if text]
            yield known[cell]
        else:
            yield [value_text(cell)]


def value_text(value: Any) -> str:
    """Write a value; 2000.0, as pandas makes of 2000 in a column with gaps, as 2000."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if _is_missing(value) else str(value)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))
