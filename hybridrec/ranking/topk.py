"""Scores -> exact lists: blocked, masked, never padded with what must not come out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.ranking.scorer import Scores, rows_of_a_block
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MARGIN = 8  # extra candidates; they nearly always suffice to make up for rounded block scores


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
    scorer: Scores,
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
    scorer : Scores
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
    step = rows_of_a_block(n_items)

    def fill(start: int) -> None:
        part = slice(start, min(start + step, len(rows)))
        hidden = None if exclude is None else exclude[part]
        best = _best_of_block(scorer, rows[part], width, hidden, allowed, tie)
        items[part], scores[part] = best

    with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
        list(pool.map(fill, range(0, len(rows), step)))
    return items, scores


def _best_of_block(
    scorer: Scores,
    rows: np.ndarray,
    width: int,
    exclude: csr_matrix | None,
    allowed: np.ndarray,
    tie: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best items of a few users, in the order of their exact scores.

    A block of scores is a matrix product, which rounds differently with its shape. So a few more
    candidates are taken and scored exactly. A row in which an item left out could still belong
    to the list, because it scores about the same, is scored exactly as a whole.
    """
    from hybridrec.kernels.topk import resort

    n_items = scorer.n_items
    error = scorer.block_error(rows)
    if not error.any():
        return _select(scorer.block(rows), width, exclude, allowed, tie)
    wide = min(width + MARGIN, n_items)
    items, rough = _select(scorer.block(rows), wide, exclude, allowed, tie)
    scores = scorer.chosen(rows, items)
    resort(items, scores, tie)
    items, scores, last = items[:, :width], scores[:, :width], rough[:, -1]
    if wide < n_items:
        open_rows = np.flatnonzero((last > -np.inf) & (scores[:, -1] <= last + error))
        if open_rows.size:
            every = np.tile(np.arange(n_items, dtype=np.int32), (len(open_rows), 1))
            exact = scorer.chosen(rows[open_rows], every)
            hidden = None if exclude is None else exclude[open_rows]
            items[open_rows], scores[open_rows] = _select(exact, width, hidden, allowed, tie)
    return items, scores


def _select(
    block: np.ndarray,
    width: int,
    exclude: csr_matrix | None,
    allowed: np.ndarray,
    tie: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best allowed items of each row of a block of scores."""
    from hybridrec.kernels.topk import select_top

    if exclude is None:
        indptr = np.zeros(len(block) + 1, dtype=np.int32)
        indices = np.zeros(0, dtype=np.int32)
    else:
        ordered = exclude.sorted_indices()
        indptr, indices = ordered.indptr, ordered.indices
    items = np.empty((len(block), width), dtype=np.int32)
    scores = np.empty((len(block), width), dtype=np.float32)
    select_top(block, indptr, indices, allowed, tie, items, scores)
    return items, scores
