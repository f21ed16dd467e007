from __future__ import annotations

import numpy as np
import pytest

from hybridrec.evaluation.metrics import f1, hit_rate, precision, recall

# lists, test items, and hits@(1, 3, 5) counted by hand
LISTS = [[7, 1, 2, 3, 4], [5], [], [9, 8, 7], [0, 1]]
TESTS = [{1, 2, 9}, {5, 6}, {1}, {0}, set()]
HITS = [[0, 2, 2], [1, 1, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


@pytest.fixture
def judged(judge):
    return judge(LISTS, TESTS, (1, 3, 5))


def test_precision_divides_by_k(judged):
    assert precision(judged) == pytest.approx(np.array(HITS) / [1, 3, 5])


def test_recall_divides_by_the_test_items(judged):
    expected = [[0, 2 / 3, 2 / 3], [1 / 2] * 3, [0] * 3, [0] * 3, [0] * 3]
    assert recall(judged) == pytest.approx(np.array(expected))


def test_hit_rate(judged):
    assert hit_rate(judged).tolist() == [[0, 1, 1], [1, 1, 1], [0] * 3, [0] * 3, [0] * 3]


def test_recall_of_a_perfect_list_is_bounded_by_k(judge):
    judged = judge([[0, 1, 2, 3]], [{0, 1, 2, 3}], (2, 4))
    assert recall(judged).tolist() == [[0.5, 1.0]]
    assert precision(judged).tolist() == [[1.0, 1.0]]


def test_f1_is_the_harmonic_mean(judged):
    p, r = precision(judged), recall(judged)
    expected = np.divide(2 * p * r, p + r, out=np.zeros_like(p), where=p + r > 0)
    assert f1(judged) == pytest.approx(expected)
    assert f1(judged)[0, 1] == pytest.approx(2 * 2 / (3 + 3))
