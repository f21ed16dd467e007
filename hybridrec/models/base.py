"""The contract of all models: fit -> scorer -> lists."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, NotFittedError, ParameterError
from hybridrec.models.frames import (
    FEATURES,
    FOLD_IN,
    MODEL,
    POPULAR,
    Lists,
    distinct_ids,
    history_rows,
    ranked_frame,
    source_names,
)
from hybridrec.models.params import Parameters
from hybridrec.models.side import FeatureInput, has_entries, resolve_features
from hybridrec.models.tables import plain_table
from hybridrec.ranking.rules import Rules
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.ranking.topk import check_k, top_k

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix
    from typing_extensions import Self

    from hybridrec.features.pipeline import FeaturePipeline


class Recommender(Parameters, ABC):
    """Base of all models.

    A subclass stores its parameters in ``__init__`` and implements `_fit`, which returns a
    scorer, and `_fold_in`, which returns a scorer for new rows of history. Everything else
    (checks, ids, seen items, rules, popularity as the last resort, storage) is here.

    Attributes
    ----------
    users_, items_ : IdMap
    history_ : csr_matrix of float32, shape (n_users, n_items)
        What the model was fitted on; these items are never recommended to their users.
    popularity_ : ndarray of float32, shape (n_items,)
        Number of users of each item in ``history_``.
    scorable_ : ndarray of bool, shape (n_items,)
        Items the model can score: those with interactions or usable features.
    scorer_ : Scorer
    """

    uses_item_features: ClassVar[bool] = False
    uses_user_features: ClassVar[bool] = False

    users_: IdMap
    items_: IdMap
    history_: csr_matrix
    popularity_: np.ndarray
    scorable_: np.ndarray
    user_sources_: np.ndarray
    scorer_: Scorer
    item_table_: pd.DataFrame | None
    item_pipeline_: FeaturePipeline | None
    user_pipeline_: FeaturePipeline | None
    backend_: Any
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
        factors = self.scorer_.item_factors
        length = np.linalg.norm(factors, axis=1, keepdims=True)
        unit = factors / np.where(length > 0, length, 1)
        return FactorScorer(unit[items], unit, np.zeros(len(unit), dtype=np.float32))

    def _state(self) -> dict[str, np.ndarray]:
        """Return arrays beside the scorer that the model needs after loading."""
        return {}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back the arrays of `_state`."""
        for name, value in state.items():
            setattr(self, name, value)

    # ---- fit --------------------------------------------------------------------------------

    def fit(
        self,
        data: Dataset | Interactions | Any,
        *,
        item_features: FeatureInput = None,
        user_features: FeatureInput = None,
    ) -> Self:
        """Fit the model; a second call starts fresh.

        Parameters
        ----------
        data : Dataset, Interactions or data frame
        item_features, user_features : FeaturePipeline, Features or sequence of str, optional
            Side information, for models that use it. By default what the dataset offers; names
            of blocks such as ``["tokens", "walks"]`` choose; an empty list means none.

        Raises
        ------
        DataError
            If there is no interaction, or features have another number of rows than ids.
        ParameterError
            If features are given to a model that does not use them.
        """
        dataset = data if isinstance(data, Dataset) else Dataset.build(data)
        if dataset.matrix.nnz == 0:
            raise DataError("there is no interaction to fit on (all were dropped or weigh 0)")
        item_pipeline, item_matrix = resolve_features(self, item_features, dataset, "item")
        user_pipeline, user_matrix = resolve_features(self, user_features, dataset, "user")
        self._learn(dataset.matrix, item_matrix, user_matrix)
        self.users_, self.items_ = dataset.users, dataset.items
        table = dataset.item_table
        self.item_table_ = None if table is None else plain_table(table)
        self.backend_ = dataset.interactions.backend
        self.item_pipeline_, self.user_pipeline_ = item_pipeline, user_pipeline
        return self

    def _learn(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> None:
        """Fit on arrays and set what follows from them."""
        self.scorer_ = self._fit(matrix, item_features, user_features)
        self._set_history(matrix)
        n_users, n_items = matrix.shape
        self.scorable_ = (self.popularity_ > 0) | has_entries(item_features, n_items)
        known = has_entries(user_features, n_users)
        self.user_sources_ = np.where(known, FEATURES, POPULAR).astype(np.int8)
        self.user_sources_[np.diff(matrix.indptr) > 0] = MODEL

    def _set_history(self, matrix: csr_matrix) -> None:
        self.history_ = matrix
        self.popularity_ = matrix.getnnz(axis=0).astype(np.float32)

    def _check_fitted(self) -> None:
        if not hasattr(self, "scorer_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")

    # ---- recommend --------------------------------------------------------------------------

    def recommend(
        self,
        users: Sequence[Any] | np.ndarray | None = None,
        k: int = 10,
        *,
        history: Any = None,
        rules: Rules | None = None,
        unknown: str = "raise",
        num_threads: int = 0,
    ) -> Any:
        """Recommend items to users, old and new.

        Parameters
        ----------
        users : sequence of ids, optional
            By default every user of ``history`` if it is given, else every known user. A user
            named twice gets one list.
        k : int, default 10
            Length of the lists; a list is shorter where fewer items can be recommended.
        history : data frame or Interactions, optional
            Interactions of new users, or newer ones of known users (then the whole history of
            that user). These users are folded in. A user without any row here is served as
            without ``history`` if known, else the popular items.
        rules : Rules, optional
            Which items may come out.
        unknown : {"raise", "skip"}, default "raise"
            What to do with users that are not known, where no ``history`` is given, and with
            items of ``history`` that are not known.
        num_threads : int, default 0
            0 means all.

        Returns
        -------
        data frame
            Columns user, item, score, rank (from 1) and source, of the library the interactions
            came in. ``source`` says how a row was found: "model", "fold-in" (from the history
            given here), "features" (the user or the item has no interaction), "popular" (the last
            resort).

        Raises
        ------
        UnknownIdError, DataError, ParameterError, NotFittedError
        """
        self._check_fitted()
        check_k(k)
        allowed = None if rules is None else rules.mask(self.items_, self.item_table_)
        if history is None:
            codes = self._user_codes(users, unknown)
            ids = self.users_.ids[codes]
            lists = self.recommend_codes(codes, k, items=allowed, num_threads=num_threads)
        else:
            ids, rows = history_rows(history, users, self.items_, unknown)
            codes = self.users_.codes(ids, unknown="skip")
            lists = self.recommend_codes(
                codes, k, history=rows, items=allowed, num_threads=num_threads
            )
            stored = (codes >= 0) & (np.diff(rows.indptr) == 0)
            own = self.recommend_codes(codes[stored], k, items=allowed, num_threads=num_threads)
            for ours, theirs in zip(lists, own, strict=True):
                ours[stored] = theirs
        return ranked_frame(
            *("user", ids, "item", self.items_.ids),
            *(lists.items, lists.scores, self.backend_),
            source_names(lists, self.popularity_),
        )

    def recommend_codes(
        self,
        user_codes: np.ndarray,
        k: int = 10,
        *,
        history: csr_matrix | None = None,
        items: np.ndarray | None = None,
        num_threads: int = 0,
    ) -> Lists:
        """Recommend on arrays of codes: what `recommend` and evaluation share.

        Parameters
        ----------
        user_codes : ndarray of int, shape (n,)
            Ignored where ``history`` is given.
        k : int
        history : csr_matrix, shape (n, n_items), optional
            Histories to fold in; by default the users' rows of the model.
        items : ndarray of bool, shape (n_items,), optional
            Items that may come out.
        num_threads : int, default 0
        """
        self._check_fitted()
        allowed = self.scorable_ if items is None else self.scorable_ & items
        scorer, rows, sources = self.scorer_for(user_codes, history)
        seen = self.history_[user_codes] if history is None else history
        width = min(check_k(k), len(self.items_))
        best = np.full((len(rows), width), -1, dtype=np.int32)
        scores = np.full((len(rows), width), -np.inf, dtype=np.float32)

        def serve(part: np.ndarray, scorer: Scorer, part_rows: np.ndarray) -> None:
            best[part], scores[part] = top_k(
                scorer,
                part_rows,
                k,
                exclude=seen[part],
                allowed=allowed,
                tie=self.items_.tie_order,
                num_threads=num_threads,
            )

        personal = np.flatnonzero(sources != POPULAR)
        serve(personal, scorer, rows[personal])
        left = np.flatnonzero(best[:, 0] < 0) if width else personal[:0]
        sources[left] = POPULAR  # the last resort: nobody is left without a list
        serve(left, self.popular_scorer, np.zeros(len(left), dtype=np.int64))
        return Lists(best, scores, sources)

    def scorer_for(
        self, user_codes: np.ndarray, history: csr_matrix | None = None
    ) -> tuple[Scorer, np.ndarray, np.ndarray]:
        """Return a scorer, the rows of it that users have, and the source of each user.

        Parameters
        ----------
        user_codes : ndarray of int, shape (n,)
            Ignored where ``history`` is given.
        history : csr_matrix, shape (n, n_items), optional
            Histories to fold in; by default the users' rows of the model.

        Returns
        -------
        (Scorer, ndarray of int, ndarray of int8)
            The source is ``POPULAR`` for users of whom the model knows nothing; `popular_scorer`
            is for them.
        """
        self._check_fitted()
        if history is None:
            return self.scorer_, user_codes, self.user_sources_[user_codes].copy()
        return self._fold_in(history), np.arange(history.shape[0]), self._sources_of(history)

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
        one = np.ones((1, 1), dtype=np.float32)
        zeros = np.zeros(len(self.items_), dtype=np.float32)
        return FactorScorer(one, self.popularity_[:, None], zeros)

    def _user_codes(self, users: Any, unknown: str) -> np.ndarray:
        if users is None:
            return np.arange(len(self.users_), dtype=np.int32)
        codes = self.users_.codes(distinct_ids(users, "user"), unknown=unknown)
        return codes[codes >= 0]

    # ---- score, similar ---------------------------------------------------------------------

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

    def score(self, pairs: Any, *, user: str | None = None, item: str | None = None) -> Any:
        """Score pairs of known users and items.

        Parameters
        ----------
        pairs : data frame
            Columns user and item (recognised by name, or named here).

        Returns
        -------
        data frame
            Columns user, item, score, in the order of the pairs. A pair that the model cannot
            score has minus infinity. Scores rank items for one user; they are not ratings.
        """
        from hybridrec.models.pairs import score_pairs

        self._check_fitted()
        return score_pairs(self, pairs, user, item)

    def similar_items(self, items: Sequence[Any], k: int = 10, *, num_threads: int = 0) -> Any:
        """Return the items most like each of some items.

        Returns
        -------
        data frame
            Columns item, similar, score, rank (from 1).

        Raises
        ------
        ParameterError
            If the model has no notion of similar items.
        """
        from hybridrec.models.pairs import similar_items

        self._check_fitted()
        return similar_items(self, items, k, num_threads)

    # ---- storage and growth -----------------------------------------------------------------

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Save the fitted model to a folder; `hybridrec.load` reads it back.

        Raises
        ------
        OutputError
            If the path exists (unless ``overwrite``) or cannot be written; nothing is left
            half-written, and a model that was there stays whole.
        """
        from hybridrec.models.storage import save_model

        self._check_fitted()
        save_model(self, path, overwrite=overwrite)

    def update(self, interactions: Any) -> Self:
        """Take in new interactions of old and new users and items without a refit.

        See `hybridrec.models.growth.update_model`.
        """
        from hybridrec.models.growth import update_model

        self._check_fitted()
        update_model(self, interactions)
        return self

    def add_items(self, table: Any, *, knowledge: Any = None, item: str | None = None) -> Self:
        """Add new items by their features.

        See `hybridrec.models.growth.add_items`.
        """
        from hybridrec.models.growth import add_items

        self._check_fitted()
        add_items(self, table, knowledge, item)
        return self
