"""What was measured of the groups of one grouping, on one split or pooled over several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybridrec.evaluation.results import added_by_user


class Sizes(NamedTuple):
    """How large groups are; arrays of shape (n_groups,).

    Attributes
    ----------
    members : ndarray
        Number of users or items.
    share : ndarray of float64
        Their share of all users or items; who is in several groups counts in parts.
    interactions : ndarray of float64
        Their share of the training interactions, likewise.
    """

    members: np.ndarray
    share: np.ndarray
    interactions: np.ndarray


@dataclass(frozen=True, eq=False)
class Measured:
    """One model on one split, grouped in one way.

    Attributes
    ----------
    model : str
    seed : int or None
    grouping : str
    labels : tuple of str
        Of the groups.
    metric : str
        What "value" is.
    k : int
    sizes : Sizes
    users : ndarray
        Ids of the test users.
    sums : mapping of str to ndarray of float64, shape (n_users, n_groups)
        What each user adds: "value" over "counted" is the accuracy of a group, "rest value"
        over "rest counted" that of the rest; of items also "exposure" and "merit".
    """

    model: str
    seed: int | None
    grouping: str
    labels: tuple[str, ...]
    metric: str
    k: int
    sizes: Sizes
    users: np.ndarray
    sums: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Pooled:
    """One model over all splits: a user tested on several is one user.

    Attributes
    ----------
    sizes : Sizes
        Means over the splits.
    sums : mapping of str to ndarray of float64, shape (n_users, n_groups)
        As in `Measured`.
    """

    sizes: Sizes
    sums: Mapping[str, np.ndarray]


def pooled(parts: Sequence[Measured], labels: Sequence[str]) -> Pooled:
    """Join what was measured of a model; a group that a split does not have is empty there."""
    places = [[labels.index(label) for label in one.labels] for one in parts]

    def spread(values: np.ndarray, at: Sequence[int]) -> np.ndarray:
        wide = np.zeros((*values.shape[:-1], len(labels)))
        wide[..., at] = values
        return wide

    sums = {
        name: added_by_user(
            [spread(one.sums[name], at) for one, at in zip(parts, places, strict=True)],
            [one.users for one in parts],
        )
        for name in parts[0].sums
    }
    sizes = [
        np.mean([spread(one.sizes[at], where) for one, where in zip(parts, places, strict=True)], 0)
        for at in range(len(Sizes._fields))
    ]
    return Pooled(Sizes(*sizes), sums)
