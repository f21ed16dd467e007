"""What a contextual model is once fitted: views under circumstances, and their scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.context import context_label
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.composite import Composite
from hybridrec.models.context_effects import Effect, Given, Lifts, People
from hybridrec.models.kept import kept
from hybridrec.models.members import padded
from hybridrec.ranking.explanation import Shares, joined
from hybridrec.ranking.scorer import FactorScorer, Scorer, one_user

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from typing_extensions import Self

    from hybridrec.models.base import Recommender
    from hybridrec.models.explain import Asked

POPULAR = 10.0  # smoothing of what is popular in a context
MOST_VIEWS = 64  # contexts that are kept ready
IN_CONTEXT = "the context"


class InContext(Composite):
    """The part of `hybridrec.models.contextual.Contextual` that answers.

    The first member is the base; ``_given`` are the values of a view, with their strengths.
    """

    method: str
    values_: dict[str, tuple[str, ...]]
    strengths_: dict[str, float]
    measured_: np.ndarray
    _given: Given | None = None

    @abstractmethod
    def _effect(self) -> Effect:
        """Return what contexts do to the scores of the base."""

    @abstractmethod
    def _counts(self) -> csr_matrix:
        """Return how many users have every item under every value."""

    # ---- context ----------------------------------------------------------------------------

    def in_context(self, context: Mapping[str, Any]) -> Self:
        """Return the model under some circumstances, to be asked as any other.

        It cannot be changed or saved; ``unknown_context_`` tells what is not known here.

        Parameters
        ----------
        context : mapping of str to value
            Any of the columns in ``values_``; None leaves one out.

        Raises
        ------
        ParameterError
            If there is no such column, or a value is no text, number or boolean.
        """
        self._check_fitted()
        given, unknown = self._read(context)
        made_of = (self.history_, self.scorable_)
        views: dict[tuple[int, ...], Self] = kept(self, "views", made_of, dict)
        view = views.get(tuple(given))
        if view is None:
            view = copy(self)
            view._given, view.__dict__["_kept"] = given, {}
            if len(views) >= MOST_VIEWS:
                views.clear()
            views[tuple(given)] = view
        if unknown:
            view = copy(view)
        view.unknown_context_ = unknown
        return view

    @property
    def context_values(self) -> Mapping[str, Sequence[str]]:
        """As in `Recommender`."""
        self._check_fitted()
        return self.values_

    def _read(self, context: Mapping[str, Any]) -> tuple[dict[int, float], dict[str, Any]]:
        """Return the values of a context with their strengths, and what is not known."""
        if not isinstance(context, Mapping):
            raise ParameterError(f"context must be a mapping of columns to values, got {context!r}")
        starts = dict(zip(self.values_, self._starts.tolist(), strict=False))
        given, unknown = {}, {}
        for name, value in context.items():
            if name not in self.values_:
                raise ParameterError(
                    f"no context {name!r} here{did_you_mean(name, self.values_)} (the model was"
                    f" fitted with {', '.join(self.values_) or 'none'})"
                )
            if value is None:
                continue
            label = context_label(name, value)
            if label not in self.values_[name]:
                unknown[name] = value
            elif self.strengths_[name] > 0:
                place = starts[name] + self.values_[name].index(label)
                given[place] = self.strengths_[name]
        return dict(sorted(given.items())), unknown

    @property
    def _starts(self) -> np.ndarray:
        return np.cumsum([0, *map(len, self.values_.values())])

    @property
    def _measured(self) -> np.ndarray:
        """Items with interactions at the fit: over these, scores are put on one scale."""
        return padded(self.measured_, self.history_.shape[1])

    def _everyone(self) -> People:
        return People(np.arange(self.history_.shape[0]), self.history_, None, stored=True)

    def _check_general(self, what: str) -> None:
        if self._given is not None:
            raise ParameterError(
                f"a model in a context cannot be {what}; take the one without context"
            )

    # ---- scores -----------------------------------------------------------------------------

    @property
    def scorer_(self) -> Scorer:
        """The scorer of the base, in a context the one under it."""
        if not self.members_:
            raise AttributeError(f"{type(self).__name__} is not fitted")
        base = self.members_[0]
        if not self._given:
            return base.scorer_
        given = self._given
        made_of = (self.history_, self.scorable_)

        def make() -> Scorer:
            return self._effect().applied(base.scorer_, given, self._measured, self._everyone())

        return kept(self, "scorer", made_of, make)

    @scorer_.setter
    def scorer_(self, scorer: Scorer) -> None:
        base, *others = self.members_
        base.scorer_ = scorer
        for other in others:
            _grow(other, scorer.n_users, scorer.n_items)

    def scorer_for(
        self,
        user_codes: np.ndarray,
        history: csr_matrix | None = None,
        features: csr_matrix | None = None,
    ) -> tuple[Scorer, np.ndarray, np.ndarray]:
        """As in `Recommender`; new users have contexts, too."""
        self._check_fitted()
        base = self.members_[0]
        if not self._given:
            return base.scorer_for(user_codes, history, features)
        if history is None:
            return self.scorer_, user_codes, self.user_sources_[user_codes].copy()
        scorer, rows, sources = base.scorer_for(user_codes, history, features)
        people = People(user_codes, history, features, stored=False)
        like = self.scorer_ if self.method == "post-filter" else None
        applied = self._effect().applied(scorer, self._given, self._measured, people, like)
        return applied, rows, sources

    @property
    def popular_scorer(self) -> FactorScorer:
        """As in `Recommender`; in a context, what is popular in it."""
        if not self._given:
            return super().popular_scorer
        lifts, given = Lifts(self._counts(), self._starts, POPULAR), dict.fromkeys(self._given, 1.0)

        def make() -> FactorScorer:
            counts = np.array(self.popularity_, dtype=np.float64)
            counts[: lifts.counts.shape[1]] *= np.exp(lifts.together(given))
            return one_user(counts.astype(np.float32))

        return kept(self, "popular in context", (self.popularity_,), make)

    def _learn(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> None:
        super()._learn(matrix, item_features, user_features)
        self.scorable_ = self.members_[0].scorable_

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return self.scorer_for(np.full(history.shape[0], -1), history)[0]

    def _by_features(self, features: csr_matrix) -> Scorer | None:
        return self.members_[0]._by_features(features)

    def _similarity(self, items: np.ndarray) -> Scorer:
        return self.members_[0]._similarity(items)

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        placed = [
            member.uses_item_features and member._place_items(items, features)
            for member, fed in zip(self.members_, self.fed_, strict=True)
            if fed
        ]
        for member in self.members_:
            member.scorable_ = member.scorable_.copy()
            member.scorable_[items] = np.diff(features.indptr) > 0
        return bool(placed and placed[0])

    # ---- explanation ------------------------------------------------------------------------

    def _history_shares(self, asked: Asked) -> Shares:
        if self._given and self.method != "post-filter":
            return super()._history_shares(asked)  # by leaving out: it holds for any scorer
        own, context = self._without_context(asked)
        return joined([self.members_[0]._history_shares(own), context])

    def _feature_shares(self, asked: Asked) -> Shares | None:
        if self._given and self.method != "post-filter":
            return None
        own, context = self._without_context(asked)
        shares = self.members_[0]._feature_shares(own)
        return None if shares is None else joined([shares, context])

    def _without_context(self, asked: Asked) -> tuple[Asked, Shares]:
        """Return what the base is asked, and what the context adds to its score."""
        if not self._given:
            return asked, Shares.nothing()
        history = asked.history if asked.folded else None
        scorer, rows, _ = self.members_[0].scorer_for(np.array([asked.user]), history)
        target = np.array([[asked.target]], dtype=np.int32)
        score = float(scorer.chosen(rows, target)[0, 0])
        own = asked._replace(scorer=scorer, row=int(rows[0]), score=score)
        return own, Shares.nothing(**{IN_CONTEXT: asked.score - score})


def _grow(model: Recommender, n_users: int, n_items: int) -> None:
    """Give a model room for new items and users; it knows nothing of either."""
    from scipy.sparse import csr_matrix

    scorer = model.scorer_
    if n_items > scorer.n_items:
        model.scorer_ = scorer = scorer.with_more_items(n_items - scorer.n_items)
    if n_users > scorer.n_users:
        nobody = model._fold_in(csr_matrix((0, n_items), dtype=np.float32))
        model.scorer_ = scorer.with_users_of(nobody, np.zeros(0, dtype=np.int64), n_users)
