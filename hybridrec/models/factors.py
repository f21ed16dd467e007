"""Folding rows of history into given factors: shared by all factor models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
    from scipy.linalg import eigh  # also loads the BLAS of the kernels, before it is capped

    from hybridrec.kernels.als import solve_rows
    from hybridrec.kernels.als_cg import improve_rows

    n, d = history.shape[0], factors.shape[1]
    narrow = np.ascontiguousarray(factors, dtype=np.float32)
    absent = _each(unobserved, len(factors))
    strength, towards = _each(ridge, n), _each(pull, n)
    centre = np.zeros((n, d), dtype=np.float32) if prior is None else prior
    out = np.empty((n, d), dtype=np.float32) if start is None else start.astype(np.float32)
    indices, confidence = history.indices, history.data.astype(np.float32)

    def solve(begin: int) -> None:
        part = slice(begin, begin + ROWS)
        rows = (
            *(history.indptr[begin : begin + ROWS + 1], indices, confidence),
            *(turned, absent, spectrum, basis),
            *(strength[part], towards[part], centre[part], out[part]),
        )
        if start is None:
            solve_rows(*rows)
        else:
            improve_rows(*rows, STEPS)

    with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
        values, vectors = eigh(_gram(narrow, absent))
        floor = NEGLIGIBLE * values.max(initial=0.0) + np.finfo(np.float32).tiny ** 0.5
        spectrum = np.maximum(values, floor).astype(np.float32)
        basis = np.ascontiguousarray(vectors, dtype=np.float32)
        turned = narrow @ basis
        list(pool.map(solve, range(0, n, ROWS)))
    return out


def _each(value: float | np.ndarray, n: int) -> np.ndarray:
    return np.broadcast_to(np.float32(value), n).copy()


def _gram(factors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ``sum_i weight_i y_i y_i'``, float64 (d, d)."""
    d = factors.shape[1]
    total = np.zeros((d, d))
    for begin in range(0, len(factors), GRAM_ROWS):
        part = factors[begin : begin + GRAM_ROWS]
        total += (part * weights[begin : begin + GRAM_ROWS, None]).T @ part
    return total
