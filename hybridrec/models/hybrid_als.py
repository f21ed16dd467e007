"""HybridALS: one ALS engine in which an item's prior is its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.factors import FixedSide
from hybridrec.models.hybrid_als_sides import (
    Side,
    density,
    penalties,
    shrunk,
    with_empty_rows,
    with_pseudo_users,
)
from hybridrec.models.kept import kept
from hybridrec.models.prior import FINAL_STEPS, Calibration, calibrate
from hybridrec.models.side import has_entries
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.runtime import check_random_state, random_stream, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked
    from hybridrec.ranking.explanation import Shares


SOLVERS = ("cholesky", "cg")
OPTIONAL = (  # only where there are features; those of the items serve explanations
    *("item_weights_", "user_weights_", "user_prior_", "features_"),
)


class HybridALS(Recommender):
    """Weighted ALS with frequency-scaled regularisation and feature priors.

    Minimises ``sum c_ui (p_ui - x_u.y_i)^2 + ridge_u |x_u|^2 + shrinkage_u |x_u - mean x|^2
    + ridge_i |y_i|^2 + pull (|y_i - W^T f_i|^2 + ridge_w |W|^2)`` (the last for users with
    features, too) by turns over users, items and W. An item with many interactions moves away
    from its prior; an item without any *is* its prior and takes no part in training. Without
    features it is a well-regularised iALS (Hu, Koren & Volinsky 2008; frequency scaling after
    Rendle et al. 2022; feature maps after Gantner et al. 2010 and Cortes 2018).

    Parameters
    ----------
    factors : int, default 128
    regularization : float, default 1
        Times n^frequency_exponent, n the number of interactions of the row.
    frequency_exponent : float, default 0.5
    alpha : float, default 1
        An interaction of average weight has ``alpha / sqrt(density)`` times the confidence of an
        absent one; density is the share of pairs of users and items that have an interaction.
    prior_share : float, default 0.3
        Share of the regularisation that pulls towards the feature prior instead of 0.
    feature_regularization : float, default 1
        Ridge of the map from features (rows of length 1) to factors.
    user_shrinkage : float, default 3
        Pull of a user towards the mean user, divided by the user's interactions: who has few is
        taken for one of many, and who is folded in is treated as who was trained on.
    iterations : int, default 15
    solver : {"cholesky", "cg"}, default "cholesky"
        "cholesky" solves every row exactly; "cg" takes three steps of conjugate gradients from
        the last factors, which costs less where factors are many and rows long.
    pseudo_users : float, default 0
        Confidence with which every item feature stands as one more user, who has the items that
        have the feature, times the value of the feature. For features that are links, such as
        tokens; they take part in training only.
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
        factors: int = 128,
        regularization: float = 1.0,
        frequency_exponent: float = 0.5,
        alpha: float = 1.0,
        prior_share: float = 0.3,
        feature_regularization: float = 1.0,
        user_shrinkage: float = 3.0,
        iterations: int = 15,
        solver: str = "cholesky",
        pseudo_users: float = 0.0,
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
        self.user_shrinkage = user_shrinkage
        self.iterations = iterations
        self.solver = solver
        self.pseudo_users = pseudo_users
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
        rows, n_users = (matrix / mean).tocsr(), matrix.shape[0]
        if self.pseudo_users and item_features is not None:
            rows = with_pseudo_users(rows, item_features, self.pseudo_users)
        of_users = with_empty_rows(user_features, rows.shape[0])
        users = Side(rows, of_users, self, shrinkage=self.user_shrinkage)
        items = Side(rows.T.tocsr(), item_features, self, n_real=n_users)
        unobserved = density(matrix) ** 0.5 / self.alpha
        user_factors, item_factors = self._train(users, items, mean, unobserved)
        self.features_ = item_features
        self.user_prior_ = None if user_features is None else user_features @ users.weights
        return factor_scorer(user_factors[:n_users], item_factors)

    def _train(
        self, users: Side, items: Side, mean: float, unobserved: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train two sides, wherever their rows are, and return the factors of all their rows."""
        items.draw(random_stream(check_random_state(self.random_state)))
        with threads(self.num_threads):
            for _ in range(self.iterations):
                users.solve(items, unobserved)
                items.solve(users, unobserved)
            user_factors, self._user_map = self._finished(users, items)
            item_factors, self._item_map = self._finished(items, users)
        self.mean_weight_, self.unobserved_ = np.array(mean), np.array(unobserved)
        self.item_weights_, self.user_weights_ = items.weights, users.weights
        self.mean_user_ = users.mean
        return user_factors, item_factors

    def _check_parameters(self) -> None:
        whole(factors=self.factors, iterations=self.iterations)
        positive(alpha=self.alpha, calibration=self.calibration)
        positive(feature_regularization=self.feature_regularization)
        at_least(0, regularization=self.regularization, prior_share=self.prior_share)
        at_least(0, frequency_exponent=self.frequency_exponent, pseudo_users=self.pseudo_users)
        at_least(0, user_shrinkage=self.user_shrinkage)
        if self.solver not in SOLVERS:
            raise ParameterError(f"solver must be one of {', '.join(SOLVERS)}, got {self.solver!r}")
        if self.prior_share > 1:
            raise ParameterError(f"prior_share must be between 0 and 1, got {self.prior_share}")

    def _finished(self, side: Side, others: Side) -> tuple[np.ndarray, Calibration | None]:
        """Return factors of all rows, those without interactions from their features."""
        factors = side.everyone()
        if side.prior is None or side.features is None:
            return factors, None
        side.weights = side.prior.fit(side.factors, FINAL_STEPS)
        cold = np.setdiff1d(np.arange(len(factors)), side.active)
        rows = side.features[cold] @ side.weights
        fitted = calibrate(
            *(side.features[side.active], side.factors, others.factors),
            *(self.feature_regularization, self.random_state),
        ).scaled(self.calibration)
        rows = fitted.apply(rows)
        known = np.diff(side.features[cold].indptr) > 0
        factors[cold[known]] = rows[known]
        return factors, fitted

    def scorer_for(
        self,
        user_codes: np.ndarray,
        history: csr_matrix | None = None,
        features: csr_matrix | None = None,
    ) -> tuple[Scorer, np.ndarray, np.ndarray]:
        """As in `Recommender`, but histories are pulled to what the users' features tell.

        ``user_codes`` tell who was in the fit, and has features from there; -1 is a new user.
        """
        self._check_fitted()
        if history is None or history.nnz == 0 or self.user_prior_ is None:
            return super().scorer_for(user_codes, history, features)
        pulled = (user_codes >= 0) & (user_codes < len(self.user_prior_))
        prior = np.zeros((len(pulled), self.user_prior_.shape[1]), dtype=np.float32)
        prior[pulled] = self.user_prior_[user_codes[pulled]]
        if features is not None and self.user_weights_ is not None:
            told = ~pulled & has_entries(features, len(pulled))
            prior[told] = features[told] @ self.user_weights_
            pulled |= told
        folded = self._folded(history, prior, pulled)
        return folded, np.arange(len(pulled)), self._sources_of(history)

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return self._folded(history)

    def _folded(
        self,
        history: csr_matrix,
        prior: np.ndarray | None = None,
        pulled: bool | np.ndarray = False,
    ) -> FactorScorer:
        scorer, items = self.scorer_, self._items_fixed()
        assert isinstance(scorer, FactorScorer)
        count = _counts(history)
        ridge, pull = penalties(self, count, pulled)
        pull, towards = shrunk(prior, pull, self.mean_user_, self.user_shrinkage / count)
        return scorer.for_users(self._solve(history, items, ridge, pull=pull, prior=towards))

    def _items_fixed(self) -> FixedSide:
        def make() -> FixedSide:
            # Items that nobody has took no part in training, so not having them tells nothing.
            unobserved = np.where(popularity > 0, self.unobserved_, 0.0)
            return FixedSide.of(factors, unobserved, self.num_threads)

        scorer, popularity = self.scorer_, self.popularity_
        assert isinstance(scorer, FactorScorer)
        factors = scorer.item_factors
        return kept(self, "items", (scorer, popularity), make)

    def _fold_in_items(self, histories: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        assert isinstance(self.scorer_, FactorScorer)
        ridge, _ = penalties(self, _counts(histories), pulled=False)
        users = FixedSide.of(self.scorer_.user_factors, self.unobserved_, self.num_threads)
        rows = self._solve(histories, users, ridge)
        return rows, np.zeros(len(rows), dtype=np.float32)

    def _solve(
        self,
        history: csr_matrix,
        others: FixedSide,
        ridge: np.ndarray,
        **towards: np.ndarray,
    ) -> np.ndarray:
        """Fold in rows, with the penalties that trained rows of as many interactions have."""
        confidence = history.data.astype(np.float64) * (1.0 / float(self.mean_weight_))
        return others.fold_in(
            history, confidence=confidence, ridge=ridge, num_threads=self.num_threads, **towards
        )

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        from scipy.sparse import vstack

        placed = super()._place_items(items, features)
        if placed and self.features_ is not None:
            known = with_empty_rows(self.features_, items[0])
            self.features_ = vstack([known, features], format="csr")
        return placed

    def _history_shares(self, asked: Asked) -> Shares:
        from hybridrec.models.explain_factors import hybrid_als_shares

        return hybrid_als_shares(self, asked, self._items_fixed())

    def _feature_shares(self, asked: Asked) -> Shares | None:
        from hybridrec.models.explain_factors import hybrid_als_features

        return hybrid_als_features(self, asked)

    def _item_rows(self, features: csr_matrix) -> tuple[np.ndarray, np.ndarray] | None:
        if self.item_weights_ is None:
            return None
        rows: np.ndarray = features @ self.item_weights_
        if self._item_map is not None:
            rows = self._item_map.apply(rows)
        return rows, np.zeros(len(rows), dtype=np.float32)

    def _user_rows(self, features: csr_matrix) -> np.ndarray | None:
        if self.user_weights_ is None:
            return None
        return self.placed_users(features @ self.user_weights_)

    def placed_users(self, prior: np.ndarray) -> np.ndarray:
        """Return factors of users of whom only the prior is known."""
        return prior if self._user_map is None else self._user_map.apply(prior)

    def _state(self) -> dict[str, np.ndarray]:
        names = ("mean_weight_", "unobserved_", "mean_user_", *OPTIONAL)
        state = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        for name, one in (("calibration", self._item_map), ("user_calibration", self._user_map)):
            if one is not None:
                state[name] = np.stack([one.mean, one.centre, np.full_like(one.mean, one.gain)])
        return state

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.mean_weight_, self.unobserved_ = state["mean_weight_"], state["unobserved_"]
        self.mean_user_ = state["mean_user_"]
        for name in OPTIONAL:
            setattr(self, name, state.get(name))
        self._item_map = _calibration(state.get("calibration"))
        self._user_map = _calibration(state.get("user_calibration"))


def _calibration(rows: np.ndarray | None) -> Calibration | None:
    """Return what a model folder holds of a calibration."""
    if rows is None:
        return None
    mean, centre, gain = rows
    return Calibration(mean, centre, float(gain[0]))


def _counts(history: csr_matrix) -> np.ndarray:
    counts: np.ndarray = np.maximum(np.diff(history.indptr), 1)
    return counts


def factor_scorer(user_factors: np.ndarray, item_factors: np.ndarray) -> FactorScorer:
    """Return a scorer without biases."""
    return FactorScorer(user_factors, item_factors, np.zeros(len(item_factors), dtype=np.float32))
