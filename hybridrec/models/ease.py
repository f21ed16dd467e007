"""EASE: every item as a ridge regression on all others, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.checks import at_least, positive
from hybridrec.models.item_item import gram, invert, stack_features
from hybridrec.models.kernel_ridge import HybridItemItem
from hybridrec.ranking.scorer import HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ADVICE = (
    "drop items of few users (hybridrec.clean), or use rp3-beta or item-knn, which keep few"
    " weights of each item"
)


class EASE(HybridItemItem):
    """Embarrassingly shallow autoencoder (Steck 2019), with item features.

    Minimises ``|X - X B|^2 + regularization |B|^2`` with a diagonal of 0: ``B = I - P / diag(P)``
    by columns, with ``P = (X'X + regularization I)^-1``. The features of the items stand below
    the users' rows, times ``feature_weight`` (collective EASE, Jeunen, Van Balen & Goethals
    2020). An item without interactions gets the weights that a ridge regression on its features
    tells, learned from the weights of the others (see `KernelRidge`). One dense float32 matrix of
    n_items x n_items holds everything, with features two more of them during the fit; the work
    grows with n_items^3 (on one core 1 s for 4,000 items, 10 s for 9,000, minutes for 25,000;
    twice that with features).

    Parameters
    ----------
    regularization : float, default 200
        In interactions of average weight.
    feature_weight : float, default 1
        Of an item's features, scaled to length 1, beside one interaction; with 0 the weights
        between items that have users are those without features.
    feature_regularization : float, default 0.3
        Ridge of the map from features (rows of length 1) to weights.
    calibration : float, default 0.5
        How items without interactions compete in a list with the others; their order among
        themselves stays the same. With 1 their scores spread as much as those of the others;
        smaller values place them lower. Raise it where new items matter more than old ones.

    Notes
    -----
    The result does not depend on the number of threads: the inverse is computed on one.
    """

    model_name = "ease"

    def __init__(
        self,
        *,
        regularization: float = 200.0,
        feature_weight: float = 1.0,
        feature_regularization: float = 0.3,
        calibration: float = 0.5,
    ) -> None:
        self.regularization, self.feature_weight = regularization, feature_weight
        self.feature_regularization, self.calibration = feature_regularization, calibration

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        positive(
            regularization=self.regularization, feature_regularization=self.feature_regularization
        )
        at_least(0, feature_weight=self.feature_weight, calibration=self.calibration)
        weights = gram(stack_features(matrix, item_features, self.feature_weight), advice=ADVICE)
        np.einsum("ii->i", weights)[:] += self.regularization
        invert(weights, "regularization")
        weights /= -weights.diagonal()
        np.fill_diagonal(weights, 0.0)
        return self._with_features(HistoryScorer(matrix, weights, over_items=True), item_features)
