"""Scores -> exact lists: blocked, masked, never padded with what must not come out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer, Scores, rows_of_a_block
from hybridrec.runtime import resolve_threads, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FEW = 8  # up to so many users are served one after the other: a request, not a batch


class Task(NamedTuple):
    """What is asked for some rows of a scorer; the lists are written into it."""

    rows: np.ndarray
    """int64 (n,)"""
    exclude_indptr: np.ndarray
    """int64 (n + 1,)"""
    exclude_indices: np.ndarray
    """int32: items that must not come out of row r at ``indptr[r]:indptr[r + 1]``."""
    allowed: np.ndarray
    """bool (n_items,)"""
    tie: np.ndarray
    """int32 (n_items,)"""
    items: np.ndarray
    """int32 (n, k), out"""
    scores: np.ndarray
    """float32 (n, k), out"""

    def part(self, start: int, stop: int) -> Task:
        """Return the task of some of the rows."""
        return self._replace(
            rows=self.rows[start:stop],
            exclude_indptr=self.exclude_indptr[start : stop + 1],
            items=self.items[start:stop],
            scores=self.scores[start:stop],
        )


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

    A few users are served in the calling thread, without a pool and without BLAS, so that many
    threads of a service can ask at once.

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
        Order of equal scores (see ``IdMap.tie_order``), from 0 up; by position if not given.
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
    if num_threads:
        resolve_threads(num_threads)  # says what is wrong with it
    n_items = scorer.n_items
    rows = np.asarray(rows, dtype=np.int64)
    task = _task(rows, min(k, n_items), exclude, allowed, tie, n_items)
    count = len(task.rows)
    if task.items.size == 0:
        return task.items, task.scores
    fill, most = _method(scorer, task)
    if count <= FEW:
        fill(task)
        return task.items, task.scores
    with threads(num_threads) as workers:
        step = max(1, min(most, -(-count // workers)))
        parts = [task.part(start, start + step) for start in range(0, count, step)]
        if workers == 1:  # a thread costs more than the few users of a service's batch
            for part in parts:
                fill(part)
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(fill, parts))
    return task.items, task.scores


def _task(
    rows: np.ndarray,
    width: int,
    exclude: csr_matrix | None,
    allowed: np.ndarray | None,
    tie: np.ndarray | None,
    n_items: int,
) -> Task:
    """Bring the arguments of `top_k` to one form."""
    shape = (len(rows), width)
    return Task(
        rows,
        np.zeros(len(rows) + 1, np.int64) if exclude is None else exclude.indptr.astype(np.int64),
        np.zeros(0, np.int32) if exclude is None else exclude.indices.astype(np.int32, copy=False),
        np.ones(n_items, dtype=np.bool_) if allowed is None else allowed,
        np.arange(n_items, dtype=np.int32) if tie is None else tie,
        np.full(shape, -1, dtype=np.int32),
        np.full(shape, -np.inf, dtype=np.float32),
    )


def _method(scorer: Scores, task: Task) -> tuple[Callable[[Task], None], int]:
    """Return what fills the lists of a scorer best, and for how many rows at a time at most.

    A scorer with a `block` of its own is asked for blocks, whatever it derives from.
    """
    block = type(scorer).block
    if isinstance(scorer, FactorScorer) and block is FactorScorer.block:
        from hybridrec.ranking.topk_factors import FactorLists

        lists = FactorLists.of(scorer, task.allowed, len(task.rows))
        return lists.fill, lists.rows_at_a_time(task.items.shape[1])
    if isinstance(scorer, HistoryScorer) and block is HistoryScorer.block:
        weights = scorer.weights
        if not isinstance(weights, np.ndarray):
            return partial(_fill_from_histories, scorer, weights), rows_of_a_block(0)
    return partial(_fill_from_block, scorer), rows_of_a_block(scorer.n_items)


def _fill_from_histories(scorer: HistoryScorer, weights: csr_matrix, task: Task) -> None:
    """Look only at the items that the users' histories touch."""
    from hybridrec.kernels.topk_sparse import top_of_histories

    profiles = scorer.profiles
    if scorer.background is None:
        background, by_background = np.zeros(0, np.float32), np.zeros(0, np.int32)
        lack = np.zeros(len(task.rows), np.float32)
    else:
        background, by_background = scorer.background, scorer.by_background
        lack = scorer.lack[task.rows]
    top_of_histories(
        profiles.indptr,
        profiles.indices,
        profiles.data,
        weights.indptr,
        weights.indices,
        weights.data,
        task.rows,
        lack,
        background,
        by_background,
        *task[1:],
    )


def _fill_from_block(scorer: Scores, task: Task) -> None:
    """Score all items for all users, exactly, and choose."""
    from hybridrec.kernels.topk import select_top

    if scorer.block_error(task.rows).any():
        every = np.arange(scorer.n_items, dtype=np.int32)
        block = scorer.chosen(task.rows, np.tile(every, (len(task.rows), 1)))
    else:
        block = scorer.block(task.rows)
    select_top(block, *task[1:])
