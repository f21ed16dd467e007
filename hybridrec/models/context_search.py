"""How much each context column is worth, found on held-out interactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.context_effects import Observed
from hybridrec.ranking.scorer import Scorer
from hybridrec.ranking.topk import top_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

K = 20
MOST_LISTS = 1000
STRENGTHS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
SURE = 2.0  # standard errors by which lists must be better: several strengths are tried
ROUNDS = 2  # over all columns: what one is worth depends on the others


@dataclass(frozen=True, eq=False)
class ContextLists:
    """Lists of users in contexts, beside what they had then.

    Attributes
    ----------
    users : ndarray of int, shape (lists,)
    values : ndarray of int, shape (lists, columns)
        Of the context, -1 where one is missing; equal ones stand together.
    hits : csr_matrix, shape (lists, n_items)
        Held-out items of the user in that context.
    seen : csr_matrix, shape (lists, n_items)
        What the user has otherwise.
    """

    users: np.ndarray
    values: np.ndarray
    hits: csr_matrix
    seen: csr_matrix

    @classmethod
    def of(cls, held: Observed, rest: csr_matrix, stream: np.random.Generator) -> ContextLists:
        """Return the lists of held-out interactions, some of them where there are many.

        Users who have nothing else get none.
        """
        from scipy.sparse import csr_matrix

        keys = np.column_stack([held.values, held.users])
        lists, place = np.unique(keys, axis=0, return_inverse=True)
        ones = np.ones(len(place), dtype=np.float32)
        hits = csr_matrix((ones, (place.ravel(), held.items)), shape=(len(lists), rest.shape[1]))
        known = np.flatnonzero(np.diff(rest.indptr)[lists[:, -1]] > 0)
        chosen = np.sort(stream.permutation(known)[:MOST_LISTS])
        users = lists[chosen, -1]
        return cls(users, lists[chosen, :-1], hits[chosen], rest[users])

    def gains(
        self,
        scorer_of: Callable[[Mapping[int, float]], Scorer],
        strengths: np.ndarray,
        allowed: np.ndarray,
        num_threads: int,
    ) -> np.ndarray:
        """Return the NDCG@20 of every list, float64 (lists,).

        Parameters
        ----------
        scorer_of : callable
            From values and their strengths to a scorer.
        strengths : ndarray of float64, shape (columns,)
        allowed : ndarray of bool, shape (n_items,)
        num_threads : int
        """
        gains = np.zeros(len(self.users))
        used = np.where(strengths > 0, self.values, -1)
        contexts, place = np.unique(used, axis=0, return_inverse=True)
        for number, values in enumerate(contexts):
            part = np.flatnonzero(place.ravel() == number)
            given = {
                int(value): float(strength)
                for value, strength in zip(values, strengths, strict=True)
                if value >= 0
            }
            items, _ = top_k(
                scorer_of(given),
                self.users[part],
                K,
                exclude=self.seen[part],
                allowed=allowed,
                num_threads=num_threads,
            )
            gains[part] = _ndcg(items, self.hits[part])
        return gains


def search_strengths(
    lists: ContextLists,
    scorer_of: Callable[[Mapping[int, float]], Scorer],
    allowed: np.ndarray,
    num_threads: int,
) -> np.ndarray:
    """Return the strength of every column, 0 for one that does not help.

    One column after the other takes the strength with the best lists, if these are better by more
    than twice the standard error of the difference.

    Parameters
    ----------
    lists : ContextLists
    scorer_of, allowed, num_threads
        See `ContextLists.gains`.

    Returns
    -------
    ndarray of float64, shape (columns,)
    """
    strengths = np.zeros(lists.values.shape[1])
    if len(lists.users) < 2:
        return strengths
    for _ in range(ROUNDS if len(strengths) > 1 else 1):
        before = strengths
        for column in range(len(strengths)):
            tried = np.tile(strengths, (len(STRENGTHS), 1))
            tried[:, column] = STRENGTHS
            gains = [lists.gains(scorer_of, one, allowed, num_threads) for one in tried]
            strengths = tried[_worth_it(gains)]
        if (strengths == before).all():
            break
    return strengths


def _worth_it(gains: Sequence[np.ndarray]) -> int:
    """Return the position of the best gains, or 0 if they may be better than the first by luck."""
    best = int(np.argmax([one.mean() for one in gains]))
    difference = gains[best] - gains[0]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return best if difference.mean() > SURE * error else 0


def _ndcg(items: np.ndarray, hits: csr_matrix) -> np.ndarray:
    """Return the NDCG of lists, float64 (lists,)."""
    discounts = 1.0 / np.log2(np.arange(2, items.shape[1] + 2))
    rows = np.arange(len(items))[:, None]
    found = np.asarray(hits[rows, np.maximum(items, 0)].todense()) * (items >= 0) > 0
    counts = np.minimum(np.diff(hits.indptr), items.shape[1])
    best = np.concatenate([[0.0], np.cumsum(discounts)])[counts]
    gains: np.ndarray = (found @ discounts) / np.maximum(best, 1e-12)
    return gains
