"""Alternating least squares whose item side is differentially private, for one party or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.checks import at_least, whole
from hybridrec.models.factors import fold_in_rows
from hybridrec.privacy.accountant import PrivacyBudget
from hybridrec.privacy.kept_counts import KeptCounts
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NOISES = ("secret", "seeded")
# How the budget is dealt out; the cross products, n_items x factors numbers, need most of it.
COUNTS, GRAMS, CROSSES = 0.2, 0.02, 0.78
USUAL = 0.3  # of the popularity in a user of whom nothing else is known
START = 0xA15  # of the first item factors, which tell nothing and need no secret seed
RIDGE = 0.3  # of the item side, beside the mean second moment of the users' directions


class ItemStatistics(NamedTuple):
    """What the item side learns from users: sums over them, which parties may add up."""

    gram: np.ndarray
    """float64 (d, d): the users' directions times each other."""
    cross: np.ndarray
    """float64 (n_items, d): their rows times their directions."""
    variance: float
    """Of the noise of every number of ``cross``."""


class PrivateItemSide(NamedTuple):
    """What all may see."""

    counts: np.ndarray
    """float32 (n_items,), 0 and more."""
    factors: np.ndarray
    """float32 (n_items, d + 1); the first is the popularity."""


class PrivateALS(KeptCounts):
    """Matrix factorisation with (epsilon, delta)-differential privacy for whole users.

    Alternating least squares in which the item side sees noisy sums only, as in DPALS (Chien et
    al. 2021): every interaction counts 1, the row of a user is scaled to length 1, and so is the
    direction of the user's factors. So one user, however active, moves the item counts, the sum
    of the users' second moments, and the sum of row times direction by a distance of 1 at most.
    Each gets Gaussian noise; the accounting over all iterations is exact (see
    `hybridrec.privacy.accountant`). The item side is a plain regression, the same second moments
    for all items, which needs far less noise than an equation of each item. Rows of items that
    do not stand out from the noise are shrunk towards 0 (James & Stein), and the noisy popularity
    is one more factor: with little budget, the lists become those of popularity. The user side
    is the weighted regression of ALS and sees the user's own history and the item factors only.

    Private is all that concerns items: factors, counts, and which items can be recommended.
    Whoever sees them, and the lists of all other users, can hardly tell whether a user was there
    at all: data sets are neighbours that differ by one user, added or removed with the whole
    history. The list of items is taken as public; give an item table with the whole catalogue,
    or it tells which items anybody had. Not private are a user's own factors and
    history, which the model keeps to serve that user: give away a model without its users,
    ``forget(model, model.users_.ids)``. Parameters chosen by looking at the data, and every
    further fit on the same users, cost privacy that no single model counts.

    Parameters
    ----------
    epsilon : float, default 8
        Above 0; the smaller, the more noise.
    delta : float, default 1e-5
        Well below 1 / users.
    factors : int, default 8
        Beside the popularity. More need more budget; with 0 all of it goes into the counts, and
        the lists are those of popularity.
    iterations : int, default 3
        More need more budget.
    regularization : float, default 3
        Pull of users towards popularity alone.
    unobserved : float, default 0.2
        Confidence of absent entries beside an interaction, on the side of users.
    noise : {"secret", "seeded"}, default "secret"
        "secret" noise comes from the system's source of secrets, new in every fit. "seeded" noise
        follows ``random_state``, so that whoever knows the seed can take it off again: for tests
        and benchmarks, not for data that need protection.
    random_state : int, default 0
    num_threads : int, default 0
        0 means all; the result does not depend on it.

    Attributes
    ----------
    budget_ : PrivacyBudget
        What was released with how much noise; only after `fit`, it is not saved.

    References
    ----------
    S. Chien et al., "Private alternating least squares", ICML 2021. J. Dong, A. Roth & W. Su,
    "Gaussian differential privacy", JRSS B 2022. B. Balle & Y.-X. Wang, "Improving the Gaussian
    mechanism for differential privacy", ICML 2018.
    """

    model_name = "private-als"

    budget_: PrivacyBudget
    _side: PrivateItemSide | None = None

    def __init__(
        self,
        *,
        epsilon: float = 8.0,
        delta: float = 1e-5,
        factors: int = 8,
        iterations: int = 3,
        regularization: float = 3.0,
        unobserved: float = 0.2,
        noise: str = "secret",
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.epsilon, self.delta = epsilon, delta
        self.factors, self.iterations = factors, iterations
        self.regularization, self.unobserved = regularization, unobserved
        self.noise, self.random_state, self.num_threads = noise, random_state, num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        self._check_parameters()
        seed = self.random_state if self.noise == "seeded" else None
        self.budget_ = PrivacyBudget(self.epsilon, self.delta, seed)
        side = self._side or private_item_side(self, [PrivateParty(self, matrix, self.budget_)])
        self.counts_ = side.counts
        bias = np.zeros(len(side.factors), dtype=np.float32)
        return FactorScorer(self.users_of(matrix, side.factors), side.factors, bias)

    def with_users(self, data: Any, side: PrivateItemSide) -> PrivateALS:
        """Return a fitted model of an item side that many parties trained, and of some users.

        Parameters
        ----------
        data : Dataset or Interactions
            Over the list of items that the parties agreed on.
        side : PrivateItemSide
        """
        model = type(self)(**self.get_params())
        model._side = side
        model.fit(data)
        del model._side, model.budget_
        return model

    def _check_parameters(self) -> None:
        """Refuse parameters that make no sense; epsilon and delta are the budget's."""
        whole(factors=self.factors + 1, iterations=self.iterations)
        at_least(0, regularization=self.regularization, unobserved=self.unobserved)
        if self.unobserved > 1:
            raise ParameterError(f"unobserved must be at most 1, got {self.unobserved!r}")
        if self.noise not in NOISES:
            raise ParameterError(
                f"noise must be one of {', '.join(NOISES)}, got {self.noise!r}"
                f"{did_you_mean(self.noise, NOISES)}"
            )

    def users_of(self, history: csr_matrix, item_factors: np.ndarray) -> np.ndarray:
        """Return the factors of users, each from the own history, float32 (n, d + 1)."""
        popularity = np.zeros((history.shape[0], item_factors.shape[1]), dtype=np.float32)
        popularity[:, 0] = USUAL
        return fold_in_rows(
            ones(history),
            item_factors,
            unobserved=self.unobserved,
            ridge=0.0,
            pull=self.regularization,
            prior=popularity,
            num_threads=self.num_threads,
        )

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, FactorScorer)
        factors = self.scorer_.item_factors
        return FactorScorer(self.users_of(history, factors), factors, self.scorer_.item_bias)


class PrivateParty:
    """Users who stay where they are, and what of them is told, with noise.

    Parameters
    ----------
    model : PrivateALS
        Only its parameters are read; the same for all parties.
    history : csr_matrix, shape (n_users, n_items)
        Over a list of items that all parties agree on.
    budget : PrivacyBudget
        What this party spends. Every message is private by itself, whoever reads it; a user
        must not be with two parties.
    """

    def __init__(self, model: PrivateALS, history: csr_matrix, budget: PrivacyBudget) -> None:
        self.model, self.budget, self.history = model, budget, history
        self._rows = unit_rows(history)

    def counts(self) -> np.ndarray:
        """Return how popular items are, float64 (n_items,)."""
        sums = np.asarray(self._rows.sum(axis=0)).ravel()
        return self.budget.release("counts", sums, COUNTS if self.model.factors else 1.0)

    def statistics(self, item_factors: np.ndarray) -> ItemStatistics:
        """Return what users tell about items, given the item factors so far."""
        users = self.model.users_of(self.history, item_factors)[:, 1:].astype(np.float64)
        length = np.linalg.norm(users, axis=1, keepdims=True)
        users /= np.where(length > 0, length, 1.0)
        times = self.model.iterations
        gram = _symmetric(self.budget.release("gram", _isometric(users.T @ users), GRAMS / times))
        cross = self.budget.release("cross", self._rows.T @ users, CROSSES / times)
        return ItemStatistics(gram, cross, self.budget.releases[-1].deviation ** 2)


def private_item_side(model: PrivateALS, parties: Sequence[PrivateParty]) -> PrivateItemSide:
    """Return counts and item factors, from sums over what parties tell.

    Parameters
    ----------
    model : PrivateALS
        Its parameters count.
    parties : sequence of PrivateParty
        With the same list of items. The noise of each is in the sum.
    """
    counts = np.maximum(np.sum([party.counts() for party in parties], axis=0), 0.0)
    top = max(float(counts.max(initial=0.0)), 1.0)
    popularity = counts / top
    if not model.factors:  # with zeros beside it: there are no other vectors of items
        nothing = np.zeros((len(counts), 1))
        return PrivateItemSide(counts.astype(np.float32), with_popularity(popularity, nothing))
    start = random_stream(START).normal(0.0, 0.1, size=(len(counts), model.factors))
    factors = np.sqrt(popularity)[:, None] * start
    for _ in range(model.iterations):
        so_far = with_popularity(popularity, factors)
        told = [party.statistics(so_far) for party in parties]
        factors = solve_items(_sum(told)) / top
    return PrivateItemSide(counts.astype(np.float32), with_popularity(popularity, factors))


def _sum(told: Sequence[ItemStatistics]) -> ItemStatistics:
    return ItemStatistics(
        np.sum([one.gram for one in told], axis=0),
        np.sum([one.cross for one in told], axis=0),
        sum(one.variance for one in told),
    )


def solve_items(told: ItemStatistics) -> np.ndarray:
    """Return the regression of the users' rows on their directions, float64 (n_items, d).

    Its scale is that of shares of users: the trace of the second moments is their number.
    """
    d = len(told.gram)
    values, basis = np.linalg.eigh(told.gram)
    users = max(float(values.sum()), 1.0)
    values = np.maximum(values, 0.0) + RIDGE * users / d
    energy = np.square(told.cross).sum(axis=1)
    kept = 1.0 - d * told.variance / np.maximum(energy, np.finfo(float).tiny)
    cross = np.maximum(kept, 0.0)[:, None] * told.cross
    solved: np.ndarray = users * ((cross @ basis) / values) @ basis.T
    return solved


def with_popularity(popularity: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return item factors with popularity as the first, float32 (n_items, d + 1)."""
    return np.concatenate([popularity[:, None], factors], axis=1).astype(np.float32)


def ones(history: csr_matrix) -> csr_matrix:
    """Return a history in which every interaction counts 1."""
    from scipy.sparse import csr_matrix

    data = np.ones(history.nnz, dtype=np.float32)
    return csr_matrix((data, history.indices, history.indptr), shape=history.shape)


def unit_rows(history: csr_matrix) -> csr_matrix:
    """Return the interactions of every user, all alike, as a row of length 1 (float64)."""
    from scipy.sparse import diags

    length = np.sqrt(np.maximum(np.diff(history.indptr), 1))
    return (diags(1 / length) @ ones(history).astype(np.float64)).tocsr()


def _isometric(gram: np.ndarray) -> np.ndarray:
    """Return the upper triangle of a symmetric matrix as a vector of the same length (norm)."""
    above = np.triu_indices(len(gram))
    scale = np.where(above[0] == above[1], 1.0, np.sqrt(2.0))
    vector: np.ndarray = scale * gram[above]
    return vector


def _symmetric(vector: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix that `_isometric` made a vector of."""
    d = int(np.sqrt(2 * len(vector)))
    above = np.triu_indices(d)
    matrix = np.zeros((d, d))
    matrix[above] = vector / np.where(above[0] == above[1], 1.0, np.sqrt(2.0))
    return matrix + np.triu(matrix, 1).T
