"""What item-item models share: weights between items, times the user's history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.blocks import scale_rows
from hybridrec.graph.checks import check_memory
from hybridrec.models.base import Recommender
from hybridrec.models.pairs import one_item_each
from hybridrec.ranking.scorer import HistoryScorer, Scorer, Scores, rows_of_a_block
from hybridrec.ranking.topk import top_k
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class ItemItemModel(Recommender):
    """Base of the models whose scorer is a matrix of weights between items."""

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, HistoryScorer)
        return self.scorer_.for_users(history)

    def _similarity(self, items: np.ndarray) -> Scorer:
        """Return what a user with one item alone would be given."""
        return self._fold_in(one_item_each(items, len(self.items_)))


def nearest_items(scorer: Scores, neighbors: int, num_threads: int) -> csr_matrix:
    """Return the weights of every item's best neighbours.

    Parameters
    ----------
    scorer : Scores
        Its rows are the items.
    neighbors : int
        How many are kept of each row; the item itself never is.
    num_threads : int

    Returns
    -------
    csr_matrix of float32, shape (n_items, n_items)
    """
    return nearest_to(scorer, np.arange(scorer.n_items), neighbors, num_threads)


def nearest_to(
    scorer: Scores, items: np.ndarray, neighbors: int, num_threads: int, first: int = 0
) -> csr_matrix:
    """Return the weights of the best neighbours of some items; see `nearest_items`.

    Parameters
    ----------
    scorer : Scores
        Row r is item ``first + r``.
    items : ndarray of int, shape (n,)
    neighbors, num_threads : int
    first : int, default 0

    Returns
    -------
    csr_matrix of float32, shape (n, n_items)
    """
    from scipy.sparse import csr_matrix

    shape = (len(items), scorer.n_items)
    ones, starts = np.ones(len(items), dtype=np.float32), np.arange(len(items) + 1)
    itself = csr_matrix((ones, items, starts), shape=shape)
    best, scores = top_k(scorer, items - first, neighbors, exclude=itself, num_threads=num_threads)
    kept = best >= 0
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    weights = csr_matrix((scores[kept], best[kept], indptr), shape=shape)
    weights.sort_indices()
    return weights


def stack_features(matrix: csr_matrix, features: csr_matrix | None, weight: float) -> csr_matrix:
    """Return the users' rows and, below them, the features as pseudo-users.

    Items that nobody has stay empty: what users would think of them is unknown, not nothing.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_users, n_items)
        Scaled to entries of 1 on average, so that a weight means the same on all data.
    features : csr_matrix, shape (n_items, width), optional
        Scaled to rows of length 1.
    weight : float
        Of a feature row beside one interaction.

    Returns
    -------
    csr_matrix of float64, shape (n_users + width, n_items)
    """
    from scipy.sparse import diags, vstack

    users = matrix.astype(np.float64)
    users /= users.data.mean()
    if features is None or weight == 0:
        return users
    known = diags((matrix.getnnz(axis=0) > 0).astype(np.float64))
    return vstack([users, weight * (known @ scale_rows(features)).T], format="csr")


def gram(rows: csr_matrix, *, advice: str) -> np.ndarray:
    """Return the dense products of all pairs of columns, float32 (n_items, n_items).

    Parameters
    ----------
    rows : csr_matrix of float64, shape (n, n_items)
    advice : str
        What to do if they do not fit into memory.

    Raises
    ------
    ParameterError
        If they do not.
    """
    n = rows.shape[1]
    check_memory(4 * n * n, f"dense weights between {n:,} items", advice)
    out = np.empty((n, n), dtype=np.float32)
    columns = rows.T.tocsr()
    for part in row_blocks(n):
        out[part] = (columns[part] @ rows).toarray()
    return out


def invert(matrix: np.ndarray, ridge: str) -> None:
    """Invert a symmetric positive definite float32 matrix in place.

    Raises
    ------
    ParameterError
        If it is singular to rounding; ``ridge`` is the name of what was added to its diagonal.
    """
    from scipy.linalg.lapack import spotrf, spotri

    with threads():
        factor, failed = spotrf(matrix.T, lower=True, clean=False, overwrite_a=True)
        if not failed:
            inverse, failed = spotri(factor, lower=True, overwrite_c=True)
    if failed:
        raise ParameterError(f"the items cannot be told apart in float32: raise the {ridge}")
    _mirror(inverse.T)


def _mirror(matrix: np.ndarray) -> None:
    """Copy the upper triangle of a square matrix to the lower one, in place."""
    for part in row_blocks(len(matrix)):
        corner = np.triu(matrix[part, part])
        matrix[part, part] = corner + np.triu(corner, 1).T
        matrix[part.stop :, part] = matrix[part, part.stop :].T


def row_blocks(n: int) -> Iterator[slice]:
    """Cut the rows of an (n, n) array into blocks that fit into memory beside it."""
    step = rows_of_a_block(n)
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def with_new_items(
    scorer: HistoryScorer, items: np.ndarray, into: np.ndarray, out_of: np.ndarray
) -> HistoryScorer:
    """Return a scorer with weights between the first items, of the fit, and some new ones.

    Parameters
    ----------
    scorer : HistoryScorer
        Wide enough for the new items; nothing reaches them yet.
    items : ndarray of int, shape (m,)
    into, out_of : ndarray, shape (n, m)
        Weights that lead into the new items, and back out of them.
    """
    from scipy.sparse import coo_matrix, csr_matrix

    n = len(into)
    if isinstance(scorer.weights, np.ndarray):
        weights = scorer.weights.copy()
        weights[:n, items] = into
        weights[items, :n] = out_of.T
        return replace(scorer, weights=weights)
    old, new = np.nonzero(into)
    back, fresh = np.nonzero(out_of)
    edges = coo_matrix(
        (
            np.concatenate([into[old, new], out_of[back, fresh]]).astype(np.float32),
            (np.concatenate([old, items[fresh]]), np.concatenate([items[new], back])),
        ),
        shape=scorer.weights.shape,
    )
    weights = csr_matrix(scorer.weights + edges)
    weights.sort_indices()
    return replace(scorer, weights=weights)
