"""Feature matrices: named blocks, each scaled on its own, one row per item (or user)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import DataError, ParameterError, first_few

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, eq=False)
class FeatureBlock:
    """One source of features.

    Attributes
    ----------
    name : str
    matrix : csr_matrix or ndarray of float32, shape (rows, width)
    feature_names : ndarray of str, shape (width,)
        What each column means, for explanations.
    weight : float
        How much the block counts beside the others; 0 switches it off.
    """

    name: str
    matrix: csr_matrix | np.ndarray
    feature_names: np.ndarray
    weight: float = 1.0

    def __post_init__(self) -> None:
        from scipy.sparse import issparse

        if not (np.isfinite(self.weight) and self.weight >= 0):
            raise ParameterError(f"weight of block {self.name!r} must be >= 0, got {self.weight}")
        if self.matrix.ndim != 2 or len(self.feature_names) != self.matrix.shape[1]:
            raise DataError(
                f"block {self.name!r}: matrix of shape {self.matrix.shape} with"
                f" {len(self.feature_names)} feature names"
            )
        values = self.matrix.data if issparse(self.matrix) else self.matrix
        if not np.isfinite(values).all():
            raise DataError(f"block {self.name!r} holds NaN or infinite values")


class Features:
    """The feature matrix of items (or users): blocks side by side.

    Parameters
    ----------
    blocks : sequence of FeatureBlock
        All with the same number of rows; row c belongs to code c.

    Raises
    ------
    DataError
        If there is no block, or blocks differ in their number of rows, or names repeat.
    """

    def __init__(self, blocks: Sequence[FeatureBlock]) -> None:
        if not blocks:
            raise DataError("features need at least one block")
        rows = {block.name: block.matrix.shape[0] for block in blocks}
        if len(set(rows.values())) > 1:
            raise DataError(f"feature blocks differ in their number of rows: {rows}")
        if len(rows) < len(blocks):
            raise DataError(f"feature blocks repeat a name: {first_few(b.name for b in blocks)}")
        self.blocks = tuple(blocks)

    def __len__(self) -> int:
        return int(self.blocks[0].matrix.shape[0])

    def __repr__(self) -> str:
        listed = ", ".join(f"{b.name}: {b.matrix.shape[1]}" for b in self.blocks)
        return f"Features({len(self)} rows; {listed})"

    @property
    def feature_names(self) -> np.ndarray:
        """Names of all columns, "block:feature"."""
        return full_names((block.name, block.feature_names) for block in self.blocks)

    def matrix(self) -> csr_matrix:
        """Return all blocks side by side, each times its weight: CSR float32 (rows, width)."""
        from scipy.sparse import csr_matrix, hstack

        parts = [csr_matrix(block.matrix, dtype=np.float32) * block.weight for block in self.blocks]
        joined = csr_matrix(hstack(parts, format="csr", dtype=np.float32))
        joined.eliminate_zeros()
        joined.sort_indices()
        return joined


def full_names(blocks: Iterable[tuple[str, np.ndarray]]) -> np.ndarray:
    """Return "block:feature" for every feature of blocks and their feature names."""
    return np.array([f"{block}:{name}" for block, names in blocks for name in names], dtype=object)


def scale_rows(matrix: csr_matrix | np.ndarray) -> csr_matrix | np.ndarray:
    """Return a matrix whose non-zero rows have Euclidean length 1 (float32).

    So a block counts the same for an item with three facts as for one with three hundred.
    """
    from scipy.sparse import csr_matrix, diags, issparse
    from scipy.sparse.linalg import norm

    sparse = issparse(matrix)
    wide = matrix.astype(np.float64)  # squares of float32 may overflow
    length = norm(wide, axis=1) if sparse else np.linalg.norm(wide, axis=1)
    factor = 1.0 / np.where(length > 0, length, 1.0)
    if sparse:
        return csr_matrix(diags(factor) @ wide, dtype=np.float32)
    scaled: np.ndarray = (wide * factor[:, None]).astype(np.float32)
    return scaled
