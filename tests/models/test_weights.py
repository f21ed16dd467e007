from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import random as random_matrix

from hybridrec.models.weights import HeldOut, HeldOutLists, Reference, hold_out, search_weights
from hybridrec.ranking.ensemble import Members
from hybridrec.ranking.scorer import FactorScorer


@pytest.fixture
def matrix():
    return random_matrix(60, 30, 0.2, format="csr", dtype=np.float32, random_state=0)


def members(*scores: np.ndarray) -> Members:
    """Return members that give these scores."""
    scorers = tuple(
        FactorScorer(one, np.eye(one.shape[1]), np.zeros(one.shape[1])) for one in scores
    )
    shape = (len(scores), scores[0].shape[1])
    return Members(scorers, np.ones(shape, dtype=bool), np.ones(shape[1], dtype=bool))


def test_held_out_and_rest_are_the_whole(matrix):
    describable = np.arange(30) < 20
    held_out = hold_out(matrix, 0.3, describable, np.random.default_rng(0))
    assert (held_out.rest + held_out.pairs != matrix).nnz == 0
    assert held_out.rest.multiply(held_out.pairs).nnz == 0
    assert held_out.cold.sum() == 6
    assert not held_out.cold[20:].any()
    assert held_out.rest[:, held_out.cold].nnz == 0


def test_every_user_keeps_an_interaction(matrix):
    held_out = hold_out(matrix, 0.5, np.zeros(30, dtype=bool), np.random.default_rng(0))
    active = np.diff(matrix.indptr) > 0
    assert (np.diff(held_out.rest.indptr)[active] > 0).all()
    assert held_out.pairs.nnz > 0.3 * matrix.nnz


def test_the_same_stream_holds_out_the_same(matrix):
    one, two = (hold_out(matrix, 0.2, np.ones(30, bool), np.random.default_rng(5)) for _ in "ab")
    assert (one.rest != two.rest).nnz == 0
    assert (one.cold == two.cold).all()


def lists_of(matrix, *scores) -> HeldOutLists:
    held_out = hold_out(matrix, 0.3, np.zeros(30, dtype=bool), np.random.default_rng(0))
    every = np.ones(30, dtype=bool)
    told = [np.asarray(one(held_out)) for one in scores]
    return HeldOutLists.of(members(*told), held_out, every, np.random.default_rng(1), 1)


def truth(held_out: HeldOut) -> np.ndarray:
    return (held_out.pairs.toarray() > 0) + np.random.default_rng(2).random((60, 30)) * 0.1


def noise(_: HeldOut) -> np.ndarray:
    return np.random.default_rng(3).random((60, 30))


def test_the_search_finds_the_member_that_knows(matrix):
    lists = lists_of(matrix, noise, truth)
    weights = search_weights(lists, np.ones(2, dtype=bool))
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > 0.6
    assert lists.gain(weights) == pytest.approx(1.0)
    assert lists.gain(weights) >= max(lists.gain(one) for one in np.eye(2))


def test_members_that_are_not_usable_get_nothing(matrix):
    lists = lists_of(matrix, noise, truth)
    assert search_weights(lists, np.array([True, False])).tolist() == [1, 0]
    nothing = HeldOutLists(np.zeros((0, 2), np.float32), np.zeros(0, bool), np.zeros(1, np.int64))
    assert search_weights(nothing, np.ones(2, dtype=bool)).tolist() == [0.5, 0.5]
    assert search_weights(nothing.scaled(), np.zeros(2, dtype=bool)).tolist() == [0, 0]


def test_candidates_leave_out_what_the_user_has(matrix):
    held_out = hold_out(matrix, 0.3, np.zeros(30, dtype=bool), np.random.default_rng(0))
    lists = lists_of(matrix, noise)
    active = np.diff(held_out.pairs.indptr) > 0
    assert len(lists) == active.sum()
    assert lists.hits.sum() == held_out.pairs.nnz
    own = np.diff(held_out.rest.indptr)[active]
    np.testing.assert_array_equal(np.diff(lists.starts), 30 - own)


def test_cold_items_get_the_spread_of_the_others():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(50, 40)).astype(np.float32)
    cold = np.arange(40) >= 30
    scores[:, cold] = 0.1 * scores[:, cold] - 3
    given = members(scores)
    given = Members(given.scorers, given.scorable, ~cold)
    reference = Reference(given, cold)
    weights, offset = reference.calibrated(np.ones((2, 1)), 1.0, rng)
    standard, _ = given.standard(0, np.arange(50))
    placed = weights[0] * standard[:, cold] + offset
    np.testing.assert_allclose([placed.mean(), placed.std()], [0, 1], atol=1e-4)
    weights, offset = reference.calibrated(np.ones((2, 1)), 0.5, rng)
    placed = weights[0] * standard[:, cold] + offset
    np.testing.assert_allclose([placed.mean(), placed.std()], [-0.5, 0.5], atol=1e-4)
