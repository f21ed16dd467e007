from __future__ import annotations

import numpy as np
import pytest

from hybridrec.ranking.rerank import MMR

SCORES = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]  # standardised: 1.46, .88, .29, -.29, -.88, -1.46


@pytest.mark.parametrize("block", [None, "sparse"])
def test_by_hand(ordered, block):
    # Film 5 is as unlike the others as those are on average: its cosine with 0, 1 and 2 is
    # 3 / 5, with 3 and 4 it is 2 / 5.
    # 0 first; then .5 z less half the largest cosine: 1 at -.06, 2 at -.35, 3 at -.15, 4 at
    # -.44, 5 at -1.03. With 0 and 1 in the list 3 is before 2, and then 2 before 4.
    assert ordered(MMR(block=block, weight=0.5), SCORES) == [0, 1, 3, 2, 4, 5]


def test_with_diversity_alone_the_best_of_the_unlike_come_first(ordered):
    # 0, then 3 with a cosine of 0, then 5 with .6; all others have 1 with one that is chosen.
    assert ordered(MMR(weight=1), SCORES) == [0, 3, 5, 1, 2, 4]


def test_equal_scores_and_no_weight_keep_the_order(ordered):
    assert ordered(MMR(weight=0), np.zeros(6)) == [0, 1, 2, 3, 4, 5]
    assert ordered(MMR(weight=0), SCORES[::-1]) == [5, 4, 3, 2, 1, 0]
