"""Where walks with restart are: over items, and the users and features beside them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Reach(ABC):
    """Rows of scores that tell where walks are, -inf where they never come; all are exact."""

    @abstractmethod
    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return some rows, float32 (len(rows), n_items)."""

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return zeros: every walk is computed alone."""
        return np.zeros(len(rows))

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the reach of chosen items."""
        reach = np.take_along_axis(self.block(rows), np.maximum(items, 0), axis=1)
        chosen: np.ndarray = np.where(items >= 0, reach, np.float32(-np.inf))
        return chosen


@dataclass(frozen=True, eq=False)
class Reached(Reach):
    """Where walks were found to be.

    Attributes
    ----------
    reach : ndarray of float32, shape (n, n_items)
        0 where they never come.
    """

    reach: np.ndarray

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self.reach.shape[1])

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return where some of the walks are, -inf where they never come."""
        reach: np.ndarray = self.reach[rows]
        reach[reach == 0] = -np.inf  # what no walk comes to is no neighbour
        return reach


@dataclass(frozen=True, eq=False)
class RestartWalks(Reach):
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
        from scipy.sparse import hstack, vstack

        links = [links_of_users(matrix, row_totals(matrix.T.tocsr()), away)]
        if features is not None:
            links.append(links_of_features(features, away))
        from_items, to_items = zip(*links, strict=True)
        there, back = vstack(from_items, format="csr"), hstack(to_items, format="csr")
        return cls(there, back, restart, steps)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self.to_items.shape[0])

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return where walks from some items are, -inf where they never come."""
        from hybridrec.kernels.reach import reach_block

        reach = np.empty((len(rows), self.n_items), dtype=np.float32)
        graph = arrays_of(self.from_items), arrays_of(self.to_items)
        reach_block(rows, *graph, ends(self.restart, self.steps, np.float32), reach)
        return Reached(reach).block(np.arange(len(rows)))

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
        first, *later = ends(self.restart, self.steps, np.float64)
        total = first * here
        for share in later:
            here = back @ (there @ here)
            total += share * here
        return np.ascontiguousarray(total.T)


class Links(NamedTuple):
    """Ways from the items to some nodes beside them, and back."""

    from_items: csr_matrix
    """float32 (nodes, n_items): probability of going from an item to a node."""
    to_items: csr_matrix
    """float32 (n_items, nodes): probability of going from a node to an item."""


def links_of_users(rows: csr_matrix, totals: np.ndarray, away: np.ndarray) -> Links:
    """Return the ways between items and some users.

    Parameters
    ----------
    rows : csr_matrix, shape (users, n_items)
        The interactions of these users.
    totals : ndarray of float64, shape (n_items,)
        Weight of every item over all users, by `row_totals`.
    away : ndarray of float64, shape (n_items,)
        Probability of going from an item to one of its features, not to a user.
    """
    from scipy.sparse import csr_matrix

    there = rows.astype(np.float64)
    there.data = (1 - away)[there.indices] * (there.data / totals[there.indices])
    there = there.astype(np.float32)
    there.sort_indices()  # sums run in the order of the items
    return Links(there, csr_matrix(shares(rows).T, dtype=np.float32))


def links_of_features(features: csr_matrix, away: np.ndarray) -> Links:
    """Return the ways between items and their features, (n_items, width)."""
    from scipy.sparse import csr_matrix, diags

    there = (diags(away) @ shares(features)).T
    back = shares(features.T.tocsr()).T
    return Links(csr_matrix(there, dtype=np.float32), csr_matrix(back, dtype=np.float32))


def ends(restart: float, steps: int, dtype: Any) -> np.ndarray:
    """Return the shares of walks that end after 0, 1, ... ``steps`` round trips."""
    ended, left = np.empty(steps + 1, dtype=dtype), dtype(1)
    for step in range(steps):
        ended[step] = left * dtype(restart)
        left *= dtype(1 - restart)
    ended[steps] = left
    return ended


def arrays_of(matrix: csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a CSR matrix as kernels take it."""
    return matrix.indptr, matrix.indices, matrix.data


def row_totals(matrix: csr_matrix) -> np.ndarray:
    """Return the sum of every row, float64."""
    totals: np.ndarray = np.asarray(matrix.astype(np.float64, copy=False).sum(axis=1)).ravel()
    return totals


def shares(matrix: csr_matrix) -> csr_matrix:
    """Return a matrix whose rows sum to 1 (float64), but for the empty ones."""
    scaled = matrix.astype(np.float64)
    scaled.data /= np.repeat(row_totals(scaled), np.diff(scaled.indptr))
    return scaled
