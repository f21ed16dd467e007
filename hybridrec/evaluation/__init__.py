"""Splits, metrics, and the same evaluation for models and foreign runs."""

from __future__ import annotations

from hybridrec.evaluation.evaluate import compare, evaluate
from hybridrec.evaluation.metrics import METRICS
from hybridrec.evaluation.results import Comparison, Evaluation
from hybridrec.evaluation.splits import (
    SPLITS,
    Split,
    cold_items,
    cold_users,
    leave_last_n,
    random_split,
)

__all__ = [
    "METRICS",
    "SPLITS",
    "Comparison",
    "Evaluation",
    "Split",
    "cold_items",
    "cold_users",
    "compare",
    "evaluate",
    "leave_last_n",
    "random_split",
]
