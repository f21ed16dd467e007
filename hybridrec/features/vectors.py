"""Vectors that were made elsewhere, of images, sounds or texts, as a dense feature block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.vectors import Vectors, as_matrix
from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few
from hybridrec.features.packed import pack_texts, unpack_texts

if TYPE_CHECKING:
    import pandas as pd

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph


class GivenVectors:
    """One given vector an item (or user); the block is called "vectors.NAME".

    An item without a vector has a row of zeros and is counted in ``missing_``. An item that joins
    later brings its vector in the column ``name`` of its table (a list of numbers); if its id was
    among the given ones, that vector counts.

    Parameters
    ----------
    name : str
        Such as "image".
    ids : sequence of int or str, optional
        By default the vectors of this name that the dataset has (`Dataset.with_vectors`), or the
        column of this name of its table.
    matrix : array or sequence of vectors, optional
        One an id.
    side : {"item", "user"}, default "item"

    Attributes
    ----------
    missing_ : ndarray of bool
        Which items (users) of the fit have no vector.
    """

    opaque = True

    def __init__(self, name: str, ids: Any = None, matrix: Any = None, side: str = "item") -> None:
        if (ids is None) != (matrix is None):
            raise ParameterError("GivenVectors needs both ids and matrix, or neither")
        self.given = None if ids is None else Vectors.of(name, ids, matrix, side)
        self.of, self.side = name, side

    @property
    def name(self) -> str:
        """Name of the block."""
        return f"vectors.{self.of}"

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Find out who has a vector."""
        if self.given is not None:
            dataset.with_vectors(self.given)  # refused where it is about none of the ids
            self.vectors_ = self.given
        else:
            self.vectors_ = self._of_dataset(dataset)
        self.missing_ = ~(self.transform(dataset, base) != 0).any(axis=1)

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the vectors of a dataset's items (users), 0 where there is none, float32."""
        ids = dataset.items if self.side == "item" else dataset.users
        vectors, rows = self.vectors_.matrix, self.vectors_.rows(ids)
        found = np.zeros((len(ids), vectors.shape[1]), dtype=np.float32)
        found[rows >= 0] = vectors[rows[rows >= 0]]
        table = self._table(dataset)
        if table is not None and self.of in table.columns:
            lacking = np.flatnonzero(rows < 0)
            cells = _cells(table[self.of].iloc[lacking])
            present, more = self._from_column(cells, ids.ids[lacking])
            found[lacking[present]] = more
        return found

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the names of the dimensions."""
        return np.array([str(one) for one in range(self.vectors_.matrix.shape[1])], dtype=object)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters and arrays from which `restore` makes the same block."""
        ids = self.vectors_.ids
        config = {"name": self.of, "side": self.side, "text": ids.is_text}
        parts = pack_texts("ids", ids.ids) if ids.is_text else {"ids": ids.ids}
        return config, {**parts, "matrix": self.vectors_.matrix, "missing": self.missing_}

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> GivenVectors:
        """Rebuild a fitted block."""
        name, side = config["name"], config["side"]
        block = cls(name, side=side)
        ids = unpack_texts("ids", arrays) if config["text"] else arrays["ids"]
        block.vectors_ = Vectors(name, IdMap(ids, side), arrays["matrix"], side)
        block.missing_ = arrays["missing"]
        return block

    def _of_dataset(self, dataset: Dataset) -> Vectors:
        """Return the vectors of the block's name that a dataset has."""
        mine = {one.name: one for one in dataset.vectors if one.side == self.side}
        if self.of in mine:
            return mine[self.of]
        table = self._table(dataset)
        if table is not None and self.of in table.columns:
            ids = dataset.items if self.side == "item" else dataset.users
            where = f"column {self.of!r} of the {self.side} table"
            return Vectors.of(self.of, ids.ids, _cells(table[self.of]), self.side, where=where)
        known = [*mine, *(() if table is None else table.columns)]
        raise ParameterError(
            f"no vectors {self.of!r} of {self.side}s were given{did_you_mean(self.of, known)};"
            f" see --vectors and Dataset.with_vectors"
        )

    def _from_column(self, cells: list[Any], ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read the vectors that new items bring themselves."""
        width = self.vectors_.matrix.shape[1]
        if all(cell is None for cell in cells):
            return np.zeros(0, dtype=np.intp), np.zeros((0, width), dtype=np.float32)
        where = f"column {self.of!r}"
        present, more = as_matrix(cells, ids, where, self.side)
        if more.shape[1] != width:
            raise DataError(
                f"{where}: row {present[0]} ({self.side} {first_few(ids[present[:1]])}) has"
                f" {more.shape[1]} numbers, the vectors of the fit have {width}"
            )
        return present, more

    def _table(self, dataset: Dataset) -> pd.DataFrame | None:
        return dataset.item_table if self.side == "item" else dataset.user_table


def _cells(column: pd.Series) -> list[Any]:
    """Return the lists of a column, None where a cell is empty."""
    return [None if _is_empty(cell) else cell for cell in column]


def _is_empty(cell: Any) -> bool:
    if cell is None or np.isscalar(cell):
        return cell is None or cell != cell  # NaN
    return len(cell) == 0
