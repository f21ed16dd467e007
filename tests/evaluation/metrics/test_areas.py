from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score

from hybridrec.evaluation.metrics import place_tests
from hybridrec.evaluation.metrics.areas import auc, gauc
from hybridrec.ranking.scorer import FactorScorer


def placed(scores, test, seen=None):
    """Place tests by a table of scores: one factor per user."""
    scores = np.array(scores, dtype=np.float32)
    scorer = FactorScorer(np.eye(len(scores)), scores.T, np.zeros(scores.shape[1]))
    seen = None if seen is None else csr_matrix(seen)
    return place_tests(scorer, np.arange(len(scores)), csr_matrix(test), seen=seen)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([2, 5, 10**6]))
def test_equal_to_scikit_learn(seed, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (5, 12))
    drawn = rng.random((5, 12))
    test, seen = drawn < 0.3, drawn > 0.8
    areas = auc(placed(scores, test, seen))
    for user in range(5):
        open_to = ~seen[user]
        truth = test[user, open_to]
        if truth.all() or not truth.any():
            assert areas[user] == 0.5
        else:
            expected = roc_auc_score(truth, scores[user, open_to])
            assert areas[user] == pytest.approx(expected, abs=1e-12)


def test_by_hand():
    found = placed([[3, 2, 1, 0], [0, 0, 0, 0]], [[0, 1, 0, 0], [1, 1, 0, 0]])
    assert auc(found).tolist() == [pytest.approx(2 / 3), 0.5]
    assert gauc(found) == pytest.approx((1 * 2 / 3 + 2 * 0.5) / 3)
    assert gauc(found).shape == ()


def test_nobody_has_a_test_item():
    assert gauc(placed([[1, 2]], [[0, 0]])) == 0.5
