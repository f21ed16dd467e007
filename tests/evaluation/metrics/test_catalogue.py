from __future__ import annotations

import numpy as np
import pytest

from hybridrec.evaluation.metrics import coverage, gini


def test_coverage_counts_distinct_items(judge):
    judged = judge([[0, 1], [0, 2, 3], []], [{5}, {5}, {5}], (1, 2, 3, 9), n_items=8)
    assert coverage(judged).tolist() == [1 / 8, 3 / 8, 4 / 8, 4 / 8]


def test_coverage_is_of_the_candidates(judge):
    candidates = np.array([True, True, False, False])
    judged = judge([[0, 2, 7]], [{0}], (3,), n_items=4, candidates=candidates)
    assert coverage(judged).tolist() == [1 / 2]


def test_an_empty_catalogue(judge):
    judged = judge([[0]], [{0}], (1,), n_items=2, candidates=np.zeros(2, dtype=bool))
    assert coverage(judged).tolist() == [0.0]


def test_gini_by_hand(judge):
    judged = judge([[0, 1], [0, 2], [0]], [{5}] * 3, (1, 2), n_items=4)
    # counts at 1: 0 0 0 3; at 2: 0 1 1 3
    assert gini(judged) == pytest.approx(
        np.array([3 * 3 / (4 * 3), (-1 * 1 + 1 * 1 + 3 * 3) / (4 * 5)])
    )


def test_gini_of_even_and_of_no_exposure(judge):
    candidates = np.array([True, True, False])
    judged = judge([[0, 9], [1, 2]], [{0}] * 2, (2,), n_items=3, candidates=candidates)
    assert gini(judged).tolist() == [0.0]
    assert gini(judge([[], [9]], [{0}] * 2, (1,), n_items=3)).tolist() == [0.0]
