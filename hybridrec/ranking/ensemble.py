"""Scorers made of the scorers of several models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.ranking.scorer import FactorScorer, Scorer, chosen_of_blocks, rows_of_a_block

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, eq=False)
class Members:
    """Scorers with the same users and items, brought to one scale.

    Attributes
    ----------
    scorers : tuple of Scorer
    scorable : ndarray of bool, shape (members, n_items)
        Items each member can score.
    measured : ndarray of bool, shape (n_items,)
        Items over which the mean and the standard deviation of a user's scores are taken.
    """

    scorers: tuple[Scorer, ...]
    scorable: np.ndarray
    measured: np.ndarray

    def filled(self, member: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a member's scores of some users; they do not depend on what else is asked.

        An item that the member does not reach has 0, or the user's lowest score if that is lower.

        Returns
        -------
        (ndarray of float32, ndarray of bool), shape (len(rows), n_items)
            The scores, and whether the member reaches the item.
        """
        from hybridrec.kernels.ensemble import fill_unreached

        scores = exact_block(self.scorers[member], rows)
        reached = np.empty(scores.shape, dtype=np.bool_)
        fill_unreached(scores, self.scorable[member], reached)
        return scores, reached

    def standard(self, member: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what `filled` does, in standard deviations from the mean of the user."""
        from hybridrec.kernels.ensemble import standardise

        scores, reached = self.filled(member, rows)
        standardise(scores, self.measured)
        return scores, reached

    @property
    def count(self) -> int:
        """Number of members."""
        return len(self.scorers)

    def chosen(self, members: Sequence[int] | np.ndarray) -> Members:
        """Return some of the members."""
        scorers = tuple(self.scorers[int(one)] for one in members)
        return replace(self, scorers=scorers, scorable=self.scorable[list(members)])

    def with_more_items(self, extra: int) -> Members:
        """Return members with ``extra`` items at the end that none can score."""
        return Members(
            tuple(one.with_more_items(extra) for one in self.scorers),
            np.pad(self.scorable, ((0, 0), (0, extra))),
            np.pad(self.measured, (0, extra)),
        )

    def with_users_of(self, other: Members, rows: np.ndarray, n_users: int) -> Members:
        """Return members of ``n_users`` whose ``rows`` are the users of ``other``, in order."""
        pairs = zip(self.scorers, other.scorers, strict=True)
        scorers = tuple(one.with_users_of(new, rows, n_users) for one, new in pairs)
        return replace(self, scorers=scorers)


@dataclass(frozen=True, eq=False)
class EnsembleScorer(ABC):
    """What the scorers of ensembles share; every row is computed alone.

    Attributes
    ----------
    members : Members
    """

    members: Members

    @property
    def n_users(self) -> int:
        """Number of users."""
        return self.members.scorers[0].n_users

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.members.measured)

    @abstractmethod
    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of some users for all items."""

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return zeros: the scores of a user do not depend on what else is asked."""
        return np.zeros(len(rows))

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the scores of chosen items; the users among ``rows`` are scored once each."""
        return chosen_of_blocks(self, rows, items)

    def with_more_items(self, extra: int) -> Self:
        """Return a scorer with ``extra`` items at the end that no member reaches."""
        return replace(self, members=self.members.with_more_items(extra))

    def with_users_of(self, other: EnsembleScorer, rows: np.ndarray, n_users: int) -> Self:
        """Return a scorer of ``n_users`` whose ``rows`` are the users of ``other``, in order."""
        return replace(self, members=self.members.with_users_of(other.members, rows, n_users))


@dataclass(frozen=True, eq=False)
class BlendScorer(EnsembleScorer):
    """A weighted sum of the members' scores, each in standard deviations from the user's mean.

    Attributes
    ----------
    members : Members
    group : ndarray of int8, shape (n,)
        Row of ``weights`` and ``offsets`` that counts for each item; 0 for later ones.
    weights : ndarray of float64, shape (2, members)
        A member of weight 0 is left out: what it alone reaches has no score.
    offsets : ndarray of float64, shape (2,)
        Added to the sum.
    """

    group: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of some users for all items, -inf where no member reaches."""
        group = np.pad(self.group, (0, self.n_items - len(self.group)))
        total = np.tile(self.offsets[group], (len(rows), 1))
        known = np.zeros(total.shape, dtype=np.bool_)
        for member in np.flatnonzero(self.weights.any(axis=0)):
            scores, reached = self.members.standard(int(member), rows)
            weights = self.weights[group, member]
            total += weights * scores
            known |= reached & (weights > 0)
        return np.where(known, total, -np.inf).astype(np.float32)


def exact_block(scorer: Scorer, rows: np.ndarray) -> np.ndarray:
    """Return the scores of some users for all items, the same whatever else is asked beside."""
    if not isinstance(scorer, FactorScorer):
        return scorer.block(rows)
    from hybridrec.kernels.ensemble import exact_products

    block = np.empty((len(rows), scorer.n_items), dtype=np.float32)
    by_factor = np.ascontiguousarray(scorer.item_factors.T)
    exact_products(scorer.user_factors[rows], by_factor, scorer.item_bias, block)
    return block


def row_blocks(count: int, n_items: int, members: int) -> list[slice]:
    """Cut rows into blocks in which all members' scores fit into memory beside each other."""
    step = rows_of_a_block(n_items * members)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
