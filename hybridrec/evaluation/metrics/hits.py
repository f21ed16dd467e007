"""Metrics that count hits: precision, recall, F1, hit rate.

For a user, ``hits@k`` is the number of test items among the first k of the list, ``|test|`` the
number of test items. An empty list has no hits, so its user counts 0 everywhere; so does a user
without test items (`hybridrec.evaluation.evaluate` never averages over those). Values are per user,
float64 (n_users, n_k); the mean over all test users is reported.
"""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judged, ratio


def precision(judged: Judged) -> np.ndarray:
    """Precision@k = hits@k / k.

    The divisor is k also when the list is shorter or the user has fewer than k test items; the
    largest possible value is min(k, |test|) / k.

    Differs from
    ------------
    RecTools : the same; min(k, |test|) with ``r_precision=True``.
    implicit : divides all hits by the sum of min(k, |test|) over the users.
    LensKit : divides by the length of a shorter list; no value for an empty one.
    RecBole : the same.
    ranx : the same.
    """
    return judged.statistics.hits / np.array(judged.cutoffs, dtype=np.float64)


def recall(judged: Judged) -> np.ndarray:
    """Recall@k = hits@k / |test|.

    The largest possible value is min(k, |test|) / |test|: with many test items a perfect list
    stays below 1.

    Differs from
    ------------
    RecTools : the same.
    implicit : none; its "precision" is nearer to LensKit's recall than to any precision.
    LensKit : divides by min(k, |test|).
    RecBole : the same.
    ranx : the same.
    """
    return ratio(judged.statistics.hits, judged.test_counts)


def f1(judged: Judged) -> np.ndarray:
    """F1@k = 2 hits@k / (k + |test|), the harmonic mean of precision and recall of each user.

    0 without hits. The mean over users is not the F1 of the mean precision and mean recall (van
    Rijsbergen, "Information Retrieval", 1979).

    Differs from
    ------------
    RecTools : the same (``F1Beta`` with ``beta=1``).
    implicit : none.
    LensKit : none.
    RecBole : none.
    ranx : the same.
    """
    return ratio(2.0 * judged.statistics.hits, np.array(judged.cutoffs) + judged.test_counts)


def hit_rate(judged: Judged) -> np.ndarray:
    """Hit rate@k = 1 if hits@k > 0, else 0.

    Differs from
    ------------
    RecTools : the same.
    implicit : none.
    LensKit : the same ("Hit").
    RecBole : the same ("Hit").
    ranx : the same ("success" in trec_eval).
    """
    rate: np.ndarray = (judged.statistics.hits > 0).astype(np.float64)
    return rate
