"""Folding rows of history into given factors: shared by all factor models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ROWS = 64  # solved at a time by a thread
GRAM_ROWS = 1024  # summed in float32 before they are added in float64
NEGLIGIBLE = 1e-7  # ridge, beside the largest eigenvalue, that leaves no direction undetermined
STEPS = 3  # of conjugate gradients


def fold_in_rows(
    history: csr_matrix,
    factors: np.ndarray,
    *,
    unobserved: float | np.ndarray,
    ridge: float | np.ndarray,
    pull: float | np.ndarray = 0.0,
    prior: np.ndarray | None = None,
    start: np.ndarray | None = None,
    num_threads: int = 0,
) -> np.ndarray:
    """Return the least-squares factors of rows of history, the other side being fixed.

    Minimises, for each row, ``sum_i c_i (p_i - x.y_i)^2 + ridge |x|^2 + pull |x - prior|^2``: p
    is 1 with the stored value as confidence c, or 0 with ``unobserved`` as confidence
    (Hu, Koren & Volinsky 2008).

    Parameters
    ----------
    history : csr_matrix, shape (n, m)
        Confidence of every stored entry.
    factors : ndarray of float32, shape (m, d)
    unobserved : float or ndarray of float64, shape (m,)
        Confidence of all other entries.
    ridge : float or ndarray of float64, shape (n,)
    pull : float or ndarray of float64, shape (n,), default 0
    prior : ndarray of float32, shape (n, d), optional
    start : ndarray of float32, shape (n, d), optional
        Instead of exact factors, return these after three steps of conjugate gradients.
    num_threads : int, default 0
        0 means all; the result does not depend on it.

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    side = FixedSide.of(factors, unobserved, num_threads)
    return side.fold_in(
        history, ridge=ridge, pull=pull, prior=prior, start=start, num_threads=num_threads
    )


@dataclass(frozen=True, eq=False)
class FixedSide:
    """The other side of `fold_in_rows`, with all that does not depend on the rows.

    Attributes
    ----------
    turned : ndarray of float32, shape (m, d)
        Its factors on the eigenvectors of their Gram matrix.
    unobserved : ndarray of float32, shape (m,)
    spectrum, basis : ndarray of float32, shapes (d,) and (d, d)
        Eigenvalues and eigenvectors, one a column.
    """

    turned: np.ndarray
    unobserved: np.ndarray
    spectrum: np.ndarray
    basis: np.ndarray

    @classmethod
    def of(
        cls, factors: np.ndarray, unobserved: float | np.ndarray, num_threads: int = 0
    ) -> FixedSide:
        """Prepare factors (m, d) and the confidence of absent entries."""
        import scipy.linalg  # noqa: F401  loads the BLAS of the kernels, before it is capped

        narrow = np.ascontiguousarray(factors, dtype=np.float32)
        absent = each(unobserved, len(factors))
        with threads(num_threads):
            spectrum, basis = spectrum_of(gram(narrow, absent))
            return cls(narrow @ basis, absent, spectrum, basis)

    def fold_in(
        self,
        history: csr_matrix,
        *,
        confidence: np.ndarray | None = None,
        ridge: float | np.ndarray,
        pull: float | np.ndarray = 0.0,
        prior: np.ndarray | None = None,
        start: np.ndarray | None = None,
        num_threads: int = 0,
    ) -> np.ndarray:
        """Return the factors of rows of history, float32 (n, d); see `fold_in_rows`.

        The confidence of every stored entry is its value, unless it is given beside. A few rows
        are solved in the calling thread: a service asks for one at a time.
        """
        from hybridrec.kernels.als import solve_rows
        from hybridrec.kernels.als_cg import improve_rows

        n, d = history.shape[0], self.turned.shape[1]
        strength, towards = each(ridge, n), each(pull, n)
        centre = np.zeros((n, d), dtype=np.float32) if prior is None else prior
        out = np.empty((n, d), dtype=np.float32) if start is None else start.astype(np.float32)
        indices = history.indices
        values = history.data if confidence is None else confidence
        values = values.astype(np.float32, copy=False)

        def solve(begin: int) -> None:
            part = slice(begin, begin + ROWS)
            rows = (
                *(history.indptr[begin : begin + ROWS + 1], indices, values),
                *(self.turned, self.unobserved, self.spectrum, self.basis),
                *(strength[part], towards[part], centre[part], out[part]),
            )
            if start is None:
                solve_rows(*rows)
            else:
                improve_rows(*rows, STEPS)

        if n <= ROWS:
            with nullcontext() if self._needs_no_blas(history, values) else threads(1):
                solve(0)
            return out
        with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
            list(pool.map(solve, range(0, n, ROWS)))
        return out

    def _needs_no_blas(self, history: csr_matrix, confidence: np.ndarray) -> bool:
        """Tell whether all rows are short, and all confidences above those of absent entries."""
        short = np.diff(history.indptr).max(initial=0) < self.turned.shape[1]
        return bool(short and (confidence > self.unobserved[history.indices]).all())


def each(value: float | np.ndarray, n: int) -> np.ndarray:
    """Return a value for each of ``n`` rows, float32."""
    return np.broadcast_to(np.float32(value), n).copy()


def spectrum_of(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues, kept above 0, and eigenvectors of a Gram matrix, as in `FixedSide`."""
    from scipy.linalg import eigh

    values, vectors = eigh(gram)
    floor = NEGLIGIBLE * values.max(initial=0.0) + np.finfo(np.float32).tiny ** 0.5
    spectrum = np.maximum(values, floor).astype(np.float32)
    return spectrum, np.ascontiguousarray(vectors, dtype=np.float32)


def gram(factors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ``sum_i weight_i y_i y_i'``, float64 (d, d)."""
    d = factors.shape[1]
    total = np.zeros((d, d))
    for begin in range(0, len(factors), GRAM_ROWS):
        part = factors[begin : begin + GRAM_ROWS]
        total += (part * weights[begin : begin + GRAM_ROWS, None]).T @ part
    return total
