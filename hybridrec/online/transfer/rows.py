"""Interactions by scenario: the column that tells which, and the catalogue of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.columns import BadRowsError
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import as_source
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

COLUMN = "scenario"  # where none is named
ONLY = "all"  # the scenario of interactions that have no such column
SHARED_ITEMS = 0.05  # least share of the items in several scenarios from which they are no domains
Histories = Mapping[str, "csr_matrix"]


def with_column(data: Any, column: str | None) -> Dataset | Interactions:
    """Return data whose interactions keep the column of scenarios, if there is one."""
    if isinstance(data, (Dataset, Interactions)):
        return data
    source = as_source(data, "interactions")
    wanted = column or COLUMN
    return Interactions.from_frame(source, context=[wanted] if wanted in source.names else [])


def column_of(interactions: Interactions, column: str | None) -> str | None:
    """Return the column that tells scenarios; None if none is named and there is none.

    Raises
    ------
    DataError
        If a column is named that the interactions were not read with.
    """
    if column is None:
        return COLUMN if COLUMN in interactions.context else None
    if column not in interactions.context:
        known = list(interactions.context)
        raise DataError(
            f"the interactions have no column {column!r} of scenarios{did_you_mean(column, known)};"
            f" they were read with {first_few(known) or 'none'}: name it in context=[...] of"
            " Interactions.from_frame"
        )
    return column


def histories_of(interactions: Interactions, column: str | None) -> dict[str, csr_matrix]:
    """Return users x items of every scenario, by name in sorted order, float32.

    Raises
    ------
    DataError
        If a row has no scenario.
    """
    if column is None:
        return {ONLY: interactions.matrix}
    names = scenario_names(interactions.context[column], column)
    return {
        str(name): matrix
        for name in np.unique(names)
        if (matrix := interactions.take(names == name).matrix).nnz
    }


def scenario_names(values: np.ndarray, column: str) -> np.ndarray:
    """Return the scenario of every row as text.

    Raises
    ------
    DataError
        If one is missing.
    """
    import pandas as pd

    values = np.asarray(values)
    missing = np.flatnonzero(pd.isna(values))
    if missing.size:
        raise BadRowsError(f"column {column!r} tells no scenario", missing)
    if values.dtype.kind == "f" and (values == np.floor(values)).all():
        values = values.astype(np.int64)  # integers that had gaps elsewhere
    names: np.ndarray = values.astype(str).astype(object)
    return names


def known_scenario(name: Any, known: Sequence[str]) -> str:
    """Return the name of a scenario as text.

    Raises
    ------
    ParameterError
        If there is no such scenario.
    """
    if str(name) not in known:
        raise ParameterError(
            f"unknown scenario {name!r}{did_you_mean(name, known)} (there are"
            f" {first_few(known, 10)})"
        )
    return str(name)


def are_domains(histories: Histories) -> bool:
    """Tell whether scenarios have items of their own: next to none is in several of them."""
    counts = np.sum([matrix.getnnz(axis=0) > 0 for matrix in histories.values()], axis=0)
    shared, items = np.count_nonzero(counts > 1), np.count_nonzero(counts)
    return bool(len(histories) > 1 and shared < SHARED_ITEMS * items)


def items_of_scenario(table: pd.DataFrame | None, column: str, name: str) -> np.ndarray:
    """Return which items an item table assigns to a scenario, bool (n_items,).

    Raises
    ------
    DataError
        If there is no such column.
    """
    known = [] if table is None else list(table.columns)
    if table is None or column not in known:
        raise DataError(
            f"the item table has no column {column!r} that tells the scenario of an item"
            f"{did_you_mean(column, known)} (columns: {first_few(known, 10) or 'none'})"
        )
    values = table[column]
    found: np.ndarray = (values.notna() & (values.astype(str) == name)).to_numpy()
    return found
