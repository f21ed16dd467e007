"""Metrics by name: functions from a `Judgement` to values.

A metric returns one value per user and cut-off, shape (n_users, n_k), or one per cut-off for all
users together, shape (n_k,). A metric added to `METRICS` is known to `evaluate` at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hybridrec.evaluation.metrics.catalogue import coverage
from hybridrec.evaluation.metrics.hits import hit_rate, precision, recall
from hybridrec.evaluation.metrics.judgement import Judgement
from hybridrec.evaluation.metrics.ranks import average_precision, ndcg, reciprocal_rank

Metric = Callable[[Judgement], np.ndarray]

METRICS: dict[str, Metric] = {
    "recall": recall,
    "precision": precision,
    "ndcg": ndcg,
    "hit-rate": hit_rate,
    "map": average_precision,
    "mrr": reciprocal_rank,
    "coverage": coverage,
}

DEFAULT_METRICS = tuple(METRICS)

__all__ = [
    "DEFAULT_METRICS",
    "METRICS",
    "Judgement",
    "Metric",
    "average_precision",
    "coverage",
    "hit_rate",
    "ndcg",
    "precision",
    "recall",
    "reciprocal_rank",
]
