"""Bayesian linear regression, kept as sums: what is believed of rewards, and how firmly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np


class LinearPosterior:
    """Belief about the weights of a linear reward.

    With prior mean m and precision ``regularization``, and unit noise, it is normal with
    precision ``A = regularization I + sum x x'`` and mean ``A^-1 (regularization m + sum r x)``.

    Parameters
    ----------
    prior : ndarray of float64, shape (p,)
        Mean of the weights before anything was seen.
    regularization : float
    """

    def __init__(self, prior: np.ndarray, regularization: float) -> None:
        self.precision = regularization * np.eye(len(prior))
        self.pull = regularization * np.asarray(prior, dtype=np.float64)

    def add(self, contexts: np.ndarray, rewards: np.ndarray) -> None:
        """Take in rewards (n,) that were seen in contexts (n, p); the order does not matter."""
        self.precision = self.precision + contexts.T @ contexts
        self.pull = self.pull + contexts.T @ rewards
        for name in ("mean", "_root"):
            self.__dict__.pop(name, None)

    @cached_property
    def mean(self) -> np.ndarray:
        """The expected weights."""
        mean: np.ndarray = np.linalg.solve(self.precision, self.pull)
        return mean

    @cached_property
    def _root(self) -> np.ndarray:
        """R with R R' = A^-1, the covariance."""
        root: np.ndarray = np.linalg.inv(np.linalg.cholesky(self.precision)).T
        return root

    def widths(self, contexts: np.ndarray) -> np.ndarray:
        """Return the standard deviation of the expected reward in contexts (..., p)."""
        widths: np.ndarray = np.linalg.norm(contexts @ self._root, axis=-1)
        return widths

    def drawn(self, normals: np.ndarray, scale: float) -> np.ndarray:
        """Return weights drawn from the belief, its deviation times ``scale``.

        Parameters
        ----------
        normals : ndarray of float64, shape (n, p)
            Standard normal numbers.
        """
        drawn: np.ndarray = self.mean + scale * (normals @ self._root.T)
        return drawn

    def state(self) -> dict[str, np.ndarray]:
        """Return the sums."""
        return {"precision": self.precision, "pull": self.pull}

    @classmethod
    def restored(cls, state: Mapping[str, np.ndarray]) -> LinearPosterior:
        """Return the belief with some sums."""
        posterior = cls(np.zeros(len(state["pull"])), 1.0)
        posterior.precision, posterior.pull = state["precision"], state["pull"]
        return posterior
