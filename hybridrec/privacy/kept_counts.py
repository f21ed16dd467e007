"""Models whose counts of items are not those of the users that the model knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.base import Recommender

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class KeptCounts(Recommender):
    """Base of models that are told how popular items are, instead of counting their own users.

    Counts of a private model have noise, and those of a federation are of all parties; both must
    stay when users are loaded, updated or removed.

    Attributes
    ----------
    counts_ : ndarray of float32, shape (n_items at the fit,)
    """

    counts_: np.ndarray

    def _set_history(self, matrix: csr_matrix) -> None:
        super()._set_history(matrix)
        if hasattr(self, "counts_"):
            self.popularity_ = np.pad(self.counts_, (0, matrix.shape[1] - len(self.counts_)))

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), "counts_": self.counts_}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.counts_ = state["counts_"]
        super()._set_state({name: part for name, part in state.items() if name != "counts_"})
        self._set_history(self.history_)  # which was there first
