"""Exact top-k against sorting all exact scores."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.errors import ParameterError
from hybridrec.ranking import topk, topk_factors
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer
from hybridrec.ranking.topk import check_k, top_k

SEEDS = st.integers(0, 2**32)


def exact_scores(scorer):
    """Return the exact scores of all pairs, float32."""
    items = np.tile(np.arange(scorer.n_items, dtype=np.int32), (scorer.n_users, 1))
    return scorer.chosen(np.arange(scorer.n_users), items)


def twin(scorer, rows, k, exclude, allowed, tie):
    lists = []
    for position, scores in enumerate(exact_scores(scorer)[rows]):
        may = np.flatnonzero(allowed & (scores > -np.inf))
        may = may[~np.isin(may, exclude[[position]].indices)]
        lists.append(may[np.lexsort((tie[may], -scores[may]))][:k].tolist())
    return lists


def unpadded(items):
    return [[one for one in row if one >= 0] for row in items.tolist()]


def random_case(rng, users=20, items=60, width=8, distinct=60):
    """Return a scorer with only ``distinct`` different items, and what may come out."""
    kinds = rng.normal(size=(distinct, width))[rng.integers(0, distinct, items)]
    scorer = FactorScorer(rng.normal(size=(users, width)), kinds, np.zeros(items))
    exclude = csr_matrix(rng.random((users, items)) < 0.2, dtype=np.float32)
    return scorer, exclude, rng.random(items) < 0.8, rng.permutation(items).astype(np.int32)


@given(SEEDS, st.sampled_from([1, 3, 60]), st.sampled_from([1, 10, 60, 1000]))
@settings(max_examples=60, deadline=None)
def test_factors(seed, distinct, k):
    rng = np.random.default_rng(seed)
    scorer, exclude, allowed, tie = random_case(rng, distinct=distinct)
    rows = np.arange(20)
    items, scores = top_k(scorer, rows, k, exclude=exclude, allowed=allowed, tie=tie)
    assert items.shape == scores.shape == (20, min(k, 60))
    assert unpadded(items) == twin(scorer, rows, k, exclude, allowed, tie)
    np.testing.assert_array_equal(scores, scorer.chosen(rows, items))
    assert (np.diff(scores[:, np.isfinite(scores).all(axis=0)]) <= 0).all()


@given(SEEDS, st.sampled_from([1, 5, 100]))
@settings(max_examples=30, deadline=None)
def test_histories(seed, k):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 3, size=(12, 12)) * (rng.random((12, 12)) < 0.3)
    weights = csr_matrix(values.astype(np.float32))
    profiles = csr_matrix((rng.random((9, 12)) < 0.2).astype(np.float32))
    scorer = HistoryScorer(profiles, weights, over_items=True)
    tie = rng.permutation(12).astype(np.int32)
    rows, allowed = np.arange(9), np.ones(12, dtype=bool)
    items, scores = top_k(scorer, rows, k, exclude=profiles, tie=tie)
    assert unpadded(items) == twin(scorer, rows, k, profiles, allowed, tie)
    assert (scores[items < 0] == -np.inf).all()


def test_one_user_gets_the_same_alone_and_at_any_thread_count(monkeypatch):
    """Many more ties than the margin: rounding of the block alone would decide."""
    monkeypatch.setattr(topk_factors, "_USERS", 17)
    rng = np.random.default_rng(0)
    for width in (3, 26, 39, 52, 70):
        scorer, exclude, allowed, tie = random_case(rng, 40, 2000, width, distinct=15)
        rest = {"allowed": allowed, "tie": tie}
        together = top_k(scorer, np.arange(40), 10, exclude=exclude, num_threads=1, **rest)
        parallel = top_k(scorer, np.arange(40), 10, exclude=exclude, num_threads=2, **rest)
        np.testing.assert_array_equal(together, parallel)
        assert unpadded(together[0]) == twin(scorer, range(40), 10, exclude, allowed, tie)
        for user in (0, 13, 39):
            alone = top_k(scorer, np.array([user]), 10, exclude=exclude[[user]], **rest)
            np.testing.assert_array_equal(alone[0][0], together[0][user])
            np.testing.assert_array_equal(alone[1][0], together[1][user])


@dataclass(frozen=True, eq=False)
class Rounded(FactorScorer):
    """Block scores are off by as much as they say, against the order of the exact ones."""

    def block(self, rows):
        exact = self.user_factors[rows] @ self.item_factors.T
        return exact - np.sign(exact - np.median(exact)).astype(np.float32) * np.float32(0.4)

    def block_error(self, rows):
        return np.full(len(rows), 0.4)


@pytest.mark.parametrize("k", [1, 3, 25])
def test_items_that_rounding_pushed_out_of_the_candidates_come_back(k):
    """All block scores nearly tie, 40 items deep, far more than the margin."""
    n = 40
    values = np.linspace(-0.4, 0.4, n)[np.random.default_rng(1).permutation(n)]
    scorer = Rounded(np.ones((3, 1)), values[:, None], np.zeros(n))
    hidden = csr_matrix((3, n), dtype=np.float32)
    items, _ = top_k(scorer, np.arange(3), k, exclude=hidden)
    assert items.tolist() == [np.argsort(-values, kind="stable")[:k].tolist()] * 3


@given(SEEDS, st.sampled_from([1, 4, 30]), st.booleans())
@settings(max_examples=30, deadline=None)
def test_bias_and_items_of_many_lengths(seed, k, narrow):
    """Many tiles, most of them out of reach; seen items among the best."""
    rng = np.random.default_rng(seed)
    users, items, width = 12, 2000, 6
    lengths = np.exp(rng.normal(size=(items, 1)) * 2)
    scorer = FactorScorer(
        rng.normal(size=(users, width)),
        rng.normal(size=(items, width)) * lengths,
        rng.normal(size=items) * rng.choice([0, 1, 20]),
    )
    rows, tie = np.arange(users), rng.permutation(items).astype(np.int32)
    every = exact_scores(scorer)
    best = np.argsort(-every, axis=1)[:, rng.permutation(60)[:20]]
    seen = np.zeros((users, items), dtype=np.float32)
    np.put_along_axis(seen, best, 1, axis=1)
    exclude, allowed = csr_matrix(seen), rng.random(items) < (0.02 if narrow else 0.9)
    options = {"exclude": exclude, "allowed": allowed, "tie": tie}
    found, _ = top_k(scorer, rows, k, **options)
    assert unpadded(found) == twin(scorer, rows, k, exclude, allowed, tie)
    for user in (0, 7):
        alone, _ = top_k(scorer, rows[[user]], k, **{**options, "exclude": exclude[[user]]})
        np.testing.assert_array_equal(alone[0], found[user])


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("scale", [1e-25, 1e19, 1e30])
def test_factors_whose_products_leave_float32(scale, size):
    rng = np.random.default_rng(5)
    factors = rng.normal(size=(size, 4)) * scale, rng.normal(size=(90, 4)) * scale
    scorer = FactorScorer(*factors, np.zeros(90))
    nothing = csr_matrix((size, 90), dtype=np.float32)
    found, _ = top_k(scorer, np.arange(size), 5)
    order = np.arange(90)
    assert unpadded(found) == twin(scorer, np.arange(size), 5, nothing, order >= 0, order)


def test_memory_does_not_grow_with_users_times_items():
    rng = np.random.default_rng(6)
    users, items = 2000, 20_000
    scorer = FactorScorer(rng.normal(size=(users, 4)), rng.normal(size=(items, 4)), np.zeros(items))
    top_k(scorer, np.arange(20), 10, num_threads=1)  # the copy of the items
    tracemalloc.start()
    top_k(scorer, np.arange(users), 10, num_threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < users * items * 4 / 10


def test_a_few_users_need_no_pool(monkeypatch):
    def forbidden(*_args, **_options):
        raise AssertionError("a request must not start threads or touch BLAS")

    scorer, *_ = random_case(np.random.default_rng(7))
    expected, _ = top_k(scorer, np.arange(20), 4)
    monkeypatch.setattr(topk, "ThreadPoolExecutor", forbidden)
    monkeypatch.setattr(topk, "threads", forbidden)
    monkeypatch.setattr(np, "matmul", forbidden)
    np.testing.assert_array_equal(top_k(scorer, np.arange(8), 4)[0], expected[:8])


def test_background_comes_to_those_whom_little_reaches():
    profiles = csr_matrix(np.array([[0.5, 0.0], [0.0, 0.0]], dtype=np.float32))
    weights = csr_matrix(np.array([[0, 0.2, 0, 0], [0, 0, 0, 0]], dtype=np.float32))
    background = np.array([0.3, 0.1, 0.6, 0.0], dtype=np.float32)
    scorer = HistoryScorer(profiles, weights, over_items=False, background=background)
    found, scores = top_k(scorer, np.arange(2), 4)
    assert found.tolist() == [[2, 0, 1, -1], [2, 0, 1, -1]]
    np.testing.assert_allclose(scores[0, :3], [0.3, 0.15, 0.15], rtol=1e-6)


def test_rows_may_repeat_and_come_in_any_order():
    scorer, *_ = random_case(np.random.default_rng(2))
    items, _ = top_k(scorer, np.array([5, 1, 5]), 4)
    every, _ = top_k(scorer, np.arange(20), 4)
    np.testing.assert_array_equal(items, every[[5, 1, 5]])


def test_equal_scores_come_by_position_without_a_tie_order():
    scorer = FactorScorer(np.ones((1, 1)), np.zeros((5, 1)), np.zeros(5))
    assert top_k(scorer, np.array([0]), 3)[0].tolist() == [[0, 1, 2]]


def test_nobody_and_nothing():
    scorer = FactorScorer(np.ones((2, 1)), np.ones((3, 1)), np.zeros(3))
    assert top_k(scorer, np.zeros(0, dtype=int), 2)[0].shape == (0, 2)
    empty = FactorScorer(np.ones((2, 1)), np.ones((0, 1)), np.zeros(0))
    assert top_k(empty, np.arange(2), 5)[0].shape == (2, 0)
    items, scores = top_k(scorer, np.arange(2), 2, allowed=np.zeros(3, dtype=bool))
    assert (items == -1).all()
    assert (scores == -np.inf).all()


def test_arguments_are_not_changed():
    """Not even sorted: the rows to exclude may come unsorted."""
    scorer, *_ = random_case(np.random.default_rng(3), users=2, items=4, distinct=4)
    indices = np.array([3, 0, 2, 1], dtype=np.int32)
    exclude = csr_matrix((np.ones(4), indices, np.array([0, 2, 4])), shape=(2, 4))
    exclude.indices.flags.writeable = False
    items, _ = top_k(scorer, np.arange(2), 4, exclude=exclude)
    assert [sorted(row) for row in unpadded(items)] == [[1, 2], [0, 3]]
    assert exclude.indices.tolist() == [3, 0, 2, 1]


@pytest.mark.parametrize("k", [1, np.int32(3), 10**12])
def test_good_k(k):
    assert check_k(k) == k
    assert type(check_k(k)) is int


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "5", None, np.float64(3)])
def test_bad_k(k):
    with pytest.raises(ParameterError, match="k must be a whole number of at least 1"):
        check_k(k)


def test_bad_thread_count():
    scorer, *_ = random_case(np.random.default_rng(4))
    with pytest.raises(ParameterError, match="num_threads must be 0"):
        top_k(scorer, np.arange(2), 3, num_threads=-1)
