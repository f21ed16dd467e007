"""NDCG taken apart by user and item, so that an error can be told that knows of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.evaluation.sources import lists_of_model

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.evaluation.splits import Split
    from hybridrec.models.base import Recommender

K = 20  # of the NDCG


@dataclass(frozen=True, eq=False)
class Gains:
    """What every test item adds to the NDCG@20 of every test user.

    Attributes
    ----------
    values : ndarray of float64, shape (pairs,)
        ``1 / log2(1 + rank)`` over the best sum the user's list could have, 0 where the item is
        not in the list.
    users, items : ndarray of int, shape (pairs,)
        Of each test pair.
    """

    values: np.ndarray
    users: np.ndarray
    items: np.ndarray

    @classmethod
    def of(cls, model: Recommender | None, split: Split, num_threads: int = 0) -> Gains:
        """Measure a fitted model; None stands for one that recommends nothing."""
        test = split.test_matrix
        counts = np.diff(test.indptr)
        users = np.repeat(np.arange(len(counts)), counts)
        if model is None:
            return cls(np.zeros(test.nnz), users, test.indices)
        lists, _ = lists_of_model(model, split, min(K, len(split.train.items)), num_threads)
        best = np.cumsum(_discounts(K))[np.minimum(counts, K) - 1]
        return cls(_discount_at(lists, test) / best[users], users, test.indices)

    @property
    def mean(self) -> float:
        """NDCG@20, the mean over the test users."""
        return float(self.values.sum() / (self.users[-1] + 1))

    def less(self, other: Gains) -> Difference:
        """Return how far this is above another measurement of the same split."""
        return _difference(self.values - other.values, self.users, self.items)


@dataclass(frozen=True)
class Difference:
    """A difference of two means over the same users, and its standard error."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f} ± {self.error:.4f}"

    @property
    def above(self) -> bool:
        """Whether it is positive by more than two standard errors."""
        return self.mean > 2 * self.error

    @property
    def below(self) -> bool:
        """Whether it is negative by more than two standard errors."""
        return -self.mean > 2 * self.error


def _difference(values: np.ndarray, users: np.ndarray, items: np.ndarray) -> Difference:
    """Return the mean over users of the sums of their values, with a two-way clustered error.

    A model that happens to place a popular new item well does so for all its users at once:
    their differences are not independent. So the variance counts users and items as drawn
    (Cameron, Gelbach & Miller, "Robust inference with multiway clustering", 2011).
    """
    per_user = np.bincount(users)
    n = len(per_user)
    mean = values.sum() / n
    rest = values - (mean / per_user)[users]
    squares = [
        (sums**2).sum() * groups / max(groups - 1, 1)
        for sums, groups in (_sums(rest, users), _sums(rest, items))
    ]
    both = sum(squares) - (rest**2).sum()
    return Difference(float(mean), float(np.sqrt(max(both, *squares)) / n))


def _sums(values: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the sum of each group and how many groups there are."""
    _, members = np.unique(groups, return_inverse=True)
    sums = np.bincount(members, weights=values)
    return sums, len(sums)


def _discounts(k: int) -> np.ndarray:
    discounts: np.ndarray = 1 / np.log2(np.arange(2, k + 2))
    return discounts


def _discount_at(lists: np.ndarray, test: csr_matrix) -> np.ndarray:
    """Return the discount of the place of every test pair in its user's list, 0 without one."""
    n_items = test.shape[1]
    pairs = np.repeat(np.arange(test.shape[0]), np.diff(test.indptr)) * n_items + test.indices
    rows, places = np.nonzero(lists >= 0)
    if len(rows) == 0:
        return np.zeros(len(pairs))
    listed = rows * n_items + lists[rows, places]
    order = np.argsort(listed)
    at = order[np.minimum(np.searchsorted(listed[order], pairs), len(listed) - 1)]
    return np.where(listed[at] == pairs, _discounts(lists.shape[1])[places[at]], 0.0)
