"""Folding rows of history into given factors: shared by all factor models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def fold_in_rows(
    history: csr_matrix,
    factors: np.ndarray,
    *,
    unobserved: float,
    ridge: float | np.ndarray,
    pull: float = 0.0,
    prior: np.ndarray | None = None,
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
    unobserved : float
        Confidence of all other entries.
    ridge : float or ndarray of float64, shape (n,)
    pull : float, default 0
    prior : ndarray of float32, shape (n, d), optional

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    from hybridrec.kernels.als import solve_rows

    n, d = history.shape[0], factors.shape[1]
    wide = factors.astype(np.float64)
    out = np.zeros((n, d), dtype=np.float32)
    solve_rows(
        *(history.indptr, history.indices, history.data.astype(np.float32)),
        np.ascontiguousarray(factors, dtype=np.float32),
        unobserved * (wide.T @ wide),
        unobserved,
        np.broadcast_to(np.float64(ridge), n).copy(),
        np.full(n, pull, dtype=np.float64),
        np.zeros((n, d), dtype=np.float32) if prior is None else prior,
        out,
    )
    return out
