"""Scores -> exact lists: blocked, masked, never padded with what must not come out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.ranking.scorer import Scorer

BLOCK_BYTES = 64 << 20  # scores held at a time by each thread
MARGIN = 8  # extra candidates, so that rounding in the matrix product cannot change a list


def check_k(k: int) -> int:
    """Return k as an int.

    Raises
    ------
    ParameterError
        If k is not a whole number of at least 1.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ParameterError(f"k must be a whole number of at least 1, got {k!r}")
    return int(k)


def top_k(
    scorer: Scorer,
    rows: np.ndarray,
    k: int,
    *,
    exclude: csr_matrix | None = None,
    allowed: np.ndarray | None = None,
    tie: np.ndarray | None = None,
    num_threads: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k best items of some users, exactly, the same at any thread count.

    Parameters
    ----------
    scorer : Scorer
    rows : ndarray of int, shape (n,)
        Rows of the scorer.
    k : int
        At least 1; more than there are items gives shorter lists.
    exclude : csr_matrix, shape (n, n_items), optional
        Row r holds the items that must not come out for ``rows[r]``.
    allowed : ndarray of bool, shape (n_items,), optional
        Items that may come out.
    tie : ndarray of int32, shape (n_items,), optional
        Order of equal scores (see ``IdMap.tie_order``); by position if not given.
    num_threads : int, default 0
        0 means all CPUs this process may use.

    Returns
    -------
    items : ndarray of int32, shape (n, min(k, n_items))
        Best first; -1 after the end of a shorter list.
    scores : ndarray of float32, same shape
        Minus infinity there.
    """
    k = check_k(k)
    rows = np.asarray(rows, dtype=np.int64)
    n_items = scorer.n_items
    width = min(k, n_items)
    if allowed is None:
        allowed = np.ones(n_items, dtype=np.bool_)
    if tie is None:
        tie = np.arange(n_items, dtype=np.int32)
    items = np.full((len(rows), width), -1, dtype=np.int32)
    scores = np.full((len(rows), width), -np.inf, dtype=np.float32)
    if width == 0 or len(rows) == 0:
        return items, scores
    step = max(1, min(256, BLOCK_BYTES // (4 * n_items)))

    def fill(start: int) -> None:
        part = slice(start, min(start + step, len(rows)))
        hidden = None if exclude is None else exclude[part]
        best = _best_of_block(scorer, rows[part], width, hidden, allowed, tie)
        items[part], scores[part] = best

    with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
        list(pool.map(fill, range(0, len(rows), step)))
    return items, scores


def _best_of_block(
    scorer: Scorer,
    rows: np.ndarray,
    width: int,
    exclude: csr_matrix | None,
    allowed: np.ndarray,
    tie: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    from hybridrec.kernels.topk import resort, select_top

    if exclude is None:
        indptr = np.zeros(len(rows) + 1, dtype=np.int32)
        indices = np.zeros(0, dtype=np.int32)
    else:
        exclude.sort_indices()
        indptr, indices = exclude.indptr, exclude.indices
    margin = 0 if scorer.block_is_exact else MARGIN
    wide = min(width + margin, scorer.n_items)
    items = np.empty((len(rows), wide), dtype=np.int32)
    scores = np.empty((len(rows), wide), dtype=np.float32)
    select_top(scorer.block(rows), indptr, indices, allowed, tie, items, scores)
    if not scorer.block_is_exact:
        scores = scorer.chosen(rows, items)
        resort(items, scores, tie)
    return items[:, :width], scores[:, :width]
