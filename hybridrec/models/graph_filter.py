"""GF-CF: a low-pass filter on the graph of users, items and, if wanted, entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.blocks import scale_rows
from hybridrec.models.checks import at_least, whole
from hybridrec.models.item_item import (
    ItemItemModel,
    gram,
    row_blocks,
    stack_features,
    unit_features,
    with_new_items,
)
from hybridrec.ranking.scorer import HistoryScorer, Scorer
from hybridrec.runtime import random_stream, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ADVICE = "set alpha=0, which keeps the weights sparse, or drop items of few users (hybridrec.clean)"
SMALL = 256  # up to this size a dense decomposition is the faster one
START = 0xF117E5  # of the iterations towards the singular vectors
NEGLIGIBLE = 1e-6  # what is smaller, beside 1, is 0 but for rounding


class GraphFilter(ItemItemModel):
    """Graph filter in closed form, GF-CF (Shen, Wu, Zhang et al. 2021): no training.

    With R the interactions scaled by the degrees of both sides, ``D_u^-1/2 X D_i^-1/2``, the
    weights between items are ``R'R + alpha D_i^-1/2 V V' D_i^1/2``: what neighbours have in
    common, and an ideal low-pass filter with V the first right singular vectors of R. With item
    features, every feature (such as an entity of the knowledge graph) is one more node beside
    the users, linked to its items; so an item without interactions is reached through them.

    With ``alpha`` above 0 the weights are one dense float32 matrix of n_items x n_items.

    Parameters
    ----------
    factors : int, default 128
        Singular vectors that the low-pass filter keeps.
    alpha : float, default 0.5
        Weight of the low-pass filter; with 0 weights are sparse, for catalogues of any size.
    feature_weight : float, default 0.3
        Of the links between an item and its features, scaled to length 1, beside one
        interaction; 0 leaves them out.
    """

    model_name = "graph-filter"
    uses_item_features = True

    def __init__(
        self, *, factors: int = 128, alpha: float = 0.5, feature_weight: float = 0.3
    ) -> None:
        self.factors, self.alpha, self.feature_weight = factors, alpha, feature_weight

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        whole(factors=self.factors)
        at_least(0, alpha=self.alpha, feature_weight=self.feature_weight)
        self.features_ = unit_features(item_features, self.feature_weight)
        if self.features_ is not None and self.features_.data.min(initial=0.0) < 0:
            raise ParameterError(
                "graph-filter takes features as links, which cannot be negative: choose others,"
                " such as item_features=['tokens']"
            )
        links = stack_features(matrix, self.features_, self.feature_weight)
        self.degrees_ = np.asarray(links.sum(axis=0)).ravel()
        links = _scaled(links, np.asarray(links.sum(axis=1)).ravel(), self.degrees_)
        if self.alpha == 0:
            self.values_, self.vectors_ = np.zeros(0), np.zeros((links.shape[1], 0))
            weights = (links.T @ links).tocsr().astype(np.float32)
            weights.sort_indices()
            return HistoryScorer(matrix, weights, over_items=True)
        weights = gram(links, advice=ADVICE)
        self.values_, self.vectors_ = _leading(links, self.factors)
        self._add_low_pass(weights)
        return HistoryScorer(matrix, weights, over_items=True)

    def _add_low_pass(self, weights: np.ndarray) -> None:
        """Add ``alpha D^-1/2 V V' D^1/2`` in place."""
        left = self.alpha * _inverse_root(self.degrees_)[:, None] * self.vectors_
        right = np.sqrt(self.degrees_)[:, None] * self.vectors_
        left, right = left.astype(np.float32), right.astype(np.float32)
        with threads():
            for part in row_blocks(len(weights)):
                weights[part] += _products(left[part], right)

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        """Give new items the weights they would have if the fit had known each of them.

        Their singular vectors follow from those of the fit (Nystroem); what the new item would
        change between the others is left out.
        """
        from scipy.sparse import csr_matrix

        if self.features_ is None:
            return False
        assert isinstance(self.scorer_, HistoryScorer)
        old = self.feature_weight * self.features_.astype(np.float64)
        new = self.feature_weight * csr_matrix(scale_rows(features), dtype=np.float64)
        degrees = np.asarray(new.sum(axis=1)).ravel()
        new.data /= np.asarray(old.sum(axis=0)).ravel()[new.indices] + new.data
        common = _scaled((old @ new.T).tocsr(), self.degrees_, degrees).toarray()
        vectors = self.alpha * (common.T @ self.vectors_) / self.values_**2
        own, other = np.sqrt(degrees)[:, None], np.sqrt(self.degrees_)[:, None]
        back, away = _inverse_root(degrees)[:, None], _inverse_root(self.degrees_)[:, None]
        with threads():
            into = common + _products(away * self.vectors_, own * vectors)
            out_of = common + _products(other * self.vectors_, back * vectors)
        self.scorer_ = with_new_items(self.scorer_, items, into, out_of)
        return True

    def _state(self) -> dict[str, np.ndarray]:
        if self.features_ is None:
            return {}
        names = ("features_", "degrees_", "values_", "vectors_")
        return {name: getattr(self, name) for name in names}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.features_ = None
        super()._set_state(state)


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


def _leading(links: csr_matrix, factors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest singular values and their right vectors, (f,) and (n_items, f)."""
    from scipy.sparse.linalg import svds

    size = min(links.shape)
    with threads():
        if size <= max(factors, SMALL):
            _, values, vectors = np.linalg.svd(links.toarray(), full_matrices=False)
        else:
            start = random_stream(0, START).normal(size=size)
            _, values, vectors = svds(links, k=factors, v0=start, return_singular_vectors="vh")
    first = np.argsort(-values)[:factors]
    first = first[values[first] > NEGLIGIBLE]
    return values[first], np.ascontiguousarray(vectors[first].T)
