"""Splits by name: functions from a `Dataset` to one `Split`, or to several.

`SPLITS` make one; `SERIES`, such as cross-validation, make a list, to be evaluated one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hybridrec.evaluation.splits.at_random import random_split
from hybridrec.evaluation.splits.cold import cold_items, cold_users, warm_and_cold
from hybridrec.evaluation.splits.export import export_split
from hybridrec.evaluation.splits.folds import k_fold
from hybridrec.evaluation.splits.in_time import by_time, sliding_windows
from hybridrec.evaluation.splits.labelled import labelled_pairs
from hybridrec.evaluation.splits.last import leave_last_n
from hybridrec.evaluation.splits.predefined import predefined, read_parts, read_predefined
from hybridrec.evaluation.splits.split import LabelledPairs, Split
from hybridrec.evaluation.splits.storage import load_split

SPLITS: Mapping[str, Callable[..., Split]] = {
    "random": random_split,
    "leave-last-n": leave_last_n,
    "by-time": by_time,
    "cold-items": cold_items,
    "warm-and-cold": warm_and_cold,
    "cold-users": cold_users,
    "labelled-pairs": labelled_pairs,
    "predefined": predefined,
}

SERIES: Mapping[str, Callable[..., list[Split]]] = {
    "k-fold": k_fold,
    "sliding-windows": sliding_windows,
}

__all__ = [
    "SERIES",
    "SPLITS",
    "LabelledPairs",
    "Split",
    "by_time",
    "cold_items",
    "cold_users",
    "export_split",
    "k_fold",
    "labelled_pairs",
    "leave_last_n",
    "load_split",
    "predefined",
    "random_split",
    "read_parts",
    "read_predefined",
    "sliding_windows",
    "warm_and_cold",
]
