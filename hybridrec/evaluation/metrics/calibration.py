"""Whether a list keeps the mix of tastes (genres) of its user's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import DataError
from hybridrec.evaluation.metrics.judgement import Judgement, csr_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_SMOOTHING = 0.01  # alpha of the paper


def miscalibration(judged: Judgement) -> np.ndarray:
    """Miscalibration@k = sum over categories c of p(c) ln(p(c) / (.99 q(c) + .01 p(c))).

    Per user, float64 (n_users, n_k): the Kullback-Leibler divergence, in nats, of q, the mix of
    categories among the first k, from p, that of the items the user is known to have. Each item
    spreads a weight of 1 over its categories. 0: the same mix. ln(100) = 4.6: none of the user's
    categories is shown, an empty list included. 0 for a user without categories. Needs ``seen``
    and ``categories``. Steck, "Calibrated recommendations" (RecSys 2018).

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : none.
    RecBole : none.
    ranx : none.
    """
    categories = csr_of(judged.context.need("categories"))
    if categories.nnz and not categories.data.min() >= 0:
        raise DataError("categories must be numbers of at least 0")
    per_item = _shares(categories)
    seen = judged.context.need("seen")[judged.users] != 0
    history = _shares(seen.astype(np.float64) @ per_item)
    mixes = (_shares(judged.shown(k) @ per_item) for k in judged.cutoffs)
    return np.column_stack([_divergence(history, mix) for mix in mixes])


def _divergence(history: csr_matrix, mix: csr_matrix) -> np.ndarray:
    """Return how far each row of ``mix`` is from the row of ``history``.

    A category of the history that is not in the mix adds p ln(1 / alpha); those in both are few.
    """
    p, q = csr_of(history.multiply(mix > 0)), csr_of(mix.multiply(history > 0))
    p.sort_indices()
    q.sort_indices()
    missed = _sums(history) - _sums(p)
    p.data *= np.log(p.data / ((1 - _SMOOTHING) * q.data + _SMOOTHING * p.data))
    values = _sums(p) + missed * np.log(1 / _SMOOTHING)
    positive: np.ndarray = np.maximum(values, 0.0)  # rounding
    return positive


def _shares(matrix: csr_matrix) -> csr_matrix:
    """Return the matrix with rows that sum to 1, or are empty."""
    from scipy.sparse import diags

    sums = _sums(matrix)
    return csr_of(diags(1.0 / np.where(sums > 0, sums, 1.0)) @ matrix)


def _sums(matrix: csr_matrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1)).ravel()
