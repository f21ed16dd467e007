"""Calibrated recommendation: the mix of categories that the user's history has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridrec.ranking.catalogue import Catalogue
from hybridrec.ranking.rerank.reranker import (
    Reordering,
    Reranker,
    check_name,
    check_share,
    standardised,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Calibrated(Reranker):
    """Calibrated recommendation.

    The next item is the candidate i with the largest ``(1 - weight) z(i) - weight KL(p, q)``,
    where ``KL(p, q) = sum over categories c of p(c) ln(p(c) / (.99 q(c) + .01 p(c)))``, p is the
    mix of categories in the user's history, q that of the items chosen before and i, and ``z`` are
    the user's standardised scores. Each item spreads a weight of 1 over its categories, as in the
    metric "miscalibration"; one without categories changes no mix. A user without a history of
    items with categories gets the model's own order. Steck, "Calibrated recommendations"
    (RecSys 2018).

    Parameters
    ----------
    column : str
        Of the item table: categories, possibly lists of them.
    weight : float, default 0.7
        From 0, the model's own order, to 1.
    candidates : int, default 100
    """

    name: ClassVar[str] = "calibrated"

    column: str
    weight: float = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(column=self.column)
        check_share(weight=self.weight)

    def _prepared(self, catalogue: Catalogue) -> Reordering:
        shares = catalogue.shares(self.column)
        rows = (shares.indptr, shares.indices, shares.data)

        def reorder(items: np.ndarray, scores: np.ndarray, histories: csr_matrix) -> np.ndarray:
            from hybridrec.kernels.rerank import calibrated_order

            order = np.empty(items.shape, dtype=np.intp)
            history = (histories.indptr, histories.indices, histories.data)
            calibrated_order(
                *(standardised(items, scores), items, *history, *rows),
                *(shares.shape[1], float(self.weight), order),
            )
            return order

        return reorder
