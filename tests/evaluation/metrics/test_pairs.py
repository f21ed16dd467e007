from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from hybridrec.errors import DataError
from hybridrec.evaluation.metrics import PAIR_METRICS, ScoredPairs, f1_threshold

SCIKIT_LEARN = {
    "auc": lambda truth, scores: sklearn_metrics.roc_auc_score(truth, scores),
    "accuracy": lambda truth, scores: sklearn_metrics.accuracy_score(truth, scores >= 0.5),
    "f1": lambda truth, scores: sklearn_metrics.f1_score(truth, scores >= 0.5, zero_division=0.0),
    "log-loss": lambda truth, scores: sklearn_metrics.log_loss(truth, scores, labels=[0, 1]),
    "rmse": lambda truth, scores: sklearn_metrics.mean_squared_error(truth, scores) ** 0.5,
    "mae": lambda truth, scores: sklearn_metrics.mean_absolute_error(truth, scores),
}

rows = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 1),
        st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1)),
    ),
    min_size=1,
    max_size=25,
)


def pairs_of(listed, **kwargs) -> ScoredPairs:
    users, truth, scores = zip(*listed, strict=True)
    return ScoredPairs(
        np.array(users), np.array(truth, dtype=float), np.array(scores, dtype=float), **kwargs
    )


@settings(deadline=None, max_examples=100)
@given(rows)
def test_equal_to_scikit_learn(listed):
    pairs = pairs_of(listed)
    one_label = len(set(pairs.truth)) == 1
    for name, theirs in SCIKIT_LEARN.items():
        if name == "auc" and one_label:
            assert PAIR_METRICS[name](pairs) == 0.5
        else:
            expected = theirs(pairs.truth, pairs.scores)
            assert PAIR_METRICS[name](pairs) == pytest.approx(expected, abs=1e-9), name


@settings(deadline=None, max_examples=60)
@given(rows)
def test_gauc_is_the_mean_of_the_users_with_both_labels(listed):
    pairs = pairs_of(listed)
    areas, sizes = [], []
    for user in set(pairs.users):
        own = pairs.users == user
        if len(set(pairs.truth[own])) == 2:
            areas.append(sklearn_metrics.roc_auc_score(pairs.truth[own], pairs.scores[own]))
            sizes.append(own.sum())
    expected = np.average(areas, weights=sizes) if areas else 0.5
    assert PAIR_METRICS["gauc"](pairs) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(rows)
def test_no_threshold_has_a_better_f1(listed):
    pairs = pairs_of(listed)
    best = f1_threshold(pairs)
    values = {
        score: PAIR_METRICS["f1"](pairs_of(listed, threshold=score)) for score in pairs.scores
    }
    assert best == max(score for score, value in values.items() if value == max(values.values()))


def test_calibration_error_by_hand():
    # bins [.2, .3): labels 0, 1 and probabilities .2, .28; [.9, 1]: labels 1, 1 and .9, 1
    pairs = pairs_of([(0, 0, 0.2), (0, 1, 0.28), (0, 1, 0.9), (0, 1, 1.0)])
    expected = 2 / 4 * abs(0.5 - 0.24) + 2 / 4 * abs(1 - 0.95)
    assert PAIR_METRICS["calibration-error"](pairs) == pytest.approx(expected)


def test_a_threshold_of_your_own():
    listed = [(0, 1, 3.0), (0, 0, 2.0), (0, 1, 1.0)]
    assert PAIR_METRICS["accuracy"](pairs_of(listed, threshold=2.5)) == pytest.approx(2 / 3)
    assert PAIR_METRICS["f1"](pairs_of(listed, threshold=2.5)) == pytest.approx(2 / 3)
    assert PAIR_METRICS["f1"](pairs_of(listed, threshold=9.0)) == 0


def test_what_cannot_be_judged():
    one = np.zeros(1)
    with pytest.raises(DataError, match="one length above 0, got"):
        ScoredPairs(one, one, np.zeros(2))
    with pytest.raises(DataError, match="one length above 0, got"):
        ScoredPairs(one[:0], one[:0], one[:0])
    with pytest.raises(DataError, match="scores of pairs 0 missing"):
        ScoredPairs(one, one, np.array([np.nan]))
    with pytest.raises(DataError, match="labels must be 0 or 1, got 4"):
        PAIR_METRICS["auc"](ScoredPairs(one, np.array([4.0]), one))
    with pytest.raises(DataError, match=r"needs probabilities as scores, got 1\.5"):
        PAIR_METRICS["log-loss"](ScoredPairs(one, one, np.array([1.5])))
    assert PAIR_METRICS["rmse"](ScoredPairs(one, np.array([4.0]), np.array([1.5]))) == 2.5
