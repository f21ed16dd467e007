from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics import Judgement, coverage, precision, recall


def test_on_keeps_the_lists_and_narrows_the_truth(judge):
    judged = judge([[0, 1, 2], [3, 4], [5]], [{1, 2}, {3}, {9}], (3,))
    before = judged.test.toarray()
    even = judged.on(np.arange(10) % 2 == 0)
    assert even.users.tolist() == [0]
    assert even.lists.tolist() == [[0, 1, 2]]
    assert recall(even).tolist() == [[1.0]]
    assert precision(even).tolist() == [[1 / 3]]
    assert coverage(even).tolist() == [2 / 5]
    assert np.array_equal(judged.test.toarray(), before)


def test_on_everything_is_the_same(judge):
    judged = judge([[0, 1], [2]], [{1}, {3}], (1, 2))
    same = judged.on(np.ones(10, dtype=bool))
    assert isinstance(same, Judgement)
    assert recall(same).tolist() == recall(judged).tolist()
    assert same.users.tolist() == [0, 1]


def test_a_huge_k_costs_nothing(judge):
    judged = judge([[0, 1]], [{1}], (10**12,))
    assert len(judged.discounts) == 10
    assert recall(judged).tolist() == [[1.0]]
