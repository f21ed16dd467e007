"""Candidates that differ from user to user: drawn at random, or given."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, first_few
from hybridrec.evaluation.metrics import SAMPLED_WARNING, sample_candidates
from hybridrec.evaluation.splits.split import Split

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def candidates_of_users(
    asked: Any, split: Split, seed: int | None
) -> tuple[csr_matrix | None, tuple[str, ...]]:
    """Return which items are ranked for each test user, their test items among them.

    Parameters
    ----------
    asked : int, data frame, path or None
        How many to draw for each user; or rows of user and item; None for all items.
    split : Split
    seed : int, optional
        For drawing; by default the seed of the split.

    Returns
    -------
    candidates : csr_matrix, shape (test users, n_items), or None
    notes : tuple of str
        What the reader of the numbers should know.

    Raises
    ------
    ParameterError
        If fewer than one is to be drawn.
    DataError
        If a test user has no given candidate; names the first five.
    UnknownIdError
        If a given user or item is unknown.
    """
    if asked is None:
        return None, ()
    users = split.test_users
    test = _ones(split.test_matrix)
    if isinstance(asked, Integral):
        own = split.seed if seed is None else seed
        known = test + _ones(split.seen[users])
        drawn = sample_candidates(
            known,
            min(int(asked), test.shape[1]),
            users=users,
            candidates=split.candidates,
            random_state=own or 0,
        )
        rows = np.repeat(np.arange(len(users)), drawn.shape[1])[drawn.ravel() >= 0]
        return _ones(test + _cells(rows, drawn[drawn >= 0], test.shape)), (
            f"{asked} candidates drawn for each user; {SAMPLED_WARNING}",
        )
    given = _ones(_given(asked, split)[users])
    missing = users[np.diff(given.indptr) == 0]
    if missing.size:
        raise DataError(
            f"candidates: users {first_few(split.train.users.ids[missing])} have none; give some"
            " for every test user"
        )
    allowed = _allowed(given, split)
    notes = ["ranked are the given candidates of each user"]
    if allowed.nnz < given.nnz:
        notes.append(
            f"{given.nnz - allowed.nnz} given candidates removed: the user is known to have them,"
            " or they are no candidates of the split"
        )
    return _ones(test + allowed), tuple(notes)


def _allowed(given: csr_matrix, split: Split) -> csr_matrix:
    """Return the given candidates that a list of the split may hold."""
    allowed = given - given.multiply(_ones(split.seen[split.test_users]))
    if split.candidates is not None:
        allowed = allowed.multiply(split.candidates[None, :])
    allowed = allowed.tocsr()
    allowed.eliminate_zeros()
    return allowed


def _given(asked: Any, split: Split) -> csr_matrix:
    """Return given candidates, users x items."""
    from hybridrec.dataset.readers import read_dataset

    rows = read_dataset(asked).interactions
    train = split.train
    users = train.users.codes(rows.users.ids)[rows.user_codes]
    items = train.items.codes(rows.items.ids)[rows.item_codes]
    return _cells(users, items, (len(train.users), len(train.items)))


def _cells(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    from scipy.sparse import csr_matrix

    return csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)


def _ones(matrix: csr_matrix) -> csr_matrix:
    """Return which entries a matrix stores, as ones, sorted."""
    from scipy.sparse import csr_matrix

    ones = csr_matrix(
        (np.ones(matrix.nnz, dtype=np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    ones.sort_indices()
    return ones
