"""GF-CF: a low-pass filter on the graph of users, items and, if wanted, entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.item_item import (
    gram,
    row_blocks,
    stack_features,
)
from hybridrec.models.kernel_ridge import HybridItemItem
from hybridrec.ranking.scorer import HistoryScorer, Scorer
from hybridrec.runtime import random_stream, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ADVICE = "set alpha=0, which keeps the weights sparse, or drop items of few users (hybridrec.clean)"
SMALL = 256  # up to this size a dense decomposition is the faster one
START = 0xF117E5  # of the iterations towards the singular vectors
NEGLIGIBLE = 1e-6  # what is smaller, beside 1, is 0 but for rounding


class GraphFilter(HybridItemItem):
    """Graph filter in closed form, GF-CF (Shen, Wu, Zhang et al. 2021): no training.

    With R the interactions scaled by the degrees of both sides, ``D_u^-1/2 X D_i^-1/2``, the
    weights between items are ``R'R + alpha D_i^-1/2 V V' D_i^1/2``: what neighbours have in
    common, and an ideal low-pass filter with V the first right singular vectors of R. With item
    features, every feature (such as an entity of the knowledge graph) is one more node beside
    the users, linked to its items. An item without interactions gets the weights that a ridge
    regression on its features tells, learned from the weights of the others.

    With ``alpha`` above 0 the weights are one dense float32 matrix of n_items x n_items; with
    features there are up to two more of them during the fit, whatever ``alpha``.

    ``R'R`` is two steps of LightGCN's propagation (He et al. 2020), from an item to its users and
    entities and on to their items, in closed form: with one-hot embeddings, ``layers`` of two
    steps, averaged, are the mean of ``R'R, (R'R)^2, ...``. Entities two hops away are nodes with
    the feature block "two-hop-tokens".

    Parameters
    ----------
    factors : int, default 128
        Singular vectors that the low-pass filter keeps.
    alpha : float, default 0.5
        Weight of the low-pass filter; with 0 weights are sparse, for catalogues of any size.
    feature_weight : float, default 0.3
        Of the links between an item and its features, scaled to length 1, beside one
        interaction; with 0 the weights between items that have users are those without features.
    feature_regularization : float, default 0.3
        Ridge of the map from features (rows of length 1) to weights.
    calibration : float, default 0.5
        How items without interactions compete in a list with the others, see `EASE`.
    layers : int, default 1
        Powers of ``R'R`` that are averaged. More than 1 reach farther; they make sparse weights
        dense, and take one more matrix.
    """

    model_name = "graph-filter"
    links_features = True

    def __init__(
        self,
        *,
        factors: int = 128,
        alpha: float = 0.5,
        feature_weight: float = 0.3,
        feature_regularization: float = 0.3,
        calibration: float = 0.5,
        layers: int = 1,
    ) -> None:
        self.factors, self.alpha, self.feature_weight = factors, alpha, feature_weight
        self.feature_regularization, self.calibration = feature_regularization, calibration
        self.layers = layers

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        whole(factors=self.factors, layers=self.layers)
        positive(feature_regularization=self.feature_regularization)
        at_least(
            0, alpha=self.alpha, feature_weight=self.feature_weight, calibration=self.calibration
        )
        if self.feature_weight > 0:
            _check_links(item_features)
        links = stack_features(matrix, item_features, self.feature_weight)
        degrees = np.asarray(links.sum(axis=0)).ravel()
        links = _scaled(links, np.asarray(links.sum(axis=1)).ravel(), degrees)
        weights: csr_matrix | np.ndarray
        if self.alpha == 0:
            weights = _averaged(links.T @ links, self.layers).tocsr().astype(np.float32)
            weights.sort_indices()
        else:
            weights = _averaged(gram(links, advice=ADVICE), self.layers)
            self._add_low_pass(weights, _leading_vectors(links, self.factors), degrees)
        return self._with_features(HistoryScorer(matrix, weights, over_items=True), item_features)

    def _add_low_pass(self, weights: np.ndarray, vectors: np.ndarray, degrees: np.ndarray) -> None:
        """Add ``alpha D^-1/2 V V' D^1/2`` in place."""
        left = self.alpha * _inverse_root(degrees)[:, None] * vectors
        right = np.sqrt(degrees)[:, None] * vectors
        left, right = left.astype(np.float32), right.astype(np.float32)
        with threads():
            for part in row_blocks(len(weights)):
                weights[part] += _products(left[part], right)


_Weights = TypeVar("_Weights", "csr_matrix", np.ndarray)


def _averaged(step: _Weights, layers: int) -> _Weights:
    """Return the mean of the first powers of a matrix."""
    power = total = step
    with threads():
        for _ in range(layers - 1):
            power = power @ step
            total = total + power
    return total if layers == 1 else total / step.dtype.type(layers)


def _check_links(features: csr_matrix | None) -> None:
    """Refuse features that cannot be links, of positive weight."""
    if features is not None and features.data.min(initial=0.0) < 0:
        raise ParameterError(
            "graph-filter takes features as links, which cannot be negative: choose others, such"
            " as item_features=['tokens'], or set feature_weight=0"
        )


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the products of all rows, 0 where they are nothing but rounding.

    So parts of the graph that no path joins do not reach each other.
    """
    products: np.ndarray = left @ right.T
    lengths = np.outer(np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1))
    products[np.abs(products) <= NEGLIGIBLE * lengths] = 0.0
    return products


def _scaled(matrix: csr_matrix, left: np.ndarray, right: np.ndarray) -> csr_matrix:
    """Return a matrix divided by the square roots of the degrees of its rows and columns."""
    from scipy.sparse import diags

    return (diags(_inverse_root(left)) @ matrix @ diags(_inverse_root(right))).tocsr()


def _inverse_root(degrees: np.ndarray) -> np.ndarray:
    """Return ``1 / sqrt(degree)``, 0 for nodes without a link."""
    root: np.ndarray = np.sqrt(np.where(degrees > 0, degrees, np.inf))
    return 1.0 / root


def _leading_vectors(links: csr_matrix, factors: int) -> np.ndarray:
    """Return the right vectors of the largest singular values, (n_items, f)."""
    from scipy.sparse.linalg import svds

    size = min(links.shape)
    with threads():
        if size <= max(factors, SMALL):
            _, values, vectors = np.linalg.svd(links.toarray(), full_matrices=False)
        else:
            start = random_stream(0, START).normal(size=size)
            _, values, vectors = svds(links, k=factors, v0=start, return_singular_vectors="vh")
    first = np.argsort(-values)[:factors]
    return np.ascontiguousarray(vectors[first[values[first] > NEGLIGIBLE]].T)
