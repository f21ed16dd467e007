"""What re-ranking knows of the items of a model: vectors, groups, popularity."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.ranking.rules.groups import ItemGroups, item_groups

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

POPULARITY_GROUPS = ("head", "middle", "tail")

Vectors: TypeAlias = "csr_matrix | np.ndarray"
_Made = TypeVar("_Made")
_MAKING = RLock()  # one for all: a catalogue can be copied and pickled with its model


class Catalogue:
    """The items of a model. What is asked for is made once, at the first request, and kept.

    Parameters
    ----------
    items : IdMap
    popularity : ndarray of float32, shape (n_items,)
        Number of users of each item.
    table : pandas.DataFrame, optional
        One row an item.
    make_vectors : callable, optional
        From the name of a feature block, or None for the best there is, to a matrix with a row
        an item (of length 1 or, for an item of which nothing is known, 0).
    """

    def __init__(
        self,
        items: IdMap,
        popularity: np.ndarray,
        table: pd.DataFrame | None,
        make_vectors: Callable[[str | None], Vectors],
    ) -> None:
        self.items, self.popularity, self.table = items, popularity, table
        self._make_vectors = make_vectors
        self._made: dict[tuple[str, str | None], Any] = {}

    def vectors(self, block: str | None = None) -> Vectors:
        """Return one vector an item, float32 (n_items, width), sparse or dense.

        Their products are cosines. An item of which nothing is known has zeros.

        Parameters
        ----------
        block : str, optional
            A feature block such as "tokens", or "factors": what the model itself has learned.
            By default what the model was fitted with, else what the table and the knowledge graph
            offer, else "factors".

        Raises
        ------
        ParameterError
            If there is no such block.
        """
        return self._once("vectors", block, self._make_vectors)

    def groups(self, column: str | None = None) -> ItemGroups:
        """Return the groups of items by a column of the table, or by popularity.

        Groups by popularity are "head", "middle" and "tail": the most popular items with a third
        of all (user, item) pairs, those with the next third, and all others. Equally popular
        items go together.

        Raises
        ------
        ParameterError
            If there is no such column.
        """
        return self._once("groups", column, self._grouped)

    def shares(self, column: str | None = None) -> csr_matrix:
        """Return what share of each item belongs to each group, float64 (n_items, groups).

        An item spreads a weight of 1 over its groups; a row without any is empty.
        """
        return self._once("shares", column, self._shares)

    def merits(self, column: str | None = None) -> np.ndarray:
        """Return the share of each group in all (user, item) pairs, float64 (groups,).

        Pairs of an item count for its groups as `shares` says; those without a group do not
        count. All 0 if none counts.
        """
        return self._once("merits", column, self._merits)

    def _once(self, what: str, name: str | None, make: Callable[[str | None], _Made]) -> _Made:
        key = (what, name)
        if key not in self._made:
            with _MAKING:
                if key not in self._made:
                    self._made[key] = make(name)
        made: _Made = self._made[key]
        return made

    def _grouped(self, column: str | None) -> ItemGroups:
        if column is None:
            return popularity_groups(self.popularity)
        return item_groups(self.table, column)

    def _shares(self, column: str | None) -> csr_matrix:
        from scipy.sparse import csr_matrix

        members = self.groups(column).members
        counts = np.diff(members.indptr)
        shares = np.repeat(1.0 / np.maximum(counts, 1), counts)
        return csr_matrix((shares, members.indices, members.indptr), shape=members.shape)

    def _merits(self, column: str | None) -> np.ndarray:
        merits: np.ndarray = self.shares(column).T @ self.popularity.astype(np.float64)
        total = merits.sum()
        return merits / total if total > 0 else merits


def popularity_groups(popularity: np.ndarray) -> ItemGroups:
    """Return head, middle and tail, as `Catalogue.groups` has them."""
    from scipy.sparse import csr_matrix

    levels, level = np.unique(-popularity.astype(np.float64), return_inverse=True)
    pairs = -levels * np.bincount(level, minlength=len(levels))
    above = (np.cumsum(pairs) - pairs) / max(pairs.sum(), 1.0)  # share of more popular items
    thirds = np.minimum((above * len(POPULARITY_GROUPS)).astype(np.int64), 2)[level]
    n = len(popularity)
    members = csr_matrix(
        (np.ones(n, dtype=np.bool_), thirds, np.arange(n + 1)), shape=(n, len(POPULARITY_GROUPS))
    )
    return ItemGroups(members, np.array(POPULARITY_GROUPS, dtype=object))
