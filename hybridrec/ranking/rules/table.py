"""Columns of the item table, as rules and groups read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridrec.errors import ParameterError, did_you_mean, first_few

if TYPE_CHECKING:
    import pandas as pd


def table_column(table: pd.DataFrame | None, column: str, asked_by: str) -> pd.Series:
    """Return a column of the item table.

    Parameters
    ----------
    table : pandas.DataFrame or None
    column : str
    asked_by : str
        Who needs it, for the message, such as "quota genre=3".

    Raises
    ------
    ParameterError
        If there is no table, or no such column (suggests the nearest).
    """
    if table is None or table.columns.empty:
        raise ParameterError(f"{asked_by} needs an item table; the model has none")
    if column not in table.columns:
        raise ParameterError(
            f"{asked_by}: the item table has no column {column!r}"
            f"{did_you_mean(column, table.columns)} (columns: {first_few(table.columns, 10)})"
        )
    return table[column]
