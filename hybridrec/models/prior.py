"""Ridge map from features to factors: the prior of an item (user) that HybridALS pulls towards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WIDTH = 1024  # of features, up to which the equations in W are factorised once
DENSE = 0.25  # share of stored entries from which a plain matrix is the smaller and faster one
TOLERANCE = 1e-2  # of the residual; the fit is refined from call to call
STEPS = 20  # in training, where each fit goes on from the last one
FINAL_STEPS = 60
FOLDS = 5
FOLD_STREAM = 0xF01D


class FeaturePrior(ABC):
    """The ridge regression ``Y ~ F W``, for factors Y that change from fit to fit.

    Parameters
    ----------
    features : csr_matrix or ndarray of float32, shape (n, width)
        Rows of the items that are trained on.
    ridge : float
    """

    def __init__(self, features: csr_matrix | np.ndarray, ridge: float) -> None:
        self.features = compact(features)
        self.ridge = ridge

    @staticmethod
    def of(features: csr_matrix | np.ndarray, ridge: float) -> FeaturePrior:
        """Return the solver that suits the width of the features."""
        return (Primal if features.shape[1] <= WIDTH else Kernel)(features, ridge)

    @abstractmethod
    def fit(self, factors: np.ndarray, steps: int = STEPS) -> np.ndarray:
        """Fit W to factors (n, d) and return it: float32 (width, d).

        ``steps`` bounds the iterations, where there are any.
        """


class Primal(FeaturePrior):
    """``(F'F + ridge I) W = F'Y``, factorised once: for few features, dense or sparse."""

    def __init__(self, features: csr_matrix | np.ndarray, ridge: float) -> None:
        super().__init__(features, ridge)
        self.factor = factorised(feature_gram(self.features), ridge)

    def fit(self, factors: np.ndarray, steps: int = STEPS) -> np.ndarray:
        """Fit W exactly."""
        return solved(self.factor, self.features.T @ factors)


class Kernel(FeaturePrior):
    """``(FF' + ridge I) Z = Y`` and ``W = F'Z``, by conjugate gradients: for many features.

    Only products with F, whatever its width, and each solve starts from the last one, so
    following slowly changing factors is cheap.
    """

    def __init__(self, features: csr_matrix | np.ndarray, ridge: float) -> None:
        super().__init__(features, ridge)
        rows = self.features
        self.transposed = rows.T if isinstance(rows, np.ndarray) else rows.T.tocsr()
        self.dual: np.ndarray | None = None

    def fit(self, factors: np.ndarray, steps: int = STEPS) -> np.ndarray:
        """Fit W, to ``TOLERANCE`` or for so many steps."""
        if self.dual is None or self.dual.shape != factors.shape:
            self.dual = np.zeros_like(factors)
        self._conjugate_gradients(self.dual, factors, steps)
        weights: np.ndarray = self.transposed @ self.dual
        return weights

    def _kernel(self, vectors: np.ndarray) -> np.ndarray:
        product: np.ndarray = self.features @ (self.transposed @ vectors)
        return product + np.float32(self.ridge) * vectors

    def _conjugate_gradients(self, solution: np.ndarray, right: np.ndarray, steps: int) -> None:
        """Improve ``solution`` in place, all columns side by side."""
        residual = right - self._kernel(solution)
        direction = residual.copy()
        power = _column_powers(residual)
        enough = TOLERANCE**2 * _column_powers(right).sum()
        for _ in range(steps):
            if power.sum() <= enough:
                return
            image = self._kernel(direction)
            curvature = np.einsum("ij,ij->j", direction, image, dtype=np.float64)
            step = (power / np.maximum(curvature, 1e-30)).astype(np.float32)
            solution += step * direction
            residual -= step * image
            fresh = _column_powers(residual)
            direction *= (fresh / np.maximum(power, 1e-30)).astype(np.float32)
            direction += residual
            power = fresh


def compact(features: csr_matrix | np.ndarray) -> csr_matrix | np.ndarray:
    """Return features as a plain matrix where that is the smaller and faster one."""
    if isinstance(features, np.ndarray):
        return features
    dense = features.nnz > DENSE * np.prod(features.shape, dtype=np.float64)
    return features.toarray() if dense else features


def feature_gram(features: csr_matrix | np.ndarray) -> np.ndarray:
    """Return ``F'F``, float64, or rounding may be more than the ridge."""
    wide = features.astype(np.float64)
    gram = wide.T @ wide
    return gram if isinstance(gram, np.ndarray) else gram.toarray()


def factorised(gram: np.ndarray, ridge: float) -> Any:
    """Return what `solved` needs of ``F'F + ridge I``; None of no features."""
    from scipy.linalg import cho_factor

    return cho_factor(gram + ridge * np.eye(len(gram))) if len(gram) else None


def solved(factor: Any, right: np.ndarray) -> np.ndarray:
    """Return W from ``F'Y``: float32 (width, d)."""
    from scipy.linalg import cho_solve

    if factor is None:
        return np.zeros((0, right.shape[1]), dtype=np.float32)
    weights: np.ndarray = cho_solve(factor, right)
    return weights.astype(np.float32)


def _column_powers(matrix: np.ndarray) -> np.ndarray:
    powers: np.ndarray = np.einsum("ij,ij->j", matrix, matrix, dtype=np.float64)
    return powers


@dataclass(frozen=True, eq=False)
class Calibration:
    """What undoes the shrinkage of factors that come from features alone.

    A ridge map draws everything towards the mean, so a new item would never outscore a trained
    one. Factors are spread out around their mean again: ``centre + gain (y - mean)``.

    Attributes
    ----------
    mean, centre : ndarray of float32, shape (d,)
    gain : float
    """

    mean: np.ndarray
    centre: np.ndarray
    gain: float

    def scaled(self, level: float) -> Calibration:
        """Return a calibration whose scores are ``level`` times as large."""
        return Calibration(self.mean, self.centre * np.float32(level), self.gain * level)

    def apply(self, factors: np.ndarray) -> np.ndarray:
        """Return calibrated factors, float32 (n, d)."""
        spread: np.ndarray = np.float32(self.gain) * (factors - self.mean)
        spread += self.centre
        return spread


def calibrate(
    features: csr_matrix,
    factors: np.ndarray,
    others: np.ndarray,
    ridge: float,
    random_state: int,
) -> Calibration:
    """Compare trained factors with what features alone would have given, out of fold.

    Mean scores become equal for every user, and the variance of a user's scores equal on
    average over users; both are linear in the factors, so the model stays a product of two
    matrices.

    Parameters
    ----------
    features : csr_matrix, shape (n, width)
    factors : ndarray of float32, shape (n, d)
        Trained factors of the same rows.
    others : ndarray of float32, shape (m, d)
        Factors of the other side, over which scores are compared.
    ridge : float
    random_state : int
    """
    fold = random_stream(random_state, FOLD_STREAM).permutation(len(factors)) % FOLDS
    predicted = np.zeros_like(factors)
    for part in range(FOLDS):
        held, rest = fold == part, fold != part
        if held.any() and rest.any():
            weights = FeaturePrior.of(features[rest], ridge).fit(factors[rest], FINAL_STEPS)
            predicted[held] = features[held] @ weights
    moments = others.astype(np.float64).T @ others / max(len(others), 1)
    spread = [
        float(np.einsum("ij,ij->", np.cov(rows.T, bias=True).reshape(moments.shape), moments))
        for rows in (factors, predicted)
    ]
    gain = float(np.sqrt(spread[0] / spread[1])) if spread[1] > 0 else 1.0
    return Calibration(predicted.mean(axis=0), factors.mean(axis=0), gain)
