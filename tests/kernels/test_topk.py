"""Selection kernels against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.kernels.topk import (
    exact_dots,
    keep_best,
    rank_key,
    select_top,
    sparse_block,
    write_list,
)

VALUES = [-np.inf, np.nan, -1.5, 0.0, 0.25, 1.0, 2.0, np.inf]


def sparse(rng, shape, density):
    values = np.where(rng.random(shape) < density, rng.random(shape), 0.0)
    return csr_matrix(values.astype(np.float32))


def top_twin(block, excluded, allowed, tie, k):
    """Sort all that may come out by falling score, equal ones by tie."""
    lists = []
    for scores, hidden in zip(block, excluded, strict=True):
        may = np.flatnonzero(allowed & (scores > -np.inf))
        may = may[~np.isin(may, hidden)]
        lists.append(may[np.lexsort((tie[may], -scores[may]))][:k])
    return lists


def select(block, excluded, allowed, tie, k):
    rows = len(block)
    indptr = np.cumsum([0, *map(len, excluded)]).astype(np.int32)
    indices = np.array([one for hidden in excluded for one in hidden], dtype=np.int32)
    items, scores = np.empty((rows, k), np.int32), np.empty((rows, k), np.float32)
    select_top(block, indptr, indices, allowed, tie, items, scores)
    return items, scores


@st.composite
def cases(draw):
    rows, n = draw(st.integers(0, 4)), draw(st.integers(1, 200))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    block = rng.choice(VALUES, size=(rows, n)).astype(np.float32)
    excluded = [np.flatnonzero(rng.random(n) < draw(st.sampled_from([0, 0.3, 1]))) for _ in block]
    allowed = rng.random(n) < draw(st.sampled_from([0, 0.5, 1]))
    tie = rng.permutation(n).astype(np.int32)
    return block, excluded, allowed, tie, draw(st.integers(1, n + 5))


@given(cases())
@settings(max_examples=200, deadline=None)
def test_select_top(case):
    block, excluded, allowed, tie, k = case
    items, scores = select(block, excluded, allowed, tie, k)
    for row, expected in enumerate(top_twin(block, excluded, allowed, tie, k)):
        padding = k - len(expected)
        assert items[row].tolist() == [*expected, *[-1] * padding]
        np.testing.assert_array_equal(
            scores[row], np.append(block[row, expected], np.full(padding, -np.inf))
        )


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_only_ties(n):
    tie = np.random.default_rng(n).permutation(n).astype(np.int32)
    block = np.zeros((1, n), dtype=np.float32)
    items, _ = select(block, [[]], np.ones(n, dtype=bool), tie, n)
    assert tie[items[0]].tolist() == list(range(n))


def test_read_only_arrays():
    arrays = [np.zeros((1, 3), np.float32), np.ones(3, dtype=bool), np.arange(3, dtype=np.int32)]
    for one in arrays:
        one.flags.writeable = False
    block, allowed, tie = arrays
    assert select(block, [[1]], allowed, tie, 2)[0].tolist() == [[0, 2]]


@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20),
    st.integers(0, 2**32),
)
@settings(max_examples=100, deadline=None)
def test_keys_are_in_the_order_of_scores_and_ties(scores, seed):
    values = np.array(scores, dtype=np.float32)
    tie = np.random.default_rng(seed).permutation(len(values))
    keys = [rank_key(score, rank) for score, rank in zip(values, tie, strict=True)]
    assert (
        np.argsort(np.array(keys, dtype=np.uint64))[::-1].tolist()
        == np.lexsort((tie, -values)).tolist()
    )


def test_a_zero_is_a_zero_whatever_its_sign():
    assert rank_key(np.float32(-0.0), 3) == rank_key(np.float32(0.0), 3)


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 40))
@settings(max_examples=50, deadline=None)
def test_a_heap_keeps_the_best(seed, k, offered):
    rng = np.random.default_rng(seed)
    values, tie = rng.integers(-3, 3, offered).astype(np.float32), rng.permutation(offered)
    keys, kept, size = np.empty(k, dtype=np.uint64), np.empty(k, dtype=np.int32), 0
    for item in range(offered):
        key = np.uint64(rank_key(values[item], tie[item]))
        size = keep_best(keys, kept, size, key, item)
    items, scores = np.empty(k, dtype=np.int32), np.empty(k, dtype=np.float32)
    write_list(keys, kept, size, items, scores)
    expected = np.lexsort((tie, -values))[:k]
    padding = k - len(expected)
    assert items.tolist() == [*expected, *[-1] * padding]
    assert scores.tolist() == [*values[expected], *[-np.inf] * padding]


@pytest.mark.parametrize("width", [0, 1, 7, 64])
def test_exact_dots(width):
    rng = np.random.default_rng(width)
    P, Q = (rng.normal(size=(n, width)).astype(np.float32) for n in (5, 9))
    bias = rng.normal(size=9).astype(np.float32)
    rows = np.array([3, 0, 3])
    items = rng.integers(-1, 9, size=(3, 4)).astype(np.int32)
    scores = np.full(items.shape, 7.0, dtype=np.float32)
    exact_dots(P, Q, bias, rows, items, scores)
    expected = np.einsum(
        "rf,rjf->rj", P[rows].astype(np.float64), Q[np.maximum(items, 0)].astype(np.float64)
    )
    expected += bias[np.maximum(items, 0)]
    np.testing.assert_allclose(scores, np.where(items < 0, 7.0, expected), rtol=1e-6, atol=1e-6)


def test_exact_dots_lose_nothing_to_cancellation():
    """In float32 the two large terms would swallow the small one."""
    P = np.array([[1e8, 1.0, -1e8]], dtype=np.float32)
    Q = np.ones((1, 3), dtype=np.float32)
    scores = np.empty((1, 1), dtype=np.float32)
    exact_dots(P, Q, np.zeros(1, np.float32), np.array([0]), np.array([[0]], np.int32), scores)
    assert scores[0, 0] == 1.0


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_sparse_block(seed):
    rng = np.random.default_rng(seed)
    users, middle, items = rng.integers(1, 8, 3)
    left, right = sparse(rng, (users, middle), 0.4), sparse(rng, (middle, items), 0.4)
    rows = rng.integers(0, users, 5)
    block = np.empty((5, items), dtype=np.float32)
    parts = [(one.indptr, one.indices, one.data) for one in (left, right)]
    sparse_block(*parts[0], *parts[1], rows, block)
    met = ((left != 0).astype(int) @ (right != 0).astype(int)).toarray()[rows] > 0
    product = (left.astype(np.float64) @ right.astype(np.float64)).toarray()[rows]
    np.testing.assert_allclose(block, np.where(met, product, -np.inf), rtol=1e-6)


def test_sparse_block_tells_a_score_of_zero_from_none():
    left = csr_matrix(np.array([[1.0, 1.0]], dtype=np.float32))
    right = csr_matrix(np.array([[2.0, 0.0], [-2.0, 0.0]], dtype=np.float32))
    block = np.empty((1, 2), dtype=np.float32)
    parts = [(one.indptr, one.indices, one.data) for one in (left, right)]
    sparse_block(*parts[0], *parts[1], np.array([0]), block)
    assert block.tolist() == [[0.0, -np.inf]]
