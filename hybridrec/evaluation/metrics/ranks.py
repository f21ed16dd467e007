"""Metrics that weigh hits by their rank: NDCG, MAP, MRR.

Ranks count from 1. ``rel(r)`` is 1 if the item at rank r is a test item, else 0; test items are
not graded. An empty list counts 0, and so does a user without test items
(`hybridrec.evaluation.evaluate` never averages over those).
"""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judgement, ratio


def ndcg(judged: Judgement) -> np.ndarray:
    """NDCG@k = DCG@k / IDCG@k, per user, float64 (n_users, n_k).

    ``DCG@k = sum over r <= k of rel(r) / log2(r + 1)``; ``IDCG@k`` is the DCG of a list that
    begins with all test items, ``sum over r <= min(k, |test|) of 1 / log2(r + 1)``. A perfect
    list scores 1 however few test items there are.

    Differs from
        RecTools, whose IDCG sums over all k ranks unless ``divide_by_achievable=True``; LensKit,
        which discounts by ``max(log2(r), 1)``, so that rank 2 costs nothing. implicit, RecBole
        and ranx (with test items graded 1) agree.
    """
    ideal = np.concatenate([[0.0], np.cumsum(judged.discounts)])
    best_hits = np.minimum(judged.test_counts, judged.cutoffs)
    return ratio(judged.statistics.gains, ideal[best_hits])


def average_precision(judged: Judgement) -> np.ndarray:
    """AP@k = sum over r <= k of rel(r) Precision@r, / min(k, |test|), per user (n_users, n_k).

    Its mean over the users is MAP@k. A perfect list scores 1.

    Differs from
        RecTools and ranx, which divide by |test| (RecTools by k with ``divide_by_k=True``);
        LensKit, which divides by the length of the list where that is less. implicit and RecBole
        agree.
    """
    best_hits = np.minimum(judged.test_counts, judged.cutoffs)
    return ratio(judged.statistics.precisions, best_hits)


def reciprocal_rank(judged: Judgement) -> np.ndarray:
    """RR@k = 1 / rank of the first hit if that is at most k, else 0, per user (n_users, n_k).

    Its mean over the users is MRR@k. The same in RecTools, RecBole, LensKit and ranx.
    """
    first = judged.statistics.first[:, None]
    within = (first > 0) & (first <= np.array(judged.cutoffs))
    return np.where(within, ratio(np.ones_like(first), first), 0.0)
