"""LightFM (Kula 2015): a user or an item is the sum of its features' embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import MissingExtraError, ParameterError, did_you_mean
from hybridrec.models.base import Recommender
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.implicit_factors import fold_in_ranking
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.runtime import check_random_state, resolve_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LOSSES = ("warp", "bpr", "logistic", "warp-kos")


class LightFM(Recommender):
    """The lightfm package, with its features kept inside the model.

    Every user and item with interactions has an embedding of its own (identity features) beside
    those of its features; items without interactions are the sum of their features alone.
    Trained without locks: the same result again needs ``num_threads=1``, the default.

    Parameters
    ----------
    factors : int, default 64
    loss : {"warp", "bpr", "logistic", "warp-kos"}, default "warp"
    learning_rate : float, default 0.05
    regularization : float, default 0
        L2 penalty of item and user features.
    epochs : int, default 30
    max_sampled : int, default 10
        Negatives tried per WARP update.
    random_state : int, default 0
    num_threads : int, default 1
        0 means all; with more than one the result varies from run to run.
    """

    model_name = "lightfm"
    uses_item_features = True
    uses_user_features = True

    def __init__(
        self,
        *,
        factors: int = 64,
        loss: str = "warp",
        learning_rate: float = 0.05,
        regularization: float = 0.0,
        epochs: int = 30,
        max_sampled: int = 10,
        random_state: int = 0,
        num_threads: int = 1,
    ) -> None:
        self.factors, self.loss, self.learning_rate = factors, loss, learning_rate
        self.regularization, self.epochs, self.max_sampled = regularization, epochs, max_sampled
        self.random_state, self.num_threads = random_state, num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        model = self._make()
        users = _with_identity(matrix.getnnz(axis=1) > 0, user_features)
        items = _with_identity(matrix.getnnz(axis=0) > 0, item_features)
        weights = matrix.tocoo()
        ones = weights.copy()
        ones.data = np.ones_like(weights.data)
        weighted = None if self.loss == "warp-kos" else weights / weights.data.mean()
        model.fit(
            ones,
            user_features=users,
            item_features=items,
            sample_weight=None if weighted is None else weighted.tocoo(),
            epochs=self.epochs,
            num_threads=resolve_threads(self.num_threads),
        )
        n_own = 0 if item_features is None else item_features.shape[1]
        self.item_embeddings_ = model.item_embeddings[len(model.item_embeddings) - n_own :]
        self.item_biases_ = model.item_biases[len(model.item_biases) - n_own :]
        return FactorScorer(
            users @ model.user_embeddings, items @ model.item_embeddings, items @ model.item_biases
        )

    def _make(self) -> Any:
        """Return the package's unfitted model."""
        if self.loss not in LOSSES:
            raise ParameterError(
                f"loss must be one of {', '.join(LOSSES)}, got {self.loss!r}"
                f"{did_you_mean(self.loss, LOSSES)}"
            )
        whole(factors=self.factors, epochs=self.epochs, max_sampled=self.max_sampled)
        positive(learning_rate=self.learning_rate)
        at_least(0, regularization=self.regularization)
        try:
            from lightfm import LightFM as Package
        except ImportError as error:
            raise MissingExtraError("lightfm", "lightfm", error) from error
        return Package(
            no_components=self.factors,
            loss=self.loss,
            learning_rate=self.learning_rate,
            item_alpha=self.regularization,
            user_alpha=self.regularization,
            max_sampled=self.max_sampled,
            random_state=check_random_state(self.random_state),
        )

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, FactorScorer)
        return fold_in_ranking(history, self.scorer_, 0)

    def _item_rows(self, features: csr_matrix) -> tuple[np.ndarray, np.ndarray] | None:
        if len(self.item_embeddings_) == 0:
            return None
        return features @ self.item_embeddings_, features @ self.item_biases_

    def _state(self) -> dict[str, np.ndarray]:
        return {"item_embeddings_": self.item_embeddings_, "item_biases_": self.item_biases_}


def _with_identity(warm: np.ndarray, features: csr_matrix | None) -> csr_matrix:
    """Return [identity of the rows with interactions | features], CSR float32."""
    from scipy.sparse import csr_matrix, hstack

    n = len(warm)
    rows = np.flatnonzero(warm)
    own = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, rows)), shape=(n, n))
    if features is None:
        return own
    return csr_matrix(hstack([own, features], format="csr", dtype=np.float32))
