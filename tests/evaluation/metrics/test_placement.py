"""Placement from scores: exact, the same as lists, whatever the tiles and threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix

from hybridrec.evaluation.metrics import METRICS, Judgement, place_tests
from hybridrec.evaluation.metrics import tiles as tiles_module
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer
from hybridrec.ranking.topk import top_k

ACCURACY = ("recall", "precision", "f1", "ndcg", "hit-rate", "map", "mrr")


def factor_scorer(rng, n_users, n_items, *, ties):
    """Random factors; with ties, of few values, so that many scores are equal."""
    draw = (lambda shape: rng.integers(-1, 2, shape)) if ties else rng.standard_normal
    return FactorScorer(draw((n_users, 5)), draw((n_items, 5)), draw(n_items))


def history_scorer(rng, n_users, n_items, *, ties):
    """Sparse item-item weights; items nothing reaches have no score."""
    data = (lambda size: rng.integers(1, 3, size)) if ties else rng.standard_normal
    make = {"density": 0.1, "format": "csr", "dtype": np.float32, "random_state": rng}
    profiles = random_matrix(n_users, n_items, data_rvs=data, **make)
    return HistoryScorer(profiles, random_matrix(n_items, n_items, data_rvs=data, **make), True)


def masks(rng, n_users, n_items):
    """Test and seen items, disjoint, of many sizes; every user but the last has a test item."""
    share = rng.random((n_users, 1)) * 0.4
    drawn = rng.random((n_users, n_items))
    test, seen = drawn < share, drawn > 0.8
    test[np.arange(n_users - 1), rng.integers(0, n_items, n_users - 1)] = True
    test[-1] = False
    return test, seen & ~test


def twin(scores, test, seen, candidates, scorable, tie):
    """Place every test item in plain Python: rank, negatives above, negatives tied."""
    found = []
    for user, own in enumerate(np.where(scorable, scores, -np.inf)):
        open_to = np.flatnonzero(candidates & ~seen[user])
        order = sorted(open_to, key=lambda item: (-own[item], tie[item]))
        rank = {item: place for place, item in enumerate(order, start=1)}
        negatives = own[[item for item in open_to if not test[user, item]]]
        found += [
            (
                rank[item] if own[item] > -np.inf else 0,
                (negatives > own[item]).sum(),
                (negatives == own[item]).sum(),
            )
            for item in np.flatnonzero(test[user])
        ]
    return found


@pytest.mark.parametrize("make", [factor_scorer, history_scorer])
@pytest.mark.parametrize("ties", [True, False])
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_equal_to_its_twin(make, ties, seed):
    rng = np.random.default_rng(seed)
    n_users, n_items = 9, 30
    scorer = make(rng, n_users, n_items, ties=ties)
    test, seen = masks(rng, n_users, n_items)
    candidates, scorable = (test.any(axis=0) | (rng.random(n_items) < 0.8) for _ in range(2))
    scorable[rng.integers(0, n_items, 4)] = False
    tie = rng.permutation(n_items).astype(np.int32)
    rows = rng.permutation(n_users)
    placed = place_tests(
        scorer,
        rows,
        csr_matrix(test),
        seen=csr_matrix(seen),
        candidates=candidates,
        scorable=scorable,
        tie=tie,
    )
    every = np.tile(np.arange(n_items, dtype=np.int32), (n_users, 1))
    expected = twin(scorer.chosen(rows, every), test, seen, candidates, scorable, tie)
    assert list(zip(placed.ranks, placed.above, placed.tied, strict=True)) == expected
    assert placed.negatives.tolist() == (candidates & ~seen & ~test).sum(axis=1).tolist()


@pytest.fixture(scope="module", params=[factor_scorer, history_scorer])
def large(request):
    """More items than a tile has, and an item bias."""
    rng = np.random.default_rng(3)
    n_users, n_items = 600, 2000
    scorer = request.param(rng, n_users, n_items, ties=True)
    test = csr_matrix(rng.random((n_users, n_items)) < 0.003)
    seen = csr_matrix(rng.random((n_users, n_items)) < 0.01)
    seen = seen > test.multiply(seen)
    return scorer, test, seen, rng.permutation(n_items).astype(np.int32)


def test_ranks_are_those_of_the_lists(large):
    scorer, test, seen, tie = large
    rows = np.arange(scorer.n_users)
    lists, _ = top_k(scorer, rows, scorer.n_items, exclude=seen, tie=tie)
    cutoffs = (1, 10, 100, 5000)
    every = np.ones(scorer.n_items, dtype=bool)
    judged = Judgement(rows.astype(np.int32), lists, test, cutoffs, every)
    ranked = place_tests(scorer, rows, test, seen=seen, tie=tie).at(cutoffs)
    for name in ACCURACY:
        assert np.array_equal(METRICS[name](ranked), METRICS[name](judged)), name


def test_tiles_and_threads_change_nothing(large, monkeypatch):
    scorer, test, seen, tie = large
    rows = np.arange(scorer.n_users)
    first = place_tests(scorer, rows, test, seen=seen, tie=tie, num_threads=1)
    monkeypatch.setattr(tiles_module, "_USERS", 37)
    monkeypatch.setattr(tiles_module, "_ITEMS", 101)
    second = place_tests(scorer, rows, test, seen=seen, tie=tie, num_threads=2)
    for name in ("ranks", "above", "tied", "negatives"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_on_keeps_the_places_and_the_negatives():
    scorer = FactorScorer(np.ones((2, 1)), np.arange(6)[:, None], np.zeros(6))
    test = csr_matrix(np.array([[1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0]]))
    part = place_tests(scorer, np.arange(2), test).on(np.arange(6) == 3)
    assert part.test.toarray().tolist() == [[0, 0, 0, 1, 0, 0]]
    assert part.ranks.tolist() == [3]
    assert part.above.tolist() == [2]
    assert part.negatives.tolist() == [4]


def test_inputs_are_left_alone(large):
    scorer, test, seen, tie = large
    before = test.copy(), seen.copy()
    place_tests(scorer, np.arange(scorer.n_users), test, seen=seen, tie=tie)
    assert (before[0] != test).nnz == 0
    assert (before[1] != seen).nnz == 0
