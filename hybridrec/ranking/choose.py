"""Scores -> lists under rules and re-ranking: which of the best items stand in a list, and where.

The order of work is: exact top-k of the items that may come out, re-ranking of the first of them,
quotas down that order, pinned items at their ranks. A list of k is the beginning of any longer
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.ranking.rules.compiled import CompiledRules
from hybridrec.ranking.scorer import BLOCK_BYTES, Scores
from hybridrec.ranking.topk import top_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.ranking.rerank import Reordering

_BLOCK = 4096  # users whose candidates are in memory at once, at most
_DEEPER = 4  # how much further down to look where quotas left a list short


@dataclass(frozen=True, eq=False)
class Order:
    """How the candidates of a list are put in order and which of them are passed over.

    Attributes
    ----------
    allowed : ndarray of bool, shape (n_items,)
        Items that may come out.
    tie : ndarray of int32, shape (n_items,)
        Order of equal scores.
    rules : CompiledRules, optional
        Of these, the quotas.
    reorder : callable, optional
        See `hybridrec.ranking.rerank.Reranker.prepared`.
    candidates : int, default 0
        How many of the best items ``reorder`` gets; the others follow by score.
    num_threads : int, default 0
    """

    allowed: np.ndarray
    tie: np.ndarray
    rules: CompiledRules | None = None
    reorder: Reordering | None = None
    candidates: int = 0
    num_threads: int = 0

    def best(
        self, scorer: Scores, rows: np.ndarray, k: int, exclude: csr_matrix
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the k best items by score alone; see `top_k`."""
        return top_k(
            scorer,
            rows,
            k,
            exclude=exclude,
            allowed=self.allowed,
            tie=self.tie,
            num_threads=self.num_threads,
        )


def choose(
    order: Order,
    scorer: Scores,
    rows: np.ndarray,
    k: int,
    *,
    histories: csr_matrix,
    exclude: csr_matrix,
    pins: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lists of some users without their pinned items.

    Parameters
    ----------
    order : Order
    scorer : Scores
    rows : ndarray of int, shape (n,)
        Rows of the scorer.
    k : int
    histories : csr_matrix, shape (n, n_items)
        What the users are known to have, for ``order.reorder``.
    exclude : csr_matrix, shape (n, n_items)
        Stored entries must not come out.
    pins : ndarray of int32, shape (n, p), optional
        Items that count for the quotas beforehand; -1 is none.

    Returns
    -------
    items : ndarray of int32, shape (n, min(k, n_items))
        Best first; -1 after the end of a shorter list.
    scores : ndarray of float32, same shape
        Minus infinity there.
    """
    quotas = order.rules is not None and order.rules.quotas
    if order.reorder is None and not quotas:
        return order.best(scorer, rows, k, exclude)
    width = min(k, scorer.n_items)
    items = np.full((len(rows), width), -1, dtype=np.int32)
    scores = np.full((len(rows), width), -np.inf, dtype=np.float32)
    if width == 0:
        return items, scores
    if pins is None:
        pins = np.empty((len(rows), 0), dtype=np.int32)
    depth = min(max(2 * k if quotas else k, order.candidates), scorer.n_items)
    for part in _blocks(len(rows), depth):
        search = _Search(order, scorer, rows[part], exclude[part], pins[part])
        search.deepen(depth)
        search.reorder(histories[part])
        items[part], scores[part] = search.within_quotas(width) if quotas else search.first(width)
    return items, scores


class _Search:
    """The candidates of a block of users, in order, to a depth that can grow."""

    def __init__(
        self,
        order: Order,
        scorer: Scores,
        rows: np.ndarray,
        exclude: csr_matrix,
        pins: np.ndarray,
    ) -> None:
        self.order, self.scorer = order, scorer
        self.rows, self.exclude, self.pins = rows, exclude, pins
        self.items = np.empty((len(rows), 0), dtype=np.int32)
        self.scores = np.empty((len(rows), 0), dtype=np.float32)

    def deepen(self, depth: int) -> None:
        """Look for more candidates; those there are stay where they are."""
        items, scores = self.order.best(self.scorer, self.rows, depth, self.exclude)
        known = self.items.shape[1]
        items[:, :known], scores[:, :known] = self.items, self.scores
        self.items, self.scores = items, scores

    def reorder(self, histories: csr_matrix) -> None:
        """Re-rank the first candidates."""
        if self.order.reorder is None:
            return
        first = slice(0, self.order.candidates)
        items, scores = self.items[:, first], self.scores[:, first]
        places = self.order.reorder(items, scores, histories)
        self.items[:, first], self.scores[:, first] = at_places(items, scores, places)

    def first(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first candidates."""
        return self.items[:, :width], self.scores[:, :width]

    def part(self, users: np.ndarray) -> _Search:
        """Return the search of some of the users."""
        part = _Search(
            self.order, self.scorer, self.rows[users], self.exclude[users], self.pins[users]
        )
        part.items, part.scores = self.items[users], self.scores[users]
        return part

    def within_quotas(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first candidates whose values all have room, exactly.

        Lists that stay short though some item may yet have room are made again from more
        candidates.
        """
        from hybridrec.kernels.quota import within_quota

        rules = self.order.rules
        assert rules is not None
        values = (rules.members.indptr, rules.members.indices, rules.limits)
        places = np.empty((len(self.rows), width), dtype=np.int32)
        within_quota(self.items, *values, self.pins, places)
        items, scores = at_places(self.items, self.scores, places)
        short = np.flatnonzero((items[:, -1] < 0) & (self.items[:, -1] >= 0))
        short = short[self._has_room(items, short)]
        deeper = min(_DEEPER * self.items.shape[1], self.scorer.n_items)
        for part in _blocks(len(short), deeper):
            users = short[part]
            search = self.part(users)
            search.deepen(deeper)
            items[users], scores[users] = search.within_quotas(width)
        return items, scores

    def _has_room(self, items: np.ndarray, users: np.ndarray) -> np.ndarray:
        """Return which lists could have any further item, bool (len(users),)."""
        from hybridrec.kernels.quota import room_left

        rules = self.order.rules
        assert rules is not None
        found = np.empty(len(users), dtype=np.bool_)
        exclude = self.exclude[users]
        room_left(
            np.concatenate([items[users], self.pins[users]], axis=1),
            *(rules.members.indptr, rules.members.indices, rules.limits),
            np.flatnonzero(self.order.allowed).astype(np.int32),
            *(exclude.indptr, exclude.indices, found),
        )
        return found


def at_places(
    items: np.ndarray, scores: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the entries at some columns of each row; -1 and minus infinity for column -1."""
    there = np.maximum(places, 0)
    nothing = places < 0
    chosen = np.where(nothing, np.int32(-1), np.take_along_axis(items, there, axis=1))
    own = np.where(nothing, np.float32(-np.inf), np.take_along_axis(scores, there, axis=1))
    return chosen, own


def _blocks(count: int, depth: int) -> Iterator[slice]:
    """Cut users into blocks whose candidates fit into memory."""
    step = max(1, min(_BLOCK, BLOCK_BYTES // (8 * depth)))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
