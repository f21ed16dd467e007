"""Items that stand at a rank that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.ranking.rules.compiled import CompiledRules

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.ranking.scorer import Scores


@dataclass(frozen=True, eq=False)
class Pins:
    """The pinned items of some users.

    Attributes
    ----------
    ranks : ndarray of int64, shape (p,)
        From 1, ascending.
    named : ndarray of int32, shape (p,)
        The items that rules name.
    items : ndarray of int32, shape (n, p)
        Those that each user gets; -1 where the user may not have the item.
    scores : ndarray of float32, shape (n, p)
        NaN where a model cannot score the item.
    """

    ranks: np.ndarray
    named: np.ndarray
    items: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, rules: CompiledRules, barred: csr_matrix, passing: np.ndarray | None) -> Pins:
        """Return the pins of users.

        Parameters
        ----------
        rules : CompiledRules
        barred : csr_matrix, shape (n, n_items)
            Stored entries are items that a user must not get.
        passing : ndarray of bool, shape (n_items,), optional
            Items that may come out.
        """
        from hybridrec.kernels.quota import within_quota

        named = rules.pin_items
        items = np.tile(named, (barred.shape[0], 1))
        items[_stored(barred, named)] = -1
        if passing is not None:
            items[:, ~passing[named]] = -1
        if rules.quotas:
            places = np.empty(items.shape, dtype=np.int32)
            nothing = np.empty((len(items), 0), dtype=np.int32)
            values = (rules.members.indptr, rules.members.indices, rules.limits)
            within_quota(items, *values, nothing, places)
            kept = np.zeros((len(items), len(named) + 1), dtype=np.bool_)
            np.put_along_axis(kept, places.astype(np.int64), values=True, axis=1)
            items[~kept[:, :-1]] = -1  # place -1 is the last column
        return cls(rules.pin_ranks, named, items, np.full(items.shape, np.nan, dtype=np.float32))

    def without(self, allowed: np.ndarray) -> np.ndarray:
        """Return which of the allowed items are not pinned, bool (n_items,)."""
        rest: np.ndarray = allowed.copy()
        rest[self.named] = False
        return rest

    def score(
        self, users: np.ndarray, scorer: Scores, rows: np.ndarray, scorable: np.ndarray
    ) -> None:
        """Take down the scores that a scorer gives to the items of some users."""
        wanted = self.items[users]
        scores = scorer.chosen(rows, np.where(scorable[wanted], wanted, np.int32(-1)))
        self.scores[users] = np.where(scores > -np.inf, scores, np.float32(np.nan))

    def placed(
        self, lists: np.ndarray, scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return lists and scores with the pinned items at their ranks, and which they are."""
        from hybridrec.kernels.quota import place_pins

        placed, placed_scores = np.empty_like(lists), np.empty_like(scores)
        pinned = np.empty(lists.shape, dtype=np.bool_)
        own = (self.items, self.scores, self.ranks)
        place_pins(lists, scores, *own, placed, placed_scores, pinned)
        return placed, placed_scores, pinned


def _stored(rows: csr_matrix, items: np.ndarray) -> np.ndarray:
    """Return whether each row has an entry for each of some items, bool (n, len(items))."""
    shape = rows.copy()
    shape.data = np.ones(rows.nnz, dtype=np.float32)
    found: np.ndarray = shape[:, items].toarray() > 0
    return found
