"""Users who react to lists, made from interactions that the model has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.errors import DataError, ParameterError
from hybridrec.models.checks import at_least, whole
from hybridrec.online.exploration.lists import Candidates, Slates, candidates_of
from hybridrec.online.exploration.q_learning import after
from hybridrec.ranking.topk import check_k
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender
    from hybridrec.online.exploration.policy import Policy


class Round(NamedTuple):
    """What came of one list for every user.

    Attributes
    ----------
    number : int
        From 1.
    reward : float
        Clicks that were to be expected of these lists, all together: of a list the sum of
        look(rank) attraction(item).
    best : float
        The same of the best lists that there were, for users who know what they like.
    slates : Slates
        With the clicks as rewards.
    """

    number: int
    reward: float
    best: float
    slates: Slates


@dataclass(frozen=True, eq=False)
class Simulator:
    """Users who come in rounds, look down their list, and click on what attracts them.

    A user looks at rank r with probability ``r^-position_bias`` (the position-based model, with the
    form of Joachims et al., WSDM 2017) and clicks, if so, with the probability in ``attraction``. A
    clicked item joins the user's history, from which the model folds the user in before the next
    round; it does not come again. An item that was shown ``patience`` times in vain does not
    either.

    Two ways to the attraction, both with limits:

    - `from_held_out`: 1 for held-out interactions, 0 for all else. Real tastes, but pessimistic: an
      item that a user would have liked and never came across counts as a failure, so that
      exploration earns less than it would, and popular items more.
    - `from_model`: a factor model fitted on all data, held-out rows included, says how much every
      user likes every item. Everything can be rewarded, but tastes are as simple as that model,
      and as biased as what it learned from.

    Neither has users who come back more often because they are served well, or tastes that
    change.

    Parameters
    ----------
    model : Recommender
        Fitted without the held-out rows.
    users : ndarray of int, shape (n,)
        Codes of the users who come.
    attraction : csr_matrix or ndarray, shape (n, n_items)
        From 0 to 1.
    k : int, default 10
        Length of the lists.
    position_bias : float, default 1
        0: users look at all of a list.
    patience : int, default 3
    random_state : int, default 0
    num_threads : int, default 0
    """

    model: Recommender
    users: np.ndarray
    attraction: csr_matrix | np.ndarray
    k: int = 10
    position_bias: float = 1.0
    patience: int = 3
    random_state: int = 0
    num_threads: int = 0

    def __post_init__(self) -> None:
        check_k(self.k)
        at_least(0, position_bias=self.position_bias)
        whole(patience=self.patience)
        check_random_state(self.random_state)
        shape = (len(self.users), len(self.model.items_))
        if self.attraction.shape != shape:
            raise DataError(f"attraction must have the shape {shape}, got {self.attraction.shape}")
        if self.attraction.min() < 0 or self.attraction.max() > 1:
            raise DataError("attraction must be from 0 to 1")

    @classmethod
    def from_held_out(cls, model: Recommender, held_out: csr_matrix, **options: int) -> Simulator:
        """Make users of their held-out interactions.

        Parameters
        ----------
        model : Recommender
        held_out : csr_matrix, shape (n_users, n_items)
            Over the model's users and items; users without any do not come.
        **options
            ``k``, ``position_bias``, ``patience``, ``random_state``, ``num_threads``.
        """
        users = np.flatnonzero(np.diff(held_out.indptr))
        if not len(users):
            raise DataError("no interaction is held out, so that nobody would come")
        return cls(model, users, held_out[users].astype(bool).astype(np.float64), **options)

    @classmethod
    def from_model(
        cls, model: Recommender, truth: Recommender, users: np.ndarray, **options: int
    ) -> Simulator:
        """Make users whose tastes are the scores of a factor model, from 0 to 1.

        Parameters
        ----------
        model : Recommender
        truth : Recommender
            An `ALS` or `HybridALS` fitted on all data, whose scores are estimates of 0 (not
            interested) and 1; its ids must be those of ``model``.
        users : ndarray of int
        **options
            As in `from_held_out`.
        """
        if not (
            np.array_equal(model.users_.ids, truth.users_.ids)
            and np.array_equal(model.items_.ids, truth.items_.ids)
        ):
            raise ParameterError("both models must have the same users and items")
        items = np.arange(len(model.items_), dtype=np.int32)
        scores = truth.scorer_.chosen(users, np.tile(items, (len(users), 1)))
        return cls(model, users, np.clip(scores, 0.0, 1.0).astype(np.float64), **options)

    def look(self, k: int) -> np.ndarray:
        """Return how probable it is that a user looks at each rank."""
        looks: np.ndarray = np.arange(1, k + 1, dtype=np.float64) ** -self.position_bias
        return looks

    def candidates(
        self, policy: Policy, histories: csr_matrix, hidden: csr_matrix | None = None
    ) -> Candidates:
        """Return what a policy chooses from for all users."""
        return candidates_of(
            *(self.model, self.users, policy.candidates),
            history=histories,
            hidden=hidden,
            num_threads=self.num_threads,
        )

    def rounds(self, policy: Policy, number: int, *, learn: bool = True) -> Iterator[Round]:
        """Let all users come so many times; the policy learns after every round.

        Parameters
        ----------
        policy : Policy
            Ready (`Policy.prepare`) for the model; it learns in place.
        number : int
        learn : bool, default True

        Yields
        ------
        Round
        """
        histories = self.model.history_[self.users]
        shown = None
        for one in range(number):
            ready = self.candidates(policy, histories, _worn_out(shown, self.patience))
            slates = policy.choose(ready, self.k, request=one * len(self.users))
            everyone = np.arange(len(self.users))
            slates = slates._replace(rewards=self.clicks(everyone, slates.items, one))
            reward = float((self._attraction(everyone, slates.items) @ self.look(self.k)).sum())
            yield Round(one + 1, reward, self._best(histories), slates)
            if learn:
                policy.learn(slates)
            histories = after(slates)
            shown = _counted(shown, slates.items, histories.shape)

    def value(self, policy: Policy) -> float:
        """Return what a list of a policy is worth, on average, before anybody has clicked.

        Exact for policies whose propensities are; it is what off-policy estimates are about.
        """
        ready = self.candidates(policy, self.model.history_[self.users])
        looked = policy.exposure(ready, self.k) @ self.look(self.k)
        attraction = self._attraction(np.arange(len(self.users)), ready.items)
        return float((looked * attraction).sum(axis=1).mean())

    def clicks(self, users: np.ndarray, items: np.ndarray, number: int) -> np.ndarray:
        """Return how users react to lists, 1 or 0, float64 (n, k).

        Parameters
        ----------
        users : ndarray of int, shape (n,)
            Positions in ``users`` of the simulator.
        items : ndarray of int, shape (n, k)
        number : int
            Of the round: the same gives the same luck.
        """
        chance = self._attraction(users, items) * self.look(items.shape[1])
        luck = random_stream(self.random_state, number).random(chance.shape)
        clicks: np.ndarray = (luck < chance).astype(np.float64)
        return clicks

    def _attraction(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return how attractive the items of each row are to its user, 0 where there is none."""
        rows = np.repeat(users, items.shape[1])
        tastes = np.asarray(self.attraction[rows, items.ravel()], dtype=np.float64)
        found: np.ndarray = np.where(items >= 0, tastes.reshape(items.shape), 0.0)
        return found

    def _best(self, histories: csr_matrix) -> float:
        """Return what the best lists of items that a user has not yet would be worth."""
        tastes = self.attraction
        left = tastes.copy() if isinstance(tastes, np.ndarray) else tastes.toarray()
        left[histories.nonzero()] = 0.0
        k = min(self.k, left.shape[1])
        top = -np.sort(-np.partition(left, -k, axis=1)[:, -k:], axis=1)
        return float((top @ self.look(k)).sum())


def _counted(shown: csr_matrix | None, items: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    """Return how often each user was shown each item."""
    from scipy.sparse import csr_matrix

    rows, slots = np.nonzero(items >= 0)
    new = csr_matrix((np.ones(len(rows)), (rows, items[rows, slots])), shape=shape)
    return new if shown is None else (shown + new).tocsr()


def _worn_out(shown: csr_matrix | None, patience: int) -> csr_matrix | None:
    """Return the items that users have seen often enough."""
    if shown is None:
        return None
    often = (shown >= patience).tocsr()
    often.eliminate_zeros()
    return often
