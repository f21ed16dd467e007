from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics import coverage


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
