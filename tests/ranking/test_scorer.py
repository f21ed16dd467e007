"""Scorers against dense products."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.errors import DataError
from hybridrec.ranking import scorer as scorers
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer, rows_of_a_block

SEEDS = st.integers(0, 2**32)


def sparse(rng, shape, density=0.4):
    values = np.where(rng.random(shape) < density, rng.normal(size=shape), 0.0)
    return csr_matrix(values.astype(np.float32))


def factors(rng, users=6, items=9, width=5):
    return FactorScorer(
        *(rng.normal(size=(n, width)).astype(np.float32) for n in (users, items)),
        rng.normal(size=items).astype(np.float32),
    )


def history(rng, n=7, users=6):
    return HistoryScorer(sparse(rng, (users, n)), sparse(rng, (n, n)), over_items=True)


def content(rng, users=6, items=9, width=5):
    profiles, weights = sparse(rng, (users, width)), sparse(rng, (width, items))
    return HistoryScorer(profiles, weights, over_items=False)


def dense_history(rng, n=7, users=6):
    return HistoryScorer(sparse(rng, (users, n)), sparse(rng, (n, n)).toarray(), over_items=True)


def everything(scorer):
    return scorer.block(np.arange(scorer.n_users))


class TestFactorScorer:
    def test_block(self):
        one = factors(np.random.default_rng(0))
        assert (one.n_users, one.n_items) == (6, 9)
        dense = one.user_factors @ one.item_factors.T + one.item_bias
        block = one.block(np.array([4, 0, 4]))
        assert block.dtype == np.float32
        np.testing.assert_allclose(block, dense[[4, 0, 4]], rtol=1e-5, atol=1e-6)

    @given(SEEDS, st.sampled_from([1, 3, 64, 200]), st.sampled_from([1e-3, 1.0, 1e4]))
    @settings(max_examples=40, deadline=None)
    def test_block_is_within_its_error_of_the_exact_scores(self, seed, width, size):
        rng = np.random.default_rng(seed)
        P, Q = (size * rng.normal(size=(40, width)) for _ in range(2))
        one = FactorScorer(P, Q, size * rng.normal(size=40))
        rows = np.arange(40)
        items = np.tile(np.arange(40, dtype=np.int32), (40, 1))
        exact = one.chosen(rows, items).astype(np.float64)
        apart = np.abs(one.block(rows) - exact).max(axis=1)
        assert (apart <= one.block_error(rows)).all()

    def test_chosen_is_bit_for_bit_the_same_alone_and_among_others(self):
        one = factors(np.random.default_rng(1), width=64)
        items = np.array([[3, -1, 8], [0, 3, 3]], dtype=np.int32)
        both = one.chosen(np.array([2, 5]), items)
        np.testing.assert_array_equal(both[0], one.chosen(np.array([2]), items[:1])[0])
        assert both[0, 1] == -np.inf
        assert both[1, 1] == both[1, 2]

    @pytest.mark.parametrize("name", ["user_factors", "item_factors", "item_bias"])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_diverged_fit_is_refused(self, name, value):
        parts = {
            "user_factors": np.ones((2, 1)),
            "item_factors": np.ones((3, 1)),
            "item_bias": np.ones(3),
        }
        parts[name].flat[1] = value
        with pytest.raises(DataError, match=rf"{name} hold NaN .* diverged"):
            FactorScorer(**parts)

    @pytest.mark.parametrize("shapes", [((2, 3), (4, 2), 4), ((2, 3), (4, 3), 5)])
    def test_parts_that_do_not_fit(self, shapes):
        with pytest.raises(DataError, match="do not fit together"):
            FactorScorer(*map(np.zeros, shapes))

    def test_arrays_become_float32_and_contiguous(self):
        one = FactorScorer(np.ones((4, 6))[:, ::2], np.ones((3, 5)).T, np.ones(5))
        assert {a.dtype for a in (one.user_factors, one.item_bias)} == {np.dtype(np.float32)}
        assert one.user_factors.flags.c_contiguous
        assert one.item_factors.flags.c_contiguous

    def test_more_items_score_nothing(self):
        one = factors(np.random.default_rng(2))
        more = one.with_more_items(2)
        assert more.n_items == 11
        np.testing.assert_array_equal(everything(more)[:, 9:], 0.0)
        np.testing.assert_array_equal(more.item_factors[:9], one.item_factors)

    def test_other_factors_of_some_items(self):
        one = factors(np.random.default_rng(3))
        before = one.item_factors.copy()
        other = one.with_items(np.array([8, 1]), np.ones((2, 5)), np.array([5.0, 6.0]))
        np.testing.assert_array_equal(one.item_factors, before)
        np.testing.assert_array_equal(other.item_factors[[1, 8]], 1.0)
        assert other.item_bias[[8, 1]].tolist() == [5.0, 6.0]
        rest = [0, *range(2, 8)]
        np.testing.assert_array_equal(other.item_factors[rest], one.item_factors[rest])


class TestHistoryScorer:
    @given(SEEDS)
    @settings(max_examples=30, deadline=None)
    def test_block_is_the_sparse_product(self, seed):
        one = content(np.random.default_rng(seed))
        rows = np.array([5, 0, 0])
        product = (one.profiles @ one.weights).toarray()[rows]
        met = ((one.profiles != 0).astype(int) @ (one.weights != 0).astype(int)).toarray()[rows]
        expected = np.where(met > 0, product, -np.inf)
        np.testing.assert_allclose(one.block(rows), expected, rtol=1e-4, atol=1e-6)
        assert not one.block_error(rows).any()

    @given(SEEDS)
    @settings(max_examples=30, deadline=None)
    def test_dense_weights_give_what_sparse_ones_give(self, seed):
        one = history(np.random.default_rng(seed))
        dense = HistoryScorer(one.profiles, one.weights.toarray(), over_items=True)
        rows = np.array([5, 0, 0, 3])
        np.testing.assert_array_equal(dense.block(rows), one.block(rows))

    def test_dense_weights_become_float32_and_contiguous(self):
        weights = np.arange(6.0).reshape(3, 2).T
        one = HistoryScorer(csr_matrix(np.ones((1, 2), dtype=np.float32)), weights, False)
        assert one.weights.dtype == np.float32
        assert one.weights.flags.c_contiguous
        np.testing.assert_array_equal(everything(one), [[1.0, 5.0, 9.0]])

    @pytest.mark.parametrize("step", [1, 2, 256])
    def test_chosen_is_taken_from_the_block(self, monkeypatch, step):
        monkeypatch.setattr(scorers, "rows_of_a_block", lambda _: step)
        one = history(np.random.default_rng(4))
        rows = np.array([3, 0, 3, 5, 1, 3])
        items = np.random.default_rng(5).integers(-1, 7, size=(6, 4)).astype(np.int32)
        expected = np.take_along_axis(one.block(rows), np.maximum(items, 0), axis=1)
        expected[items < 0] = -np.inf
        np.testing.assert_array_equal(one.chosen(rows, items), expected)

    def test_chosen_scores_each_user_once(self, monkeypatch):
        one, asked = history(np.random.default_rng(4)), []
        block = HistoryScorer.block
        monkeypatch.setattr(
            HistoryScorer, "block", lambda self, rows: asked.extend(rows) or block(self, rows)
        )
        one.chosen(np.repeat([4, 2], 500), np.zeros((1000, 1), dtype=np.int32))
        assert sorted(asked) == [2, 4]

    def test_chosen_of_nobody(self):
        one = history(np.random.default_rng(4))
        nobody = np.zeros(0, dtype=np.int64)
        assert one.chosen(nobody, np.zeros((0, 3), dtype=np.int32)).shape == (0, 3)

    def test_parts_that_do_not_fit(self):
        with pytest.raises(DataError, match="do not fit together"):
            HistoryScorer(csr_matrix((2, 3)), csr_matrix((4, 4)), over_items=True)

    @pytest.mark.parametrize("make", [history, dense_history, content])
    def test_more_items_are_reached_by_nothing(self, make):
        one = make(np.random.default_rng(6))
        before = everything(one)
        more = one.with_more_items(2)
        np.testing.assert_array_equal(everything(more)[:, :-2], before)
        np.testing.assert_array_equal(everything(more)[:, -2:], -np.inf)
        np.testing.assert_array_equal(everything(one), before)
        assert more.over_items == one.over_items


@pytest.mark.parametrize("make", [factors, history, dense_history, content])
def test_with_users_of(make):
    """Row 2 is replaced, row 7 appended, row 6 appended empty, all others stay."""
    rng = np.random.default_rng(7)
    one, other = make(rng), make(rng, users=2)
    if isinstance(one, HistoryScorer):
        other = HistoryScorer(other.profiles, one.weights, one.over_items)
    else:
        other = FactorScorer(other.user_factors, one.item_factors, one.item_bias)
    joined = one.with_users_of(other, np.array([7, 2]), 8)
    assert joined.n_users == 8
    scores, same = everything(joined), [0, 1, 3, 4, 5]
    np.testing.assert_allclose(scores[[7, 2]], everything(other), rtol=1e-5)
    np.testing.assert_allclose(scores[same], everything(one)[same], rtol=1e-5)
    nothing = one.item_bias if isinstance(one, FactorScorer) else -np.inf
    np.testing.assert_array_equal(scores[6], np.broadcast_to(nothing, joined.n_items))


@pytest.mark.parametrize(("n_items", "rows"), [(0, 256), (1, 256), (65_536, 256), (10**6, 16)])
def test_rows_of_a_block_keep_to_the_memory(n_items, rows):
    assert rows_of_a_block(n_items) == rows


def test_one_row_at_least():
    assert rows_of_a_block(10**9) == 1
