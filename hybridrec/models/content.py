"""Content-based recommendation: items whose features resemble those of the user's history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.blocks import scale_rows
from hybridrec.models.base import Recommender
from hybridrec.ranking.scorer import HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Content(Recommender):
    """Score an item by the cosine of its features and the user's profile.

    The profile is the weighted sum of the features of the user's items (Rocchio). Items without
    interactions are scored like all others; no training.
    """

    model_name = "content"
    uses_item_features = True

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        if item_features is None:
            raise ParameterError(
                "content needs item features: give a knowledge graph or an item table"
            )
        return _match(matrix, scale_rows(item_features))

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return _match(history, self._item_features())

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        from scipy.sparse import vstack

        known = self._item_features()[: items[0]]
        weights = vstack([known, scale_rows(features)], format="csr").T.tocsr()
        weights.sort_indices()
        self.scorer_ = replace(self.scorer_, weights=weights)  # type: ignore[type-var]
        return True

    def _item_features(self) -> csr_matrix:
        assert isinstance(self.scorer_, HistoryScorer)
        weights: csr_matrix = self.scorer_.weights
        return weights.T.tocsr()

    def _similarity(self, items: np.ndarray) -> Scorer:
        assert isinstance(self.scorer_, HistoryScorer)
        return HistoryScorer(self._item_features()[items], self.scorer_.weights, over_items=False)


def _match(history: csr_matrix, features: csr_matrix) -> HistoryScorer:
    """Score the items of ``features`` against the profiles of some histories."""
    from scipy.sparse import csr_matrix

    profiles = csr_matrix(scale_rows(csr_matrix(history @ features)), dtype=np.float32)
    weights = csr_matrix(features.T, dtype=np.float32)
    weights.sort_indices()
    return HistoryScorer(profiles, weights, over_items=False)
