"""User mean + item mean - global mean: the baseline for ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.checks import at_least
from hybridrec.ranking.explanation import Shares
from hybridrec.ranking.scorer import FactorScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked

MEAN = "mean of all weights"
OF_ITEM = "what others give the item beyond it"


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
        at_least(0, damping=self.damping)
        self.mean_ = np.array(matrix.data.mean(dtype=np.float64))
        expected = self._expected(matrix.T.tocsr())
        return self._for_users(matrix, expected)

    def _expected(self, histories: csr_matrix) -> np.ndarray:
        """Return global mean + item bias of items (rows) from their ratings."""
        mean = float(self.mean_)
        return (mean + self._damped_mean(histories, mean)).astype(np.float32)

    def _damped_mean(self, rows: csr_matrix, expected: float | np.ndarray) -> np.ndarray:
        """Return the damped mean of each row's residuals."""
        residual = rows.astype(np.float64)
        residual.data -= expected
        count = np.diff(rows.indptr)
        total = np.asarray(residual.sum(axis=1)).ravel()
        damped: np.ndarray = total / np.maximum(count + self.damping, 1)
        return damped

    def _for_users(self, history: csr_matrix, expected: np.ndarray) -> FactorScorer:
        bias = self._damped_mean(history, expected[history.indices])
        ones = np.ones((len(expected), 1), dtype=np.float32)
        return FactorScorer(bias[:, None], ones, expected)

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, FactorScorer)
        return self._for_users(history, self.scorer_.item_bias)

    def _fold_in_items(self, histories: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        expected = self._expected(histories)
        return np.ones((len(expected), 1), dtype=np.float32), expected

    def _history_shares(self, asked: Asked) -> Shares:
        assert isinstance(asked.scorer, FactorScorer)
        expected, rows = asked.scorer.item_bias.astype(np.float64), asked.history
        mean = float(self.mean_)
        residuals = rows.data - expected[rows.indices]
        values = residuals / max(rows.nnz + self.damping, 1)
        return Shares(
            rows.indices, values, {MEAN: mean, OF_ITEM: float(expected[asked.target]) - mean}
        )

    def _similarity(self, items: np.ndarray) -> Scorer:
        raise ParameterError("bias-baseline has no notion of similar items; choose another model")

    def _state(self) -> dict[str, np.ndarray]:
        return {"mean_": self.mean_}
