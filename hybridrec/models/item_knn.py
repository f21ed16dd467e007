"""Item-item nearest neighbours (Sarwar et al. 2001), with implicit inside."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.base import Recommender
from hybridrec.models.checks import whole
from hybridrec.ranking.scorer import HistoryScorer, Scorer
from hybridrec.runtime import resolve_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SIMILARITIES = ("cosine", "tfidf", "bm25")


class ItemKNN(Recommender):
    """Score an item by its similarity to the items of the user's history.

    Parameters
    ----------
    neighbors : int, default 200
        Similar items kept for each item.
    similarity : {"cosine", "tfidf", "bm25"}, default "tfidf"
        Weighting of the user-item matrix before the similarity is taken.
    num_threads : int, default 0
        0 means all.
    """

    model_name = "item-knn"

    def __init__(
        self, *, neighbors: int = 200, similarity: str = "tfidf", num_threads: int = 0
    ) -> None:
        self.neighbors, self.similarity, self.num_threads = neighbors, similarity, num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        from implicit import nearest_neighbours as nn
        from scipy.sparse import csr_matrix, diags

        if self.similarity not in SIMILARITIES:
            raise ParameterError(
                f"similarity must be one of {', '.join(SIMILARITIES)}, got {self.similarity!r}"
                f"{did_you_mean(self.similarity, SIMILARITIES)}"
            )
        whole(neighbors=self.neighbors)
        kinds = {
            "cosine": nn.CosineRecommender,
            "tfidf": nn.TFIDFRecommender,
            "bm25": nn.BM25Recommender,
        }
        count = resolve_threads(self.num_threads)
        model = kinds[self.similarity](K=self.neighbors + 1, num_threads=count)  # + the item itself
        with warnings.catch_warnings():  # of a conversion the package makes itself
            warnings.simplefilter("ignore")
            model.fit(matrix.astype(np.float64), show_progress=False)
        similar = csr_matrix(model.similarity, dtype=np.float32)
        similar = csr_matrix(similar - diags(similar.diagonal()), dtype=np.float32)
        similar.eliminate_zeros()
        similar.sort_indices()
        return HistoryScorer(matrix, similar, over_items=True)

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, HistoryScorer)
        return HistoryScorer(history, self.scorer_.weights, over_items=True)

    def _similarity(self, items: np.ndarray) -> Scorer:
        from scipy.sparse import identity

        assert isinstance(self.scorer_, HistoryScorer)
        one_each = identity(len(self.items_), dtype=np.float32, format="csr")[items]
        return HistoryScorer(one_each, self.scorer_.weights, over_items=True)
