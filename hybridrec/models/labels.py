"""Labelled pairs of a data set, dealt into folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.interactions import Interactions

DRAWS = 20  # of a negative, before it is given up


class LabelledPairs(NamedTuple):
    """Distinct pairs, the positive ones first.

    Attributes
    ----------
    users, items : ndarray of int32, shape (pairs,)
    labels : ndarray of bool, shape (pairs,)
    folds : ndarray of int64, shape (pairs,)
    features : ndarray of float32, shape (pairs, 2 * members)
        What members that have not seen the pair say of it.
    """

    users: np.ndarray
    items: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    features: np.ndarray

    def without(self, fold: int, matrix: csr_matrix) -> csr_matrix:
        """Return the interactions (users x items) but for the positives of one fold."""
        from scipy.sparse import csr_matrix

        held = self.labels & (self.folds == fold)
        ones = np.ones(int(held.sum()), dtype=np.float32)
        mask = csr_matrix((ones, (self.users[held], self.items[held])), shape=matrix.shape)
        rest = csr_matrix(matrix - matrix.multiply(mask), dtype=np.float32)
        rest.eliminate_zeros()
        rest.sort_indices()
        return rest


def labelled_pairs(
    interactions: Interactions, folds: int, stream: np.random.Generator
) -> LabelledPairs:
    """Collect positive and negative pairs and deal them into folds at random.

    Negatives are the pairs of which all rows weigh 0. Where there are none, as many as there
    are positives are sampled: for each positive one item, uniformly from the items that have
    interactions, but none with the user; a user who has nearly all items gets fewer.

    Raises
    ------
    DataError
        If there are fewer positives than folds.
    """
    positives = interactions.matrix.tocoo()
    if positives.nnz < folds:
        raise DataError(f"cannot deal {positives.nnz} interactions into {folds} folds")
    n_items = len(interactions.items)
    own = positives.row.astype(np.int64) * n_items + positives.col
    rows = interactions.user_codes.astype(np.int64) * n_items + interactions.item_codes
    others = np.setdiff1d(rows, own)
    if not len(others):
        others = _sampled(own, n_items, stream)
    users, items = np.divmod(np.concatenate([own, others]), n_items)
    return LabelledPairs(
        users.astype(np.int32),
        items.astype(np.int32),
        np.arange(len(users)) < len(own),
        stream.permutation(len(users)) % folds,
        np.zeros((len(users), 0), dtype=np.float32),
    )


def _sampled(positives: np.ndarray, n_items: int, stream: np.random.Generator) -> np.ndarray:
    """Return keys of pairs that are no positives, one of the user of each, all different."""
    pool = np.unique(positives % n_items)
    users = positives // n_items
    found = np.zeros(0, dtype=np.int64)
    for _ in range(DRAWS):
        drawn = users * n_items + stream.choice(pool, len(users))
        good = ~np.isin(drawn, positives) & ~np.isin(drawn, found)
        _, first = np.unique(drawn, return_index=True)
        good &= np.isin(np.arange(len(drawn)), first)
        found = np.concatenate([found, drawn[good]])
        users = users[~good]
    return found
