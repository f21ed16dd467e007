"""What a metric sees: the lists of some users, and the test items they should have found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.evaluation.metrics.context import Context

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class RankStatistics(NamedTuple):
    """The sums that accuracy metrics are made of; see `hybridrec.kernels.metrics`."""

    hits: np.ndarray
    gains: np.ndarray
    precisions: np.ndarray
    first: np.ndarray


class Judged(ABC):
    """What accuracy metrics need: test items, cut-offs, and the ranks of the hits.

    Attributes
    ----------
    test : csr_matrix, shape (n_users, n_items)
        Stored entries are the test items of each user; sorted.
    cutoffs : tuple of int
        The values of k, ascending.
    """

    test: csr_matrix
    cutoffs: tuple[int, ...]

    @property
    @abstractmethod
    def statistics(self) -> RankStatistics:
        """Hits, discounted gains, summed precisions and first hits, computed once for all."""

    @property
    def longest(self) -> int:
        """The length that no list exceeds."""
        return int(self.test.shape[1])

    @property
    def test_counts(self) -> np.ndarray:
        """Number of test items of every user, as a column (n_users, 1)."""
        counts: np.ndarray = np.diff(self.test.indptr)[:, None]
        return counts

    @property
    def best_hits(self) -> np.ndarray:
        """The most hits that each user's first k can hold, int (n_users, n_k), columns together."""
        counts = np.diff(self.test.indptr)
        hits: np.ndarray = np.minimum(np.array(self.cutoffs)[:, None], counts).T
        return hits

    @property
    def discounts(self) -> np.ndarray:
        """What a hit at each rank is worth to NDCG: 1 / log2(rank + 1), ranks from 1."""
        deepest = min(self.cutoffs[-1], self.longest)
        return 1.0 / np.log2(np.arange(2, deepest + 2))


@dataclass(frozen=True, eq=False)
class Judgement(Judged):
    """Lists beside the truth; every metric of lists is a function of one of these.

    Attributes
    ----------
    users : ndarray of int32, shape (n_users,)
        Codes of the users.
    lists : ndarray of int32, shape (n_users, width)
        Item codes, best first, no item twice, -1 from the end of a list on. A code of n_items or
        above is an item nobody knows: a miss that takes its place.
    test : csr_matrix, shape (n_users, n_items)
        Stored entries are the test items of the user in the same row of ``lists``; sorted.
    cutoffs : tuple of int
        The values of k, ascending.
    candidates : ndarray of bool, shape (n_items,)
        The catalogue: items that could have been recommended.
    context : Context
        What is known of users and items; metrics beyond accuracy need some of it.
    """

    users: np.ndarray
    lists: np.ndarray
    test: csr_matrix
    cutoffs: tuple[int, ...]
    candidates: np.ndarray
    context: Context = field(default_factory=Context)

    def on(self, items: np.ndarray) -> Judgement:
        """Return the judgement of the same lists on some of the items, a mask (n_items,).

        Only those items are test items and catalogue; only users with such test items remain.
        """
        test = narrowed(self.test, items)
        narrow = replace(self, test=test, candidates=self.candidates & items)
        return narrow.of(np.diff(test.indptr) > 0)

    def of(self, users: np.ndarray) -> Judgement:
        """Return the judgement of some of the users, a mask (n_users,)."""
        return replace(
            self, users=self.users[users], lists=self.lists[users], test=self.test[users]
        )

    @property
    def longest(self) -> int:
        """The length that no list exceeds: unknown items may make one longer than the catalogue."""
        return max(int(self.lists.shape[1]), len(self.candidates))

    @cached_property
    def statistics(self) -> RankStatistics:
        """Hits, discounted gains, summed precisions and first hits, computed once for all."""
        from hybridrec.kernels.metrics import rank_statistics

        return RankStatistics(
            *rank_statistics(
                self.lists,
                self.test.indptr,
                self.test.indices,
                np.array(self.cutoffs, dtype=np.int64),
                self.discounts,
            )
        )

    @cached_property
    def best_ranks(self) -> np.ndarray:
        """Best rank of every item over all lists, int32 (n_items,), 0 if it is in none."""
        from hybridrec.kernels.metrics import best_ranks

        ranks: np.ndarray = best_ranks(self.lists, len(self.candidates))
        return ranks

    @cached_property
    def known(self) -> np.ndarray:
        """Which places of the lists hold an item of the data set, bool, shape of ``lists``."""
        known: np.ndarray = (self.lists >= 0) & (self.lists < len(self.candidates))
        return known

    def up_to(self, values: np.ndarray) -> np.ndarray:
        """Sum values of places (n_users, width) over the first k, float64 (n_users, n_k)."""
        sums = np.pad(np.cumsum(values, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
        return sums[:, np.minimum(self.cutoffs, self.lists.shape[1])]

    def mean_of(self, values: np.ndarray) -> np.ndarray:
        """Average values of items (n_items,) over the known ones among the first k of each list.

        float64 (n_users, n_k); 0 where there are none.
        """
        of_places = np.where(self.known, values[np.where(self.known, self.lists, 0)], 0.0)
        return ratio(self.up_to(of_places), self.up_to(self.known))

    def exposure(self, k: int) -> np.ndarray:
        """Return how many lists show each item among their first k, int64 (n_items,)."""
        shown = self.lists[:, :k][self.known[:, :k]]
        return np.bincount(shown, minlength=len(self.candidates))

    def shown(self, k: int) -> csr_matrix:
        """Return the known items among the first k of each list as ones, CSR (n_users, n_items)."""
        from scipy.sparse import csr_matrix

        known = self.known[:, :k]
        items = self.lists[:, :k][known]
        indptr = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
        return csr_matrix((np.ones(len(items)), items, indptr), shape=self.test.shape)


def narrowed(test: csr_matrix, items: np.ndarray) -> csr_matrix:
    """Return the entries of a matrix in some of its columns, a mask; the shape stays."""
    kept = test.copy()
    kept.data = items[kept.indices]
    kept.eliminate_zeros()
    return kept


def csr_of(matrix: Any) -> csr_matrix:
    """Return a copy of a matrix as CSR in float64, without stored zeros."""
    from scipy.sparse import csr_matrix

    rows = csr_matrix(matrix, dtype=np.float64, copy=True)
    rows.eliminate_zeros()
    return rows


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, giving 0 where the divisor is 0 (a user without test items).

    The result lies in memory column by column: of arrays (n_users, n_k) that is what numpy is fast
    with.
    """
    shape = np.broadcast_shapes(above.shape, below.shape)
    quotient: np.ndarray = np.divide(above, below, out=np.zeros(shape, order="F"), where=below > 0)
    return quotient
