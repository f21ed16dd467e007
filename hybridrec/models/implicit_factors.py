"""ALS, BPR and logistic matrix factorisation, with the implicit package inside.

Defaults were chosen on validation parts of movielens-small and Last.FM (``bench/defaults.py``).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.models.base import Recommender
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.factors import FixedSide
from hybridrec.models.kept import kept
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.runtime import check_random_state, resolve_threads, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked
    from hybridrec.ranking.explanation import Shares

ABSENT = 1.0  # confidence of absent entries in ALS
UNOBSERVED = 0.1  # the same where the model itself has no such notion


class _ImplicitFactors(Recommender):
    """What the three models share: parameters and the call of the package."""

    factors: int
    regularization: float
    iterations: int
    random_state: int
    num_threads: int

    @abstractmethod
    def _package(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """Return the package's class and the parameters that only this model has."""

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        self._check_parameters()
        common = {
            "factors": self.factors,
            "regularization": self.regularization,
            "iterations": self.iterations,
            "random_state": check_random_state(self.random_state),
            "num_threads": resolve_threads(self.num_threads),
        }
        mean = float(matrix.data.mean(dtype=np.float64))
        package, own = self._package()  # imported here, so that its BLAS is capped below
        with threads(self.num_threads):
            model = package(**common, **own)
            model.fit(matrix / mean, show_progress=False)
        self.mean_weight_ = np.array(mean)
        return self._scorer(np.asarray(model.user_factors), np.asarray(model.item_factors))

    def _check_parameters(self) -> None:
        whole(factors=self.factors, iterations=self.iterations)
        at_least(0, regularization=self.regularization)

    def _scorer(self, user_factors: np.ndarray, item_factors: np.ndarray) -> FactorScorer:
        zeros = np.zeros(len(item_factors), dtype=np.float32)
        return FactorScorer(user_factors, item_factors, zeros)


class ALS(_ImplicitFactors):
    """Weighted alternating least squares for implicit feedback (Hu, Koren & Volinsky 2008).

    Parameters
    ----------
    factors : int, default 64
    regularization : float, default 40
        The same for every row; grows with ``alpha``.
    alpha : float, default 10
        Confidence of an interaction of average weight; an absent one has confidence 1.
    iterations : int, default 15
    random_state : int, default 0
    num_threads : int, default 0
        0 means all; the result does not depend on it.
    """

    model_name = "als"

    def __init__(
        self,
        *,
        factors: int = 64,
        regularization: float = 40.0,
        alpha: float = 10.0,
        iterations: int = 15,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.factors, self.regularization, self.alpha = factors, regularization, alpha
        self.iterations, self.random_state, self.num_threads = iterations, random_state, num_threads

    def _package(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares, {"alpha": self.alpha}

    def _check_parameters(self) -> None:
        super()._check_parameters()
        positive(alpha=self.alpha)

    def _fold_in(self, history: csr_matrix) -> Scorer:
        assert isinstance(self.scorer_, FactorScorer)
        return self.scorer_.for_users(self._solve(history, self._items_fixed()))

    def _items_fixed(self) -> FixedSide:
        scorer = self.scorer_
        assert isinstance(scorer, FactorScorer)
        return kept(self, "items", (scorer,), lambda: FixedSide.of(scorer.item_factors, ABSENT))

    def _history_shares(self, asked: Asked) -> Shares:
        from hybridrec.models.explain_factors import fold_in_shares

        confidence = asked.history.data * (self.alpha / float(self.mean_weight_))
        return fold_in_shares(self._items_fixed(), asked, confidence, self.regularization)

    def _fold_in_items(self, histories: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        assert isinstance(self.scorer_, FactorScorer)
        users = FixedSide.of(self.scorer_.user_factors, ABSENT, self.num_threads)
        rows = self._solve(histories, users)
        return rows, np.zeros(len(rows), dtype=np.float32)

    def _solve(self, history: csr_matrix, others: FixedSide) -> np.ndarray:
        return others.fold_in(
            history,
            confidence=history.data * (self.alpha / float(self.mean_weight_)),
            ridge=self.regularization,
            num_threads=self.num_threads,
        )

    def _state(self) -> dict[str, np.ndarray]:
        return {"mean_weight_": self.mean_weight_}


def first_factors(model: ALS, n_users: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the factors that the package starts ALS from: float32, of users and of items."""
    from implicit.utils import check_random_state as stream_of

    stream = stream_of(check_random_state(model.random_state))
    users, items = (
        stream.random((n, model.factors), dtype=np.float32) * 0.01 for n in (n_users, n_items)
    )
    return users, items


def half_iteration(
    model: ALS, confidence: csr_matrix, factors: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Return factors of some rows after a half-iteration of the package, from ``factors``."""
    from implicit.cpu.als import AlternatingLeastSquares

    solve = AlternatingLeastSquares(factors=model.factors).solver
    solved: np.ndarray = factors.copy()
    solve(confidence, solved, others, model.regularization, num_threads=1)
    return solved


class BPR(_ImplicitFactors):
    """Bayesian personalised ranking (Rendle et al. 2009).

    Trained without locks: the same result again needs ``num_threads=1``, the default.

    Parameters
    ----------
    factors : int, default 64
    learning_rate : float, default 0.01
    regularization : float, default 0.02
    iterations : int, default 150
    random_state : int, default 0
    num_threads : int, default 1
        0 means all; with more than one the result varies from run to run.
    """

    model_name = "bpr"

    def __init__(
        self,
        *,
        factors: int = 64,
        learning_rate: float = 0.01,
        regularization: float = 0.02,
        iterations: int = 150,
        random_state: int = 0,
        num_threads: int = 1,
    ) -> None:
        self.factors, self.learning_rate, self.regularization = (
            factors,
            learning_rate,
            regularization,
        )
        self.iterations, self.random_state, self.num_threads = iterations, random_state, num_threads

    def _package(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        positive(learning_rate=self.learning_rate)
        return BayesianPersonalizedRanking, {"learning_rate": self.learning_rate}

    def _scorer(self, user_factors: np.ndarray, item_factors: np.ndarray) -> FactorScorer:
        """Split off the item bias, which the package keeps as the last factor."""
        return FactorScorer(user_factors[:, :-1], item_factors[:, :-1], item_factors[:, -1])

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return fold_in_ranking(self, history, self.num_threads)

    def _history_shares(self, asked: Asked) -> Shares:
        return explain_ranking(self, asked)


class LogisticMF(_ImplicitFactors):
    """Logistic matrix factorisation (Johnson 2014).

    Trained without a fixed order: the same result again needs ``num_threads=1``, the default.

    Parameters
    ----------
    factors : int, default 32
    learning_rate : float, default 1
    regularization : float, default 2
    iterations : int, default 30
    negatives : int, default 30
        Sampled absent items per interaction.
    random_state : int, default 0
    num_threads : int, default 1
        0 means all; with more than one the result varies from run to run.
    """

    model_name = "logistic-mf"

    def __init__(
        self,
        *,
        factors: int = 32,
        learning_rate: float = 1.0,
        regularization: float = 2.0,
        iterations: int = 30,
        negatives: int = 30,
        random_state: int = 0,
        num_threads: int = 1,
    ) -> None:
        self.factors, self.learning_rate, self.regularization = (
            factors,
            learning_rate,
            regularization,
        )
        self.iterations, self.negatives = iterations, negatives
        self.random_state, self.num_threads = random_state, num_threads

    def _package(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        from implicit.cpu.lmf import LogisticMatrixFactorization

        whole(negatives=self.negatives)
        positive(learning_rate=self.learning_rate)
        own = {"learning_rate": self.learning_rate, "neg_prop": self.negatives}
        return LogisticMatrixFactorization, own

    def _scorer(self, user_factors: np.ndarray, item_factors: np.ndarray) -> FactorScorer:
        """Split off the item bias and drop the user bias, which ranks nothing.

        The package keeps them as the last two factors: (1, user bias) and (item bias, 1).
        """
        return FactorScorer(user_factors[:, :-2], item_factors[:, :-2], item_factors[:, -2])

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return fold_in_ranking(self, history, self.num_threads)

    def _history_shares(self, asked: Asked) -> Shares:
        return explain_ranking(self, asked)


def fold_in_ranking(model: Recommender, history: csr_matrix, num_threads: int) -> FactorScorer:
    """Fold new users into a model trained on a ranking or logistic loss.

    Such factors have no closed form for a new user. The least-squares user of `fold_in_rows`
    points the same way; its length is set to that of the trained users, so that it stands in
    proportion to the item bias.
    """
    scorer = model.scorer_
    assert isinstance(scorer, FactorScorer)
    items, power, usual = kept(model, "items", (scorer,), lambda: _ranking_side(scorer))
    ones = np.ones(history.nnz, dtype=np.float32)
    rows = items.fold_in(history, confidence=ones, ridge=power, num_threads=num_threads)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return scorer.for_users(rows * (usual / np.where(length > 0, length, 1.0)))


def explain_ranking(model: Recommender, asked: Asked) -> Shares:
    """Take a score of such a model apart by the items of the history."""
    from hybridrec.models.explain_factors import ranking_shares

    scorer = model.scorer_
    assert isinstance(scorer, FactorScorer)
    side = kept(model, "items", (scorer,), lambda: _ranking_side(scorer))
    return ranking_shares(scorer, asked, *side)


def _ranking_side(scorer: FactorScorer) -> tuple[FixedSide, float, float]:
    """Return the items to fold users in by, their mean squared length, and a user's usual one."""
    factors = scorer.item_factors
    power = float(np.square(factors, dtype=np.float64).sum(axis=1).mean())
    usual = float(np.median(np.linalg.norm(scorer.user_factors, axis=1)))
    return FixedSide.of(factors, UNOBSERVED), power, usual
