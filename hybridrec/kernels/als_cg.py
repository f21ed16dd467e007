"""Rows of weighted ALS by a few steps of conjugate gradients (Takács, Pilászy & Tikk 2011)."""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.als import FAST, scale, turn

NOTHING = np.float32(1e-20)  # squared residual beyond which steps are rounding


@njit(cache=True, nogil=True, fastmath=FAST)
def _sum_entries(
    indices: np.ndarray,
    confidence: np.ndarray,
    factors: np.ndarray,
    unobserved: np.ndarray,
    x: np.ndarray,
    given: np.float32,
    out: np.ndarray,
) -> None:
    """Put ``sum_i (given c_i - (c_i - unobserved_i) x.y_i) y_i`` over a row's entries into out."""
    d = len(x)
    for j in range(d):
        out[j] = 0
    for a in range(len(indices)):
        other, c = indices[a], confidence[a]
        product = np.float32(0.0)
        for j in range(d):
            product += factors[other, j] * x[j]
        weight = given * c - (c - unobserved[other]) * product
        for j in range(d):
            out[j] += weight * factors[other, j]


@njit(cache=True, nogil=True, fastmath=FAST)
def improve_rows(
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
    steps: int,
) -> None:
    """Take every row of ``out`` some steps towards what `solve_rows` finds; the same arguments.

    The equations are scaled as there: what all rows share is the identity, so the steps meet only
    the entries of the row itself, and no matrix is formed.
    """
    d = factors.shape[1]
    back = np.ascontiguousarray(basis.T)
    root, x, z = np.empty(d, np.float32), np.empty(d, np.float32), np.empty(d, np.float32)
    residual, step, image = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    for row in range(len(indptr) - 1):
        begin, end = indptr[row], indptr[row + 1]
        entries = indices[begin:end], confidence[begin:end], factors, unobserved
        scale(spectrum, ridge[row], pull[row], root)
        turn(back, out[row], x)
        turn(back, prior[row], z)
        _sum_entries(*entries, x, np.float32(1.0), image)
        power = np.float32(0.0)
        for j in range(d):
            residual[j] = root[j] * (image[j] + pull[row] * z[j])
            z[j] = x[j] / root[j]
            residual[j] -= z[j]
            step[j] = residual[j]
            power += residual[j] * residual[j]
        for _ in range(steps):
            if power <= NOTHING:
                break
            for j in range(d):
                x[j] = root[j] * step[j]
            _sum_entries(*entries, x, np.float32(0.0), image)
            curvature, fresh = np.float32(0.0), np.float32(0.0)
            for j in range(d):
                image[j] = step[j] - root[j] * image[j]
                curvature += step[j] * image[j]
            length = power / curvature
            for j in range(d):
                z[j] += length * step[j]
                residual[j] -= length * image[j]
                fresh += residual[j] * residual[j]
            for j in range(d):
                step[j] = residual[j] + fresh / power * step[j]
            power = fresh
        for j in range(d):
            z[j] *= root[j]
        turn(basis, z, out[row])
