"""Rules as arrays over a catalogue: what the making of lists needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.ranking.rules.groups import ItemGroups

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Mask(NamedTuple):
    """A rule on items, the same for every user."""

    rule: str
    """ "allow", "deny" or "where"."""
    detail: str
    """The condition, else empty."""
    passes: np.ndarray
    """bool (n_items,)."""


class Effect(NamedTuple):
    """How much of the catalogue a rule drops."""

    rule: str
    detail: str
    items: int


class Quota(NamedTuple):
    """At most ``limit`` items of any one value of a column in a list."""

    column: str
    limit: int
    groups: ItemGroups


@dataclass(frozen=True, eq=False)
class CompiledRules:
    """Rules checked against a catalogue, as arrays; made by `Rules.compile`.

    Attributes
    ----------
    allowed : ndarray of bool, shape (n_items,)
        Items that pass all of ``masks``.
    masks : tuple of Mask
    quotas : tuple of Quota
    pin_ranks, pin_items : ndarray of int32, shape (pins,)
        Ranks from 1, ascending, and the items to stand there.
    denied : csr_matrix of bool, shape (n_users + 1, n_items), or None
        Items that are denied to each user; the last row, empty, is everybody else's (code -1).
    """

    allowed: np.ndarray
    masks: tuple[Mask, ...]
    quotas: tuple[Quota, ...]
    pin_ranks: np.ndarray
    pin_items: np.ndarray
    denied: csr_matrix | None

    @property
    def summary(self) -> tuple[Effect, ...]:
        """How many items of the catalogue each allow, deny and where drops by itself."""
        return tuple(Effect(one.rule, one.detail, int((~one.passes).sum())) for one in self.masks)

    @cached_property
    def members(self) -> csr_matrix:
        """The values of all quota columns beside each other, bool (n_items, values)."""
        from scipy.sparse import hstack

        return hstack([one.groups.members for one in self.quotas], format="csr")

    @cached_property
    def limits(self) -> np.ndarray:
        """How many items of each of these values a list may have, int32 (values,)."""
        each = [np.full(len(one.groups.names), one.limit, dtype=np.int32) for one in self.quotas]
        return np.concatenate(each)

    def quota_name(self, value: int) -> str:
        """Return the name of a column of `members`, such as "genre=3: Comedy"."""
        for one in self.quotas:
            if value < len(one.groups.names):
                return f"{one.column}={one.limit}: {one.groups.names[value]}"
            value -= len(one.groups.names)
        raise IndexError(value)
