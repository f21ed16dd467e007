"""The tables of one side of LightFM: rows of users or items, and those of their features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.kernels.lightfm_steps import Pace, Rows

DENSE = 0.25  # from this share of entries on, a feature matrix is multiplied as a dense one


class Side:
    """All users, or all items: the sum of what each learned alone and of its features.

    Only the sums are kept as rows. A batch adds the gradients of the rows up; then the features
    take one step, and every row changes by the change of its features.

    Parameters
    ----------
    n : int
    factors : int
    features : csr_matrix of float32, shape (n, width), optional
    adadelta : bool
    before : mapping of str to array, optional
        `state` of a former training with perhaps fewer rows and features, and its ``values``.
    """

    def __init__(
        self,
        n: int,
        factors: int,
        features: csr_matrix | None,
        *,
        adadelta: bool,
        before: Mapping[str, Any] | None = None,
    ) -> None:
        self.factors, self.features, self.adadelta = factors, features, adadelta
        self._before = before or {}
        self.rows = self._rows("", n, with_gradients=features is not None)
        if features is not None:
            self.of_features = self._rows("feature_", features.shape[1], with_gradients=True)
            self._product = _product(features)

    def _rows(self, name: str, n: int, with_gradients: bool) -> Rows:
        from hybridrec.kernels.lightfm import LANES
        from hybridrec.kernels.lightfm_steps import Rows

        width = -(-(self.factors + 1) // LANES) * LANES
        none = np.zeros((0, 0), dtype=np.float32)

        def table(kind: str, start: float) -> np.ndarray:
            made = _aligned(n, width, start)
            known = self._before.get(name + kind)
            if known is not None:
                made[: len(known), : known.shape[1]] = known
            return made

        return Rows(
            values=table("values", 0.0),
            squares=table("squares", 0.0 if self.adadelta else 1.0),
            moves=table("moves", 0.0) if self.adadelta else none,
            gradients=_aligned(n, width, 0.0) if with_gradients else none,
        )

    def start(self, warm: np.ndarray, stream: np.random.Generator) -> None:
        """Draw the rows of features, and of warm users or items, that hold nothing yet."""
        values = self.rows.values
        self._draw(values, np.flatnonzero(warm & ~values.any(axis=1)), stream)
        if self.features is None:
            return
        known = self._before.get("features")
        n_known = 0 if known is None else known.shape[1]
        self._draw(self.of_features.values, np.arange(n_known, self.features.shape[1]), stream)
        new = self.features
        if known is not None:
            known = known.copy()
            known.resize(new.shape)
            new = new - known
        values += new @ self.of_features.values

    def _draw(self, values: np.ndarray, rows: np.ndarray, stream: np.random.Generator) -> None:
        drawn = stream.random((len(rows), self.factors), dtype=np.float32) - np.float32(0.5)
        values[rows, : self.factors] = drawn / np.float32(self.factors)

    def follow_features(self, pace: Pace) -> None:
        """Let the features take the step of a batch, and the rows change with them."""
        if self.features is None:
            return
        from hybridrec.kernels.lightfm_steps import step_all

        step = np.empty_like(self.of_features.values)
        self._product.gather(self.rows.gradients, self.of_features.gradients)
        step_all(self.of_features, pace, step)
        self._product.spread(step, self.rows.values)
        self.rows.gradients[:] = 0

    def shrink(self, factor: float, columns: int) -> None:
        """Multiply the first ``columns`` of all rows and features."""
        self.rows.values[:, :columns] *= np.float32(factor)
        if self.features is not None:
            self.of_features.values[:, :columns] *= np.float32(factor)

    def finish(self, warm: np.ndarray) -> None:
        """Make the rest exactly the sum of their features."""
        if self.features is not None:
            cold = np.flatnonzero(~warm)
            self.rows.values[cold] = self.features[cold] @ self.of_features.values

    def state(self) -> dict[str, Any]:
        """Return what a further training needs beside the rows."""
        found: dict[str, Any] = {"squares": self.rows.squares, "moves": self.rows.moves}
        if self.features is not None:
            found |= {
                "features": self.features,
                "feature_values": self.of_features.values,
                "feature_squares": self.of_features.squares,
                "feature_moves": self.of_features.moves,
            }
        return {name: one for name, one in found.items() if name == "features" or one.size}


def _aligned(n: int, width: int, value: float) -> np.ndarray:
    """Return a table filled with a value whose rows begin where cache lines do."""
    from hybridrec.kernels.prefetch import LINE

    flat = np.full(n * width + LINE, value, dtype=np.float32)
    first = -flat.ctypes.data // flat.itemsize % LINE
    return flat[first : first + n * width].reshape(n, width)


class _Sparse:
    """Products with a CSR matrix."""

    def __init__(self, features: csr_matrix) -> None:
        self.parts = features.indptr, features.indices, features.data

    def gather(self, rows: np.ndarray, out: np.ndarray) -> None:
        from hybridrec.kernels.lightfm_features import add_transposed_product

        out[:] = 0
        add_transposed_product(*self.parts, rows, out)

    def spread(self, step: np.ndarray, rows: np.ndarray) -> None:
        from hybridrec.kernels.lightfm_features import add_product

        add_product(*self.parts, step, rows)


class _Dense:
    """The same with BLAS."""

    def __init__(self, features: csr_matrix) -> None:
        self.matrix = features.toarray()

    def gather(self, rows: np.ndarray, out: np.ndarray) -> None:
        np.matmul(self.matrix.T, rows, out=out)

    def spread(self, step: np.ndarray, rows: np.ndarray) -> None:
        from scipy.linalg.blas import sgemm

        # In the order of Fortran, all are transposed: rows += matrix @ step, in place.
        sgemm(1.0, step.T, self.matrix.T, beta=1.0, c=rows.T, overwrite_c=True)


def _product(features: csr_matrix) -> _Sparse | _Dense:
    share = features.nnz / max(1, features.shape[0] * features.shape[1])
    return _Dense(features) if share >= DENSE else _Sparse(features)
