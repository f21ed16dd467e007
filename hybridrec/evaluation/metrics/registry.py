"""The metrics by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hybridrec.evaluation.metrics import areas, pairs
from hybridrec.evaluation.metrics.calibration import miscalibration
from hybridrec.evaluation.metrics.catalogue import coverage, gini
from hybridrec.evaluation.metrics.diversity import diversity
from hybridrec.evaluation.metrics.fairness import exposure_fairness
from hybridrec.evaluation.metrics.hits import f1, hit_rate, precision, recall
from hybridrec.evaluation.metrics.judgement import Judgement
from hybridrec.evaluation.metrics.novelty import average_popularity, novelty, serendipity
from hybridrec.evaluation.metrics.pairs import ScoredPairs
from hybridrec.evaluation.metrics.placement import Placement
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
    "f1": f1,
    "gini": gini,
    "arp": average_popularity,
    "novelty": novelty,
    "serendipity": serendipity,
    "diversity": diversity,
    "miscalibration": miscalibration,
    "exposure-fairness": exposure_fairness,
}

PLACEMENT_METRICS: Mapping[str, Callable[[Placement], np.ndarray]] = {
    "auc": areas.auc,
    "gauc": areas.gauc,
}

PAIR_METRICS: Mapping[str, Callable[[ScoredPairs], float]] = {
    "auc": pairs.auc,
    "gauc": pairs.gauc,
    "accuracy": pairs.accuracy,
    "f1": pairs.f1,
    "log-loss": pairs.log_loss,
    "calibration-error": pairs.calibration_error,
    "rmse": pairs.rmse,
    "mae": pairs.mae,
}

METRIC_NAMES = tuple(dict.fromkeys([*METRICS, *PLACEMENT_METRICS, *PAIR_METRICS]))

DEFAULT_METRICS = ("recall", "precision", "ndcg", "hit-rate", "map", "mrr", "coverage")

LOWER_IS_BETTER = frozenset(
    {"gini", "arp", "miscalibration", "log-loss", "calibration-error", "rmse", "mae"}
)
