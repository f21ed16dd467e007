"""What the ways to a diverse list share: cosines between candidates, some users at a time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.ranking.catalogue import Catalogue, Vectors
from hybridrec.ranking.rerank.reranker import (
    Reordering,
    Reranker,
    check_name,
    check_share,
    standardised,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BYTES = 4 << 20  # of cosines held at a time


@dataclass(frozen=True)
class Diverse(Reranker):
    """Base of re-rankers that keep items apart that are alike.

    A candidate of which nothing is known is taken to be as unlike the others as the known ones
    are on average, so that it gains nothing by that.

    Attributes
    ----------
    block : str, optional
        The feature block that tells how alike items are, as `Catalogue.vectors` has it: "tokens",
        "columns", "factors", ...; by default the best the model has.
    weight : float
        From 0, the model's own order, to 1, diversity alone.
    """

    block: str | None = None
    weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(weight=self.weight)
        if self.block is not None:
            check_name(block=self.block)

    @abstractmethod
    def _select(self, relevance: np.ndarray, cosines: np.ndarray, order: np.ndarray) -> None:
        """Write the order of candidates, (n, m), by relevance (n, m) and cosines (n, m, m)."""

    def _prepared(self, catalogue: Catalogue) -> Reordering:
        vectors = catalogue.vectors(self.block)

        def reorder(items: np.ndarray, scores: np.ndarray, _histories: csr_matrix) -> np.ndarray:
            relevance = standardised(items, scores)
            order = np.empty(items.shape, dtype=np.intp)
            users = max(1, BYTES // (4 * max(items.shape[1], 1) ** 2))
            for start in range(0, len(items), users):
                part = slice(start, start + users)
                self._select(relevance[part], _cosines(vectors, items[part]), order[part])
            return order

        return reorder


def _cosines(vectors: Vectors, items: np.ndarray) -> np.ndarray:
    """Return how alike the candidates of each user are, float32 (n, m, m)."""
    from hybridrec.kernels.rerank import dense_cosines, sparse_cosines

    cosines = np.empty((*items.shape, items.shape[1]), dtype=np.float32)
    if isinstance(vectors, np.ndarray):
        dense_cosines(vectors, items, cosines)
    else:
        rows = (vectors.indptr, vectors.indices, vectors.data)
        sparse_cosines(*rows, vectors.shape[1], items, cosines)
    return cosines
