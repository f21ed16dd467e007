"""From the factors that all scenarios share to those of one: theta + alpha * delta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.factors import FixedSide
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.hybrid_als_sides import penalties
from hybridrec.models.implicit_factors import ALS
from hybridrec.ranking.scorer import FactorScorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Beside the regularization of the model; chosen on a split of seed 100 of the data of
# bench/transfer.py, which reports other seeds.
SHRINKAGE = 10.0  # pull of a user to the scenario's mean user, divided by the interactions there
PULL = 1.0  # of an item to its shared factors


class Alpha(NamedTuple):
    """How far a scenario moves away from the shared factors: 0 not at all, 1 all the way."""

    users: float
    """Of users with interactions in the scenario."""
    newcomers: float
    """Of users without any, towards the scenario's mean user."""
    items: float


NOTHING = Alpha(0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Solver:
    """How a model solves the factors of a row, the other side being fixed.

    Attributes
    ----------
    scale : float
        Confidence of an interaction of weight 1.
    absent : float
        Confidence of an absent one.
    ridge : callable
        From numbers of interactions to regularization.
    unit : float
        The regularization of a row with one interaction.
    """

    scale: float
    absent: float
    ridge: Callable[[np.ndarray], np.ndarray]
    unit: float

    @classmethod
    def of(cls, model: Recommender) -> Solver:
        """Return the one of a fitted model.

        Raises
        ------
        ParameterError
            If the model has no least-squares factors.
        """
        if isinstance(model, HybridALS):
            ridge = lambda count: penalties(model, count, False)[0]  # noqa: E731
            scale = 1.0 / float(model.mean_weight_)
            return cls(scale, float(model.unobserved_), ridge, model.regularization)
        check_base(type(model))
        assert isinstance(model, ALS)
        unit = model.regularization
        return cls(
            model.alpha / float(model.mean_weight_), 1.0, lambda n: np.full(len(n), unit), unit
        )

    def side(self, factors: np.ndarray, active: np.ndarray, num_threads: int) -> FixedSide:
        """Return the fixed side; not having a row that is not active tells nothing."""
        absent = np.zeros(len(factors))
        absent[active] = self.absent
        return FixedSide.of(factors, absent, num_threads)

    def solve(
        self,
        rows: csr_matrix,
        side: FixedSide,
        *,
        ridge: float | np.ndarray,
        pull: np.ndarray,
        prior: np.ndarray,
        num_threads: int,
    ) -> np.ndarray:
        """Return the factors of rows of history."""
        confidence = rows.data.astype(np.float64) * self.scale
        return side.fold_in(
            rows,
            confidence=confidence,
            ridge=ridge,
            pull=pull,
            prior=prior,
            num_threads=num_threads,
        )


def check_base(kind: type[Recommender]) -> None:
    """Refuse models that have no least-squares factors."""
    if not issubclass(kind, (HybridALS, ALS)):
        raise ParameterError(
            f"scenarios adapt hybrid-als or als, whose factors have a closed form; not"
            f" {kind.model_name}"
        )


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What a scenario adds to the shared factors.

    Attributes
    ----------
    alpha : Alpha
    mean : ndarray of float32, shape (d,)
        The shared factors of the scenario's users, averaged.
    items : ndarray of int32, shape (m,)
        Items with interactions in the scenario.
    delta : ndarray of float32, shape (m, d)
        From their shared factors to those that the scenario's users tell.
    """

    alpha: Alpha
    mean: np.ndarray
    items: np.ndarray
    delta: np.ndarray

    @classmethod
    def fit(cls, base: Recommender, history: csr_matrix, alpha: Alpha = NOTHING) -> Adaptation:
        """Learn it from the scenario's interactions, users x items.

        An item is solved again, users being fixed, for the users that the scenario has: what
        others do not have tells nothing of it. It is pulled to its shared factors.
        """
        scorer, solver, threads = _factors(base), Solver.of(base), _threads(base)
        users = np.flatnonzero(np.diff(history.indptr) > 0)
        counts = history.getnnz(axis=0)
        items = np.flatnonzero(counts > 0).astype(np.int32)
        shared = scorer.item_factors[items]
        points = solver.solve(
            history[:, items].T.tocsr(),
            solver.side(scorer.user_factors, users, threads),
            ridge=0.0,
            pull=PULL * solver.ridge(counts[items]),
            prior=shared,
            num_threads=threads,
        )
        mean = scorer.user_factors[users].mean(axis=0, dtype=np.float64).astype(np.float32)
        return cls(alpha, mean, items, points - shared)

    def item_factors(self, shared: np.ndarray) -> np.ndarray:
        """Return the factors of all items in the scenario."""
        if not self.alpha.items:
            return shared
        moved = shared.copy()
        moved[self.items] += np.float32(self.alpha.items) * self.delta
        return moved

    def user_side(self, base: Recommender) -> FixedSide:
        """Return what users are solved by: the shared items, and those the scenario has."""
        return Solver.of(base).side(_factors(base).item_factors, self.items, _threads(base))

    def user_points(self, base: Recommender, side: FixedSide, history: csr_matrix) -> np.ndarray:
        """Return where the scenario alone would place users, float32 (n, d).

        As the model folds in, but pulled to the scenario's mean user, where those without an
        interaction stay.
        """
        solver = Solver.of(base)
        count = np.diff(history.indptr)
        points = np.tile(self.mean, (len(count), 1))
        some = np.flatnonzero(count > 0)
        points[some] = solver.solve(
            history[some],
            side,
            ridge=solver.ridge(count[some]),
            pull=SHRINKAGE * solver.unit / count[some],
            prior=points[some],
            num_threads=_threads(base),
        )
        return points

    def user_factors(
        self, base: Recommender, side: FixedSide, shared: np.ndarray, history: csr_matrix
    ) -> np.ndarray:
        """Return the factors of users in the scenario.

        Parameters
        ----------
        base : Recommender
        side : FixedSide
            That of `user_side`.
        shared : ndarray of float32, shape (n, d)
        history : csr_matrix, shape (n, n_items)
            What they have in the scenario.
        """
        if not (self.alpha.users or self.alpha.newcomers):
            return shared
        return shifted(shared, self.user_points(base, side, history), history, self.alpha)


def shifted(
    shared: np.ndarray, points: np.ndarray, history: csr_matrix, alpha: Alpha
) -> np.ndarray:
    """Return users between their shared factors and the points of a scenario."""
    step = np.where(np.diff(history.indptr) > 0, alpha.users, alpha.newcomers).astype(np.float32)
    moved: np.ndarray = shared + step[:, None] * (points - shared)
    return np.where(step[:, None] > 0, moved, shared)


def _factors(base: Recommender) -> FactorScorer:
    assert isinstance(base.scorer_, FactorScorer)
    return base.scorer_


def _threads(base: Recommender) -> int:
    return int(base.get_params()["num_threads"])
