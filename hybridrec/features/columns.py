"""Columns of the item (or user) table as sparse features."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import COLUMN_TYPES
from hybridrec.dataset.frames import ROLE_NAMES
from hybridrec.dataset.knowledge import as_list
from hybridrec.errors import DataError, ParameterError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph

TEXT = "text"
KINDS = tuple(kind for kind in COLUMN_TYPES if kind != TEXT)
SEPARATOR = "|"
BINS = 10
MAX_DISTINCT_SHARE = 0.5  # a text column with more distinct values is not a category
MIN_TEXT_SHARE = 0.5  # in free text, cells of more than one word


class TableColumns:
    """One-hot, multi-hot and binned columns of a table.

    Parameters
    ----------
    kinds : mapping of column to {"category", "list", "number"}, optional
        What each column is; by default recognised: lists, or text with ``|``, as "list"; numbers
        as "number", cut into at most 10 bins of equally many rows; other text as "category" if
        its values repeat. Titles and free text are left out. What the dataset declares
        (`Dataset.with_column_types`) counts more.
    side : {"item", "user"}, default "item"
    """

    name = "columns"

    def __init__(self, kinds: Mapping[str, str] | None = None, *, side: str = "item") -> None:
        for column, kind in (kinds or {}).items():
            if kind == TEXT:
                raise ParameterError(
                    f"column {column!r}: text is for the block 'text' (TextColumns([{column!r}]))"
                )
            if kind not in KINDS:
                raise ParameterError(
                    f"column {column!r}: kind must be one of {', '.join(KINDS)}, got {kind!r}"
                )
        self.kinds, self.side = kinds, side

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Learn the values and bins of each column."""
        table = self._table(dataset)
        if table is None:
            raise ParameterError(f"the feature block 'columns' needs a table of {self.side}s")
        given = self.kinds
        kinds = dict(given if given is not None else _recognised(table, dataset.column_types))
        for column in kinds:
            if column not in table.columns:
                guess = did_you_mean(column, table.columns)
                raise ParameterError(f"the {self.side} table has no column {column!r}{guess}")
        self.kinds_ = kinds
        self.edges_ = {
            column: _bin_edges(table[column]) for column, kind in kinds.items() if kind == "number"
        }
        tokens = [one for row in self._tokens(table) for one in row]
        self.vocabulary_ = np.array(sorted(set(tokens)), dtype=object)

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> csr_matrix:
        """Return the columns of a dataset's items (users), CSR float32 (rows, values)."""
        from scipy.sparse import csr_matrix

        ids = dataset.items if self.side == "item" else dataset.users
        table = self._table(dataset)
        position = {one: code for code, one in enumerate(self.vocabulary_)}
        indices: list[int] = []
        indptr = [0]
        for row in self._tokens(table) if table is not None else [[]] * len(ids):
            indices += sorted({position[one] for one in row if one in position})
            indptr.append(len(indices))
        ones = np.ones(len(indices), dtype=np.float32)
        return csr_matrix((ones, indices, indptr), shape=(len(ids), len(self.vocabulary_)))

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return "column=value" for every column of the block."""
        return self.vocabulary_

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters from which `restore` makes the same block."""
        config = {
            "side": self.side,
            "kinds": self.kinds_,
            "edges": {column: edges.tolist() for column, edges in self.edges_.items()},
            "vocabulary": self.vocabulary_.tolist(),
        }
        return config, {}

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> TableColumns:
        """Rebuild a fitted block."""
        block = cls(config["kinds"], side=config["side"])
        block.kinds_ = config["kinds"]
        block.edges_ = {name: np.array(edges) for name, edges in config["edges"].items()}
        block.vocabulary_ = np.array(config["vocabulary"], dtype=object)
        return block

    def _table(self, dataset: Dataset) -> pd.DataFrame | None:
        return dataset.item_table if self.side == "item" else dataset.user_table

    def _tokens(self, table: pd.DataFrame) -> list[list[str]]:
        """Return the values of every row as "column=value"."""
        rows: list[list[str]] = [[] for _ in range(len(table))]
        for column, kind in self.kinds_.items():
            if column not in table.columns:
                continue
            for row, values in zip(rows, self._values(table[column], kind), strict=True):
                row += [f"{column}={value}" for value in values]
        return rows

    def _values(self, cells: pd.Series, kind: str) -> list[list[str]]:
        if kind == "number":
            return _binned(cells, self.edges_[str(cells.name)])
        split = _split if kind == "list" else as_list
        known = cells.astype(object).where(cells.notna(), None)
        return [[_text(one) for one in split(cell)] for cell in known]


def usable_columns(
    table: pd.DataFrame | None, declared: Mapping[str, str] = MappingProxyType({})
) -> bool:
    """Tell whether a table has any column that `TableColumns` would take by itself."""
    return table is not None and bool(_recognised(table, declared))


def _recognised(table: pd.DataFrame, declared: Mapping[str, str]) -> dict[str, str]:
    kinds = {name: declared.get(name) or _kind(table[name]) for name in table.columns}
    return {column: kind for column, kind in kinds.items() if kind not in ("", TEXT)}


def free_text(table: pd.DataFrame) -> list[str]:
    """Return the columns that hold titles or other text of several words."""
    names = []
    for name in table.columns:
        texts = table[name].dropna()
        if _kind(table[name]) or texts.empty or not texts.map(lambda one: type(one) is str).all():
            continue
        if texts.str.contains(r"\w\W+\w").mean() >= MIN_TEXT_SHARE:
            names.append(name)
    return names


def _kind(cells: pd.Series) -> str:
    """Return what a column is, or nothing if it is no feature."""
    plain = "".join(filter(str.isalnum, str(cells.name).lower()))
    present = cells.dropna().infer_objects()
    if plain in ROLE_NAMES["title"] or present.empty:
        return ""
    if present.dtype.kind in "iufb":
        return "number" if present.nunique() > 2 else "category"
    if isinstance(present.iloc[0], (list, tuple, np.ndarray)):
        return "" if _is_vector(present.iloc[0]) else "list"
    texts = present.astype(str)
    if texts.str.contains(SEPARATOR, regex=False).any():
        return "list"
    return "category" if texts.nunique() <= MAX_DISTINCT_SHARE * len(texts) else ""


def _is_vector(cell: Any) -> bool:
    """Tell whether a list is one of numbers with fractions: no value comes twice."""
    numbers = np.asarray(cell)
    return numbers.dtype.kind == "f" and bool((numbers != np.floor(numbers)).any())


def _split(cell: Any) -> list[Any]:
    return [one for one in cell.split(SEPARATOR) if one] if isinstance(cell, str) else as_list(cell)


def _text(value: Any) -> str:
    """Write a value; 2000.0, as pandas makes of 2000 in a column with gaps, as 2000."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)


def _numbers(cells: pd.Series) -> np.ndarray:
    """Return a column as float64, NaN where a number is missing."""
    try:
        values: np.ndarray = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {cells.name!r} must hold numbers: {error}") from error
    return values


def _bin_edges(cells: pd.Series) -> np.ndarray:
    """Return the inner edges of bins with about equally many rows."""
    values = _numbers(cells)
    values = values[np.isfinite(values)]
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    edges: np.ndarray = np.unique(np.quantile(values, inner)) if values.size else values
    return edges


def _binned(cells: pd.Series, edges: np.ndarray) -> list[list[str]]:
    """Name the bin of every cell by its bounds; none for a missing cell."""
    bounds = ["-inf", *(f"{edge:.15g}" for edge in edges), "inf"]
    values = _numbers(cells)
    bins = np.searchsorted(edges, values, side="right")
    return [
        [] if np.isnan(value) else [f"[{bounds[one]},{bounds[one + 1]})"]
        for value, one in zip(values, bins, strict=True)
    ]
