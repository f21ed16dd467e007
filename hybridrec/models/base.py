"""The contract of all models: fit -> scorer -> lists."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, first_few
from hybridrec.models.frames import FEATURES, MODEL, POPULAR, Lists
from hybridrec.models.record import Record
from hybridrec.models.scoring import Scoring
from hybridrec.models.side import FeatureInput, has_entries, resolve_features
from hybridrec.models.tables import plain_table
from hybridrec.ranking.topk import check_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from typing_extensions import Self

    from hybridrec.models.explain import Asked
    from hybridrec.ranking.catalogue import Catalogue
    from hybridrec.ranking.explanation import Explanation, Shares
    from hybridrec.ranking.rerank import Reranker
    from hybridrec.ranking.rules import CompiledRules, Rules
    from hybridrec.ranking.scorer import Scorer


class Recommender(Scoring):
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
    unknown_context_ : mapping of str to value
        Of a model in a context: what it does not know of it.
    hidden_ : csr_matrix or None, shape (n_users, n_items)
        Pairs that are not recommended, whatever their score: users said that they want no more.
    record_ : Record or None
        What the model was at its fit, and what it has taken in since.
    knowledge_ : KnowledgeGraph or None
        That of the dataset, whether the model learned from it or not: explanations name its facts.
    """

    unknown_context_: Mapping[str, Any] = MappingProxyType({})

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
        self._take_over(dataset)
        self.item_pipeline_, self.user_pipeline_ = item_pipeline, user_pipeline
        return self

    def _take_over(self, dataset: Dataset) -> None:
        """Take over what a dataset tells beside its interactions."""
        self.users_, self.items_ = dataset.users, dataset.items
        table = dataset.item_table
        self.item_table_ = None if table is None else plain_table(table)
        self.backend_, self.knowledge_ = dataset.interactions.backend, dataset.knowledge
        self.hidden_, self.record_ = None, Record.of(self)
        self.__dict__.pop("texts_", None)  # a card of another fit
        self.recency_ = dataset.interactions.recency

    def _learn(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> None:
        """Fit on arrays and set what follows from them."""
        scorer = self._fit(matrix, item_features, user_features)
        self._set_fitted(scorer, matrix, item_features, user_features)

    def _set_fitted(
        self,
        scorer: Scorer,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> None:
        """Set the scorer of a fit on arrays, and what follows from these."""
        self.scorer_ = scorer
        self._set_history(matrix)
        self.from_users_ = None
        n_users, n_items = matrix.shape
        self.scorable_ = (self.popularity_ > 0) | has_entries(item_features, n_items)
        known = has_entries(user_features, n_users)
        self.user_sources_ = np.where(known, FEATURES, POPULAR).astype(np.int8)
        self.user_sources_[np.diff(matrix.indptr) > 0] = MODEL

    def _set_history(self, matrix: csr_matrix) -> None:
        self.history_ = matrix
        self.popularity_ = matrix.getnnz(axis=0).astype(np.float32)

    # ---- recommend --------------------------------------------------------------------------

    def recommend(
        self,
        users: Sequence[Any] | np.ndarray | None = None,
        k: int = 10,
        *,
        history: Any = None,
        context: Mapping[str, Any] | None = None,
        rules: Rules | None = None,
        rerank: Reranker | str | None = None,
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
            without ``history`` if known, else the popular items. If the model was fitted on
            interactions `weighted_by` age or sessions, so are these, unless they have no
            timestamps.
        context : mapping of str to value, optional
            The circumstances; see `in_context`. A value that no interaction of the fit had changes
            nothing, with a warning.
        rules : Rules, optional
            Which items may come out, and where. An empty list is an answer.
        rerank : Reranker or str, optional
            How the best items are put in order, such as ``"mmr:weight=0.3"``; by score if not
            given.
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
            resort), "pinned" (by a rule; the score is NaN where the model has none).

        Raises
        ------
        UnknownIdError, DataError, ParameterError, NotFittedError
        """
        from hybridrec.models.lists import asked_users, recommend, wish

        self._check_fitted()
        if context is not None:
            model = self.in_context(context)
            warn_of_unknown(model)
            return model.recommend(
                users,
                k,
                history=history,
                rules=rules,
                rerank=rerank,
                unknown=unknown,
                num_threads=num_threads,
            )
        wanted = wish(k, rerank=rerank, num_threads=num_threads)
        return recommend(self, asked_users(self, users, history, unknown), rules, wanted)

    def in_context(self, context: Mapping[str, Any]) -> Recommender:
        """Return the model as it is under some circumstances; they share what they can.

        ``unknown_context_`` of what comes back tells which values no interaction of the fit had:
        as to them it is the model without context.

        Parameters
        ----------
        context : mapping of str to value
            Such as ``{"daypart": "evening"}``: columns that the model was fitted with.

        Raises
        ------
        ParameterError
            If the model was not fitted with such columns.
        """
        raise ParameterError(
            f"{self.model_name} knows no context: it cannot use {first_few(context)}"
        )

    @property
    def context_values(self) -> Mapping[str, Sequence[str]]:
        """What `in_context` knows: columns, and the values of each."""
        return {}

    def audit(
        self,
        users: Sequence[Any] | np.ndarray | None = None,
        k: int = 10,
        *,
        history: Any = None,
        rules: Rules | None = None,
        rerank: Reranker | str | None = None,
        unknown: str = "raise",
        num_threads: int = 0,
    ) -> Any:
        """Tell what rules do to the lists of `recommend`, whose parameters these are.

        Returns
        -------
        data frame
            A row for every item that would stand in a user's list without rules, and for every
            pinned one, with the columns

            - user, item;
            - rank: in the list without rules, 0 for a pinned item that would not stand there;
            - score: NaN for a pinned item that would not stand there;
            - rule: the first against the item: "allow", "deny", "where", "user deny" or "quota";
              "pin" for pinned items and those that made room for them; "rerank" for those in
              whose place ``rerank`` chose other candidates; empty for an item that stays;
            - detail: the condition, the quota with its value, or what became of a pinned item:
              its rank, or why it is left out.

        Raises
        ------
        UnknownIdError, DataError, ParameterError, NotFittedError
        """
        from hybridrec.models.audit import audit
        from hybridrec.models.lists import asked_users, wish

        self._check_fitted()
        wanted = wish(k, rerank=rerank, num_threads=num_threads)
        return audit(self, asked_users(self, users, history, unknown), rules, wanted)

    def recommend_codes(
        self,
        user_codes: np.ndarray,
        k: int = 10,
        *,
        history: csr_matrix | None = None,
        features: csr_matrix | None = None,
        items: np.ndarray | None = None,
        rules: CompiledRules | None = None,
        rerank: Reranker | None = None,
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
        features : csr_matrix, shape (n, width), optional
            Of new users, beside their histories, which may be empty.
        items : ndarray of bool, shape (n_items,), optional
            Items that may come out.
        rules : CompiledRules, optional
            Compiled for the model's items and, where they deny items to users, its users:
            ``user_codes`` are then looked up also beside a ``history``.
        rerank : Reranker, optional
        num_threads : int, default 0
        """
        from hybridrec.models.lists import Wish, lists_of_codes

        self._check_fitted()
        wish = Wish(check_k(k), items, rules, rerank, num_threads)
        return lists_of_codes(self, user_codes, history, wish, user_codes, features)

    # ---- score, similar ---------------------------------------------------------------------

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

    def _history_shares(self, asked: Asked) -> Shares:
        """Take a score apart by the items of the history; exactly where the scorer allows it."""
        from hybridrec.models.explain import history_shares

        return history_shares(self, asked)

    def explain(
        self,
        user: Any = None,
        item: Any = None,
        *,
        history: Any = None,
        parts: int = 10,
        paths: int = 3,
    ) -> Explanation:
        """Tell why a user is recommended an item.

        Parameters
        ----------
        user : id, optional
            By default the only user of ``history``; without both, somebody of whom nothing is
            known.
        item : id
        history : data frame or Interactions, optional
            As in `recommend`.
        parts : int, default 10
            So many items, and features, are named; the others are summed up.
        paths : int, default 3
            Most paths through the knowledge graph from items of the history.

        Raises
        ------
        UnknownIdError, NotFittedError, ParameterError
        DataError
            If the model cannot score the item for the user.
        """
        from hybridrec.models.explain import explain

        self._check_fitted()
        return explain(self, user, item, history=history, parts=parts, paths=paths)

    @property
    def catalogue(self) -> Catalogue:
        """What re-ranking knows of the items: vectors, groups, popularity; made as asked for."""
        from hybridrec.models.catalogue import catalogue_of

        self._check_fitted()
        return catalogue_of(self)

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

    def update(self, interactions: Any, *, duplicates: str = "sum") -> Self:
        """Take in new interactions of old and new users and items without a refit.

        See `hybridrec.models.update.update_model`.
        """
        from hybridrec.models.update import update_model

        self._check_fitted()
        update_model(self, interactions, duplicates=duplicates)
        return self

    def add_items(self, table: Any, *, knowledge: Any = None, item: str | None = None) -> Self:
        """Add new items by their features.

        See `hybridrec.models.growth.add_items`.
        """
        from hybridrec.models.growth import add_items

        self._check_fitted()
        add_items(self, table, knowledge, item)
        return self


def warn_of_unknown(model: Recommender) -> None:
    """Warn of values of a context that a model does not know."""
    for name, value in model.unknown_context_.items():
        warnings.warn(unknown_context_text(name, value), stacklevel=4)


def unknown_context_text(name: str, value: Any) -> str:
    """Say that a value of a context is not known."""
    return f"no interaction of the fit had the context {name}={value}: it changes nothing"
