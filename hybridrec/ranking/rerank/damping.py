"""Popularity damping: what is popular must be wanted more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridrec.ranking.catalogue import Catalogue
from hybridrec.ranking.rerank.reranker import (
    Reordering,
    Reranker,
    check_not_negative,
    standardised,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class PopularityDamping(Reranker):
    """Scores less a share of popularity.

    Candidates are ordered by ``z(i) - strength log2(1 + popularity(i))``, where ``z`` are the
    user's standardised scores and the popularity of an item is the number of its users: an item
    twice as popular as another must be better by ``strength`` standard deviations of the user's
    scores. A simple relative of Abdollahpouri, Burke & Mobasher, "Managing popularity bias in
    recommender systems with personalized re-ranking" (FLAIRS 2019), without their two classes of
    items.

    Parameters
    ----------
    strength : float, default 0.1
        At least 0, the model's own order.
    candidates : int, default 100
    """

    name: ClassVar[str] = "popularity-damping"
    counted_by: ClassVar[str] = "strength"

    strength: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(strength=self.strength)

    def _prepared(self, catalogue: Catalogue) -> Reordering:
        popularity = catalogue.popularity

        def reorder(items: np.ndarray, scores: np.ndarray, _histories: csr_matrix) -> np.ndarray:
            doublings = np.log2(1.0 + popularity[items])  # of a candidate; others are -inf below
            values = standardised(items, scores) - self.strength * doublings
            order: np.ndarray = np.argsort(-values, axis=1, kind="stable")
            return np.where(np.take_along_axis(values, order, axis=1) > -np.inf, order, -1)

        return reorder
