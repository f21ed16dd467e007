"""LightFM (Kula 2015): a user or an item is the sum of its features' embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.base import Recommender
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.implicit_factors import explain_ranking, fold_in_ranking
from hybridrec.models.lightfm_package import fit_package
from hybridrec.models.lightfm_sides import Side
from hybridrec.models.lightfm_training import Settings, start, train
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.runtime import check_random_state, resolve_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from typing_extensions import Self

    from hybridrec.features.blocks import Features
    from hybridrec.models.explain import Asked
    from hybridrec.ranking.explanation import Shares

CHOICES = {
    "engine": ("numba", "lightfm"),
    "loss": ("warp", "bpr", "logistic", "warp-kos"),
    "optimizer": ("adagrad", "adadelta"),
}


class LightFM(Recommender):
    """Embeddings of users, items and their features, learned on a ranking loss (Kula 2015).

    Every user and item with interactions has an embedding of its own (identity features) beside
    those of its features; items without interactions are the sum of their features alone.

    Parameters
    ----------
    engine : {"numba", "lightfm"}, default "numba"
        "numba" is ours: faster, and much faster with features. "lightfm" is the package of that
        name (an optional extra).
    factors : int, default 64
    loss : {"warp", "bpr", "logistic", "warp-kos"}, default "warp"
        "warp-kos" ignores weights: it takes the user of an interaction, and the 5th best of 10
        items of theirs.
    optimizer : {"adagrad", "adadelta"}, default "adagrad"
        ``learning_schedule`` in the package.
    learning_rate : float, default 0.05
        Of Adagrad; Adadelta has none.
    regularization : float, default 0
        At every step all embeddings shrink by this times the learning rate.
    epochs : int, default 30
    max_sampled : int, default 10
        Negatives tried per update of "warp" and "warp-kos".
    hogwild : bool, default False
        Learn in ``num_threads`` threads without locks: faster, and the result varies from run to
        run. Otherwise in one thread.
    random_state : int, default 0
    num_threads : int, default 0
        0 means all. Unless ``hogwild`` is on, the result does not depend on it.

    Notes
    -----
    The engines differ where the package's way costs much or harms. "numba" lets the features take
    one step for a batch of samples (their Adagrad counts the batch's gradient as one), draws
    negatives from items with interactions only, so that cold items are not pushed down, and
    gives "logistic" a sampled negative for every interaction, where the package sees positives
    only.
    """

    model_name = "lightfm"
    uses_item_features = True
    uses_user_features = True

    def __init__(
        self,
        *,
        engine: str = "numba",
        factors: int = 64,
        loss: str = "warp",
        optimizer: str = "adagrad",
        learning_rate: float = 0.05,
        regularization: float = 0.0,
        epochs: int = 30,
        max_sampled: int = 10,
        hogwild: bool = False,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.engine, self.factors, self.loss, self.optimizer = engine, factors, loss, optimizer
        self.learning_rate, self.regularization = learning_rate, regularization
        self.epochs, self.max_sampled, self.hogwild = epochs, max_sampled, hogwild
        self.random_state, self.num_threads = random_state, num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        self._check()
        if self.engine == "numba":
            return self._train(matrix, matrix, (user_features, item_features), {}, self.epochs)
        scorer, self.of_item_features_, self.of_user_features_ = fit_package(
            matrix,
            item_features,
            user_features,
            epochs=self.epochs,
            num_threads=self._workers(),
            no_components=self.factors,
            loss=self.loss,
            learning_schedule=self.optimizer,
            learning_rate=self.learning_rate,
            item_alpha=self.regularization,
            user_alpha=self.regularization,
            max_sampled=self.max_sampled,
            random_state=check_random_state(self.random_state),
        )
        self.training_: dict[str, Any] = {}
        return scorer

    def _train(
        self,
        matrix: csr_matrix,
        history: csr_matrix,
        features: tuple[csr_matrix | None, csr_matrix | None],
        before: Mapping[str, Any],
        epochs: int,
    ) -> FactorScorer:
        """Train with our engine, from nothing or from what ``before`` holds."""
        adadelta = self.optimizer == "adadelta"
        users, items = (
            Side(n, self.factors, given, adadelta=adadelta, before=_under(name, before))
            for name, n, given in zip(("user", "item"), matrix.shape, features, strict=True)
        )
        settings = Settings(
            self.loss,
            self.learning_rate,
            self.regularization,
            self.max_sampled,
            check_random_state(self.random_state),
            self._workers(),
        )
        done = int(before.get("epochs", 0))
        start((users, items), history, settings.random_state, done)
        train((users, items), matrix, history, settings, range(done, done + epochs))
        d = self.factors
        values = items.rows.values
        scorer = FactorScorer(users.rows.values[:, :d], values[:, :d], values[:, d])
        self.training_ = {"epochs": np.array(done + epochs)}
        for name, side in (("user", users), ("item", items)):
            self.training_ |= {f"{name}.{key}": one for key, one in side.state().items()}
        nothing = np.zeros((0, d + 1), dtype=np.float32)
        self.of_item_features_ = self.training_.get("item.feature_values", nothing)
        self.of_user_features_ = self.training_.get("user.feature_values", nothing)[:, :d]
        return scorer

    def fit_partial(
        self,
        data: Any,
        *,
        epochs: int | None = None,
        item_features: Features | None = None,
        user_features: Features | None = None,
    ) -> Self:
        """Train on, with more data or the same.

        What is known keeps its embeddings and the state of the optimizer, and learns on; new
        users, items and features join. Trained on the same data, the model is the one that `fit`
        gives with as many epochs in all.

        Parameters
        ----------
        data : Dataset, Interactions or data frame
            What to learn from; items that a user had before are never negatives. Where a pair
            was known, the larger weight is kept.
        epochs : int, optional
            By default the parameter of the model.
        item_features, user_features : Features, optional
            Only for a model that was fitted with a ready-made matrix: the rows of the users and
            items of ``data``. Columns are those of the fit, new ones come after them. A pipeline
            that the model was fitted with is applied to ``data`` as it is.

        Raises
        ------
        NotFittedError, DataError
        ParameterError
            If the engine is "lightfm", or a parameter is wrong or belongs to another fit.
        """
        from hybridrec.models.lightfm_partial import fit_partial

        self._check_fitted()
        self._check()
        if self.engine != "numba" or not self.training_:
            raise ParameterError("fit_partial needs a model fitted with engine='numba'")
        wanted = self.epochs if epochs is None else epochs
        whole(epochs=wanted)
        fit_partial(self, data, wanted, item_features, user_features)
        return self

    def _check(self) -> None:
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ParameterError(
                    f"{name} must be one of {', '.join(known)}, got {value!r}"
                    f"{did_you_mean(str(value), known)}"
                )
        whole(factors=self.factors, epochs=self.epochs, max_sampled=self.max_sampled)
        positive(learning_rate=self.learning_rate)
        at_least(0, regularization=self.regularization)
        if not isinstance(self.hogwild, bool):
            raise ParameterError(f"hogwild must be True or False, got {self.hogwild!r}")

    def _workers(self) -> int:
        count = resolve_threads(self.num_threads)
        return count if self.hogwild else 1

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return fold_in_ranking(self, history, self.num_threads)

    def _history_shares(self, asked: Asked) -> Shares:
        return explain_ranking(self, asked)

    def _feature_shares(self, asked: Asked) -> Shares | None:
        from hybridrec.models.explain_factors import lightfm_features

        return lightfm_features(self, asked)

    def _item_rows(self, features: csr_matrix) -> tuple[np.ndarray, np.ndarray] | None:
        if len(self.of_item_features_) == 0:
            return None
        assert isinstance(self.scorer_, FactorScorer)
        d = self.scorer_.item_factors.shape[1]
        rows = features @ self.of_item_features_
        return rows[:, :d], rows[:, d]

    def _user_rows(self, features: csr_matrix) -> np.ndarray | None:
        if len(self.of_user_features_) == 0:
            return None
        rows: np.ndarray = features @ self.of_user_features_
        return rows

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        placed = super()._place_items(items, features)
        if placed and "item.features" in self.training_:
            from scipy.sparse import vstack

            known = self.training_["item.features"].copy()
            known.resize(items[0], known.shape[1])
            self.training_ = self.training_ | {
                "item.features": vstack([known, features], format="csr")
            }
        return placed

    def _state(self) -> dict[str, np.ndarray]:
        known = {"of_item_features_": self.of_item_features_}
        if not self.training_:  # which holds them as well
            known["of_user_features_"] = self.of_user_features_
        return known | {f"training.{name}": one for name, one in self.training_.items()}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.of_item_features_ = state["of_item_features_"]
        self.training_ = _under("training", state)
        nothing = np.zeros((0, self.factors), dtype=np.float32)
        of_users = self.training_.get("user.feature_values", nothing)[:, : self.factors]
        self.of_user_features_ = state.get("of_user_features_", of_users)


def _under(prefix: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts whose names begin with a prefix and a dot, without these."""
    begin = f"{prefix}."
    return {name[len(begin) :]: one for name, one in parts.items() if name.startswith(begin)}
