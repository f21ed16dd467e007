"""What a context does to scores: three ways, each learned in closed form from counts or factors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from hybridrec.dataset.context import ContextColumn
from hybridrec.ranking.ensemble import BlendScorer, Members
from hybridrec.ranking.raised import raised
from hybridrec.ranking.scorer import Scorer

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

    def occurrences(self, n_users: int, n_items: int) -> csr_matrix:
        """Return what every user has under every value: (n_users, values * n_items).

        Columns of the first value come first; entries are the summed weights.
        """
        from scipy.sparse import csr_matrix

        numbers = self.values
        known = numbers >= 0
        rows, items, weights = (
            np.broadcast_to(one[:, None], numbers.shape)[known]
            for one in (self.users, self.items, self.weights)
        )
        columns = numbers[known].astype(np.int64) * n_items + items
        shape = (n_users, int(self.starts[-1]) * n_items)
        matrix = csr_matrix((weights, (rows, columns)), shape=shape, dtype=np.float32)
        matrix.sum_duplicates()
        return matrix


def counted(occurrences: csr_matrix, n_values: int) -> csr_matrix:
    """Return how many users have every item under every value: (values, n_items)."""
    from scipy.sparse import csr_matrix

    n_items = occurrences.shape[1] // max(n_values, 1)
    columns, counts = np.unique(occurrences.indices, return_counts=True)
    places = (columns // max(n_items, 1), columns % max(n_items, 1))
    return csr_matrix((counts.astype(np.float32), places), shape=(n_values, n_items))


class People(NamedTuple):
    """Users whose scores are asked for.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        -1 for new users.
    history : csr_matrix, shape (n, n_items)
        What they have in any context.
    features : csr_matrix, shape (n, width), or None
        Of new users.
    stored : bool
        Whether these are all users of the model, with what it knows of them.
    """

    codes: np.ndarray
    history: csr_matrix
    features: csr_matrix | None
    stored: bool

    def scorer(self, model: Recommender) -> Scorer:
        """Return a model's scorer of these users."""
        return model.scorer_for(self.codes, self.history, self.features)[0]


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
        people: People,
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
            Items with interactions at the fit.
        people : People
            The users of the scorer, for further models.
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
        people: People,
        like: Scorer | None = None,
    ) -> Scorer:
        """Return the scorer with one factor more: the lift of the items."""
        lift = np.resize(self.lifts.together(given), scorer.n_items)
        lift[self.lifts.counts.shape[1] :] = 0.0  # items that came later
        return raised(scorer, lift, measured, like)


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
        people: People,
        like: Scorer | None = None,
    ) -> Scorer:
        """Return the weighted sum of all scores, each in standard deviations of the user's."""
        scorers, scorable, weights = [scorer], [np.ones_like(measured)], [1.0]
        for value, strength in given.items():
            if value in self.models:
                scorers.append(people.scorer(self.models[value]))
                scorable.append(self.models[value].scorable_)
                weights.append(strength * self.sizes[value] / (self.sizes[value] + self.shrinkage))
        return blended(scorers, scorable, weights, measured)


def blended(
    scorers: Sequence[Scorer],
    scorable: Sequence[np.ndarray],
    weights: Sequence[float],
    measured: np.ndarray,
) -> Scorer:
    """Return the weighted sum of scorers; the first of them if there is only one."""
    if len(scorers) == 1:
        return scorers[0]
    table = np.tile(np.array(weights) / sum(weights), (2, 1))
    group = np.zeros(scorers[0].n_items, dtype=np.int8)
    members = Members(tuple(scorers), np.stack(scorable), measured)
    return BlendScorer(members, group, table, np.zeros(2))
