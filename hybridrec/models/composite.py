"""Models that hold other models and share with them what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.models.base import Recommender
from hybridrec.models.side import FeatureInput

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from typing_extensions import Self


class Composite(Recommender):
    """Base of models that hold other models.

    Attributes
    ----------
    members_ : tuple of Recommender
        The fitted members.
    fed_ : ndarray of bool, shape (members,)
        Which of them were given features.
    """

    uses_item_features = True
    uses_user_features = True

    random_state: int
    num_threads: int
    fed_: np.ndarray

    def fit(
        self,
        data: Any,
        *,
        item_features: FeatureInput = None,
        user_features: FeatureInput = None,
    ) -> Self:
        """Fit the members and how they work together; see `Recommender.fit`."""
        super().fit(data, item_features=item_features, user_features=user_features)
        self.share()
        return self

    def share(self) -> None:
        """Give the members what they have in common with this model."""
        for member, fed in zip(self.members_, self.fed_, strict=True):
            member.users_, member.items_ = self.users_, self.items_
            member.user_sources_, member.backend_ = self.user_sources_, self.backend_
            member.item_table_, member.knowledge_ = self.item_table_, self.knowledge_
            member.item_pipeline_ = self.item_pipeline_ if fed else None
            member.user_pipeline_ = self.user_pipeline_ if fed else None
            member.share()

    def _set_history(self, matrix: csr_matrix) -> None:
        super()._set_history(matrix)
        for member in self.members_:
            member._set_history(matrix)
