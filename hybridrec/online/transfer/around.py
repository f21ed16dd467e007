"""A model around another one, which answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.composite import Composite
from hybridrec.models.side import has_entries
from hybridrec.ranking.scorer import Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked
    from hybridrec.ranking.explanation import Shares


class AroundOne(Composite):
    """Base of models with a single member, whose scores are theirs."""

    fed_ = np.ones(1, dtype=np.bool_)

    @property
    def scorer_(self) -> Scorer:
        """The factors of the member."""
        if not self.members_:
            raise AttributeError(f"{type(self).__name__} is not fitted")
        return self.members_[0].scorer_

    @scorer_.setter
    def scorer_(self, scorer: Scorer) -> None:
        self.members_[0].scorer_ = scorer

    def scorer_for(
        self,
        user_codes: np.ndarray,
        history: csr_matrix | None = None,
        features: csr_matrix | None = None,
    ) -> tuple[Scorer, np.ndarray, np.ndarray]:
        """As the member."""
        self._check_fitted()
        return self.members_[0].scorer_for(user_codes, history, features)

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return self.members_[0]._fold_in(history)

    def _fold_in_items(self, histories: csr_matrix) -> tuple[np.ndarray, np.ndarray] | None:
        return self.members_[0]._fold_in_items(histories)

    def _by_features(self, features: csr_matrix) -> Scorer | None:
        return self.members_[0]._by_features(features)

    def _similarity(self, items: np.ndarray) -> Scorer:
        return self.members_[0]._similarity(items)

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        base = self.members_[0]
        if not base._place_items(items, features):
            return False
        base.scorable_ = base.scorable_.copy()
        base.scorable_[items] = has_entries(features, len(items))
        return True

    def _history_shares(self, asked: Asked) -> Shares:
        return self.members_[0]._history_shares(asked)

    def _feature_shares(self, asked: Asked) -> Shares | None:
        return self.members_[0]._feature_shares(asked)
