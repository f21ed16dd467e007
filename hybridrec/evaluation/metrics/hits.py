"""Metrics that count hits: precision, recall, hit rate.

For a user, ``hits@k`` is the number of test items among the first k of the list, ``|test|`` the
number of test items. An empty list has no hits, so its user counts 0 everywhere; so does a user
without test items (`hybridrec.evaluation.evaluate` never averages over those).
"""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judgement, ratio


def precision(judged: Judgement) -> np.ndarray:
    """Precision@k = hits@k / k, per user, float64 (n_users, n_k).

    The divisor is k also when the list is shorter or the user has fewer than k test items; the
    largest possible value is min(k, |test|) / k.

    Differs from
        implicit, which divides all hits by the sum of min(k, |test|) over the users; LensKit,
        which divides by the length of a shorter list and gives no value to an empty one.
        RecTools, RecBole and ranx divide by k.
    """
    return judged.statistics.hits / np.array(judged.cutoffs, dtype=np.float64)


def recall(judged: Judgement) -> np.ndarray:
    """Recall@k = hits@k / |test|, per user, float64 (n_users, n_k).

    The largest possible value is min(k, |test|) / |test|: with many test items a perfect list
    stays below 1.

    Differs from
        LensKit, which divides by min(k, |test|). RecTools, RecBole and ranx divide by |test|;
        implicit has no recall, but its "precision" is nearer to LensKit's recall than to any
        precision.
    """
    return ratio(judged.statistics.hits, judged.test_counts)


def hit_rate(judged: Judgement) -> np.ndarray:
    """Hit rate@k = 1 if hits@k > 0, else 0, per user, float64 (n_users, n_k).

    The same in RecTools, RecBole, LensKit ("Hit") and ranx ("success" in trec_eval).
    """
    return (judged.statistics.hits > 0).astype(np.float64)
