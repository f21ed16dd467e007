from __future__ import annotations

from math import log2

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.metrics import average_popularity, novelty, serendipity

TRAIN = [{0, 1}, {0, 1, 2}, {0}, {0, 3}, set()]  # popularity 4, 2, 1, 1, 0, ... of 4 users


@pytest.fixture
def judged(judge):
    lists = [[1, 4, 0], [3], [], [99, 0], [2, 1]]
    return judge(lists, [{5}] * 5, (1, 2, 9), n_items=6, train=TRAIN)


def test_novelty_by_hand(judged):
    one, two, four = 2.0, 1.0, 0.0  # -log2(1 / 4), ...; an item without users is taken to have one
    expected = [
        [two, (two + one) / 2, (two + one + four) / 3],
        [one] * 3,
        [0] * 3,
        [0, four, four],  # an unknown item is passed over
        [one, (one + two) / 2, (one + two) / 2],
    ]
    assert novelty(judged) == pytest.approx(np.array(expected))
    assert log2(4) == one


def test_average_popularity_by_hand(judged):
    expected = [[2, 1, 2], [1] * 3, [0] * 3, [0, 4, 4], [1, 1.5, 1.5]]
    assert average_popularity(judged) == pytest.approx(np.array(expected))


def test_serendipity_leaves_out_what_popularity_would_have_found(judge):
    train = [{0, 1, 2}, {0, 1}, {0}]
    judged = judge(
        [[1, 2, 3], [3, 2], [1, 2], []],
        [{1, 2, 3}, {2, 3}, {1, 2}, {0}],
        (1, 2, 3),
        n_items=4,
        train=train,
        seen=[{0}, {0, 1}, set(), set()],
        tie=np.array([0, 1, 2, 3]),
    )
    expected = [
        [0, 0, 0],  # 0 is seen: popular are 1, 2, 3 in this order
        [1, 0, 0],  # 0 and 1 are seen: popular are 2, then 3
        [1, 1 / 2, 0],  # popular are 0, 1, 2: item 1 surprises alone, item 2 among two
        [0, 0, 0],
    ]
    assert serendipity(judged) == pytest.approx(np.array(expected))


def test_serendipity_of_candidates_only(judge):
    candidates = np.array([False, True, True, True])
    context = {"train": [{0, 1}, {0}], "seen": [set()], "tie": np.array([0, 1, 2, 3])}
    judged = judge([[1]], [{1}], (1,), n_items=4, candidates=candidates, **context)
    assert serendipity(judged).tolist() == [[0.0]]  # 1 is the most popular candidate
    judged = judge([[1]], [{1}], (1,), n_items=4, **context)
    assert serendipity(judged).tolist() == [[1.0]]


def test_equally_popular_items_come_in_the_order_of_ties(judge):
    for tie, expected in (([0, 1], 0.0), ([1, 0], 1.0)):
        context = {"train": [{0, 1}], "seen": [set()], "tie": np.array(tie)}
        judged = judge([[0]], [{0}], (1,), n_items=2, **context)
        assert serendipity(judged).tolist() == [[expected]]


@pytest.mark.parametrize("metric", [novelty, average_popularity, serendipity])
def test_says_what_is_missing(judge, metric):
    judged = judge([[1]], [{0}], (1,), tie=np.arange(10), seen=[set()])
    with pytest.raises(ParameterError, match=r"needs the training interactions.* give 'train'"):
        metric(judged)
