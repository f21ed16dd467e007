"""What a model implements: from arrays to a scorer, of its users and of new ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import NotFittedError, ParameterError
from hybridrec.models.frames import FEATURES, FOLD_IN, POPULAR
from hybridrec.models.kept import kept
from hybridrec.models.params import Parameters
from hybridrec.models.side import has_entries
from hybridrec.ranking.scorer import FactorScorer, Scorer, cosines_of, one_user

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.knowledge import KnowledgeGraph
    from hybridrec.dataset.recency import Recency
    from hybridrec.features.pipeline import FeaturePipeline
    from hybridrec.models.base import Recommender
    from hybridrec.models.explain import Asked
    from hybridrec.models.record import Record
    from hybridrec.ranking.explanation import Shares


class Scoring(Parameters, ABC):
    """The part of `hybridrec.models.base.Recommender` that knows arrays and scorers only."""

    uses_item_features: ClassVar[bool] = False
    uses_user_features: ClassVar[bool] = False
    items_of_anybody: ClassVar[bool] = False
    """Whether a new item is placed by all its users, those of whom nothing else is known too."""
    links_features: ClassVar[bool] = False  # takes features as links, which cannot be negative

    users_: IdMap
    items_: IdMap
    history_: csr_matrix
    popularity_: np.ndarray
    scorable_: np.ndarray
    user_sources_: np.ndarray
    scorer_: Scorer
    hidden_: csr_matrix | None = None
    from_users_: np.ndarray | None = None  # which items have their row from users after the fit
    record_: Record | None = None
    item_table_: pd.DataFrame | None
    knowledge_: KnowledgeGraph | None = None
    item_pipeline_: FeaturePipeline | None
    user_pipeline_: FeaturePipeline | None
    backend_: Any
    recency_: Recency | None = None
    members_: tuple[Recommender, ...] = ()  # of a model made of others

    # ---- what a model implements ------------------------------------------------------------

    @abstractmethod
    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        """Fit on arrays; must start fresh each time."""

    @abstractmethod
    def _fold_in(self, history: csr_matrix) -> Scorer:
        """Return a scorer whose users are the rows of ``history`` (n, n_items)."""

    def _user_rows(self, features: csr_matrix) -> np.ndarray | None:
        """Return factors of new users from their features; None where it cannot."""
        return None

    def _by_features(self, features: csr_matrix) -> Scorer | None:
        """Return a scorer whose users have these features, no history; None where it cannot."""
        rows = self._user_rows(features)
        if rows is None or not isinstance(self.scorer_, FactorScorer):
            return None
        return self.scorer_.for_users(rows)

    def _item_rows(self, features: csr_matrix) -> tuple[np.ndarray, np.ndarray] | None:
        """Return factors and bias of new items from their features; None where it cannot."""
        return None

    def _fold_in_items(self, histories: csr_matrix) -> tuple[np.ndarray, np.ndarray] | None:
        """Return factors and bias of new items from their users; None where it cannot.

        ``histories`` is items x users.
        """
        return None

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        """Give new items at the end of the catalogue their rows; tell whether it could."""
        rows = self._item_rows(features)
        if rows is None or not isinstance(self.scorer_, FactorScorer):
            return False
        self.scorer_ = self.scorer_.with_items(items, *rows)
        return True

    def _similarity(self, items: np.ndarray) -> Scorer:
        """Return a scorer whose "users" are ``items``: by default the cosine of item factors."""
        if not isinstance(self.scorer_, FactorScorer):
            raise ParameterError(f"{self.model_name} has no notion of similar items")
        scorer = self.scorer_
        cosines = kept(self, "cosines", (scorer,), lambda: cosines_of(scorer.item_factors))
        return cosines.for_users(cosines.item_factors[items])

    def _feature_shares(self, asked: Asked) -> Shares | None:
        """Take a score apart by the features of the item; None where it cannot."""
        return None

    def _state(self) -> dict[str, np.ndarray]:
        """Return arrays beside the scorer that the model needs after loading."""
        return {}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back the arrays of `_state`."""
        for name, value in state.items():
            setattr(self, name, value)

    def share(self) -> None:
        """Give the models that this one is made of what they have in common with it."""

    # ---- scores -----------------------------------------------------------------------------

    def scorer_for(
        self,
        user_codes: np.ndarray,
        history: csr_matrix | None = None,
        features: csr_matrix | None = None,
    ) -> tuple[Scorer, np.ndarray, np.ndarray]:
        """Return a scorer, the rows of it that users have, and the source of each user.

        Parameters
        ----------
        user_codes : ndarray of int, shape (n,)
            Ignored where ``history`` is given.
        history : csr_matrix, shape (n, n_items), optional
            Histories to fold in; by default the users' rows of the model.
        features : csr_matrix, shape (n, width), optional
            Of new users, beside their histories: used where all of these are empty.

        Returns
        -------
        (Scorer, ndarray of int, ndarray of int8)
            The source is ``POPULAR`` for users of whom the model knows nothing; `popular_scorer`
            is for them.
        """
        self._check_fitted()
        if history is None:
            return self.scorer_, user_codes, self.user_sources_[user_codes].copy()
        rows = np.arange(history.shape[0])
        if features is not None and history.nnz == 0:
            scorer = self._by_features(features)
            if scorer is not None:
                told = has_entries(features, len(rows))
                return scorer, rows, np.where(told, FEATURES, POPULAR).astype(np.int8)
        return self._fold_in(history), rows, self._sources_of(history)

    def _sources_of(self, history: csr_matrix) -> np.ndarray:
        """Return the source of users with a history to fold in, int8 (n,)."""
        return np.where(self._tell_something(history), FOLD_IN, POPULAR).astype(np.int8)

    def _tell_something(self, history: csr_matrix) -> np.ndarray:
        """Return which rows hold an item that the model can score, bool (n,)."""
        told: np.ndarray = history @ self.scorable_.astype(np.float32) > 0
        return told

    @property
    def popular_scorer(self) -> FactorScorer:
        """A scorer with a single row: the number of users of every item."""
        return kept(self, "popular", (self.popularity_,), lambda: one_user(self.popularity_))

    def score_codes(
        self, scorer: Scorer, users: np.ndarray, items: np.ndarray, *, masked: bool = True
    ) -> np.ndarray:
        """Return the scores of pairs of rows of a scorer and items, float32 (n,).

        ``masked`` gives minus infinity to items that the model cannot rank.
        """
        if masked:
            items = np.where(self.scorable_[items], items, -1)
        scores: np.ndarray = scorer.chosen(users, items.astype(np.int32)[:, None])[:, 0]
        return scores

    def _check_fitted(self) -> None:
        if not hasattr(self, "scorer_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")
