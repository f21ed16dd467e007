"""Exact rows of weighted alternating least squares (Hu, Koren & Volinsky 2008).

What all rows share, the Gram matrix of the other side, is made diagonal once: the other side's
factors come turned onto its eigenvectors. The ridge of a row leaves it diagonal, and scaling by
its inverse root makes it the identity. So a row of n entries and d factors solves
``(I + B'B) z = r`` with B its n scaled neighbours, or, where n < d, the smaller system
``(I + BB') v = s`` with ``z = q + B'v`` (Woodbury). Both are well conditioned, so float32 will do.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Sums may be reordered once, at compile time, so that they run in SIMD lanes; the order does not
# depend on threads or data.
FAST = {"reassoc", "contract"}
CHUNK = 256  # entries of a long row in one matrix product
PANEL = 4  # rows of the Cholesky factor that are taken off the rest at a time
ONE, TINY = np.float32(1.0), np.float32(1e-12)


@njit(cache=True, nogil=True, fastmath=FAST)
def turn(matrix: np.ndarray, vector: np.ndarray, out: np.ndarray) -> None:
    """Put ``matrix @ vector`` into ``out``; the same bits for a row alone or among others."""
    d = len(vector)
    for i in range(d):
        total = np.float32(0.0)
        for j in range(d):
            total += matrix[i, j] * vector[j]
        out[i] = total


@njit(cache=True, nogil=True, fastmath=FAST)
def scale(spectrum: np.ndarray, ridge: np.float32, pull: np.float32, root: np.ndarray) -> None:
    """Put the inverse root of the diagonal part of a row's equations into ``root``."""
    for j in range(len(root)):
        root[j] = ONE / np.sqrt(spectrum[j] + ridge + pull)


@njit(cache=True, nogil=True, fastmath=FAST)
def _factorise(A: np.ndarray) -> None:
    """Replace the upper triangle of A by its Cholesky factor U, ``U'U = A``, by panels.

    The lower triangle is filled with what comes of whole rows, which are faster than parts.
    """
    n = len(A)
    for start in range(0, n, PANEL):
        stop = min(start + PANEL, n)
        for k in range(start, stop):
            here = A[k, start:]
            for above in range(start, k):
                weight, row = A[above, k], A[above, start:]
                for j in range(len(here)):
                    here[j] -= weight * row[j]
            inverse = ONE / np.sqrt(max(A[k, k], TINY))
            for j in range(len(here)):
                here[j] *= inverse
        if stop < n:  # so the panel is whole
            first, second = A[start, stop:], A[start + 1, stop:]
            third, fourth = A[start + 2, stop:], A[start + 3, stop:]
            for i in range(n - stop):
                a, b, c, d = first[i], second[i], third[i], fourth[i]
                rest = A[stop + i, stop:]
                for j in range(n - stop):
                    rest[j] -= a * first[j] + b * second[j] + c * third[j] + d * fourth[j]


@njit(cache=True, nogil=True, fastmath=FAST)
def _solve(A: np.ndarray, b: np.ndarray) -> None:
    """Solve ``A x = b`` for symmetric positive definite A; x is left in b, A is destroyed."""
    _factorise(A)
    n = len(b)
    for k in range(n):
        b[k] /= A[k, k]
        row, rest, value = A[k, k + 1 :], b[k + 1 :], b[k]
        for j in range(len(row)):
            rest[j] -= value * row[j]
    for k in range(n - 1, -1, -1):
        row, rest, total = A[k, k + 1 :], b[k + 1 :], b[k]
        for j in range(len(row)):
            total -= row[j] * rest[j]
        b[k] = total / A[k, k]


@njit(cache=True, nogil=True, fastmath=FAST)
def _few_entries(
    B: np.ndarray, extra: np.ndarray, confidence: np.ndarray, A: np.ndarray, z: np.ndarray
) -> None:
    """Add ``B'v`` to z, ``(I + BB') v = s``, B being the neighbours times the root of extra."""
    n, d = B.shape
    v = np.empty(n, dtype=np.float32)
    for a in range(n):
        root = np.sqrt(extra[a])
        total = np.float32(0.0)
        for j in range(d):
            B[a, j] *= root
            total += B[a, j] * z[j]
        v[a] = confidence[a] / root - total
        for b in range(a + 1):
            total = ONE if a == b else np.float32(0.0)
            for j in range(d):
                total += B[a, j] * B[b, j]
            A[b, a] = total
    _solve(A, v)
    for a in range(n):
        for j in range(d):
            z[j] += v[a] * B[a, j]


@njit(cache=True, nogil=True, fastmath=FAST)
def _many_entries(
    indices: np.ndarray,
    confidence: np.ndarray,
    factors: np.ndarray,
    unobserved: np.ndarray,
    root: np.ndarray,
    z: np.ndarray,
) -> None:
    """Replace z by the solution of ``(I + B'B) z = z + B's``, a chunk of neighbours at a time."""
    d = len(z)
    plain = np.empty((min(CHUNK, len(indices)), d), dtype=np.float32)
    scaled = np.empty_like(plain)
    A, part = np.eye(d, dtype=np.float32), np.empty((d, d), dtype=np.float32)
    for start in range(0, len(indices), CHUNK):
        n = min(CHUNK, len(indices) - start)
        for a in range(n):
            other, c = indices[start + a], confidence[start + a]
            extra = c - unobserved[other]
            for j in range(d):
                value = factors[other, j] * root[j]
                plain[a, j] = value
                scaled[a, j] = extra * value
                z[j] += c * value
        np.dot(plain[:n].T, scaled[:n], part)
        A += part
    _solve(A, z)


@njit(cache=True, nogil=True, fastmath=FAST)
def solve_rows(
    indptr: np.ndarray,
    indices: np.ndarray,
    confidence: np.ndarray,
    factors: np.ndarray,
    unobserved: np.ndarray,
    spectrum: np.ndarray,
    basis: np.ndarray,
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
        Factors of the other side times ``basis``.
    unobserved : ndarray of float32, shape (m,)
    spectrum : ndarray of float32, shape (d,)
        Eigenvalues of ``sum_i unobserved_i y_i y_i'``; with the ridge above 0.
    basis : ndarray of float32, shape (d, d)
        Its eigenvectors, one a column.
    ridge, pull : ndarray of float32, shape (rows,)
    prior : ndarray of float32, shape (rows, d)
    out : ndarray of float32, shape (rows, d), out
    """
    d = factors.shape[1]
    back = np.ascontiguousarray(basis.T)
    root, z = np.empty(d, dtype=np.float32), np.empty(d, dtype=np.float32)
    extra = np.empty(d, dtype=np.float32)
    neighbours, square = np.empty((d, d), dtype=np.float32), np.empty(d * d, dtype=np.float32)
    for row in range(len(indptr) - 1):
        begin, end = indptr[row], indptr[row + 1]
        n = end - begin
        scale(spectrum, ridge[row], pull[row], root)
        turn(back, prior[row], z)
        for j in range(d):
            z[j] *= pull[row] * root[j]
        few = n < d
        for a in range(n if few else 0):
            other = indices[begin + a]
            extra[a] = confidence[begin + a] - unobserved[other]
            few &= extra[a] > 0  # or it has no root
            for j in range(d):
                neighbours[a, j] = factors[other, j] * root[j]
        if few:
            A = square[: n * n].reshape(n, n)
            _few_entries(neighbours[:n], extra, confidence[begin:end], A, z)
        else:
            parts = indices[begin:end], confidence[begin:end]
            _many_entries(*parts, factors, unobserved, root, z)
        for j in range(d):
            z[j] *= root[j]
        turn(basis, z, out[row])
