"""Content-based recommendation: items whose features resemble those of the user's history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.blocks import scale_rows
from hybridrec.models.base import Recommender
from hybridrec.models.checks import whole
from hybridrec.models.item_item import nearest_items, with_new_items
from hybridrec.ranking.explanation import Shares
from hybridrec.ranking.scorer import HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked


class Content(Recommender):
    """Score an item by the cosine of its features and the user's profile.

    The profile is the weighted sum of the features of the user's items (Rocchio), so this ranks
    as a nearest-neighbour model between items would that compares features instead of users and
    keeps all neighbours. With ``neighbors`` it is that model, with so many of them: the score is
    the sum of the cosines with those items of the user that have the item among their
    neighbours. Items without interactions are scored like all others; no training.

    Parameters
    ----------
    neighbors : int, default 0
        Similar items kept for each item, whether anyone has them or not; 0 means all.
    num_threads : int, default 0
        0 means all; the result does not depend on it.
    """

    model_name = "content"
    uses_item_features = True

    def __init__(self, *, neighbors: int = 0, num_threads: int = 0) -> None:
        self.neighbors, self.num_threads = neighbors, num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        if self.neighbors != 0:
            whole(neighbors=self.neighbors)
        if item_features is None:
            raise ParameterError(
                "content needs item features: give a knowledge graph or an item table"
            )
        self.features_ = scale_rows(item_features)
        if self.neighbors == 0:
            return _match(matrix, self.features_)
        alike = _alike(self.features_, self.features_)
        nearest = nearest_items(alike, self.neighbors, self.num_threads).maximum(0)
        nearest.eliminate_zeros()
        return HistoryScorer(matrix, nearest, over_items=True)

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, HistoryScorer)
        if self.neighbors == 0:
            return _match(history, self._item_features())
        return self.scorer_.for_users(history)

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        from scipy.sparse import vstack

        assert isinstance(self.scorer_, HistoryScorer)
        known, new = self._item_features()[: items[0]], scale_rows(features)
        self.features_ = vstack([known, new], format="csr")
        if self.neighbors == 0:
            self.scorer_ = replace(self.scorer_, weights=_transposed(self.features_))
        else:
            self.scorer_ = self._linked(self.scorer_, items, new)
        return True

    def _linked(self, scorer: HistoryScorer, items: np.ndarray, new: csr_matrix) -> HistoryScorer:
        """Give new items their neighbours, and put them among those of others.

        An item that gets a new neighbour so keeps the last one it had, too.
        """
        cosines = np.maximum((self.features_ @ new.T).toarray(), 0.0)
        cosines[items, np.arange(len(items))] = 0.0
        least = _least_kept(scorer.weights[: items[0]], self.neighbors)
        into = np.where(cosines[: items[0]] > least[:, None], cosines[: items[0]], 0.0)
        if len(cosines) > self.neighbors:
            largest = np.partition(cosines, -self.neighbors, axis=0)[-self.neighbors]
            cosines[cosines < largest] = 0.0
        return with_new_items(scorer, items, into, cosines)

    def _history_shares(self, asked: Asked) -> Shares:
        if self.neighbors:
            return super()._history_shares(asked)
        history, features = asked.history, self._item_features()
        cosines = (features[history.indices] @ features[asked.target].T).toarray().ravel()
        return Shares(history.indices, history.data * cosines / _length(history, features), {})

    def _feature_shares(self, asked: Asked) -> Shares:
        assert isinstance(asked.scorer, HistoryScorer)
        history, features, length = asked.history, self._item_features(), 1.0
        if self.neighbors:  # only what has the item among its neighbours counts
            near = asked.scorer.weights[history.indices, asked.target].toarray().ravel() != 0
            history = history.copy()
            history.data *= near
        else:
            length = _length(history, features)
        own = features[asked.target]
        profile = (history @ features)[0, own.indices].toarray().ravel()
        return Shares(own.indices, own.data * profile / length, {})

    def _item_features(self) -> csr_matrix:
        """Return one row for every item, an empty one for those that came without features."""
        known = self.features_.copy()
        known.resize(len(self.items_), known.shape[1])
        return known

    def _similarity(self, items: np.ndarray) -> Scorer:
        known = self._item_features()
        return _alike(known[items], known)

    def _state(self) -> dict[str, np.ndarray]:
        return {"features_": self.features_}


def _least_kept(weights: csr_matrix, neighbors: int) -> np.ndarray:
    """Return what a new neighbour of each item must exceed: 0 where there is room."""
    least = np.zeros(weights.shape[0], dtype=np.float32)
    full = np.diff(weights.indptr) >= neighbors
    if full.any():
        least[full] = np.minimum.reduceat(weights[full].data, weights[full].indptr[:-1])
    return least


def _length(history: csr_matrix, features: csr_matrix) -> float:
    """Return the length of a profile, before it is scaled to 1."""
    return float(np.linalg.norm((history @ features).data.astype(np.float64))) or 1.0


def _match(history: csr_matrix, features: csr_matrix) -> HistoryScorer:
    """Score the items of ``features`` against the profiles of some histories."""
    return _alike(scale_rows(history @ features), features)


def _alike(some: csr_matrix, every: csr_matrix) -> HistoryScorer:
    """Score all rows of features against some."""
    return HistoryScorer(some, _transposed(every), over_items=False)


def _transposed(features: csr_matrix) -> csr_matrix:
    weights = features.T.tocsr()
    weights.sort_indices()
    return weights
