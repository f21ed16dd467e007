from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics import tied_share


def test_share_of_users_whose_list_depends_on_ties():
    none = -np.inf
    scores = np.array(
        [
            [3, 2, 1, 0],  # never
            [3, 3, 1, 0],  # which of two comes first
            [3, 2, 2, 0],  # from 2 on: the third could have been the second
            [3, 2, none, none],  # the end of a list is no tie
        ]
    )
    assert tied_share(scores, (1, 2, 3)).tolist() == [1 / 4, 2 / 4, 2 / 4]


def test_lists_that_do_not_go_on():
    assert tied_share(np.array([[1.0, 1.0], [2.0, 1.0]]), (1, 2, 50)).tolist() == [0.5] * 3
    assert tied_share(np.array([[1.0]]), (1, 5)).tolist() == [0.0, 0.0]
