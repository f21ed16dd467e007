"""Item-item nearest neighbours (Sarwar et al. 2001), with implicit inside (Jaccard ours)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.checks import whole
from hybridrec.models.item_item import ItemItemModel, nearest_items
from hybridrec.ranking.scorer import HistoryScorer, Scorer
from hybridrec.runtime import resolve_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SIMILARITIES = ("cosine", "tfidf", "bm25", "jaccard")


class ItemKNN(ItemItemModel):
    """Score an item by its similarity to the items of the user's history.

    Parameters
    ----------
    neighbors : int, default 200
        Similar items kept for each item.
    similarity : {"cosine", "tfidf", "bm25", "jaccard"}, default "tfidf"
        Weighting of the user-item matrix before the similarity is taken; or the users of both
        items over those of either, whatever their weights.
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
        self._check_parameters()
        if self.similarity == "jaccard":
            similar = nearest_items(_Jaccard.of(matrix), self.neighbors, self.num_threads)
        else:
            similar = self._similar_by_package(matrix)
        return HistoryScorer(matrix, similar, over_items=True)

    def _check_parameters(self) -> None:
        if self.similarity not in SIMILARITIES:
            raise ParameterError(
                f"similarity must be one of {', '.join(SIMILARITIES)}, got {self.similarity!r}"
                f"{did_you_mean(self.similarity, SIMILARITIES)}"
            )
        whole(neighbors=self.neighbors)

    def _similar_by_package(self, matrix: csr_matrix) -> csr_matrix:
        from implicit import nearest_neighbours as nn
        from scipy.sparse import csr_matrix, diags

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
        return similar


class _Jaccard(HistoryScorer):
    """Items scored for items: the users who have both over those who have either."""

    @classmethod
    def of(cls, matrix: csr_matrix) -> _Jaccard:
        """Return the scorer of some interactions, whatever they weigh."""
        users = matrix.astype(bool).astype(np.float32)
        return cls(users.T.tocsr(), users, over_items=False)

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the similarities of some items to all items."""
        both = super().block(rows)
        count = np.diff(self.profiles.indptr).astype(np.float32)
        either = count[rows, None] + count - both  # infinite where nobody has both
        np.divide(both, either, out=both, where=np.isfinite(both))
        return both
