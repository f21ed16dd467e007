"""A model as one scenario sees it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.kept import kept
from hybridrec.ranking.scorer import FactorScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.online.transfer.adaptation import Adaptation
    from hybridrec.ranking.explanation import Explanation


class ScenarioView(Recommender):
    """A fitted `Scenarios` under one scenario: recommends, scores and explains as any model.

    Made by `Scenarios.scenario` or ``in_context``. A view is a snapshot: after an ``update`` of
    the model, ask for a new one.

    Known users have their factors in the scenario; who has nothing there is served from what is
    known elsewhere. A ``history`` given to `recommend` is taken as interactions in this scenario;
    of a domain, items of other domains among them tell of the user all the same.

    Attributes
    ----------
    name : str
        The scenario.
    shared : Recommender
        The model of all scenarios.
    adaptation : Adaptation
    history_ : csr_matrix
        Items that are left out of lists: those of this scenario, or of any (``seen="any"``).
    popularity_ : ndarray of float32, shape (n_items,)
        Users of every item in this scenario; between equals, those in all (a fraction of 1).
    """

    model_name = "scenarios"

    def __init__(
        self,
        name: str = "",
        shared: Recommender | None = None,
        adaptation: Adaptation | None = None,
    ) -> None:
        self.name = name
        if shared is not None and adaptation is not None:
            self.shared, self.adaptation = shared, adaptation

    def __repr__(self) -> str:
        return f"ScenarioView({self.name!r})"

    def of(self, own: csr_matrix, seen: csr_matrix, catalogue: np.ndarray | None) -> ScenarioView:
        """Take the users' histories in the scenario, and its items; None means all."""
        shared = self.shared
        self.users_, self.items_ = shared.users_, shared.items_
        self.item_table_, self.knowledge_ = shared.item_table_, shared.knowledge_
        self.item_pipeline_, self.user_pipeline_ = shared.item_pipeline_, shared.user_pipeline_
        self.user_sources_ = shared.user_sources_
        self._own, self._catalogue = own, catalogue
        scorable = shared.scorable_
        self.scorable_ = scorable if catalogue is None else scorable & catalogue
        self._set_history(seen)
        everywhere = shared.popularity_ / (1.0 + len(shared.users_))
        self.popularity_ = (own.getnnz(axis=0) + everywhere).astype(np.float32)
        scorer = shared.scorer_
        assert isinstance(scorer, FactorScorer)
        items = self.adaptation.item_factors(scorer.item_factors)
        users = self._users(scorer.user_factors, own)
        if items is scorer.item_factors:
            self.scorer_: Scorer = (
                scorer if users is scorer.user_factors else scorer.for_users(users)
            )
        else:
            self.scorer_ = FactorScorer(users, items, scorer.item_bias)
        return self

    def _users(self, factors: np.ndarray, history: csr_matrix) -> np.ndarray:
        adaptation, scorer = self.adaptation, self.shared.scorer_
        side = kept(self, "side", (scorer,), lambda: adaptation.user_side(self.shared))
        return adaptation.user_factors(self.shared, side, factors, history)

    # ---- the contract of models -------------------------------------------------------------

    def scorer_for(
        self,
        user_codes: np.ndarray,
        history: csr_matrix | None = None,
        features: csr_matrix | None = None,
    ) -> tuple[Scorer, np.ndarray, np.ndarray]:
        """As in `Recommender`; histories are folded into the shared model, then adapted."""
        self._check_fitted()
        if history is None:
            return super().scorer_for(user_codes)
        folded, rows, sources = self.shared.scorer_for(user_codes, history, features)
        return self._adapted(folded, history), rows, sources

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return self._adapted(self.shared._fold_in(history), history)

    def _adapted(self, folded: Scorer, history: csr_matrix) -> Scorer:
        """Return users who are folded into the shared model as this scenario sees them."""
        assert isinstance(folded, FactorScorer)
        assert isinstance(self.scorer_, FactorScorer)
        own = history if self._catalogue is None else _among(history, self._catalogue)
        return self.scorer_.for_users(self._users(folded.user_factors, own))

    def explain(
        self, user: Any = None, item: Any = None, *, history: Any = None, **more: Any
    ) -> Explanation:
        """As in `Recommender`; of a known user, items of all scenarios are named."""
        self._check_fitted()
        if user is None or history is not None:
            return super().explain(user, item, history=history, **more)
        known = copy(self)
        known.history_ = self.shared.history_
        known._catalogue = np.zeros(len(self.items_), dtype=bool)
        known._catalogue[self._own[int(self.users_.codes([user])[0])].indices] = True
        return super(ScenarioView, known).explain(user, item, **more)

    # ---- what only the whole model can do ---------------------------------------------------

    def _fit(self, *_: Any) -> Scorer:
        self._refuse("fitted")

    def fit(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the model of all scenarios is fitted."""
        self._refuse("fitted")

    def update(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the model of all scenarios takes in new interactions."""
        self._refuse("updated")

    def add_items(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the model of all scenarios takes in new items."""
        self._refuse("extended")

    def save(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the model of all scenarios is saved."""
        self._refuse("saved")

    def _refuse(self, what: str) -> NoReturn:
        raise ParameterError(
            f"this is the view of scenario {self.name!r}; the model it was made from is {what}"
        )


def _among(history: csr_matrix, items: np.ndarray) -> csr_matrix:
    """Return the entries of a history with some items."""
    from scipy.sparse import csr_matrix

    chosen = items[history.indices]
    indptr = np.concatenate([[0], np.cumsum(chosen)])[history.indptr]
    return csr_matrix((history.data[chosen], history.indices[chosen], indptr), shape=history.shape)
