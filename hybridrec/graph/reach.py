"""Where walks with restart are: over items, and the users and features beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, eq=False)
class RestartWalks:
    """Walks from item to item, each by way of a node beside them (a user, a feature).

    Every round trip ends with probability ``restart``; after ``steps`` of them a walk stays where
    it is. As rows of scores (see `hybridrec.ranking.scorer.Scores`), row i is where walks from
    item i are.

    Attributes
    ----------
    from_items : csr_matrix of float32, shape (nodes, n_items)
        Probability of going from an item to a node.
    to_items : csr_matrix of float32, shape (n_items, nodes)
        Probability of going from a node to an item.
    restart : float
    steps : int
    """

    from_items: csr_matrix
    to_items: csr_matrix
    restart: float
    steps: int

    @classmethod
    def over(
        cls,
        matrix: csr_matrix,
        features: csr_matrix | None,
        away: np.ndarray,
        restart: float,
        steps: int,
    ) -> RestartWalks:
        """Put users and features beside the items.

        Parameters
        ----------
        matrix : csr_matrix, shape (n_users, n_items)
        features : csr_matrix, shape (n_items, width), optional
            Links of positive weight.
        away : ndarray of float64, shape (n_items,)
            Probability of going from an item to one of its features, not to a user.
        restart : float
        steps : int
        """
        from scipy.sparse import csr_matrix, diags, vstack

        to_users = diags(1 - away) @ shares(matrix.T.tocsr())
        from_items, to_items = [to_users.T], [shares(matrix)]
        if features is not None:
            from_items.append((diags(away) @ shares(features)).T)
            to_items.append(shares(features.T.tocsr()))
        return cls(
            csr_matrix(vstack(from_items), dtype=np.float32),
            csr_matrix(vstack(to_items).T, dtype=np.float32),
            restart,
            steps,
        )

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self.to_items.shape[0])

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return where walks from some items are, -inf where they never come."""
        from hybridrec.kernels.reach import reach_block

        reach = np.empty((len(rows), self.n_items), dtype=np.float32)
        away, back = self.from_items, self.to_items
        reach_block(
            rows,
            (away.indptr, away.indices, away.data),
            (back.indptr, back.indices, back.data),
            *(self.restart, self.steps, reach),
        )
        reach[reach == 0] = -np.inf  # what no walk comes to is no neighbour
        return reach

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return zeros: every walk is computed alone."""
        return np.zeros(len(rows))

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the reach of chosen items."""
        reach = np.take_along_axis(self.block(rows), np.maximum(items, 0), axis=1)
        return np.where(items >= 0, reach, np.float32(-np.inf))

    def visits(self, starts: np.ndarray) -> np.ndarray:
        """Iterate the walks of any starts over the whole graph, in float64: the reference.

        Parameters
        ----------
        starts : ndarray, shape (n, n_items)
            Where each walk begins, as shares of the items.

        Returns
        -------
        ndarray of float64, shape (n, n_items)
            Shares of the walks' time.
        """
        there, back = self.from_items.astype(np.float64), self.to_items.astype(np.float64)
        here = np.ascontiguousarray(starts.T, dtype=np.float64)
        total = np.zeros_like(here)
        left = 1.0
        for _ in range(self.steps):
            total += left * self.restart * here
            left *= 1 - self.restart
            here = back @ (there @ here)
        total += left * here
        return np.ascontiguousarray(total.T)


def shares(matrix: csr_matrix) -> csr_matrix:
    """Return a matrix whose rows sum to 1 (float64), but for the empty ones."""
    scaled = matrix.astype(np.float64)
    total = np.asarray(scaled.sum(axis=1)).ravel()
    scaled.data /= np.repeat(total, np.diff(scaled.indptr))
    return scaled
