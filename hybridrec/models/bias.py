"""User mean + item mean - global mean: the baseline for ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.ranking.scorer import FactorScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class BiasBaseline(Recommender):
    """Predict a weight (rating) as global mean + user bias + item bias.

    Biases are damped means of the residuals (Funk 2006; Koren 2008): items first, then users.
    The ranking is the same for all users, so it is a baseline for predicting ratings; where all
    weights are equal, all items tie.

    Parameters
    ----------
    damping : float, default 5
        Pseudo-count that pulls the means of few ratings to 0.
    """

    model_name = "bias-baseline"

    def __init__(self, *, damping: float = 5.0) -> None:
        self.damping = damping

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        if not self.damping >= 0:
            raise ParameterError(f"damping must be at least 0, got {self.damping}")
        mean = float(matrix.data.mean(dtype=np.float64))
        residual = matrix.astype(np.float64)
        residual.data -= mean
        count = matrix.getnnz(axis=0)
        item_bias = np.asarray(residual.sum(axis=0)).ravel() / np.maximum(count + self.damping, 1)
        self.expected_ = (mean + item_bias).astype(np.float32)
        return self._fold_in(matrix)

    def _fold_in(self, history: csr_matrix) -> Scorer:
        residual = history.astype(np.float64)
        residual.data -= self.expected_[history.indices]
        count = history.getnnz(axis=1)
        user_bias = np.asarray(residual.sum(axis=1)).ravel() / np.maximum(count + self.damping, 1)
        ones = np.ones((len(self.expected_), 1), dtype=np.float32)
        return FactorScorer(user_bias[:, None], ones, self.expected_)

    def _similarity(self, items: np.ndarray) -> Scorer:
        raise ParameterError("bias-baseline has no notion of similar items; choose another model")

    def _state(self) -> dict[str, np.ndarray]:
        return {"expected_": self.expected_}
