from __future__ import annotations

import numpy as np

from hybridrec.ranking.rerank import PopularityDamping


def test_by_hand(ordered):
    # Scores of standard deviation 1 and mean 0 already: two groups of three.
    scores = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
    # log2(1 + popularity): 4, 3, 2, 1, 1, 0; the strength .9 takes 3.6, 2.7, 1.8, .9, .9, 0.
    # Left: -2.6, -1.7, -.8, -1.9, -1.9, -1.
    assert ordered(PopularityDamping(0.9), scores) == [2, 5, 1, 3, 4, 0]


def test_no_strength_keeps_the_order(ordered):
    assert ordered(PopularityDamping(0), np.zeros(6)) == [0, 1, 2, 3, 4, 5]


def test_among_equals_the_rare_come_first(ordered):
    assert ordered(PopularityDamping(1e-6), np.zeros(6)) == [5, 3, 4, 2, 1, 0]
