from __future__ import annotations

from math import log2

import numpy as np
import pytest

from hybridrec.evaluation.metrics import average_precision, ndcg, reciprocal_rank


@pytest.fixture
def judged(judge):
    """Users: hits at ranks 2 and 3 of 3 test items; a hit at 1; no list; no hit; no test."""
    lists = [[7, 1, 2, 3], [5], [], [9, 8, 7], [0, 1]]
    return judge(lists, [{1, 2, 9}, {5, 6}, {1}, {0}, set()], (1, 2, 4))


def test_ndcg_by_hand(judged):
    two = 1 / log2(3)
    three = 1 / log2(4)
    expected = [
        [0, two / (1 + two), (two + three) / (1 + two + three)],
        [1, 1 / (1 + two), 1 / (1 + two)],
        *[[0, 0, 0]] * 3,
    ]
    assert ndcg(judged) == pytest.approx(np.array(expected))


def test_average_precision_by_hand(judged):
    expected = [
        [0, (1 / 2) / 2, (1 / 2 + 2 / 3) / 3],
        [1, 1 / 2, 1 / 2],
        *[[0, 0, 0]] * 3,
    ]
    assert average_precision(judged) == pytest.approx(np.array(expected))


def test_reciprocal_rank_by_hand(judged):
    expected = [[0, 1 / 2, 1 / 2], [1, 1, 1], *[[0, 0, 0]] * 3]
    assert reciprocal_rank(judged).tolist() == expected


@pytest.mark.parametrize("metric", [ndcg, average_precision, reciprocal_rank])
def test_a_perfect_list_scores_1_at_any_k(judge, metric):
    judged = judge([[3, 1, 4], [2]], [{1, 3, 4}, {2}], (1, 2, 3, 50))
    assert metric(judged).tolist() == [[1.0] * 4] * 2


@pytest.mark.parametrize("metric", [ndcg, average_precision, reciprocal_rank])
def test_an_unknown_item_takes_its_place(judge, metric):
    known = judge([[8, 1]], [{1}], (2,), n_items=9)
    unknown = judge([[9, 1]], [{1}], (2,), n_items=9)  # 9 is beyond the catalogue
    assert metric(known).tolist() == metric(unknown).tolist()
