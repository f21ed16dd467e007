"""Where test items stand among all candidates: ranks without lists.

`place_tests` scores every candidate once, tile by tile, and counts. AUC is a function of what it
finds, and so are the accuracy metrics of lists at any k: ``recall(placed.at([10, 1000]))``.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judged, RankStatistics, narrowed
from hybridrec.evaluation.metrics.tiles import make_tiles
from hybridrec.ranking.scorer import Scorer
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, eq=False)
class RankedTests(Judged):
    """Ranks of the test items in the full lists; accuracy metrics are functions of one of these.

    Attributes
    ----------
    test : csr_matrix, shape (n_users, n_items)
    ranks : ndarray of int32, shape (test items,)
        Aligned with ``test.indices``, from 1; 0 for an item that is never recommended.
    cutoffs : tuple of int
        The values of k, ascending.
    """

    test: csr_matrix
    ranks: np.ndarray
    cutoffs: tuple[int, ...]

    @cached_property
    def statistics(self) -> RankStatistics:
        """Hits, discounted gains, summed precisions and first hits, computed once for all."""
        from hybridrec.kernels.placement import statistics_of_ranks

        cutoffs = np.array(self.cutoffs, dtype=np.int64)
        return RankStatistics(
            *statistics_of_ranks(self.ranks, self.test.indptr, cutoffs, self.discounts)
        )


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the test items of some users stand among the candidates.

    A user's negatives are the candidates that are neither test items nor known to be theirs.

    Attributes
    ----------
    test : csr_matrix, shape (n_users, n_items)
        The next three arrays are aligned with its ``indices``.
    ranks : ndarray of int32, shape (test items,)
        Rank in the full list (negatives and test items), from 1; 0 for an item without a score,
        which is never recommended. Equal scores come in the order of ``tie``.
    above, tied : ndarray of int32, shape (test items,)
        Negatives with a higher score, and with the same.
    negatives : ndarray of int32, shape (n_users,)
        Number of negatives.
    """

    test: csr_matrix
    ranks: np.ndarray
    above: np.ndarray
    tied: np.ndarray
    negatives: np.ndarray

    def at(self, cutoffs: Sequence[int]) -> RankedTests:
        """Return the ranks for accuracy metrics at some cut-offs, ascending."""
        return RankedTests(self.test, self.ranks, tuple(cutoffs))

    def on(self, items: np.ndarray) -> Placement:
        """Return the places of some of the items, a mask (n_items,), among the same negatives.

        Only users with such test items remain.
        """
        chosen = items[self.test.indices]
        narrow = replace(
            self,
            test=narrowed(self.test, items),
            ranks=self.ranks[chosen],
            above=self.above[chosen],
            tied=self.tied[chosen],
        )
        return narrow.of(np.diff(narrow.test.indptr) > 0)

    def of(self, users: np.ndarray) -> Placement:
        """Return the places of the test items of some of the users, a mask (n_users,)."""
        entries = np.repeat(users, np.diff(self.test.indptr))
        return Placement(
            self.test[users],
            self.ranks[entries],
            self.above[entries],
            self.tied[entries],
            self.negatives[users],
        )


def place_tests(
    scorer: Scorer,
    rows: np.ndarray,
    test: csr_matrix,
    *,
    seen: csr_matrix | None = None,
    candidates: np.ndarray | None = None,
    scorable: np.ndarray | None = None,
    tie: np.ndarray | None = None,
    num_threads: int = 0,
) -> Placement:
    """Find where test items stand among all candidates, by exact scores.

    Scores are held a tile at a time, never as a matrix of users x items. The result depends
    neither on tiles nor on threads, and agrees with the lists of `hybridrec.ranking.topk.top_k`.

    Parameters
    ----------
    scorer : Scorer
    rows : ndarray of int, shape (n_users,)
        Rows of the scorer.
    test : csr_matrix, shape (n_users, n_items)
        Stored entries are the test items, sorted. They must be candidates.
    seen : csr_matrix, shape (n_users, n_items), optional
        Stored entries are known to be the user's: no negatives.
    candidates : ndarray of bool, shape (n_items,), optional
        Items that may be recommended; all if not given.
    scorable : ndarray of bool, shape (n_items,), optional
        Items the model can score; the others stand below all of these, equal to each other.
    tie : ndarray of int32, shape (n_items,), optional
        Order of equal scores (see ``IdMap.tie_order``); by position if not given.
    num_threads : int, default 0
        0 means all CPUs this process may use.
    """
    from hybridrec.kernels.placement import count_above, ranks_of_tests

    every = np.ones(scorer.n_items, dtype=np.bool_)
    candidates = every if candidates is None else candidates
    scorable = every if scorable is None else scorable
    tie = np.arange(scorer.n_items, dtype=np.int32) if tie is None else tie
    tiles = make_tiles(
        scorer, np.flatnonzero(candidates & scorable), np.flatnonzero(candidates & ~scorable)
    )
    known = _ones(test) if seen is None else _ones(test) + _ones(seen)
    known_columns = tiles.column[known.indices]
    tile_tie, test_tie = tie[tiles.items], tie[test.indices]
    scores = np.empty(test.nnz, dtype=np.float32)
    above, tied, ahead = np.zeros((3, test.nnz), dtype=np.int32)

    def fill(start: int) -> None:
        users = slice(start, min(start + tiles.step, len(rows)))
        indptr = test.indptr[start : users.stop + 1]
        own = slice(indptr[0], indptr[-1])
        owners = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        scores[own], parts = tiles.of(rows[users], owners, test.indices[own])
        factors = tiles.user_factors(rows[users])
        hidden = known.indptr[start : users.stop + 1], known_columns
        tests = indptr - indptr[0], scores[own], test_tie[own], above[own], tied[own], ahead[own]
        for first, members, tile, error, ceiling in parts:
            columns = slice(first, first + tile.shape[1])
            count_above(
                *(tile, first, members, error, ceiling),
                *(factors, tiles.factors[columns], tile_tie[columns], *hidden, *tests),
            )

    with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
        list(pool.map(fill, range(0, len(rows), tiles.step)))
    ranks = ranks_of_tests(test.indptr, scores, test_tie, above, ahead)
    inside = np.concatenate([[0], np.cumsum(known_columns >= 0)])[known.indptr]
    negatives = (len(tiles.items) - np.diff(inside)).astype(np.int32)
    return Placement(test, ranks, above, tied, negatives)


def _ones(matrix: csr_matrix) -> csr_matrix:
    """Return which entries a matrix stores, as ones."""
    from scipy.sparse import csr_matrix

    ones = np.ones(matrix.nnz, dtype=np.int8)
    return csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)
