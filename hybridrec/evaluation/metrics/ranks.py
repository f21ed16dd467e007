"""Metrics that weigh hits by their rank: NDCG, MAP, MRR.

Ranks count from 1. ``rel(r)`` is 1 if the item at rank r is a test item, else 0; test items are
not graded. An empty list counts 0, and so does a user without test items
(`hybridrec.evaluation.evaluate` never averages over those). Values are per user, float64
(n_users, n_k); the mean over all test users is reported.
"""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judged, ratio


def ndcg(judged: Judged) -> np.ndarray:
    """NDCG@k = DCG@k / IDCG@k, where DCG@k = sum over r <= k of rel(r) / log2(r + 1).

    ``IDCG@k`` is the DCG of a list that begins with all test items, ``sum over r <= min(k,
    |test|) of 1 / log2(r + 1)``. A perfect list scores 1 however few test items there are.
    Järvelin & Kekäläinen (TOIS 2002), with the discount of Burges et al. (ICML 2005).

    Differs from
    ------------
    RecTools : IDCG sums over all k ranks unless ``divide_by_achievable=True``.
    implicit : the same.
    LensKit : discounts by max(log2(r), 1), so that rank 2 costs nothing.
    RecBole : the same.
    ranx : the same, with test items graded 1.
    """
    ideal = np.concatenate([[0.0], np.cumsum(judged.discounts)])
    return ratio(judged.statistics.gains, ideal[judged.best_hits.T].T)


def average_precision(judged: Judged) -> np.ndarray:
    """AP@k = sum over r <= k of rel(r) Precision@r, / min(k, |test|).

    Its mean over the users is MAP@k. A perfect list scores 1. Buckley & Voorhees (SIGIR 2000),
    cut at k.

    Differs from
    ------------
    RecTools : divides by |test|, or by k with ``divide_by_k=True``.
    implicit : the same.
    LensKit : divides by the length of the list where that is less; no value for an empty one.
    RecBole : the same.
    ranx : divides by |test|.
    """
    return ratio(judged.statistics.precisions, judged.best_hits)


def reciprocal_rank(judged: Judged) -> np.ndarray:
    """RR@k = 1 / rank of the first hit if that is at most k, else 0.

    Its mean over the users is MRR@k. Voorhees, "The TREC-8 question answering track report" (1999).

    Differs from
    ------------
    RecTools : the same.
    implicit : none.
    LensKit : the same.
    RecBole : the same.
    ranx : the same.
    """
    first = judged.statistics.first
    within = first <= np.array(judged.cutoffs)[:, None]
    return np.where(within, ratio(np.ones_like(first), first), 0.0).T
