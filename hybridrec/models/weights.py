"""Weights of a blend: interactions held out of the training data, and a search over their lists."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.ranking.ensemble import Members, row_blocks
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

K = 20
MOST_LISTS = 2000
CANDIDATES = 100  # of each member: what none of them ranks high, no blend does
STEPS = (0.4, 0.2, 0.1, 0.05, 0.025)
LEAST_GAIN = 1e-4
SAMPLE = 500  # users whose scores tell how items without interactions compare with the others


class HeldOut(NamedTuple):
    """Interactions cut in two, as users x items.

    Attributes
    ----------
    rest : csr_matrix
        To train on.
    pairs : csr_matrix
        Held-out interactions.
    cold : ndarray of bool, shape (n_items,)
        Items all of whose interactions are held out.
    """

    rest: csr_matrix
    pairs: csr_matrix
    cold: np.ndarray


def hold_out(
    matrix: csr_matrix, share: float, describable: np.ndarray, stream: np.random.Generator
) -> HeldOut:
    """Hold out a share of the interactions at random and, of some items, all.

    Every user keeps an interaction, unless all are with items held out entirely.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_users, n_items)
    share : float
        Of the interactions with the other items, and of the describable items.
    describable : ndarray of bool, shape (n_items,)
        Items that a model could score without interactions.
    stream : numpy.random.Generator
    """
    draws = stream.random(matrix.nnz)
    eligible = np.flatnonzero(describable & (matrix.getnnz(axis=0) > 0))
    cold = np.zeros(matrix.shape[1], dtype=bool)
    cold[stream.permutation(eligible)[: int(share * len(eligible))]] = True
    of_cold = cold[matrix.indices]
    draws[of_cold] = -1.0
    users = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    highest = np.full(matrix.shape[0], -1.0)
    np.maximum.at(highest, users, draws)
    held = of_cold | ((draws < share) & (draws < highest[users]))
    return HeldOut(_entries(matrix, ~held), _entries(matrix, held), cold)


def _entries(matrix: csr_matrix, kept: np.ndarray) -> csr_matrix:
    from scipy.sparse import csr_matrix

    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


@dataclass(frozen=True, eq=False)
class HeldOutLists:
    """Candidates of some users, with the score that each member gives them.

    Attributes
    ----------
    scores : ndarray of float32, shape (candidates, members)
        Candidates of one user after the other.
    hits : ndarray of bool, shape (candidates,)
        Whether the user has the item, held out.
    starts : ndarray of int64, shape (users + 1,)
    """

    scores: np.ndarray
    hits: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(
        cls,
        members: Members,
        held_out: HeldOut,
        allowed: np.ndarray,
        stream: np.random.Generator,
        num_threads: int,
    ) -> HeldOutLists:
        """Score the candidates of users who have held-out interactions with allowed items.

        Parameters
        ----------
        members : Members
            Trained on the rest.
        held_out : HeldOut
        allowed : ndarray of bool, shape (n_items,)
        stream : numpy.random.Generator
            Chooses among many users.
        num_threads : int
        """
        hits = _entries(held_out.pairs, allowed[held_out.pairs.indices])
        active = np.diff(hits.indptr) > 0
        users = np.flatnonzero(active & (np.diff(held_out.rest.indptr) > 0))
        users = np.sort(stream.permutation(users)[:MOST_LISTS])

        def lists(part: slice) -> list[tuple[np.ndarray, np.ndarray]]:
            rows = users[part]
            scores = np.stack([members.standard(one, rows)[0] for one in range(members.count)])
            seen = held_out.rest[rows]
            return [
                _candidates(scores[:, row], seen[row].indices, hits[user].indices, allowed)
                for row, user in enumerate(rows)
            ]

        with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
            blocks = pool.map(lists, row_blocks(len(users), len(allowed), members.count))
            found = [one for block in blocks for one in block]
        empty = np.zeros((0, members.count), dtype=np.float32)
        return cls(
            np.concatenate([empty, *(scores for scores, _ in found)]),
            np.concatenate([np.zeros(0, dtype=bool), *(own for _, own in found)]),
            np.cumsum([0, *(len(own) for _, own in found)]),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def scaled(self) -> HeldOutLists:
        """Return lists in which the scores of every member have a standard deviation of 1."""
        spread = self.scores.std(axis=0, dtype=np.float64) if len(self) else np.ones(1)
        scores = self.scores / np.where(spread > 0, spread, 1.0)
        return replace(self, scores=scores.astype(np.float32))

    def gain(self, weights: np.ndarray) -> float:
        """Return the mean NDCG@20 of the candidates ranked by weighted scores."""
        from hybridrec.kernels.ensemble import weighted_gain

        return float(weighted_gain(self.scores, self.hits, self.starts, weights, K))


def _candidates(
    scores: np.ndarray, seen: np.ndarray, hits: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of a user's candidates (n, members), and which of them are hits."""
    open_items = allowed.copy()
    open_items[seen] = False
    items = np.flatnonzero(open_items)
    if len(items) > CANDIDATES:
        best = np.argpartition(-scores[:, items], CANDIDATES, axis=1)[:, :CANDIDATES]
        items = np.union1d(items[best.ravel()], hits)
    return scores[:, items].T, np.isin(items, hits)


@dataclass(frozen=True, eq=False)
class Reference:
    """Items without interactions, by whose scores others of their kind are calibrated.

    Attributes
    ----------
    members : Members
    cold : ndarray of bool, shape (n_items,)
    """

    members: Members
    cold: np.ndarray

    def calibrated(
        self, weights: np.ndarray, calibration: float, stream: np.random.Generator
    ) -> tuple[np.ndarray, float]:
        """Return weights and an offset that give the cold items the spread of the others.

        Parameters
        ----------
        weights : ndarray of float64, shape (2, members)
            Of items with interactions; and of cold items, of whose scores every member has a
            standard deviation of 1.
        calibration : float
            How much of the others' spread they get, around a point one standard deviation below
            the mean of the others.
        stream : numpy.random.Generator
            Chooses among many users.
        """
        users = np.sort(stream.permutation(self.members.scorers[0].n_users)[:SAMPLE])
        weights, warm, cold = weights.copy(), np.zeros(()), np.zeros(())
        for one in range(self.members.count):
            scores, _ = self.members.standard(one, users)
            spread = float(scores[:, self.cold].std(dtype=np.float64))
            weights[1, one] = weights[1, one] / spread if spread > 0 else 0.0
            warm = warm + weights[0, one] * scores[:, self.members.measured]
            cold = cold + weights[1, one] * scores[:, self.cold]
        spread = float(warm.std())
        gain = calibration * spread / cold.std() if cold.std() > 0 else 1.0
        return gain * weights[1], (calibration - 1.0) * spread - gain * float(cold.mean())


def search_weights(lists: HeldOutLists, usable: np.ndarray) -> np.ndarray:
    """Return the weights of members, summing to 1, that rank held-out items best.

    A coordinate search with shrinking steps, from equal weights and from the best member alone.

    Parameters
    ----------
    lists : HeldOutLists
    usable : ndarray of bool, shape (members,)
        Other members get 0.

    Returns
    -------
    ndarray of float64, shape (members,)
        Equal weights where there is nothing to search on.
    """
    equal: np.ndarray = usable / max(usable.sum(), 1)
    if not len(lists) or usable.sum() < 2:
        return equal
    alone = np.eye(len(usable))[usable]
    best_alone = alone[np.argmax([lists.gain(one) for one in alone])]
    ends = [_climb(lists, start, usable) for start in (equal, best_alone)]
    best: np.ndarray = max(ends, key=lists.gain)
    return best


def _climb(lists: HeldOutLists, weights: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Move the weights, one at a time, as long as it gains."""
    best = lists.gain(weights)
    for step in STEPS:
        moving = True
        while moving:
            moving = False
            for other in _neighbours(weights, usable, step):
                gain = lists.gain(other)
                if gain > best + LEAST_GAIN:
                    weights, best, moving = other, gain, True
                    break
    return weights


def _neighbours(weights: np.ndarray, usable: np.ndarray, step: float) -> Iterator[np.ndarray]:
    """Yield weights in which one has moved up or down and all sum to 1 again."""
    for member in np.flatnonzero(usable):
        for value in (weights[member] + step, weights[member] - step):
            moved = weights.copy()
            moved[member] = max(value, 0.0)
            if moved.sum() > 0:
                yield moved / moved.sum()
