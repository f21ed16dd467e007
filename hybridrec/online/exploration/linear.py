"""Linear bandits on item features: LinUCB and Thompson sampling, one model for all items.

MABWiser (a well-kept library of bandits) was measured against this file: its linear policies keep
a regression for each arm, know no propensities, choose one arm instead of a list, and are stored by
pickle. Thousands of items that share features would be thousands of regressions, of which those of
new items know nothing. With all items as one arm its values are ours, which the tests check; for
the rest there was nothing to gain from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hybridrec.models.checks import at_least, positive, whole
from hybridrec.online.exploration.lists import Candidates, Slates
from hybridrec.online.exploration.policy import Policy, ranks_of
from hybridrec.online.exploration.posterior import LinearPosterior
from hybridrec.online.exploration.slots import examination
from hybridrec.online.exploration.space import SCORE
from hybridrec.runtime import random_stream, threads

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

PROPENSITY = 2**62  # the number of the random stream that propensities are estimated with


class LinearPolicy(Policy):
    """Base of policies that believe in a linear reward: ``E[r | rank] = look(rank) w . x(u, i)``.

    x are the contexts of `ItemSpace.contexts`, look is `examination`: an item that was passed over
    far down the list tells little. Weights start at 0, but for that of the model's score, which
    starts at ``prior``: nothing learned, nothing uncertain means the model's own order.
    """

    alpha: float
    dimensions: int
    prior: float
    regularization: float
    posterior_: LinearPosterior

    @property
    def _dimensions(self) -> int:  # type: ignore[override]
        return self.dimensions

    def _check_params(self) -> None:
        super()._check_params()
        at_least(0, alpha=self.alpha, prior=self.prior)
        positive(regularization=self.regularization)
        whole(dimensions=self.dimensions)

    def _start(self, model: Recommender) -> None:
        prior = np.zeros(self.space_.width)
        prior[SCORE] = self.prior
        self.posterior_ = LinearPosterior(prior, self.regularization)

    def _learn(self, slates: Slates) -> None:
        looks = np.broadcast_to(examination(slates.items.shape[1]), slates.items.shape)
        told = (slates.items >= 0) & ~np.isnan(slates.rewards)
        seen = self.space_.contexts(slates.histories, slates.items, slates.relevance)
        self.posterior_.add(seen[told] * looks[told][:, None], slates.rewards[told])

    def _contexts(self, candidates: Candidates) -> np.ndarray:
        return self.space_.contexts(*candidates)

    def _state(self) -> dict[str, np.ndarray]:
        return self.posterior_.state()

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self.posterior_ = LinearPosterior.restored(state)


class LinUCB(LinearPolicy):
    """The order by an optimistic reward: expected, plus ``alpha`` standard deviations.

    Li, Chu, Langford & Schapire, "A contextual-bandit approach to personalized news article
    recommendation" (WWW 2010), with one set of weights for all items. Its order is not random, so
    ``epsilon`` is what makes its lists tell about other policies.

    Parameters
    ----------
    alpha : float, default 0.1
        How much is made of what is not known yet; 0 trusts what was learned.
    dimensions : int, default 16
        Of item vectors.
    prior : float, default 0.1
        The weight of the model's score before anything is learned.
    regularization : float, default 10
        How firm that is: as if so many rewards had been seen in every direction.
    epsilon : float, default 0.05
    candidates : int, default 100
    random_state : int, default 0
    """

    model_name: ClassVar[str] = "lin-ucb"

    def __init__(
        self,
        *,
        alpha: float = 0.1,
        dimensions: int = 16,
        prior: float = 0.1,
        regularization: float = 10.0,
        epsilon: float = 0.05,
        candidates: int = 100,
        random_state: int = 0,
    ) -> None:
        self.alpha = alpha
        self.dimensions = dimensions
        self.prior = prior
        self.regularization = regularization
        self.epsilon = epsilon
        self.candidates = candidates
        self.random_state = random_state

    def _values(self, candidates: Candidates) -> np.ndarray:
        with threads(1):
            seen = self._contexts(candidates)
            values = seen @ self.posterior_.mean + self.alpha * self.posterior_.widths(seen)
        return np.where(candidates.items >= 0, values, -np.inf)


class ThompsonSampling(LinearPolicy):
    """The order by a reward that is drawn from what is believed, anew for every list.

    Agrawal & Goyal, "Thompson sampling for contextual bandits with linear payoffs" (ICML 2013),
    with one set of weights for all items. Propensities are means over ``draws`` orders, which
    are the same for all lists until something is learned. ``epsilon`` keeps them away from 0: the
    error of a propensity p from the part that is drawn is about sqrt(p (1 - p) / draws).

    Parameters
    ----------
    alpha : float, default 0.1
        Times the standard deviation; 0 trusts what was learned.
    draws : int, default 200
    dimensions, prior, regularization, epsilon, candidates, random_state
        As in `LinUCB`.
    """

    model_name: ClassVar[str] = "thompson"

    def __init__(
        self,
        *,
        alpha: float = 0.1,
        draws: int = 200,
        dimensions: int = 16,
        prior: float = 0.1,
        regularization: float = 10.0,
        epsilon: float = 0.05,
        candidates: int = 100,
        random_state: int = 0,
    ) -> None:
        self.alpha = alpha
        self.draws = draws
        self.dimensions = dimensions
        self.prior = prior
        self.regularization = regularization
        self.epsilon = epsilon
        self.candidates = candidates
        self.random_state = random_state

    def _check_params(self) -> None:
        super()._check_params()
        whole(draws=self.draws)

    def _values(self, candidates: Candidates) -> np.ndarray:
        with threads(1):
            values = self._contexts(candidates) @ self.posterior_.mean
        return np.where(candidates.items >= 0, values, -np.inf)

    def _one_each(
        self, candidates: Candidates, streams: Sequence[np.random.Generator]
    ) -> np.ndarray:
        normals = np.array([stream.standard_normal(self.space_.width) for stream in streams])
        with threads(1):
            weights = self.posterior_.drawn(normals.reshape(-1, self.space_.width), self.alpha)
            values = np.einsum("nmp,np->nm", self._contexts(candidates), weights)
        return np.where(candidates.items >= 0, values, -np.inf)

    def _rankings(self, candidates: Candidates) -> Iterator[tuple[float, np.ndarray]]:
        stream = random_stream(self.random_state, PROPENSITY)
        normals = stream.standard_normal((self.draws, self.space_.width))
        with threads(1):
            weights = self.posterior_.drawn(normals, self.alpha)
            drawn = self._contexts(candidates) @ weights.T
        drawn[candidates.items < 0] = -np.inf
        for values in np.moveaxis(drawn, 2, 0):
            yield 1.0 / self.draws, ranks_of(values)
