"""Metrics by name: functions from what is judged to values, each with one written definition.

There are three kinds, by what they judge. `METRICS` judge lists (a `Judgement`) and return one
value per user and cut-off, shape (n_users, n_k), or one per cut-off for all users together, shape
(n_k,). `PLACEMENT_METRICS` judge the scores of all candidates (a `Placement`) and return one value
per user, or one. `PAIR_METRICS` judge labelled or rated pairs (`ScoredPairs`) and return one
value. A metric added to `METRICS` is known to `evaluate` at once; `metric_table` prints all
definitions, and where other libraries differ.

Every value is finite. Scores are ordered from high to low, equal ones by ``IdMap.tie_order``, the
same everywhere; only areas (AUC) count a tie as half. `tied_share` tells how many lists rest on
that order.
"""

from __future__ import annotations

from hybridrec.evaluation.metrics.calibration import miscalibration
from hybridrec.evaluation.metrics.catalogue import coverage, gini
from hybridrec.evaluation.metrics.context import Context
from hybridrec.evaluation.metrics.diversity import diversity
from hybridrec.evaluation.metrics.fairness import exposure_fairness, group_shares
from hybridrec.evaluation.metrics.hits import f1, hit_rate, precision, recall
from hybridrec.evaluation.metrics.judgement import Judged, Judgement
from hybridrec.evaluation.metrics.novelty import average_popularity, novelty, serendipity
from hybridrec.evaluation.metrics.pairs import ScoredPairs, f1_threshold
from hybridrec.evaluation.metrics.placement import Placement, place_tests
from hybridrec.evaluation.metrics.ranks import average_precision, ndcg, reciprocal_rank
from hybridrec.evaluation.metrics.registry import (
    DEFAULT_METRICS,
    LOWER_IS_BETTER,
    METRIC_NAMES,
    METRICS,
    PAIR_METRICS,
    PLACEMENT_METRICS,
    Metric,
)
from hybridrec.evaluation.metrics.sampled import SAMPLED_WARNING, sample_candidates
from hybridrec.evaluation.metrics.table import metric_table
from hybridrec.evaluation.metrics.ties import tie_notes, tied_share

__all__ = [
    "DEFAULT_METRICS",
    "LOWER_IS_BETTER",
    "METRICS",
    "METRIC_NAMES",
    "PAIR_METRICS",
    "PLACEMENT_METRICS",
    "SAMPLED_WARNING",
    "Context",
    "Judged",
    "Judgement",
    "Metric",
    "Placement",
    "ScoredPairs",
    "average_popularity",
    "average_precision",
    "coverage",
    "diversity",
    "exposure_fairness",
    "f1",
    "f1_threshold",
    "gini",
    "group_shares",
    "hit_rate",
    "metric_table",
    "miscalibration",
    "ndcg",
    "novelty",
    "place_tests",
    "precision",
    "recall",
    "reciprocal_rank",
    "sample_candidates",
    "serendipity",
    "tie_notes",
    "tied_share",
]
