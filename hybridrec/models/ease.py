"""EASE: every item as a ridge regression on all others, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.blocks import scale_rows
from hybridrec.models.checks import at_least, positive
from hybridrec.models.item_item import (
    ItemItemModel,
    gram,
    row_blocks,
    stack_features,
    unit_features,
    with_new_items,
)
from hybridrec.ranking.scorer import HistoryScorer, Scorer
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ADVICE = (
    "drop items of few users (hybridrec.clean), or use rp3-beta or item-knn, which keep few"
    " weights of each item"
)


class EASE(ItemItemModel):
    """Embarrassingly shallow autoencoder (Steck 2019), with item features as further rows.

    Minimises ``|X - X B|^2 + regularization |B|^2`` with a diagonal of 0: ``B = I - P / diag(P)``
    by columns, with ``P = (X'X + regularization I)^-1``. The features of the items stand below
    the users' rows, times ``feature_weight`` (collective EASE, Jeunen, Van Balen & Goethals
    2020), so that an item without interactions is reached through what it has in common with
    others. One dense float32 matrix of n_items x n_items holds everything; the work grows with
    n_items^3 (on one core 1 s for 4,000 items, 10 s for 9,000, minutes for 25,000).

    Parameters
    ----------
    regularization : float, default 200
        In interactions of average weight.
    feature_weight : float, default 2
        Of an item's features, scaled to length 1, beside one interaction; 0 leaves them out.

    Notes
    -----
    The result does not depend on the number of threads: the inverse is computed on one.
    """

    model_name = "ease"
    uses_item_features = True

    def __init__(self, *, regularization: float = 200.0, feature_weight: float = 2.0) -> None:
        self.regularization, self.feature_weight = regularization, feature_weight

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        positive(regularization=self.regularization)
        at_least(0, feature_weight=self.feature_weight)
        self.features_ = unit_features(item_features, self.feature_weight)
        weights = gram(stack_features(matrix, self.features_, self.feature_weight), advice=ADVICE)
        np.einsum("ii->i", weights)[:] += self.regularization
        _invert(weights)
        self.diagonal_ = weights.diagonal().copy()
        weights /= -self.diagonal_
        np.fill_diagonal(weights, 0.0)
        return HistoryScorer(matrix, weights, over_items=True)

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        """Give new items the weights they would have if the fit had known each of them.

        That is the inverse of a bordered matrix; what the new item would change between the
        others is left out.
        """
        from scipy.sparse import csr_matrix

        if self.features_ is None:
            return False
        assert isinstance(self.scorer_, HistoryScorer)
        n, strength = len(self.diagonal_), self.feature_weight**2
        new = csr_matrix(scale_rows(features))
        common = strength * (self.features_ @ new.T).toarray()
        scaled = self.diagonal_[:, None] * common
        with threads():
            into = scaled - self.scorer_.weights[:n, :n] @ scaled
        own = strength * (np.diff(new.indptr) > 0) + self.regularization
        left = own - np.einsum("ij,ij->j", common, into)
        out_of = into / (left * self.diagonal_[:, None] + into**2)
        self.scorer_ = with_new_items(self.scorer_, items, into, out_of)
        return True

    def _state(self) -> dict[str, np.ndarray]:
        state = {"diagonal_": self.diagonal_}
        return state if self.features_ is None else {**state, "features_": self.features_}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.diagonal_, self.features_ = state["diagonal_"], state.get("features_")


def _invert(matrix: np.ndarray) -> None:
    """Invert a symmetric positive definite float32 matrix in place."""
    from scipy.linalg.lapack import spotrf, spotri

    with threads():
        factor, failed = spotrf(matrix.T, lower=True, clean=False, overwrite_a=True)
        if not failed:
            inverse, failed = spotri(factor, lower=True, overwrite_c=True)
    if failed:
        raise ParameterError("the items cannot be told apart in float32: raise the regularization")
    _mirror(inverse.T)


def _mirror(matrix: np.ndarray) -> None:
    """Copy the upper triangle of a square matrix to the lower one, in place."""
    for part in row_blocks(len(matrix)):
        corner = np.triu(matrix[part, part])
        matrix[part, part] = corner + np.triu(corner, 1).T
        matrix[part.stop :, part] = matrix[part, part.stop :].T
