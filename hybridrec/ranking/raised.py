"""Scores raised for some items and lowered for others, alike for all users."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.ranking.ensemble import exact_block
from hybridrec.ranking.scorer import FactorScorer, Scorer, chosen_of_blocks

if TYPE_CHECKING:
    from typing_extensions import Self


def raised(
    scorer: Scorer, lift: np.ndarray, measured: np.ndarray, like: Scorer | None = None
) -> Scorer:
    """Return a scorer of ``score + lift[i] * spread``, the spread being that of the user's scores.

    Of a `FactorScorer` comes another, with one factor more; so top-k stays as fast.

    Parameters
    ----------
    scorer : Scorer
    lift : ndarray of float64, shape (n_items,)
    measured : ndarray of bool, shape (n_items,)
        Items over which the standard deviation of a user's scores is taken; of these, only those
        that the scorer reaches.
    like : Scorer, optional
        What this function made of a scorer with the same items: its item side is shared.
    """
    if not isinstance(scorer, FactorScorer):
        return RaisedScorer(scorer, lift, measured)
    users = np.column_stack([scorer.user_factors, _spreads(scorer, measured)])
    if isinstance(like, FactorScorer) and like.item_bias is scorer.item_bias:
        return like.for_users(users)
    items = np.column_stack([scorer.item_factors, lift.astype(np.float32)])
    return FactorScorer(users, items, scorer.item_bias)


@dataclass(frozen=True, eq=False)
class RaisedScorer:
    """Any scorer, raised; see `raised`. Every row is computed alone.

    Attributes
    ----------
    scorer : Scorer
    lift : ndarray of float64, shape (n_items,)
    measured : ndarray of bool, shape (n_items,)
    """

    scorer: Scorer
    lift: np.ndarray
    measured: np.ndarray

    @property
    def n_users(self) -> int:
        """Number of users."""
        return self.scorer.n_users

    @property
    def n_items(self) -> int:
        """Number of items."""
        return self.scorer.n_items

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of some users for all items."""
        block = exact_block(self.scorer, rows)
        for row in block:
            known = row[self.measured & (row > -np.inf)]
            if known.size:
                row += known.std(dtype=np.float64) * self.lift
        return block

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return zeros: the scores of a user do not depend on what else is asked."""
        return np.zeros(len(rows))

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the scores of chosen items; the users among ``rows`` are scored once each."""
        return chosen_of_blocks(self, rows, items)

    def with_more_items(self, extra: int) -> Self:
        """Return a scorer with ``extra`` empty items at the end."""
        return replace(
            self,
            scorer=self.scorer.with_more_items(extra),
            lift=np.pad(self.lift, (0, extra)),
            measured=np.pad(self.measured, (0, extra)),
        )

    def with_users_of(self, other: RaisedScorer, rows: np.ndarray, n_users: int) -> Self:
        """Return a scorer of ``n_users`` whose ``rows`` are the users of ``other``, in order."""
        return replace(self, scorer=self.scorer.with_users_of(other.scorer, rows, n_users))


def _spreads(scorer: FactorScorer, measured: np.ndarray) -> np.ndarray:
    """Return the standard deviation of every user's scores, float32 (n_users,).

    In closed form, from the covariance of the item factors; each row alone, so that a user has
    the same scores in any company.
    """
    items = np.column_stack([scorer.item_factors, scorer.item_bias])[measured].astype(np.float64)
    items -= items.mean(axis=0) if len(items) else 0.0
    covariance = items.T @ items / max(len(items), 1)
    users = np.pad(scorer.user_factors.astype(np.float64), ((0, 0), (0, 1)), constant_values=1.0)
    variance = np.array([row @ covariance @ row for row in users])
    spreads: np.ndarray = np.sqrt(np.maximum(variance, 0.0)).astype(np.float32)
    return spreads.reshape(len(users))
