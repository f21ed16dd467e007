"""Kernels of weighted alternating least squares (Hu, Koren & Volinsky 2008)."""

from __future__ import annotations

import numpy as np
from numba import njit

# Sums may be reordered once, at compile time, so that they run in SIMD lanes; the order does not
# depend on threads or data.
FAST = {"reassoc", "contract"}


@njit(cache=True, nogil=True, fastmath=FAST)
def _cholesky_solve(A: np.ndarray, b: np.ndarray) -> None:
    """Solve ``A x = b`` for symmetric positive definite A; x is left in b, A is destroyed."""
    n = len(b)
    for j in range(n):
        for i in range(j, n):
            total = A[i, j]
            for k in range(j):
                total -= A[i, k] * A[j, k]
            A[i, j] = np.sqrt(max(total, 1e-12)) if i == j else total / A[j, j]
    for i in range(n):
        for k in range(i):
            b[i] -= A[i, k] * b[k]
        b[i] /= A[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            b[i] -= A[k, i] * b[k]
        b[i] /= A[i, i]


@njit(cache=True, nogil=True, fastmath=FAST)
def solve_rows(
    indptr: np.ndarray,
    indices: np.ndarray,
    confidence: np.ndarray,
    factors: np.ndarray,
    gram: np.ndarray,
    unobserved: np.ndarray,
    ridge: np.ndarray,
    pull: np.ndarray,
    prior: np.ndarray,
    out: np.ndarray,
) -> None:
    """Solve the normal equations of every row, each on its own.

    Row u minimises ``sum_i c_ui (p_ui - x.y_i)^2 + ridge_u |x|^2 + pull_u |x - prior_u|^2`` where
    p is 1 and c the confidence for stored entries, p is 0 and c is ``unobserved_i`` elsewhere.
    A part of the rows is a part of ``indptr`` and of the arrays by row, for threads to share.

    Parameters
    ----------
    indptr, indices, confidence : ndarray
        CSR rows of this side.
    factors : ndarray of float32, shape (m, d)
        Factors of the other side.
    gram : ndarray of float64, shape (d, d)
        ``sum_i unobserved_i y_i y_i^T``.
    unobserved : ndarray of float64, shape (m,)
    ridge, pull : ndarray of float64, shape (rows,)
    prior : ndarray of float32, shape (rows, d)
    out : ndarray of float32, shape (rows, d), out
    """
    d = factors.shape[1]
    for row in range(len(indptr) - 1):
        A = gram.copy()
        b = np.zeros(d)
        for position in range(indptr[row], indptr[row + 1]):
            other = factors[indices[position]]
            c = np.float64(confidence[position])
            extra = c - unobserved[indices[position]]
            for i in range(d):
                b[i] += c * other[i]
                scaled = extra * other[i]
                for j in range(i + 1):
                    A[i, j] += scaled * other[j]
        for i in range(d):
            A[i, i] += ridge[row] + pull[row]
            b[i] += pull[row] * prior[row, i]
        _cholesky_solve(A, b)
        for i in range(d):
            out[row, i] = b[i]
