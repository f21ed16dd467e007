from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.ranking.ensemble import BlendScorer, Members, exact_block
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer
from hybridrec.ranking.topk import top_k


def factors(users, items) -> FactorScorer:
    items = np.array(items, dtype=np.float32)
    return FactorScorer(np.array(users, dtype=np.float32), items, np.zeros(len(items)))


@pytest.fixture
def blend() -> BlendScorer:
    """Two models of one factor, two users, three items and a cold one that only one can score."""
    one = factors([[1], [2]], [[1], [2], [3], [4]])
    two = factors([[1], [-1]], [[3], [0], [0], [7]])
    scorable = np.array([[True] * 4, [True, True, True, False]])
    members = Members((one, two), scorable, np.array([True, True, True, False]))
    group = np.array([0, 0, 0, 1], dtype=np.int8)
    return BlendScorer(members, group, np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0.0, -2.0]))


def test_a_blend_by_hand(blend):
    up = np.sqrt(1.5)  # (1, 2, 3) in standard deviations from its mean: -up, 0, up, then 2 up
    half = np.sqrt(0.5)  # (3, 0, 0): 2 half, -half, -half
    expected = [
        [(-up + 2 * half) / 2, -half / 2, (up - half) / 2, 2 * up - 2],
        [(-up - 2 * half) / 2, half / 2, (up + half) / 2, 2 * up - 2],
    ]
    np.testing.assert_allclose(blend.block(np.arange(2)), expected, rtol=1e-6)


def test_an_item_that_no_member_of_any_weight_reaches_has_no_score(blend):
    members = Members(blend.members.scorers, blend.members.scorable, blend.members.measured)
    only_two = BlendScorer(members, blend.group, np.array([[0.0, 1.0]] * 2), np.zeros(2))
    block = only_two.block(np.arange(2))
    assert np.isneginf(block[:, 3]).all()
    assert np.isfinite(block[:, :3]).all()


def test_scores_do_not_depend_on_what_else_is_asked():
    rng = np.random.default_rng(0)
    one = factors(rng.normal(size=(40, 9)), rng.normal(size=(700, 9)))
    profiles = csr_matrix((rng.random((40, 5)) < 0.5).astype(np.float32))
    weights = csr_matrix(rng.random((5, 700)) * (rng.random((5, 700)) < 0.2), dtype=np.float32)
    two = HistoryScorer(profiles, weights, over_items=False)
    measured = rng.random(700) < 0.8
    members = Members((one, two), np.ones((2, 700), dtype=bool), measured)
    group = np.where(measured, 0, 1).astype(np.int8)
    blend = BlendScorer(members, group, np.array([[0.3, 0.7], [0.9, 0.4]]), np.array([0.0, 0.2]))
    block = blend.block(np.arange(40))
    alone = np.vstack([blend.block(np.array([row])) for row in range(40)])
    np.testing.assert_array_equal(block, alone)
    items = rng.integers(-1, 700, size=(80, 3)).astype(np.int32)
    rows = rng.integers(0, 40, size=80)
    expected = np.where(items >= 0, block[rows[:, None], items], -np.inf)
    np.testing.assert_array_equal(blend.chosen(rows, items), expected)
    best, scores = top_k(blend, rows, 10, num_threads=2)
    np.testing.assert_array_equal(scores, block[rows[:, None], best])


def test_more_items_and_users(blend):
    grown = blend.with_more_items(2)
    assert (grown.n_items, grown.n_users) == (6, 2)
    block = grown.block(np.arange(2))
    np.testing.assert_array_equal(block[:, :4], blend.block(np.arange(2)))
    assert np.isneginf(block[:, 4:]).all()
    more = blend.with_users_of(blend, np.array([3, 0]), 4)
    old = blend.block(np.arange(2))
    np.testing.assert_array_equal(more.block(np.array([3, 0, 1])), old[[0, 1, 1]])


def test_exact_block_is_what_single_pairs_get():
    rng = np.random.default_rng(1)
    scorer = factors(rng.normal(size=(5, 8)), rng.normal(size=(30, 8)))
    rows = np.array([4, 1])
    every = np.tile(np.arange(30, dtype=np.int32), (2, 1))
    np.testing.assert_array_equal(exact_block(scorer, rows), scorer.chosen(rows, every))
