"""Products of a sparse feature matrix and rows of factors, added to what is there."""

from __future__ import annotations

import numpy as np
from numba import njit

_FLOAT_MATH = {"reassoc", "contract", "nsz"}


@njit(cache=True, nogil=True, fastmath=_FLOAT_MATH)
def add_product(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, factors: np.ndarray, out: np.ndarray
) -> None:
    """Add ``F @ factors`` to ``out``, F being CSR.

    Parameters
    ----------
    indptr, indices, data : ndarray
        F, shape (n, features), data float32.
    factors : ndarray of float32, shape (features, width)
    out : ndarray of float32, shape (n, width), in and out
    """
    width = out.shape[1]
    for row in range(out.shape[0]):
        at, last = indptr[row], indptr[row + 1]
        while at + 4 <= last:  # four at a time, so that the row is read and written less often
            one, two, three, four = indices[at], indices[at + 1], indices[at + 2], indices[at + 3]
            a, b, c, e = data[at], data[at + 1], data[at + 2], data[at + 3]
            for d in range(width):
                out[row, d] += (
                    a * factors[one, d]
                    + b * factors[two, d]
                    + c * factors[three, d]
                    + e * factors[four, d]
                )
            at += 4
        for rest in range(at, last):
            one, a = indices[rest], data[rest]
            for d in range(width):
                out[row, d] += a * factors[one, d]


@njit(cache=True, nogil=True, fastmath=_FLOAT_MATH)
def add_transposed_product(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, rows: np.ndarray, out: np.ndarray
) -> None:
    """Add ``F.T @ rows`` to ``out``, F being CSR; rows of zeros cost nothing.

    Parameters
    ----------
    indptr, indices, data : ndarray
        F, shape (n, features), data float32.
    rows : ndarray of float32, shape (n, width)
    out : ndarray of float32, shape (features, width), in and out
    """
    width = out.shape[1]
    for row in range(rows.shape[0]):
        if not rows[row].any():
            continue
        for at in range(indptr[row], indptr[row + 1]):
            feature, value = indices[at], data[at]
            for d in range(width):
                out[feature, d] += value * rows[row, d]
