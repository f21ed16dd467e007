"""Conditions as SQL text over the item table, evaluated where they can reach nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, first_few

if TYPE_CHECKING:
    import pandas as pd

_ANY_COLUMN = ("*", "#", "columns", "item")  # ways to reach a column without its name


def passing(conditions: Sequence[str], table: pd.DataFrame | None) -> list[np.ndarray]:
    """Return for which rows of the item table each condition is true, bool (n_items,) each.

    Raises
    ------
    ParameterError
        If a condition cannot be evaluated, or is more than one.
    """
    import duckdb

    if not conditions:
        return []
    if table is None or table.columns.empty:
        raise ParameterError(f"where {conditions[0]!r} needs an item table; the model has none")
    condition = conditions[0]
    found = []
    try:
        with _database(_mentioned(table, conditions)) as connection:
            for condition in conditions:
                found.append(_evaluated(connection, condition, len(table)))
    except (duckdb.Error, TypeError, UnicodeError) as error:  # text that is not UTF-8
        reason = str(error).splitlines()[0]
        raise ParameterError(
            f"where {condition!r} cannot be evaluated: {reason}"
            f" (columns: {first_few(table.columns, 10)})"
        ) from error
    return found


def _evaluated(connection: Any, condition: str, n_items: int) -> np.ndarray:
    # In WHERE a condition cannot multiply rows or look at several at a time (unnest, count), and
    # coalesce refuses what is no condition, such as a bare number.
    statement = f"SELECT rowid AS position FROM item WHERE coalesce((\n{condition}\n), false)"
    # Parsed before it runs, so that a condition stays one condition.
    if len(connection.extract_statements(statement)) != 1:
        raise ParameterError(f"where {condition!r} must be a single condition")
    passes = np.zeros(n_items, dtype=np.bool_)
    passes[connection.execute(statement).fetchnumpy()["position"]] = True
    return passes


def _mentioned(table: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Return the columns that conditions may read: a copy of all takes a second for 200k items."""
    text = " ".join(conditions).lower().replace('""', '"')
    named = [column for column in table.columns if str(column).lower() in text]
    return table[named] if named and not any(one in text for one in _ANY_COLUMN) else table


@contextmanager
def _database(table: pd.DataFrame) -> Iterator[Any]:
    """Open a database in memory that holds the table "item" and can reach nothing else."""
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        # The type of an object column is guessed from a sample: let it see every row.
        connection.execute(f"SET pandas_analyze_sample = {len(table)}")
        connection.register("items", table.reset_index(drop=True))
        connection.execute("CREATE TABLE item AS SELECT * FROM items")
        connection.unregister("items")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
