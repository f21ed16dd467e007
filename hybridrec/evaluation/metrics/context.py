"""What is known of users and items beside the lists, for metrics beyond accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_MEANING = {
    "train": "the training interactions, which tell how popular items are",
    "seen": "what users are known to have",
    "tie": "the order of equally popular items",
    "features": "features of the items",
    "categories": "categories of the items",
    "groups": "a group of every item",
}


@dataclass(frozen=True, eq=False)
class Context:
    """Background of a judgement; a metric says what it needs of it.

    Attributes
    ----------
    train : csr_matrix, shape (all users, n_items), optional
        What models were fitted on. The popularity of an item is the number of its users there.
    seen : csr_matrix, shape (all users, n_items), optional
        What was known of each user when recommendations were asked for: training rows and
        support. Row c belongs to user code c.
    tie : ndarray of int32, shape (n_items,), optional
        Order of equally popular items, ``IdMap.tie_order``.
    features : csr_matrix or ndarray, shape (n_items, width), optional
        Vectors whose cosine tells how alike two items are: one block of features. A row of zeros
        is an item of which nothing is known.
    categories : csr_matrix or ndarray, shape (n_items, n_categories), optional
        How much an item belongs to each category (genre), at least 0.
    groups : ndarray of int, shape (n_items,), or matrix, shape (n_items, n_groups), optional
        Code of the provider group of every item, from 0, -1 for none; or the share of each item
        in each group.
    """

    train: csr_matrix | None = None
    seen: csr_matrix | None = None
    tie: np.ndarray | None = None
    features: csr_matrix | np.ndarray | None = None
    categories: csr_matrix | np.ndarray | None = None
    groups: csr_matrix | np.ndarray | None = None

    def need(self, name: str) -> Any:
        """Return an attribute that a metric cannot do without.

        Raises
        ------
        ParameterError
            If it was not given.
        """
        value = getattr(self, name)
        if value is None:
            raise ParameterError(f"the metric needs {_MEANING[name]}: give {name!r}")
        return value

    @cached_property
    def popularity(self) -> np.ndarray:
        """Number of training users of every item, int64 (n_items,)."""
        return np.bincount(self.need("train").indices, minlength=self.need("train").shape[1])

    @cached_property
    def n_users(self) -> int:
        """Number of users with training interactions."""
        return int(np.count_nonzero(np.diff(self.need("train").indptr)))
