from __future__ import annotations

import numpy as np
import pytest

from hybridrec.ranking.rerank import DPP

SCORES = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]  # standardised: 1.46, .88, .29, -.29, -.88, -1.46


@pytest.mark.parametrize("block", [None, "sparse"])
def test_by_hand(ordered, block):
    # After 0, 1 and 2 keep 1 - .99^2 = .02 of their squared length, ln .02 = -3.9; 3 and 4 keep
    # all; 5, with a cosine of .6, keeps 1 - (.99 * .6)^2 = .647, ln = -.435.
    # Weight .2: .8 * .88 - .2 * 3.9 = -.08 for 1, -.23 for 3, -.55 for 2; so 1 is next.
    # Then 2 keeps .0149 (ln -4.2): -.61; 3: -.23, 4: -.70: so 3, and 2 before 4, which keeps .02.
    assert ordered(DPP(block=block, weight=0.2), SCORES)[:4] == [0, 1, 3, 2]


def test_with_diversity_alone(ordered):
    # 0, 3 (all of it left), 5: 1 - .99^2 (.6^2 + .4^2) = .49; then 1, 2, 4 keep little.
    assert ordered(DPP(weight=1), SCORES)[:3] == [0, 3, 5]


def test_no_weight_keeps_the_order(ordered):
    assert ordered(DPP(weight=0), np.zeros(6)) == [0, 1, 2, 3, 4, 5]
    assert ordered(DPP(weight=0), SCORES[::-1]) == [5, 4, 3, 2, 1, 0]
