"""What people give for rules, checked as far as that goes without a catalogue."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from reprlib import repr as short
from typing import Any, TypeAlias

import numpy as np

from hybridrec.errors import ParameterError, first_few
from hybridrec.ranking.rules.condition import Condition

Where: TypeAlias = "str | Condition"

_MOST = 2**31 - 1  # a list has no more places


def ids(values: Any, rule: str) -> tuple[Any, ...]:
    """Return ids as Python values."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ParameterError(f"{rule} must be a sequence of ids, got {short(values)}")
    return tuple(values.tolist() if hasattr(values, "tolist") else values)


def conditions(where: Any) -> tuple[Where, ...]:
    """Return conditions as a sequence."""
    if where is None:
        return ()
    single = isinstance(where, (str, bytes, Mapping)) or not isinstance(where, Iterable)
    conditions = (where,) if single else tuple(where)
    for one in conditions:
        if not isinstance(one, (str, Condition)):
            raise ParameterError(f"where must be a text or a Condition, got {short(one)}")
    return conditions


def _items_of(mapping: Any, rule: str, example: str) -> Iterable[tuple[Any, Any]]:
    if mapping is not None and not isinstance(mapping, Mapping):
        raise ParameterError(f"{rule} must be a mapping such as {example}, got {short(mapping)}")
    return (mapping or {}).items()


def quotas(quota: Any) -> Iterable[tuple[str, int]]:
    """Yield columns and the limits of their values."""
    for column, limit in _items_of(quota, "quota", '{"genre": 3}'):
        if not isinstance(column, str):
            raise ParameterError(f"quota is on a column by its name, got {column!r}")
        yield column, _whole(limit, 0, f"quota of {column!r}")


def pins(pin: Any) -> Iterable[tuple[int, Any]]:
    """Yield ranks and the items that stand there."""
    ranks: dict[Any, int] = {}
    for rank, item in _items_of(pin, "pin", "{1: item}"):
        rank = _whole(rank, 1, "the rank of a pin")
        if not isinstance(item, Hashable):
            raise ParameterError(f"pin: an id is a number or text, got {short(item)}")
        if item in ranks:
            raise ParameterError(
                f"item {first_few([item])} is pinned twice, to ranks {ranks[item]} and {rank}"
            )
        ranks[item] = rank
        yield rank, item


def of_users(user_deny: Any) -> Iterable[tuple[Any, tuple[Any, ...]]]:
    """Yield users and what they do not get."""
    for user, items in _items_of(user_deny, "user_deny", "{user: [item, ...]}"):
        yield user, ids(items, f"user_deny of {first_few([user])}")


def _whole(value: Any, least: int, what: str) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not (whole and least <= value <= _MOST):
        raise ParameterError(
            f"{what} must be a whole number of at least {least}, got {short(value)}"
        )
    return int(value)
