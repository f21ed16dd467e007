"""What all ways of re-ranking share: parameters, the candidates they order, and their checks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.ranking.catalogue import Catalogue

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_CANDIDATES = 1000  # the work for a list grows with their square

Reordering: TypeAlias = "Callable[[np.ndarray, np.ndarray, csr_matrix], np.ndarray]"


@dataclass(frozen=True)
class Reranker(ABC):
    """A way to order a model's best candidates anew: parameters only.

    Scores of different models and users have different units, so they meet other aims on one
    scale: of each user's candidates the mean is taken from the scores, and they are divided by
    their standard deviation (all are 0 if they are equal). A weight of 0 gives the model's own
    order; equal gains are ordered as the model does.

    Attributes
    ----------
    candidates : int, default 100
        How many of a model's best items are ordered anew; further ones keep the model's order
        behind them. So a list does not depend on how long it is.
    """

    name: ClassVar[str]
    """How texts and JSON call it."""
    counted_by: ClassVar[str] = "weight"
    """The parameter that says how much the aim counts; 0 is the model's own order."""

    candidates: int = field(default=100, kw_only=True)

    def __post_init__(self) -> None:
        most = MOST_CANDIDATES
        if not (_is_whole(self.candidates) and 1 <= self.candidates <= most):
            raise ParameterError(
                f"candidates must be a whole number from 1 to {most}, got {self.candidates!r}"
            )

    @abstractmethod
    def _prepared(self, catalogue: Catalogue) -> Reordering:
        """Return a function that orders candidates, of which there are few enough."""

    def prepared(self, catalogue: Catalogue) -> Reordering:
        """Return the function that orders candidates of a catalogue.

        It takes

        - items : ndarray of int32, shape (n, m), the candidates of n users, the best first, -1
          where there are fewer;
        - scores : ndarray of float32, shape (n, m), the model's;
        - histories : csr_matrix, shape (n, n_items), what these users have, possibly nothing;

        and returns the positions of the candidates in their new order, intp (n, m), -1 after the
        last. A user's order is the same whoever is beside them.

        Raises
        ------
        ParameterError
            If the catalogue does not have what the aim is about.
        """
        reorder = self._prepared(catalogue)

        def reordering(items: np.ndarray, scores: np.ndarray, histories: csr_matrix) -> np.ndarray:
            order = np.broadcast_to(np.arange(items.shape[1]), items.shape)
            order = np.where(items >= 0, order, -1).astype(np.intp)
            first = slice(None, self.candidates)
            order[:, first] = reorder(
                np.ascontiguousarray(items[:, first], dtype=np.int32),
                np.ascontiguousarray(scores[:, first], dtype=np.float32),
                histories,
            )
            return order

        return reordering


def standardised(items: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the scores of each user's candidates with mean 0 and standard deviation 1.

    Parameters
    ----------
    items : ndarray of int32, shape (n, m)
    scores : ndarray of float32, shape (n, m)

    Returns
    -------
    ndarray of float64, shape (n, m)
        Minus infinity where there is no candidate.
    """
    from hybridrec.kernels.rerank import relevances

    relevance = np.empty(items.shape, dtype=np.float64)
    relevances(items, scores, relevance)
    return relevance


def check_share(**values: object) -> None:
    """Refuse parameters that are not numbers from 0 to 1."""
    for name, value in values.items():
        if not 0 <= _number(value) <= 1:
            raise ParameterError(f"{name} must be a number from 0 to 1, got {value!r}")


def check_not_negative(**values: object) -> None:
    """Refuse parameters that are not finite numbers of at least 0."""
    for name, value in values.items():
        if not _number(value) >= 0:
            raise ParameterError(f"{name} must be a number of at least 0, got {value!r}")


def check_name(**values: object) -> None:
    """Refuse names of columns and blocks that are no text."""
    for name, value in values.items():
        if not (isinstance(value, str) and value):
            raise ParameterError(f"{name} must be a name, got {value!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _number(value: object) -> float:
    """Return a finite number as a float, NaN for all else."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return math.nan
    return float(value)
