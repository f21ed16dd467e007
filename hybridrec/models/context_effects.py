"""What a context does to scores: three ways, each learned in closed form from counts or factors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from hybridrec.dataset.context import ContextColumn
from hybridrec.ranking.ensemble import BlendScorer, Members
from hybridrec.ranking.raised import raised
from hybridrec.ranking.scorer import FactorScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

Given: TypeAlias = "Mapping[int, float]"
"""Values of a context, by number, and the strength of each."""


class Observed(NamedTuple):
    """Interactions and their circumstances, in codes.

    The values of all columns are numbered through: those of the first column come first.

    Attributes
    ----------
    users, items : ndarray of int32, shape (rows,)
    weights : ndarray of float32, shape (rows,)
    columns : tuple of ContextColumn
    """

    users: np.ndarray
    items: np.ndarray
    weights: np.ndarray
    columns: tuple[ContextColumn, ...]

    def take(self, rows: np.ndarray) -> Observed:
        """Return the interactions at a mask or positions."""
        columns = tuple(one._replace(codes=one.codes[rows]) for one in self.columns)
        return Observed(self.users[rows], self.items[rows], self.weights[rows], columns)

    @property
    def starts(self) -> np.ndarray:
        """Number of the first value of every column, and that of all values: (columns + 1,)."""
        return np.cumsum([0, *(len(one.values) for one in self.columns)])

    @property
    def values(self) -> np.ndarray:
        """The numbers of the values of every row, -1 where one is missing: (rows, columns)."""
        codes = np.stack([one.codes for one in self.columns], axis=1)
        numbers: np.ndarray = np.where(codes >= 0, codes + self.starts[:-1], -1)
        return numbers

    def matrix(self, value: int, shape: tuple[int, int]) -> csr_matrix:
        """Return the interactions under one value, users x items."""
        from scipy.sparse import csr_matrix

        column = int(np.searchsorted(self.starts, value, side="right")) - 1
        rows = self.columns[column].codes == value - self.starts[column]
        triples = (self.weights[rows], (self.users[rows], self.items[rows]))
        matrix = csr_matrix(triples, shape=shape, dtype=np.float32)
        matrix.sum_duplicates()
        return matrix

    def counts(self, n_items: int) -> csr_matrix:
        """Return how often every item occurs under every value: (values, n_items)."""
        from scipy.sparse import csr_matrix

        numbers = self.values
        known = numbers >= 0
        items = np.broadcast_to(self.items[:, None], numbers.shape)[known]
        ones = np.ones(len(items), dtype=np.float32)
        matrix = csr_matrix((ones, (numbers[known], items)), shape=(self.starts[-1], n_items))
        matrix.sum_duplicates()
        return matrix


@dataclass(frozen=True, eq=False)
class Lifts:
    """How much more often items occur under a value than elsewhere: P(item | value) / P(item).

    Smoothed towards 1: both what is counted and what is expected get the same addition.

    Attributes
    ----------
    counts : csr_matrix, shape (values, n_items)
    starts : ndarray of int, shape (columns + 1,)
    smoothing : float
        Occurrences that are added.
    """

    counts: csr_matrix
    starts: np.ndarray
    smoothing: float

    def of(self, value: int) -> np.ndarray:
        """Return the logarithm of every item's ratio, float64 (n_items,)."""
        column = int(np.searchsorted(self.starts, value, side="right")) - 1
        every = self.counts[self.starts[column] : self.starts[column + 1]]
        own = self.counts[value].toarray().ravel().astype(np.float64)
        items = np.asarray(every.sum(axis=0, dtype=np.float64)).ravel()
        expected = items * (own.sum() / max(items.sum(), 1.0))
        lifts: np.ndarray = np.log((own + self.smoothing) / (expected + self.smoothing))
        return lifts

    def together(self, given: Given) -> np.ndarray:
        """Return what several values say, each with its strength, as if they were independent."""
        total = np.zeros(self.counts.shape[1])
        for value, strength in given.items():
            total += strength * self.of(value)
        return total


class Effect(ABC):
    """What contexts do to the scores of a model, once that is fitted."""

    @abstractmethod
    def applied(
        self,
        scorer: Scorer,
        given: Given,
        measured: np.ndarray,
        fold: Callable[[Recommender], Scorer],
        like: Scorer | None = None,
    ) -> Scorer:
        """Return the scorer under some values.

        Parameters
        ----------
        scorer : Scorer
            Of the model, without context.
        given : mapping of int to float
            Not empty.
        measured : ndarray of bool, shape (n_items,)
            Items with interactions, which the model can score.
        fold : callable
            From a further model to its scorer of the same users.
        like : Scorer, optional
            What this effect made of another scorer under the same values.
        """


@dataclass(frozen=True, eq=False)
class PostFilter(Effect):
    """Scores of items are raised as they occur more often in the context."""

    lifts: Lifts

    def applied(
        self,
        scorer: Scorer,
        given: Given,
        measured: np.ndarray,
        fold: Callable[[Recommender], Scorer],
        like: Scorer | None = None,
    ) -> Scorer:
        """Return the scorer with one factor more: the lift of the items."""
        lift = np.resize(self.lifts.together(given), scorer.n_items)
        lift[self.lifts.counts.shape[1] :] = 0.0  # items that came later
        return raised(scorer, lift, measured, like)


@dataclass(frozen=True, eq=False)
class ContextFactors(Effect):
    """Users stand elsewhere among the items in the context.

    Attributes
    ----------
    shifts : ndarray of float32, shape (values, factors)
    """

    shifts: np.ndarray

    def applied(
        self,
        scorer: Scorer,
        given: Given,
        measured: np.ndarray,
        fold: Callable[[Recommender], Scorer],
        like: Scorer | None = None,
    ) -> Scorer:
        """Return the scorer of the users moved by the factors of the context."""
        assert isinstance(scorer, FactorScorer)
        shift = np.zeros(self.shifts.shape[1])
        for value, strength in given.items():
            shift += strength * self.shifts[value]
        return scorer.for_users(scorer.user_factors + shift.astype(np.float32))


@dataclass(frozen=True, eq=False)
class PreFilter(Effect):
    """Models of the interactions in the context speak beside the model of all.

    Attributes
    ----------
    models : mapping of int to Recommender
        By value; values without one change nothing.
    sizes : ndarray of float64, shape (values,)
        How many interactions each value has.
    shrinkage : float
        With so many interactions a model has half of its say.
    """

    models: Mapping[int, Recommender]
    sizes: np.ndarray
    shrinkage: float

    def applied(
        self,
        scorer: Scorer,
        given: Given,
        measured: np.ndarray,
        fold: Callable[[Recommender], Scorer],
        like: Scorer | None = None,
    ) -> Scorer:
        """Return the weighted sum of all scores, each in standard deviations of the user's."""
        scorers, scorable, weights = [scorer], [measured], [1.0]
        for value, strength in given.items():
            if value in self.models:
                scorers.append(fold(self.models[value]))
                scorable.append(self.models[value].scorable_)
                weights.append(strength * self.sizes[value] / (self.sizes[value] + self.shrinkage))
        if len(scorers) == 1:
            return scorer
        table = np.tile(np.array(weights) / sum(weights), (2, 1))
        group = np.zeros(scorer.n_items, dtype=np.int8)
        members = Members(tuple(scorers), np.stack(scorable), measured)
        return BlendScorer(members, group, table, np.zeros(2))
