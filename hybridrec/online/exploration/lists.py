"""What goes into a policy and what comes out: candidates, and lists that were shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.ranking.rerank.reranker import standardised

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender


class Candidates(NamedTuple):
    """The best items of a model for some users, the best first."""

    histories: csr_matrix
    """(n, n_items): what the users have."""
    items: np.ndarray
    """int32 (n, m), -1 where there are fewer."""
    relevance: np.ndarray
    """float64 (n, m): the scores of each user's candidates with mean 0 and deviation 1, minus
    infinity where there is none. Scores of users and models have different units."""

    @property
    def counts(self) -> np.ndarray:
        """The number of candidates of each user, int (n,)."""
        counts: np.ndarray = (self.items >= 0).sum(axis=1)
        return counts

    def rows(self, rows: slice | np.ndarray) -> Candidates:
        """Return those of some users."""
        return Candidates(self.histories[rows], self.items[rows], self.relevance[rows])


class Slates(NamedTuple):
    """Lists that users were shown, and what came of them."""

    histories: csr_matrix
    """(n, n_items): what the users had before."""
    items: np.ndarray
    """int32 (n, k), by rank, -1 after the end of a shorter list."""
    relevance: np.ndarray
    """float64 (n, k): as `Candidates.relevance`, 0 after the end."""
    propensities: np.ndarray
    """float64 (n, k): how probable each item was at its rank, 1 after the end."""
    exposures: np.ndarray
    """float64 (n, k): how probable it was that the user would look at the item, wherever in the
    list it came to stand, with `examination` as the probability of a look at a rank; 1 after
    the end."""
    rewards: np.ndarray
    """float64 (n, k): NaN where it is not known, or not yet."""

    def rows(self, rows: slice | np.ndarray) -> Slates:
        """Return some of the lists."""
        return Slates(*(part[rows] for part in self))


def candidates_of(
    model: Recommender,
    users: np.ndarray,
    count: int = 100,
    *,
    history: csr_matrix | None = None,
    hidden: csr_matrix | None = None,
    num_threads: int = 0,
) -> Candidates:
    """Return the candidates of users by the scores of a model.

    Parameters
    ----------
    model : Recommender
        Fitted.
    users : ndarray of int, shape (n,)
        Codes; -1 for new ones, with a ``history``.
    count : int, default 100
        How many of the model's best items a policy may choose from.
    history : csr_matrix, shape (n, n_items), optional
        Histories to fold in; by default the users' rows of the model.
    hidden : csr_matrix, shape (n, n_items), optional
        Further items that must not come out.
    num_threads : int, default 0
    """
    wanted = count
    if hidden is not None:
        wanted += int(np.diff(hidden.indptr).max(initial=0))
    lists = model.recommend_codes(users, wanted, history=history, num_threads=num_threads)
    items, scores = lists.items, lists.scores
    if hidden is not None:
        items, scores = _without(items, scores, hidden)
        items, scores = items[:, :count], scores[:, :count]
    rows = model.history_[users] if history is None else history
    return Candidates(rows, items, _relevance(items, scores))


def _without(
    items: np.ndarray, scores: np.ndarray, hidden: csr_matrix
) -> tuple[np.ndarray, np.ndarray]:
    """Return lists without some items; those behind them move up."""
    n_items = np.int64(hidden.shape[1])
    rows = np.repeat(np.arange(hidden.shape[0], dtype=np.int64), np.diff(hidden.indptr))
    keys = np.arange(len(items), dtype=np.int64)[:, None] * n_items + items
    gone = (items < 0) | np.isin(keys, rows * n_items + hidden.indices)
    order = np.argsort(gone, axis=1, kind="stable")
    gone = np.take_along_axis(gone, order, axis=1)
    left = np.where(gone, -1, np.take_along_axis(items, order, axis=1))
    return left, np.where(gone, -np.inf, np.take_along_axis(scores, order, axis=1))


def _relevance(items: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return standardised(
        np.ascontiguousarray(items, dtype=np.int32), np.ascontiguousarray(scores, dtype=np.float32)
    )
