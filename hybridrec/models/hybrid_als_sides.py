"""The two sides of HybridALS in training, and what they are made of."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.factors import FixedSide
from hybridrec.models.prior import FeaturePrior, compact

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.hybrid_als import HybridALS


class Side:
    """Users or items during training: their rows, factors and feature prior.

    Parameters
    ----------
    rows : csr_matrix, shape (n, m)
    features : csr_matrix, shape (n, width), optional
    model : HybridALS
        Only its parameters are read.
    n_real : int, optional
        Columns that count as evidence, by default all; those behind them are pseudo-users.
    shrinkage : float, default 0
        Pull of a row towards the mean row, divided by its evidence.

    Attributes
    ----------
    active : ndarray of int
        Rows with evidence; only they are trained.
    factors : ndarray of float32, shape (active rows, d)
    weights : ndarray of float32, shape (width, d), or None
        The map from features to factors.
    """

    def __init__(
        self,
        rows: csr_matrix,
        features: csr_matrix | None,
        model: HybridALS,
        n_real: int | None = None,
        shrinkage: float = 0.0,
    ) -> None:
        evidence = np.diff((rows if n_real is None else rows[:, :n_real]).indptr)
        self.active = np.flatnonzero(evidence > 0)
        self.rows, self.size, self.count = rows[self.active], rows.shape[0], evidence[self.active]
        self.model, self.features = model, features
        self.ridge, self.pull = penalties(model, self.count, features is not None)
        self.shrinkage = shrinkage / self.count
        self.known = None if features is None else compact(features[self.active])
        self.weights: np.ndarray | None = None
        self.factors = np.zeros((len(self.active), model.factors), dtype=np.float32)

    def solve(self, other: Side, unobserved: float) -> None:
        """Refit the factors, the other side being fixed, then the map from features to them."""
        fixed = FixedSide.of(other.everyone(), unobserved, self.model.num_threads)
        self.factors = self.refitted(fixed, self.factors, self.mean, self.weights)
        if self.prior is not None:
            self.weights = self.prior.fit(self.factors)

    def draw(self, stream: np.random.Generator) -> None:
        """Draw the factors to start from."""
        self.factors = start_factors(stream, *self.factors.shape)

    def refitted(
        self,
        fixed: FixedSide,
        factors: np.ndarray,
        mean: np.ndarray,
        weights: np.ndarray | None,
        part: slice | None = None,
    ) -> np.ndarray:
        """Return new factors, from the present ones, their mean and the map from features.

        ``part`` of the trained rows, by default all: their factors are the same bits either way.
        """
        told, pull = None, np.zeros_like(self.ridge)
        if self.known is not None and weights is not None:
            told, pull = self.known @ weights, self.pull
        pull, towards = shrunk(told, pull, mean, self.shrinkage)
        rows, those = (self.rows, slice(None)) if part is None else (self.rows[part], part)
        return fixed.fold_in(
            rows,
            ridge=self.ridge[those],
            pull=pull[those],
            prior=towards[those],
            start=factors[those] if self.model.solver == "cg" else None,
            num_threads=self.model.num_threads,
        )

    @cached_property
    def prior(self) -> FeaturePrior | None:
        """The ridge from features to factors."""
        if self.known is None:
            return None
        return FeaturePrior.of(self.known, self.model.feature_regularization)

    @property
    def mean(self) -> np.ndarray:
        """Mean of the trained rows, weighted as they are pulled to it: float32 (d,)."""
        weights = 1.0 / self.count
        mean: np.ndarray = weights @ self.factors.astype(np.float64) / weights.sum()
        return mean.astype(np.float32)

    def everyone(self) -> np.ndarray:
        """Return factors of all rows; those without evidence are 0 and take no part."""
        out = np.zeros((self.size, self.factors.shape[1]), dtype=np.float32)
        out[self.active] = self.factors
        return out


def start_factors(stream: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Return factors to start from, float32 (n, d); in parts they are the same as in one go."""
    return stream.normal(0.0, 0.1, size=(n, d)).astype(np.float32)


def penalties(
    model: HybridALS, count: np.ndarray, pulled: bool | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ridge and pull of rows with so many interactions, pulled to a prior or not."""
    share = model.prior_share * np.broadcast_to(pulled, count.shape)
    ridge: np.ndarray = (1.0 - share) * model.regularization * count**model.frequency_exponent
    return ridge, share * model.regularization


def shrunk(
    told: np.ndarray | None, pull: np.ndarray, mean: np.ndarray, shrinkage: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Join the pull of rows to what features tell of them and to the mean row.

    Returns
    -------
    pull, prior : ndarray
        (n,) and (n, d): one pull, to one point between the two.
    """
    total = pull + shrinkage
    share = np.divide(shrinkage, total, out=np.zeros_like(total), where=total > 0)
    prior = np.outer(share, mean).astype(np.float32)
    if told is not None:
        prior += (1 - share)[:, None].astype(np.float32) * told
    return total, prior


def density(matrix: csr_matrix) -> float:
    """Return the share of pairs with an interaction, of users and items that have any."""
    users, items = (int(np.count_nonzero(matrix.getnnz(axis))) for axis in (1, 0))
    return float(matrix.nnz) / (users * items)


def with_pseudo_users(rows: csr_matrix, item_features: csr_matrix, confidence: float) -> csr_matrix:
    """Return the rows of users with those of item features below them."""
    from scipy.sparse import vstack

    if item_features.data.min(initial=0.0) < 0:
        raise ParameterError(
            "hybrid-als takes features as pseudo-users, which cannot have a negative interest:"
            " choose others, such as item_features=['tokens'], or pseudo_users=0"
        )
    return vstack([rows, confidence * item_features.T], format="csr", dtype=np.float32)


def with_empty_rows(features: csr_matrix | None, n: int) -> csr_matrix | None:
    """Return features of ``n`` rows, those added at the end without any."""
    if features is None or features.shape[0] == n:
        return features
    grown = features.copy()
    grown.resize(n, features.shape[1])
    return grown
