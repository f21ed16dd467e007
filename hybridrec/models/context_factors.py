"""Contextual factors: a hybrid of users in contexts, with the context as a feature of the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.context_effects import Effect, Given, Observed, People, blended
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.ranking.scorer import FactorScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

OF_CONTEXT = 0.3  # size of a context feature beside that of the user, 1


@dataclass(frozen=True, eq=False)
class ContextFactors(Effect):
    """Factors of users in contexts: ``x_uc`` near ``w_u + sum of w_c``, moved by what they have.

    Attributes
    ----------
    model : HybridALS
        Fitted on one row for every user and context.
    user_prior : ndarray of float32, shape (n_users, factors)
        The ``w_u``, 0 for users who were in no context.
    shifts : ndarray of float32, shape (values, factors)
        The ``w_c``.
    occurrences : csr_matrix, shape (n_users, values * n_items)
        See `Observed.occurrences`.
    """

    model: HybridALS
    user_prior: np.ndarray
    shifts: np.ndarray
    occurrences: csr_matrix

    def applied(
        self,
        scorer: Scorer,
        given: Given,
        measured: np.ndarray,
        people: People,
        like: Scorer | None = None,
    ) -> Scorer:
        """Return the sum of both scores in standard deviations of the user's, weighted."""
        moved = self.shifts[list(given)].sum(axis=0)
        rows = self.model._folded(people.history).user_factors + moved
        if people.stored:
            known = np.flatnonzero(self.user_prior.any(axis=1))
            rows[known] = self._in_context(known, list(given), moved)
        items = self.model.scorer_
        assert isinstance(items, FactorScorer)
        local = items.for_users(rows)
        strength = float(np.mean(list(given.values())))
        scorable = [np.ones_like(measured), self.model.scorable_]
        return blended([scorer, local], scorable, [1.0, strength], measured)

    def _in_context(self, users: np.ndarray, values: list[int], moved: np.ndarray) -> np.ndarray:
        """Return the factors of users by what they have under all of some values."""
        prior = self.user_prior[users] + moved
        n_items = self.occurrences.shape[1] // len(self.shifts)
        own = self.occurrences[users]
        history = own[:, values[0] * n_items : (values[0] + 1) * n_items]
        for value in values[1:]:
            other = own[:, value * n_items : (value + 1) * n_items]
            history = history.multiply(other > 0).tocsr()
        history.resize(len(users), self.model.scorer_.n_items)
        history.eliminate_zeros()
        folded: np.ndarray = self.model._folded(history, prior, True).user_factors.copy()
        without = np.diff(history.indptr) == 0
        folded[without] = self.model.placed_users(prior[without])
        return folded


def fitted_factors(
    model: HybridALS,
    observed: Observed,
    shape: tuple[int, int],
    item_features: csr_matrix | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a hybrid on users in contexts; it keeps no row of them.

    Every user and every context value is a feature of the rows.

    Parameters
    ----------
    model : HybridALS
    observed : Observed
    shape : (int, int)
        Number of users and items.
    item_features : csr_matrix, shape (n_items, width), optional

    Returns
    -------
    (user_prior, shifts) : ndarray of float32
        See `ContextFactors`.
    """
    from scipy.sparse import csr_matrix, hstack

    n_users, n_items = shape
    keys = np.column_stack([observed.values, observed.users])
    rows, place = np.unique(keys, axis=0, return_inverse=True)
    pairs = (observed.weights, (place.ravel(), observed.items))
    matrix = csr_matrix(pairs, shape=(len(rows), n_items), dtype=np.float32)
    matrix.sum_duplicates()
    one_user = csr_matrix(
        (np.ones(len(rows)), (np.arange(len(rows)), rows[:, -1])), shape=(len(rows), n_users)
    )
    row, column = np.nonzero(rows[:, :-1] >= 0)
    sizes = np.full(len(row), OF_CONTEXT)
    contexts = csr_matrix(
        (sizes, (row, rows[row, column])), shape=(len(rows), int(observed.starts[-1]))
    )
    features = hstack([one_user, contexts], format="csr", dtype=np.float32)
    model._learn(matrix, item_features, features)
    weights = model.user_weights_
    assert weights is not None
    assert isinstance(model.scorer_, FactorScorer)
    prior = np.ascontiguousarray(weights[:n_users])
    model.scorer_ = model.scorer_.for_users(prior)
    model.user_weights_ = model.user_prior_ = None
    return prior, OF_CONTEXT * weights[n_users:]
