"""Candidates drawn at random for every user, as many papers rank them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.runtime import check_random_state

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SAMPLED_WARNING = (
    "metrics on sampled candidates are biased: they can rank models differently from the same"
    " metrics on all candidates (Krichene & Rendle, KDD 2020); use them only to compare with"
    " numbers published that way"
)


def sample_candidates(
    known: csr_matrix,
    size: int,
    *,
    users: np.ndarray,
    candidates: np.ndarray | None = None,
    random_state: int = 0,
) -> np.ndarray:
    """Draw negatives for every user, without replacement; warn that this biases metrics.

    What is drawn for a user depends on ``random_state``, the user's code, the candidates and what
    is known of the user, not on the other users.

    Parameters
    ----------
    known : csr_matrix, shape (n_users, n_items)
        Stored entries are never drawn: what the users have, and their test items.
    size : int
        How many to draw for each user.
    users : ndarray of int, shape (n_users,)
        Codes of the users.
    candidates : ndarray of bool, shape (n_items,), optional
        Items to draw from; all if not given.
    random_state : int, default 0

    Returns
    -------
    ndarray of int32, shape (n_users, size)
        Ascending; ends with -1 for users with fewer than ``size`` such items.

    Raises
    ------
    ParameterError
        If ``size`` is below 1.
    """
    from hybridrec.kernels.metrics import sample_columns, stream_keys

    if size < 1:
        raise ParameterError(f"size must be a whole number of at least 1, got {size!r}")
    warnings.warn(SAMPLED_WARNING, stacklevel=2)
    items = np.arange(known.shape[1]) if candidates is None else np.flatnonzero(candidates)
    hidden = known[:, items]
    hidden.sort_indices()
    keys = stream_keys(np.uint64(check_random_state(random_state) % 2**64), users)
    drawn = sample_columns(hidden.indptr, hidden.indices, keys, len(items), size)
    codes = np.append(items, -1).astype(np.int32)  # -1 stays -1
    candidates_of_users: np.ndarray = codes[drawn]
    return candidates_of_users
