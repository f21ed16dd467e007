"""A held-out part of the given data: known items, new items, both in one list, new users."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import DataError
from hybridrec.evaluation.splits import Split, warm_and_cold
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.interactions import Interactions

WARM, COLD, OVERALL, NEW_USERS = "warm", "cold", "overall", "new users"
MOST_USERS = 3000  # whose lists are measured

_NEW_USERS = 0.1  # share of the users
_NEW, _MEASURED = zlib.crc32(b"new users"), zlib.crc32(b"measured users")


@dataclass(frozen=True, eq=False)
class ValidationCut:
    """What models are fitted on to choose among them, and what they are measured on.

    Attributes
    ----------
    train : Dataset
        The given data without the held-out interactions; all items stay in the catalogue.
    views : mapping of str to Split
        "warm": held-out interactions with items that ``train`` knows users of, ranked among
        these; "cold": those with held-out items, ranked among themselves; "overall": both in one
        list; "new users": warm items of users that ``train`` knows nothing of, where asked for.
    """

    train: Dataset
    views: Mapping[str, Split]

    @classmethod
    def of(
        cls, dataset: Dataset, *, new_users: bool = False, random_state: int = 0
    ) -> ValidationCut:
        """Hold out a fifth of the items, and a fifth of all other interactions.

        At most `MOST_USERS` users, drawn at random, are measured.

        Parameters
        ----------
        dataset : Dataset
            Nothing else is ever looked at.
        new_users : bool, default False
            Whether to hold out a tenth of the users as well.
        random_state : int, default 0

        Raises
        ------
        DataError
            If there are too few items or interactions to hold any out.
        """
        rows = dataset.interactions
        away = _drawn_users(dataset, random_state) if new_users else np.zeros(len(dataset.users))
        away = away.astype(bool)
        base = warm_and_cold(
            dataset.with_interactions(rows.take(~away[rows.user_codes])), random_state=random_state
        )
        warm = base.warm_items
        cold = (base.test.matrix.getnnz(axis=0) > 0) & ~warm
        parts = {
            WARM: (base.test.take(warm[base.test.item_codes]), warm),
            COLD: (base.test.take(cold[base.test.item_codes]), cold),
            OVERALL: (base.test, None),
            NEW_USERS: (rows.take(away[rows.user_codes] & warm[rows.item_codes]), warm),
        }
        views = {}
        for name, (held_out, candidates) in parts.items():
            measured = _of_some_users(held_out, random_state)
            if measured.matrix.nnz:
                views[name] = Split(name, {}, base.train, measured, candidates)
        return cls(base.train, views)


def _drawn_users(dataset: Dataset, random_state: int) -> np.ndarray:
    """Return a mask of some of the users who have interactions."""
    users = np.flatnonzero(np.diff(dataset.matrix.indptr))
    count = round(_NEW_USERS * len(users))
    if count == 0:
        raise DataError(f"{len(users)} users are too few to hold any out")
    drawn = np.zeros(len(dataset.users), dtype=bool)
    drawn[random_stream(random_state, _NEW).permutation(users)[:count]] = True
    return drawn


def _of_some_users(rows: Interactions, random_state: int) -> Interactions:
    """Return the rows of at most `MOST_USERS` users."""
    users = np.unique(rows.user_codes)
    if len(users) <= MOST_USERS:
        return rows
    drawn = random_stream(random_state, _MEASURED).permutation(users)[:MOST_USERS]
    return rows.take(np.isin(rows.user_codes, drawn))
