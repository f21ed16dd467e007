"""Business rules: which items may come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, first_few

if TYPE_CHECKING:
    import pandas as pd

    from hybridrec.dataset.idmap import IdMap


@dataclass(frozen=True)
class Rules:
    """Which items may be recommended; all given rules must hold.

    Attributes
    ----------
    allow : sequence of item ids, optional
        Only these. An empty sequence allows nothing.
    deny : sequence of item ids, optional
        None of these.
    where : str, optional
        An SQL condition over the columns of the item table, such as ``"year >= 1990"``; an item
        for which it is unknown (a missing value) does not pass. It is evaluated without access
        to files or the network.
    """

    allow: Sequence[Any] | None = None
    deny: Sequence[Any] | None = None
    where: str | None = None

    def mask(self, items: IdMap, item_table: pd.DataFrame | None = None) -> np.ndarray:
        """Return which items may come out, bool (n_items,).

        Raises
        ------
        UnknownIdError
            If an allowed or denied item is not known.
        ParameterError
            If ``where`` cannot be evaluated.
        """
        allowed = np.ones(len(items), dtype=np.bool_)
        if self.allow is not None:
            allowed[:] = False
            allowed[items.codes(list(self.allow))] = True
        if self.deny is not None:
            allowed[items.codes(list(self.deny))] = False
        if self.where is not None:
            allowed &= _where(self.where, item_table)
        return allowed


def _where(condition: str, table: pd.DataFrame | None) -> np.ndarray:
    """Evaluate an SQL condition for every row of the item table."""
    import duckdb

    if table is None or table.columns.empty:
        raise ParameterError(f"where {condition!r} needs an item table; the model has none")
    # In WHERE a condition cannot multiply rows or look at several at a time (unnest, count), and
    # coalesce refuses what is no condition, such as a bare number.
    statement = f"SELECT rowid AS position FROM item WHERE coalesce((\n{condition}\n), false)"
    try:
        with _database(table) as connection:
            # Parsed before it runs, so that a condition stays one condition.
            if len(connection.extract_statements(statement)) != 1:
                raise ParameterError(f"where {condition!r} must be a single condition")
            found = connection.execute(statement).fetchnumpy()["position"]
    except (duckdb.Error, TypeError) as error:  # TypeError: not text, or not UTF-8
        reason = str(error).splitlines()[0]
        raise ParameterError(
            f"where {condition!r} cannot be evaluated: {reason}"
            f" (columns: {first_few(table.columns, 10)})"
        ) from error
    passes: np.ndarray = np.isin(np.arange(len(table)), found)
    return passes


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
