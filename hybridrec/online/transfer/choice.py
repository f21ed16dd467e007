"""Alphas of scenarios, chosen on interactions that are held out of the training data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.models.base import Recommender
from hybridrec.online.transfer.adaptation import NOTHING, Adaptation, Alpha, shifted
from hybridrec.online.transfer.rows import Histories
from hybridrec.ranking.scorer import FactorScorer
from hybridrec.ranking.topk import top_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
SHARE = 0.2  # of the interactions of a scenario that are held out
NEWCOMERS = 0.1  # of the users known elsewhere too, who lose all they have in the scenario
MOST_USERS = 2000  # judged
K = 20
# Of newcomers to a domain, where little tells better: not having its items, when one has never
# been there, is no dislike, but the shared model takes it for some. See bench/transfer.py.
HALF_WAY = 0.5


class Chosen(NamedTuple):
    """The alphas of a scenario and what they bring.

    Every NDCG@20 is a mean over users with held-out interactions.
    """

    alpha: Alpha
    users: int
    """Judged, with other interactions in the scenario."""
    shared: float
    """NDCG of the shared model for them, NaN if there are none."""
    adapted: float
    newcomers: int
    """Judged, without any interaction in the scenario."""
    newcomers_shared: float
    newcomers_adapted: float

    @classmethod
    def given(cls, alpha: float) -> Chosen:
        """Return the same alpha for all, on which nobody was judged."""
        return cls(Alpha(alpha, alpha, alpha), 0, np.nan, np.nan, 0, np.nan, np.nan)


class HeldOut(NamedTuple):
    """The histories of scenarios cut in two."""

    rest: dict[str, csr_matrix]
    pairs: dict[str, csr_matrix]


def hold_out(histories: Histories, stream: np.random.Generator, *, everywhere: bool) -> HeldOut:
    """Hold interactions out: of some users all of a scenario, of the others some.

    Parameters
    ----------
    histories : mapping of str to csr_matrix
    stream : numpy.random.Generator
    everywhere : bool
        Whether a held-out pair is taken out of all scenarios. Where lists may hold what the user
        has elsewhere, that is known when they are made, so it stays.
    """
    held: dict[str, csr_matrix] = {}
    total = _sum(list(histories.values()))
    for name, history in histories.items():
        count = np.diff(history.indptr)
        elsewhere = np.diff(total.indptr) > (count if everywhere else 0)
        if not everywhere:
            others = [one for other, one in histories.items() if other != name]
            elsewhere = np.sum([np.diff(one.indptr) for one in others], axis=0) > 0
        new = (count > 0) & elsewhere & (stream.random(len(count)) < NEWCOMERS)
        users = np.repeat(np.arange(len(count)), count)
        held[name] = _entries(history, new[users] | (stream.random(history.nnz) < SHARE))
    rest = {
        name: _without(history, _sum(list(held.values())) if everywhere else held[name])
        for name, history in histories.items()
    }
    return HeldOut(rest, held)


def choose(
    fit: Callable[[csr_matrix], Recommender],
    histories: Histories,
    stream: np.random.Generator,
    *,
    everywhere: bool,
    own_items: bool,
    num_threads: int,
) -> dict[str, Chosen]:
    """Choose the alphas of every scenario.

    Parameters
    ----------
    fit : callable
        From users x items to a fitted model.
    histories : mapping of str to csr_matrix
    stream : numpy.random.Generator
    everywhere : bool
        Whether lists leave out what the user has in any scenario.
    own_items : bool
        Whether lists hold only items that the scenario has.
    num_threads : int
    """
    held_out = hold_out(histories, stream, everywhere=everywhere)
    union = _sum(list(held_out.rest.values()))
    if union.nnz == 0:
        return dict.fromkeys(histories, Chosen.given(0.0))
    base = fit(union)
    chosen = {}
    for name, rest in held_out.rest.items():
        allowed = (rest if own_items else union).getnnz(axis=0) > 0
        hits = _entries(held_out.pairs[name], allowed[held_out.pairs[name].indices])
        judged = (np.diff(hits.indptr) > 0) & (np.diff(union.indptr) > 0)
        known = np.diff(rest.indptr) > 0
        users, newcomers = (
            np.sort(stream.permutation(np.flatnonzero(judged & one))[:MOST_USERS])
            for one in (known, ~known)
        )
        lists = Lists(base, rest, hits, union if everywhere else rest, allowed, num_threads)
        chosen[name] = lists.best(users, newcomers, HALF_WAY if own_items else 0.0)
    return chosen


class Lists:
    """The lists of a scenario under any alpha, judged by held-out interactions."""

    def __init__(
        self,
        base: Recommender,
        rest: csr_matrix,
        hits: csr_matrix,
        seen: csr_matrix,
        allowed: np.ndarray,
        num_threads: int,
    ) -> None:
        self.base, self.rest, self.hits, self.seen = base, rest, hits, seen
        self.allowed, self.num_threads = allowed, num_threads

    def best(self, users: np.ndarray, newcomers: np.ndarray, usual: float) -> Chosen:
        """Return the best alphas.

        Those of users and items stay 0, that of newcomers ``usual``, where the gain of others is
        within its standard error.
        """
        if not self.rest.nnz:
            return Chosen.given(0.0)
        adaptation = Adaptation.fit(self.base, self.rest)
        grid = [Alpha(user, 0.0, item) for user, item in product(GRID, GRID)]
        warm, shared, adapted = self._chosen(adaptation, users, grid)
        steps = sorted(GRID, key=lambda step: step != usual)
        new = [Alpha(warm.users, step, warm.items) for step in steps]
        alpha, new_shared, new_adapted = self._chosen(adaptation, newcomers, new)
        return Chosen(
            *(alpha, len(users), shared, adapted),
            *(len(newcomers), new_shared, new_adapted),
        )

    def _chosen(
        self, adaptation: Adaptation, users: np.ndarray, grid: Sequence[Alpha]
    ) -> tuple[Alpha, float, float]:
        """Return the best of some alphas, the gain of the shared model, and its own.

        The first of them is the best unless another gains more than its standard error.
        """
        if not len(users):
            return grid[0], np.nan, np.nan
        side, scorer = adaptation.user_side(self.base), self.base.scorer_
        assert isinstance(scorer, FactorScorer)
        own, shared = self.rest[users], scorer.user_factors[users]
        points = adaptation.user_points(self.base, side, own)

        def gains(alpha: Alpha) -> np.ndarray:
            items = replace(adaptation, alpha=alpha).item_factors(scorer.item_factors)
            rows = shifted(shared, points, own, alpha)
            return self._gains(FactorScorer(rows, items, scorer.item_bias), users)

        found = [gains(alpha) for alpha in grid]
        best = int(np.argmax([one.mean() for one in found]))
        surplus = found[best] - found[0]
        if surplus.mean() <= surplus.std() / np.sqrt(len(users)):
            best = 0
        return grid[best], float(gains(NOTHING).mean()), float(found[best].mean())

    def _gains(self, scorer: FactorScorer, users: np.ndarray) -> np.ndarray:
        """Return the NDCG@20 of some users, who are the rows of a scorer."""
        rows = np.arange(len(users))
        lists, _ = top_k(
            *(scorer, rows, K),
            exclude=self.seen[users],
            allowed=self.allowed,
            num_threads=self.num_threads,
        )
        return ndcg(lists, self.hits[users])


def ndcg(lists: np.ndarray, hits: csr_matrix) -> np.ndarray:
    """Return the NDCG of lists, each beside a row of hits with at least one, float64 (n,)."""
    n, k = lists.shape
    width = hits.shape[1]
    wanted = np.repeat(np.arange(n), np.diff(hits.indptr)) * width + hits.indices
    listed = np.where(lists >= 0, np.arange(n)[:, None] * width + lists, -1)
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.minimum(np.diff(hits.indptr), k) - 1]
    gains: np.ndarray = (np.isin(listed, wanted) @ discount) / ideal
    return gains


def _sum(matrices: Sequence[csr_matrix]) -> csr_matrix:
    total = matrices[0].copy()
    for one in matrices[1:]:
        total = total + one
    return total.tocsr()


def _entries(matrix: csr_matrix, kept: np.ndarray) -> csr_matrix:
    from scipy.sparse import csr_matrix

    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def _without(matrix: csr_matrix, gone: csr_matrix) -> csr_matrix:
    """Return the entries of a matrix that another does not have."""
    left = matrix - matrix.multiply(gone.astype(bool))
    left = left.tocsr()
    left.eliminate_zeros()
    return left
