"""HybridALS: one ALS engine in which an item's prior is its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.factors import fold_in_rows
from hybridrec.models.prior import FINAL_STEPS, Calibration, FeaturePrior, calibrate
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.runtime import check_random_state, random_stream, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class _Side:
    """Users or items during training: their rows, factors and feature prior."""

    def __init__(self, rows: csr_matrix, features: csr_matrix | None, model: HybridALS) -> None:
        self.count = np.diff(rows.indptr)
        self.active = np.flatnonzero(self.count > 0)
        self.rows = rows[self.active]
        strength = model.regularization * self.count[self.active] ** model.frequency_exponent
        share = model.prior_share if features is not None else 0.0
        self.ridge = (1.0 - share) * strength
        self.pull = share * model.regularization
        self.features, self.num_threads = features, model.num_threads
        self.prior: FeaturePrior | None = None
        if features is not None:
            self.prior = FeaturePrior(features[self.active], model.feature_regularization)
        self.weights: np.ndarray | None = None
        self.factors = np.zeros((len(self.active), model.factors), dtype=np.float32)

    def solve(self, other: _Side, unobserved: float) -> None:
        """Refit the factors, the other side being fixed, then the map from features to them."""
        pulled = None
        if self.prior is not None and self.weights is not None:
            pulled = self.prior.features @ self.weights
        self.factors = fold_in_rows(
            self.rows,
            other.everyone(),
            unobserved=unobserved,
            ridge=self.ridge,
            pull=0.0 if pulled is None else self.pull,
            prior=pulled,
            num_threads=self.num_threads,
        )
        if self.prior is not None:
            self.weights = self.prior.fit(self.factors)

    def everyone(self) -> np.ndarray:
        """Return factors of all rows; those without interactions are 0 and take no part."""
        out = np.zeros((len(self.count), self.factors.shape[1]), dtype=np.float32)
        out[self.active] = self.factors
        return out


class HybridALS(Recommender):
    """Weighted ALS with frequency-scaled regularisation and feature priors.

    Minimises ``sum c_ui (p_ui - x_u.y_i)^2 + ridge_u |x_u|^2 + ridge_i |y_i|^2
    + pull (|y_i - W^T f_i|^2 + ridge_w |W|^2)`` (the same for users with features) by turns over
    users, items and W. An item with many interactions moves away from its prior; an item without
    any *is* its prior and takes no part in training. Without features it is a well-regularised
    iALS (Hu, Koren & Volinsky 2008; frequency scaling after Rendle et al. 2022; feature maps
    after Gantner et al. 2010 and Cortes 2018).

    Parameters
    ----------
    factors : int, default 64
    regularization : float, default 1
        Times n^frequency_exponent, n the number of interactions of the row.
    frequency_exponent : float, default 0.5
    alpha : float, default 10
        Confidence of an interaction of average weight over that of an absent one.
    prior_share : float, default 0.3
        Share of the regularisation that pulls towards the feature prior instead of 0.
    feature_regularization : float, default 1
        Ridge of the map from features (rows of length 1) to factors.
    iterations : int, default 15
    calibration : float, default 0.7
        How items without interactions compete in a list with the others; their order among
        themselves stays the same. Features alone give scores drawn towards 0, which would hide
        every new item. 1 gives them the mean and spread of trained items, smaller values place
        them lower. Raise it where new items matter more than old ones.
    random_state : int, default 0
    num_threads : int, default 0
        0 means all; the result does not depend on it.
    """

    model_name = "hybrid-als"
    uses_item_features = True
    uses_user_features = True

    def __init__(
        self,
        *,
        factors: int = 64,
        regularization: float = 1.0,
        frequency_exponent: float = 0.5,
        alpha: float = 10.0,
        prior_share: float = 0.3,
        feature_regularization: float = 1.0,
        iterations: int = 15,
        calibration: float = 0.7,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.factors = factors
        self.regularization = regularization
        self.frequency_exponent = frequency_exponent
        self.alpha = alpha
        self.prior_share = prior_share
        self.feature_regularization = feature_regularization
        self.iterations = iterations
        self.calibration = calibration
        self.random_state = random_state
        self.num_threads = num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        self._check_parameters()
        mean = float(matrix.data.mean(dtype=np.float64))
        rows = matrix / mean
        users = _Side(rows.tocsr(), user_features, self)
        items = _Side(rows.T.tocsr(), item_features, self)
        stream = random_stream(check_random_state(self.random_state))
        start = stream.normal(0.0, 0.1, size=items.factors.shape)
        items.factors = start.astype(np.float32)
        with threads(self.num_threads):
            for _ in range(self.iterations):
                users.solve(items, 1.0 / self.alpha)
                items.solve(users, 1.0 / self.alpha)
            user_factors, _ = self._finished(users, items.factors)
            item_factors, self._item_map = self._finished(items, users.factors)
        self.mean_weight_, self.item_weights_ = np.array(mean), items.weights
        return _scorer(user_factors, item_factors)

    def _check_parameters(self) -> None:
        whole(factors=self.factors, iterations=self.iterations)
        positive(alpha=self.alpha, calibration=self.calibration)
        positive(feature_regularization=self.feature_regularization)
        at_least(0, regularization=self.regularization, prior_share=self.prior_share)
        at_least(0, frequency_exponent=self.frequency_exponent)
        if self.prior_share > 1:
            raise ParameterError(f"prior_share must be between 0 and 1, got {self.prior_share}")

    def _finished(self, side: _Side, others: np.ndarray) -> tuple[np.ndarray, Calibration | None]:
        """Return factors of all rows, those without interactions from their features."""
        factors = side.everyone()
        if side.prior is None or side.features is None:
            return factors, None
        side.weights = side.prior.fit(side.factors, FINAL_STEPS)
        cold = np.setdiff1d(np.arange(len(factors)), side.active)
        rows = side.features[cold] @ side.weights
        fitted = calibrate(
            side.prior.features, side.factors, others, side.prior.ridge, self.random_state
        ).scaled(self.calibration)
        rows = fitted.apply(rows)
        known = np.diff(side.features[cold].indptr) > 0
        factors[cold[known]] = rows[known]
        return factors, fitted

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, FactorScorer)
        # Items that nobody has took no part in training, so not having them tells nothing.
        unobserved = np.where(self.popularity_ > 0, 1.0 / self.alpha, 0.0)
        rows = self._solve(history, self.scorer_.item_factors, unobserved)
        return _scorer(rows, self.scorer_.item_factors)

    def _fold_in_items(self, histories: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        assert isinstance(self.scorer_, FactorScorer)
        rows = self._solve(histories, self.scorer_.user_factors, 1.0 / self.alpha)
        return rows, np.zeros(len(rows), dtype=np.float32)

    def _solve(
        self, history: csr_matrix, others: np.ndarray, unobserved: float | np.ndarray
    ) -> np.ndarray:
        """Fold in rows, with the ridge that a trained row of as many interactions has."""
        count = np.diff(history.indptr)
        return fold_in_rows(
            history / float(self.mean_weight_),
            others,
            unobserved=unobserved,
            ridge=self.regularization * np.maximum(count, 1) ** self.frequency_exponent,
            num_threads=self.num_threads,
        )

    def _item_rows(self, features: csr_matrix) -> tuple[np.ndarray, np.ndarray] | None:
        if self.item_weights_ is None:
            return None
        rows: np.ndarray = features @ self.item_weights_
        if self._item_map is not None:
            rows = self._item_map.apply(rows)
        return rows, np.zeros(len(rows), dtype=np.float32)

    def _state(self) -> dict[str, np.ndarray]:
        state = {"mean_weight_": self.mean_weight_}
        if self.item_weights_ is not None:
            state["item_weights_"] = self.item_weights_
        if self._item_map is not None:
            calibration = self._item_map
            state["calibration"] = np.stack(
                [
                    calibration.mean,
                    calibration.centre,
                    np.full_like(calibration.mean, calibration.gain),
                ]
            )
        return state

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.mean_weight_ = state["mean_weight_"]
        self.item_weights_ = state.get("item_weights_")
        self._item_map = None
        if "calibration" in state:
            mean, centre, gain = state["calibration"]
            self._item_map = Calibration(mean, centre, float(gain[0]))


def _scorer(user_factors: np.ndarray, item_factors: np.ndarray) -> FactorScorer:
    return FactorScorer(user_factors, item_factors, np.zeros(len(item_factors), dtype=np.float32))
