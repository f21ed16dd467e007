"""RP3beta: walks of three steps from user to item, popular items held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.graph.reach import shares
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.item_item import ItemItemModel, nearest_items
from hybridrec.ranking.scorer import HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class RP3Beta(ItemItemModel):
    """Random walks user - item - user - item (Paudel, Christoffel, Newell & Bernstein 2017).

    The weight of item j for one who has item i is the chance to walk from i over a user to j,
    ``sum_v p(v | i)^alpha p(j | v)^alpha``, divided by the popularity of j to the power ``beta``.
    The largest weights of each item are kept, as they are: made to sum to 1, as in some
    implementations, they ranked worse on Last.FM, Book-Crossing and amazon-book and no better on
    MovieLens. With ``beta=0`` this is P3alpha (Cooper, Lee, Radzik & Siantos 2014).

    Parameters
    ----------
    neighbors : int, default 200
        Weights kept of each item.
    alpha : float, default 0.5
        Power of the transition probabilities; below 1 counts small ones for more.
    beta : float, default 0.3
        How much popularity is held against an item, 0 not at all. Sparse data want less (0.1 to
        0.2), dense data more (0.4 to 0.5).
    num_threads : int, default 0
        0 means all; the result does not depend on it.
    """

    model_name = "rp3-beta"

    def __init__(
        self,
        *,
        neighbors: int = 200,
        alpha: float = 0.5,
        beta: float = 0.3,
        num_threads: int = 0,
    ) -> None:
        self.neighbors, self.alpha, self.beta = neighbors, alpha, beta
        self.num_threads = num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        self._check_parameters()
        to_items = shares(matrix).power(self.alpha)
        to_users = shares(matrix.T.tocsr()).power(self.alpha)
        popularity = np.asarray(matrix.sum(axis=0, dtype=np.float64)).ravel()
        to_items.data /= popularity[to_items.indices] ** self.beta
        walks = HistoryScorer(to_users, to_items, over_items=False)
        weights = nearest_items(walks, self.neighbors, self.num_threads)
        return HistoryScorer(matrix, weights, over_items=True)

    def _check_parameters(self) -> None:
        whole(neighbors=self.neighbors)
        positive(alpha=self.alpha)
        at_least(0, beta=self.beta)
