from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.models.stack import Stack
from hybridrec.ranking.ensemble import Members
from hybridrec.ranking.scorer import FactorScorer
from hybridrec.ranking.trees import StackScorer, Trees, features_of_pairs


@pytest.fixture(scope="module")
def trees() -> Trees:
    """Trees learned from labels that no monotone function explains."""
    rng = np.random.default_rng(0)
    features = rng.random((600, 4)).astype(np.float32)
    labels = (features[:, 0] > 0.5) ^ (features[:, 3] > 0.8) ^ (rng.random(600) < 0.1)
    return Trees.of(Stack(iterations=30).boost(features, labels, np.ones(4)))


def members(seed: int = 0, n_items: int = 40) -> Members:
    rng = np.random.default_rng(seed)
    scorers = tuple(
        FactorScorer(rng.normal(size=(6, 2)), rng.normal(size=(n_items, 2)), np.zeros(n_items))
        for _ in range(2)
    )
    scorable = np.ones((2, n_items), dtype=bool)
    scorable[:, -1] = False
    return Members(scorers, scorable, np.arange(n_items) < n_items - 5)


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
@settings(deadline=None)
def test_a_higher_rank_or_score_never_makes_a_lower_score(trees, numbers):
    low = np.minimum(numbers[:4], numbers[4:])[None]
    high = np.maximum(numbers[:4], numbers[4:])[None]
    assert trees.predict(high)[0] >= trees.predict(low)[0]


def test_blocks_and_pairs_agree(trees):
    scorer = StackScorer(members(), trees)
    block = scorer.block(np.arange(6))
    assert np.isfinite(block).all()  # of the last item as well, which no member reaches
    rng = np.random.default_rng(2)
    rows, items = rng.integers(0, 6, 50), rng.integers(-1, 40, size=(50, 2)).astype(np.int32)
    expected = np.where(items >= 0, block[rows[:, None], items], -np.inf)
    np.testing.assert_array_equal(scorer.chosen(rows, items), expected)
    assert scorer.block(np.arange(0)).shape == (0, 40)


def test_features_are_shares_of_the_measured_items_and_scores():
    own = members()
    rows, items = np.array([3, 0, 3]), np.array([7, 39, 38])
    features = features_of_pairs(own, rows, items)
    assert features.shape == (3, 4)
    scores = own.scorers[1].block(np.array([3]))[0]
    assert features[0, 1] == pytest.approx((scores[:35] < scores[7]).mean() + 0.5 / 35)
    assert features[2, 1] == pytest.approx((scores[:35] < scores[38]).mean())
    assert features[0, 3] == scores[7]
    reached = own.scorers[1].block(np.array([0]))[0, :-1]
    assert features[1, 3] == min(0.0, reached.min())
