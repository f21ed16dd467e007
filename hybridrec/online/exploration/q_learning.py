"""Q-learning on a small table: what kind of item pays off in the long run for what kind of user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.online.exploration.lists import Candidates, Slates
from hybridrec.online.exploration.policy import Policy
from hybridrec.online.exploration.slots import examination

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender


class QLearning(Policy):
    """The model's score plus what a table says of the user's state and the kind of item.

    States are kinds of users, actions kinds of items: clusters (k-means) of user profiles and of
    item vectors in the space of `ItemSpace`. For every shown item of known reward r, in state s,
    of kind a, with s' the state of the user after the list,
    ``Q(s, a) <- Q(s, a) + learning_rate (r + gamma max Q(s', .) - Q(s, a))``
    (Watkins & Dayan, "Q-learning", Machine Learning 1992). Rewards of one call are one step, in any
    order: n steps towards their mean target. A rank that few users look at (`examination`)
    counts as that part of a step, and its reward is measured by it. Each candidate is ordered by
    its standardised score + ``weight`` Q(s, a).

    Parameters
    ----------
    states : int, default 12
    actions : int, default 24
    learning_rate : float, default 0.05
    gamma : float, default 0.5
        How much later rewards count, from 0 to below 1.
    weight : float, default 5
        Of Q, which has the unit of rewards, beside standardised scores.
    dimensions : int, default 16
        Of item vectors.
    epsilon : float, default 0.1
    candidates : int, default 100
    random_state : int, default 0
    """

    model_name: ClassVar[str] = "q-learning"

    def __init__(
        self,
        *,
        states: int = 12,
        actions: int = 24,
        learning_rate: float = 0.05,
        gamma: float = 0.5,
        weight: float = 5.0,
        dimensions: int = 16,
        epsilon: float = 0.1,
        candidates: int = 100,
        random_state: int = 0,
    ) -> None:
        self.states = states
        self.actions = actions
        self.learning_rate = learning_rate
        self.gamma = gamma
        self.weight = weight
        self.dimensions = dimensions
        self.epsilon = epsilon
        self.candidates = candidates
        self.random_state = random_state

    @property
    def _dimensions(self) -> int:  # type: ignore[override]
        return self.dimensions

    def _check_params(self) -> None:
        super()._check_params()
        whole(states=self.states, actions=self.actions, dimensions=self.dimensions)
        positive(learning_rate=self.learning_rate)
        at_least(0, gamma=self.gamma, weight=self.weight)
        if self.learning_rate > 1 or self.gamma >= 1:
            raise ParameterError(
                "learning_rate must be at most 1 and gamma below 1, got"
                f" {self.learning_rate!r} and {self.gamma!r}"
            )

    def _start(self, model: Recommender) -> None:
        vectors = self.space_.vectors
        placed = vectors[np.any(vectors != 0, axis=1)]
        profiles = self.space_.profiles(model.history_)
        self.action_centres_ = _centres(placed, self.actions, self.random_state)
        self.state_centres_ = _centres(profiles, self.states, self.random_state)
        self.q_ = np.zeros((len(self.state_centres_), len(self.action_centres_)))

    def states_of(self, histories: csr_matrix) -> np.ndarray:
        """Return the state of each user, int (n,)."""
        return _nearest(self.space_.profiles(histories), self.state_centres_)

    def actions_of(self, items: np.ndarray) -> np.ndarray:
        """Return the kind of each item, int, of the same shape."""
        kinds = _nearest(self.space_.vectors, self.action_centres_)
        found: np.ndarray = kinds[items]
        return found

    def _values(self, candidates: Candidates) -> np.ndarray:
        states, kinds = self.states_of(candidates.histories), self.actions_of(candidates.items)
        values: np.ndarray = candidates.relevance + self.weight * self.q_[states[:, None], kinds]
        return values

    def _learn(self, slates: Slates) -> None:
        told = (slates.items >= 0) & ~np.isnan(slates.rewards)
        shape = slates.items.shape
        looks = np.broadcast_to(examination(shape[1]), shape)[told]
        states = np.broadcast_to(self.states_of(slates.histories)[:, None], shape)[told]
        later = np.broadcast_to(self.states_of(after(slates))[:, None], shape)[told]
        cells = states * self.q_.shape[1] + self.actions_of(slates.items)[told]
        future = self.gamma * self.q_.max(axis=1)[later]
        size = self.q_.size
        steps = np.bincount(cells, looks, size)
        targets = np.bincount(cells, slates.rewards[told] + looks * future, size)
        way = (1.0 - (1.0 - self.learning_rate) ** steps).reshape(self.q_.shape)
        target = (targets / np.where(steps > 0, steps, 1.0)).reshape(self.q_.shape)
        self.q_ = self.q_ + way * (target - self.q_)

    def _state(self) -> dict[str, np.ndarray]:
        return {
            "q": self.q_,
            "state_centres": self.state_centres_,
            "action_centres": self.action_centres_,
        }

    def _set_state(self, state: Mapping[str, Any]) -> None:
        self.q_ = state["q"]
        self.state_centres_, self.action_centres_ = state["state_centres"], state["action_centres"]


def after(slates: Slates) -> csr_matrix:
    """Return the histories of users after their lists: with the items that were rewarded."""
    from scipy.sparse import csr_matrix

    liked = (slates.items >= 0) & (np.nan_to_num(slates.rewards) > 0)
    rows, slots = np.nonzero(liked)
    columns = slates.items[rows, slots]
    new = csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=slates.histories.shape
    )
    return (slates.histories + new).tocsr()


def _centres(rows: np.ndarray, number: int, random_state: int) -> np.ndarray:
    """Return the centres of clusters, at most one a distinct row."""
    from sklearn.cluster import KMeans

    from hybridrec.runtime import threads

    distinct = np.unique(rows, axis=0) if len(rows) else np.zeros((1, rows.shape[1]))
    if len(distinct) <= number:
        return distinct
    with threads(1):
        means = KMeans(number, n_init=1, random_state=random_state).fit(rows)
    centres: np.ndarray = means.cluster_centers_.astype(np.float64)
    return centres


def _nearest(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the nearest centre of each row, the first of equal ones."""
    nearest: np.ndarray = np.argmin((centres**2).sum(axis=1) - 2.0 * (rows @ centres.T), axis=1)
    return nearest
