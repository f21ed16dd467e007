"""Fair exposure: groups of items are shown as much as they are worth to all users."""

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
class FairExposure(Reranker):
    """Exposure of groups of items in proportion to their merit.

    The exposure of a group is the sum of ``d(r) = 1 / log2(r + 1)`` over the ranks r of its items.
    Its target share ``t(g)`` is its merit: its share in all (user, item) pairs the model was
    fitted on. For rank r, group g is owed ``t(g) (E + d(r)) - e(g)``, where ``e(g)`` is its
    exposure so far and E that of all groups: more than 0 if it has had less than its share. The
    next item is the candidate i with the largest ``(1 - weight) z(i) + weight owed(i)``; ``z`` are
    the user's standardised scores. An item of several groups (a list) belongs to each in equal
    parts; one without a group is owed nothing. The target holds within every list, the same for all
    users: a user's own mix of categories is the aim of `Calibrated`.

    Exposure in proportion to merit is the "disparate treatment" constraint of Singh & Joachims,
    "Fairness of exposure in rankings" (KDD 2018), met here greedily, rank by rank, by the group
    that is owed most.

    Parameters
    ----------
    column : str, optional
        Of the item table: the groups. By default popularity: head, middle and tail, with a third
        of all pairs each (`Catalogue.groups`).
    weight : float, default 0.2
        From 0, the model's own order, to 1.
    candidates : int, default 100
    """

    name: ClassVar[str] = "fair-exposure"

    column: str | None = None
    weight: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(weight=self.weight)
        if self.column is not None:
            check_name(column=self.column)

    def _prepared(self, catalogue: Catalogue) -> Reordering:
        shares, target = catalogue.shares(self.column), catalogue.merits(self.column)
        rows = (shares.indptr, shares.indices, shares.data)

        def reorder(items: np.ndarray, scores: np.ndarray, _histories: csr_matrix) -> np.ndarray:
            from hybridrec.kernels.rerank import exposure_order

            order = np.empty(items.shape, dtype=np.intp)
            relevance = standardised(items, scores)
            exposure_order(relevance, items, *rows, target, float(self.weight), order)
            return order

        return reorder
