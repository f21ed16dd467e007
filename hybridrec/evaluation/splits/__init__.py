"""Splits by name: functions from a `Dataset` to a `Split`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hybridrec.evaluation.splits.at_random import random_split
from hybridrec.evaluation.splits.cold import cold_items, cold_users
from hybridrec.evaluation.splits.last import leave_last_n
from hybridrec.evaluation.splits.split import Split

SPLITS: Mapping[str, Callable[..., Split]] = {
    "random": random_split,
    "leave-last-n": leave_last_n,
    "cold-items": cold_items,
    "cold-users": cold_users,
}

__all__ = ["SPLITS", "Split", "cold_items", "cold_users", "leave_last_n", "random_split"]
