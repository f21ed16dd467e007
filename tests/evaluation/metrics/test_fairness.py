from __future__ import annotations

from math import log2

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.evaluation.metrics import exposure_fairness, group_shares

GROUPS = np.array([0, 0, 1, 1, -1])


def test_by_hand(judge):
    # group 0 at ranks 1 and 3 of the first list, group 1 at 2; item 4 has no group
    judged = judge([[0, 2, 1], [4, 3], []], [{1}, {2, 3}, {4}], (1, 3), n_items=5, groups=GROUPS)
    first, second, third = 1, 1 / log2(3), 1 / log2(4)
    one, two = first + third, second + second
    exposure, merit = group_shares(judged)
    assert merit == pytest.approx(np.array([1 / 3, 2 / 3]))
    assert exposure == pytest.approx(np.array([[1, 0], [one / (one + two), two / (one + two)]]))
    assert exposure_fairness(judged) == pytest.approx(
        np.array([1 - 2 / 3, 1 - abs(one / (one + two) - 1 / 3)])
    )


def test_in_proportion_is_1_and_nothing_shown_is_0(judge):
    judged = judge([[0], [2]], [{1}, {3}], (1,), n_items=5, groups=GROUPS)
    assert exposure_fairness(judged).tolist() == [1.0]
    for lists in ([[], []], [[4], [99]]):
        judged = judge(lists, [{1}, {3}], (1,), n_items=5, groups=GROUPS)
        assert exposure_fairness(judged).tolist() == [0.0]


def test_only_groups_that_nobody_wants_is_0(judge):
    judged = judge([[0], [1]], [{2}, {3}], (1,), n_items=5, groups=GROUPS)
    assert exposure_fairness(judged).tolist() == [0.0]


def test_shares_of_several_groups(judge):
    shares = np.array([[1, 0], [0.5, 0.5], [0, 1], [0, 0]])
    judged = judge([[1, 0, 3]], [{1, 2}], (2,), n_items=4, groups=shares)
    exposure, merit = group_shares(judged)
    total, second = 1 + 1 / log2(3), 1 / log2(3)
    assert exposure == pytest.approx(np.array([[(0.5 + second) / total, 0.5 / total]]))
    assert merit.tolist() == [0.25, 0.75]
    codes = np.array([0, 0, 1, -1])
    same = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    found = [
        exposure_fairness(judge([[1, 2, 3]], [{1, 2}], (1, 3), n_items=4, groups=groups))
        for groups in (codes, same, csr_matrix(same))
    ]
    assert found[0].tolist() == found[1].tolist() == found[2].tolist()
