"""What a metric sees: the lists of some users, and the test items they should have found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class RankStatistics(NamedTuple):
    """The sums that accuracy metrics are made of; see `hybridrec.kernels.metrics`."""

    hits: np.ndarray
    gains: np.ndarray
    precisions: np.ndarray
    first: np.ndarray


@dataclass(frozen=True, eq=False)
class Judgement:
    """Lists beside the truth; every metric is a function of one of these.

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
    """

    users: np.ndarray
    lists: np.ndarray
    test: csr_matrix
    cutoffs: tuple[int, ...]
    candidates: np.ndarray

    def on(self, items: np.ndarray) -> Judgement:
        """Return the judgement of the same lists on some of the items, a mask (n_items,).

        Only those items are test items and catalogue; only users with such test items remain.
        """
        test = self.test.copy()
        test.data = items[test.indices]
        test.eliminate_zeros()
        kept = np.diff(test.indptr) > 0
        return replace(
            self,
            users=self.users[kept],
            lists=self.lists[kept],
            test=test[kept],
            candidates=self.candidates & items,
        )

    @property
    def test_counts(self) -> np.ndarray:
        """Number of test items of every user, as a column (n_users, 1)."""
        counts: np.ndarray = np.diff(self.test.indptr)[:, None]
        return counts

    @property
    def discounts(self) -> np.ndarray:
        """What a hit at each rank is worth to NDCG: 1 / log2(rank + 1), ranks from 1."""
        deepest = min(self.cutoffs[-1], max(self.lists.shape[1], len(self.candidates)))
        return 1.0 / np.log2(np.arange(2, deepest + 2))

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


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, giving 0 where the divisor is 0 (a user without test items)."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    quotient: np.ndarray = np.divide(above, below, out=np.zeros(shape), where=below > 0)
    return quotient
