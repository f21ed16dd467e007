"""What splits draw from: the distinct (user, item) pairs of a data set.

Repeated events of one pair always go to the same side, so a split cannot test what was trained.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, did_you_mean
from hybridrec.runtime import random_stream

_WAYS = ("global", "user")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Distinct pairs, by user, then item; by default those with a row of positive weight.

    Attributes
    ----------
    users, items : ndarray of int32, shape (pairs,)
    of_row : ndarray of int64, shape (rows,)
        The pair of every row of the interactions, -1 for pairs that do not count.
    n_users, n_items : int
    """

    users: np.ndarray
    items: np.ndarray
    of_row: np.ndarray
    n_users: int
    n_items: int

    @classmethod
    def of(cls, interactions: Interactions, *, zeros: bool = False) -> Pairs:
        """Collect the pairs of some interactions, with ``zeros`` also those of weight 0 alone."""
        n_items = len(interactions.items)
        keys = interactions.user_codes.astype(np.int64) * n_items + interactions.item_codes
        distinct, of_row = np.unique(keys, return_inverse=True)
        counts = np.full(len(distinct), zeros)
        counts[of_row[interactions.weights > 0]] = True
        number = np.where(counts, np.cumsum(counts) - 1, -1)
        users, items = np.divmod(distinct[counts], max(n_items, 1))
        return cls(
            users.astype(np.int32),
            items.astype(np.int32),
            number[of_row],
            len(interactions.users),
            n_items,
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def per_user(self) -> np.ndarray:
        """Number of pairs of every user, int64 (n_users,)."""
        return np.bincount(self.users, minlength=self.n_users)

    @property
    def per_item(self) -> np.ndarray:
        """Number of pairs of every item, int64 (n_items,)."""
        return np.bincount(self.items, minlength=self.n_items)

    def rows(self, chosen: np.ndarray) -> np.ndarray:
        """Turn a mask over pairs into the mask over the rows of the interactions."""
        mask: np.ndarray = np.append(chosen, False)[self.of_row]
        return mask

    def places(self, *keys: np.ndarray) -> np.ndarray:
        """Return the place of every pair among its user's, from 0, in ascending order of ``keys``.

        The first key decides, later ones break its ties.
        """
        order = np.lexsort((*reversed(keys), self.users))
        starts = np.concatenate([[0], np.cumsum(self.per_user)[:-1]])
        places = np.empty(len(self), dtype=np.int64)
        places[order] = np.arange(len(self)) - starts[self.users[order]]
        return places

    def first_of_each_user(self, counts: np.ndarray, *keys: np.ndarray) -> np.ndarray:
        """Mark the first ``counts[user]`` pairs of every user, in the order of `places`."""
        chosen: np.ndarray = self.places(*keys) < counts[self.users]
        return chosen


def split_stream(name: str, random_state: int) -> np.random.Generator:
    """Return the random numbers of a split, apart from those of models with the same seed."""
    return random_stream(random_state, zlib.crc32(name.encode()))


def check_way(by: str) -> None:
    """Refuse a way of drawing other than over all pairs or user by user.

    Raises
    ------
    ParameterError
    """
    if by not in _WAYS:
        raise ParameterError(f"by must be 'global' or 'user', got {by!r}{did_you_mean(by, _WAYS)}")


def check_fraction(name: str, value: float) -> None:
    """Refuse a share that is not between 0 and 1.

    Raises
    ------
    ParameterError
        Also for 0 and 1 themselves.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ParameterError(f"{name} must be between 0 and 1, got {value!r}")


def check_count(name: str, value: int, least: int) -> None:
    """Refuse a number that is not whole or below ``least``.

    Raises
    ------
    ParameterError
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ParameterError(f"{name} must be a whole number of at least {least}, got {value!r}")


def share_of(total: int, fraction: float, what: str) -> int:
    """Return ``fraction`` of ``total``, rounded half up, leaving at least one on either side.

    Raises
    ------
    DataError
        If there are fewer than two.
    """
    if total < 2:
        raise DataError(f"cannot split {total} {what}: at least 2 are needed")
    return min(max(int(total * fraction + 0.5), 1), total - 1)
