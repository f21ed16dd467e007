"""Folding rows of history into given factors: shared by all factor models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ROWS = 64  # solved at a time by a thread


def fold_in_rows(
    history: csr_matrix,
    factors: np.ndarray,
    *,
    unobserved: float | np.ndarray,
    ridge: float | np.ndarray,
    pull: float = 0.0,
    prior: np.ndarray | None = None,
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
    pull : float, default 0
    prior : ndarray of float32, shape (n, d), optional
    num_threads : int, default 0
        0 means all; the result does not depend on it.

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    from hybridrec.kernels.als import solve_rows

    n, d = history.shape[0], factors.shape[1]
    wide = factors.astype(np.float64)
    absent = np.broadcast_to(np.float64(unobserved), len(factors)).copy()
    indices, confidence = history.indices, history.data.astype(np.float32)
    narrow = np.ascontiguousarray(factors, dtype=np.float32)
    strength = np.broadcast_to(np.float64(ridge), n).copy()
    towards = np.full(n, pull, dtype=np.float64)
    centre = np.zeros((n, d), dtype=np.float32) if prior is None else prior
    out = np.zeros((n, d), dtype=np.float32)

    def solve(start: int) -> None:
        part = slice(start, start + ROWS)
        solve_rows(
            *(history.indptr[start : start + ROWS + 1], indices, confidence),
            *(narrow, gram, absent),
            *(strength[part], towards[part], centre[part], out[part]),
        )

    with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
        gram = (wide * absent[:, None]).T @ wide
        list(pool.map(solve, range(0, n, ROWS)))
    return out
