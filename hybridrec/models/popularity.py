"""The popular items for everyone: the baseline every table shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.ranking.explanation import POPULARITY, Shares
from hybridrec.ranking.scorer import FactorScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked


class Popularity(Recommender):
    """Score an item by the number of users who interacted with it."""

    model_name = "popularity"
    items_of_anybody = True

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        counts = matrix.getnnz(axis=0).astype(np.float32)
        return for_everyone(matrix.shape[0], counts[:, None])

    def _set_history(self, matrix: csr_matrix) -> None:
        super()._set_history(matrix)  # so that counts follow `update`
        self.scorer_ = for_everyone(matrix.shape[0], self.popularity_[:, None])

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return for_everyone(history.shape[0], self.popularity_[:, None])

    def _fold_in_items(self, histories: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        counts = histories.getnnz(axis=1).astype(np.float32)
        return counts[:, None], np.zeros(len(counts), dtype=np.float32)

    def _history_shares(self, asked: Asked) -> Shares:
        return Shares.nothing(**{POPULARITY: asked.score})

    def _similarity(self, items: np.ndarray) -> Scorer:
        raise ParameterError("popularity has no notion of similar items; choose another model")


def for_everyone(n_users: int, item_factors: np.ndarray) -> FactorScorer:
    """Return a scorer with the same scores for all of ``n_users``."""
    ones = np.ones((n_users, 1), dtype=np.float32)
    return FactorScorer(ones, item_factors, np.zeros(len(item_factors), dtype=np.float32))
