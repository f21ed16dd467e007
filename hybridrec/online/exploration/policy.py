"""The contract of all policies: an order of the candidates, slots by chance, propensities."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, NotFittedError, ParameterError
from hybridrec.models.checks import at_least, whole
from hybridrec.models.params import Parameters
from hybridrec.online.exploration.lists import Candidates, Slates
from hybridrec.online.exploration.slots import examination, fill_slots, slot_probabilities
from hybridrec.online.exploration.space import ItemSpace
from hybridrec.ranking.rerank.reranker import MOST_CANDIDATES
from hybridrec.ranking.topk import check_k
from hybridrec.runtime import check_random_state, random_stream, threads

if TYPE_CHECKING:
    from typing_extensions import Self

    from hybridrec.models.base import Recommender

BLOCK = 512  # lists at a time


class Policy(Parameters):
    """Base of policies: they order the best candidates of a model, and learn from rewards.

    A policy has an order of a user's candidates, whose first k make the list; each slot is given
    up with probability ``epsilon`` and filled by chance, so that every candidate can come to
    every slot, and how probable that is, is known exactly (`slot_probabilities`). Nothing else is
    random but the order of `ThompsonSampling`. The numbers of a list depend on ``random_state``
    and the number of the request alone.

    Parameters
    ----------
    epsilon : float
        How often a slot is filled by chance; 0 never: such a list tells nothing about other
        policies.
    candidates : int, default 100
        From how many of the model's best items a policy chooses.
    random_state : int, default 0
    """

    epsilon: float
    candidates: int
    random_state: int
    space_: ItemSpace

    # ---- before the first list --------------------------------------------------------------

    def prepare(self, model: Recommender) -> Self:
        """Make ready for a fitted model, with nothing learned.

        Raises
        ------
        ParameterError
            If a parameter makes no sense.
        """
        model._check_fitted()
        self._check_params()
        self.space_ = ItemSpace.of(model, self._dimensions)
        self._start(model)
        return self

    def on(self, model: Recommender) -> Self:
        """Take in the items that a model has got since; what was learned stays.

        Raises
        ------
        ParameterError
            If the model is another, in which items have other vectors.
        """
        self._check_ready()
        self.space_ = self.space_.on(model)
        return self

    # ---- lists ------------------------------------------------------------------------------

    def choose(self, candidates: Candidates, k: int = 10, request: int = 0) -> Slates:
        """Choose lists, and tell how probable each item was at its rank.

        Parameters
        ----------
        candidates : Candidates
        k : int, default 10
        request : int, default 0
            Number of the first list; the next have the numbers after it. The same number gives
            the same list, so every list needs its own.

        Returns
        -------
        Slates
            Rewards are NaN.
        """
        self._check_ready()
        check_k(k)
        streams = [
            random_stream(self.random_state, request + row) for row in range(len(candidates.items))
        ]
        order = np.argsort(-self._one_each(candidates, streams), axis=1, kind="stable")
        filled = fill_slots(candidates.counts, k, self.epsilon, streams)
        there = filled >= 0
        positions = np.where(there, np.take_along_axis(order, np.maximum(filled, 0), axis=1), -1)
        items = np.where(there, np.take_along_axis(candidates.items, positions, axis=1), -1)
        relevance = np.take_along_axis(candidates.relevance, positions, axis=1)
        return Slates(
            candidates.histories,
            items.astype(np.int32),
            np.where(there, relevance, 0.0),
            *self.propensities(candidates, positions),
            np.full(items.shape, np.nan),
        )

    def propensities(
        self, candidates: Candidates, positions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how probable some candidates are at some ranks, and how much they are seen.

        Parameters
        ----------
        candidates : Candidates
        positions : ndarray of int, shape (n, k)
            Which candidate is at each rank, -1 for none.

        Returns
        -------
        propensities, exposures : ndarray of float64, shape (n, k)
            See `Slates`; 1 where there is none.
        """
        k = positions.shape[1]
        slots, looks = np.arange(k), examination(k)
        found = np.zeros((2, *positions.shape))
        for part, tables in self._blocks(candidates, k):
            own = positions[part]
            rows = np.arange(len(own))[:, None]
            seen = tables @ looks
            for share, ranks in self._rankings(candidates.rows(part)):
                ranks = ranks[rows, own]
                found[0, part] += share * tables[rows, ranks, slots]
                found[1, part] += share * seen[rows, ranks]
        found[:, positions < 0] = 1.0
        return found[0], found[1]

    def exposure(self, candidates: Candidates, k: int = 10) -> np.ndarray:
        """Return how probable each candidate is at each rank, float64 (n, m, k)."""
        self._check_ready()
        found = np.zeros((*candidates.items.shape, check_k(k)))
        for part, tables in self._blocks(candidates, k):
            rows = np.arange(len(tables))[:, None]
            for share, ranks in self._rankings(candidates.rows(part)):
                found[part] += share * tables[rows, ranks]
        return found

    def _blocks(self, candidates: Candidates, k: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield users, and for each how probable every position of an order is at every slot."""
        counts, width = candidates.counts, candidates.items.shape[1]
        for start in range(0, len(counts), BLOCK):
            part = slice(start, start + BLOCK)
            tables = np.zeros((len(counts[part]), width, k))
            for count in np.unique(counts[part]):
                table = slot_probabilities(int(count), k, float(self.epsilon))
                tables[counts[part] == count, : int(count)] = table
            yield part, tables

    # ---- what policies differ in ------------------------------------------------------------

    _dimensions: int = 16

    def _start(self, model: Recommender) -> None:
        """Begin with nothing learned."""

    @abstractmethod
    def _values(self, candidates: Candidates) -> np.ndarray:
        """Return what orders the candidates, float64 (n, m), minus infinity for none."""

    def _one_each(
        self, candidates: Candidates, streams: Sequence[np.random.Generator]
    ) -> np.ndarray:
        """Return what orders the candidates of each list; some policies draw it."""
        return self._values(candidates)

    def _rankings(self, candidates: Candidates) -> Iterator[tuple[float, np.ndarray]]:
        """Yield orders: how probable each is, and where it has the candidates, int (n, m)."""
        yield 1.0, ranks_of(self._values(candidates))

    def learn(self, slates: Slates) -> Self:
        """Learn from lists of which rewards are known; others are passed over.

        Raises
        ------
        DataError
            If arrays have shapes that do not fit, or rewards are not finite.
        """
        self._check_ready()
        check_slates(slates, len(self.space_.vectors))
        with threads(1):
            self._learn(slates)
        return self

    def _learn(self, slates: Slates) -> None:
        """Learn from checked lists; a policy that does not learn stays as it is."""

    # ---- parameters and storage -------------------------------------------------------------

    def _check_params(self) -> None:
        at_least(0, epsilon=self.epsilon)
        if self.epsilon > 1:
            raise ParameterError(f"epsilon must be a number from 0 to 1, got {self.epsilon!r}")
        whole(candidates=self.candidates)
        if self.candidates > MOST_CANDIDATES:
            raise ParameterError(
                f"candidates must be at most {MOST_CANDIDATES}, got {self.candidates!r}"
            )
        check_random_state(self.random_state)

    def _check_ready(self) -> None:
        if not hasattr(self, "space_"):
            raise NotFittedError(f"this {type(self).__name__} is not ready; call prepare first")

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Save to a folder; `load_policy` reads it back.

        Raises
        ------
        OutputError
        """
        from hybridrec.online.exploration.storage import save_policy

        self._check_ready()
        save_policy(self, path, overwrite=overwrite)

    def _state(self) -> dict[str, np.ndarray]:
        """Return what was learned."""
        return {}

    def _set_state(self, state: Mapping[str, Any]) -> None:
        """Take back what was learned."""


def ranks_of(values: np.ndarray) -> np.ndarray:
    """Return the position of each value from the largest down; equal ones keep their order."""
    order = np.argsort(-values, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(values.shape[1])[None, :], axis=1)
    return ranks


def check_slates(slates: Slates, n_items: int) -> None:
    """Refuse lists whose parts do not fit each other, or a catalogue."""
    shape = slates.items.shape
    parts = slates[2:]
    if len(shape) != 2 or any(part.shape != shape for part in parts):
        raise DataError("items, relevance, propensities, exposures and rewards must have one shape")
    if slates.histories.shape != (shape[0], n_items):
        raise DataError(
            f"the histories of lists must be {shape[0]} x {n_items}, got"
            f" {' x '.join(map(str, slates.histories.shape))}"
        )
    if slates.items.max(initial=-1) >= n_items:
        raise DataError(f"lists hold items beyond the {n_items} of the catalogue")
    if np.isinf(slates.rewards).any():
        raise DataError("rewards must be finite numbers, or NaN where they are not known")
