"""Lists straight from histories against blocks of all scores."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.kernels.topk import select_top, sparse_block
from hybridrec.kernels.topk_sparse import dense_weights_block, top_of_histories


def parts(matrix):
    return matrix.indptr, matrix.indices, matrix.data


def sparse(rng, shape, density):
    values = rng.integers(-2, 4, shape) * (rng.random(shape) < density)
    return csr_matrix(values.astype(np.float32))


@given(st.integers(0, 2**32), st.sampled_from([1, 5, 40]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_lists_are_those_of_a_block(seed, k, with_background):
    rng = np.random.default_rng(seed)
    users, middle, n = 7, 9, 40
    left, right = sparse(rng, (users, middle), 0.4), sparse(rng, (middle, n), 0.2)
    background, lack = np.zeros(0, np.float32), np.zeros(7, np.float32)
    if with_background:
        left, right = abs(left), abs(right)
        background = (rng.integers(0, 4, n) / 7).astype(np.float32)
        lack = rng.choice([0, 0.3, 1], 7).astype(np.float32)
    by_background = np.argsort(-background, kind="stable")
    by_background = by_background[background[by_background] > 0].astype(np.int32)
    hidden = csr_matrix(rng.random((7, n)) < 0.2, dtype=np.float32)
    allowed, tie = rng.random(n) < 0.8, rng.permutation(n).astype(np.int32)
    rows = rng.integers(0, users, 7)
    block = np.empty((7, n), dtype=np.float32)
    sparse_block(*parts(left), *parts(right), rows, block)
    if with_background:
        block = np.where(background > 0, np.maximum(block, np.float32(0)), block)
        block += lack[:, None] * background
    rest = hidden.indptr.astype(np.int64), hidden.indices, allowed, tie
    expected = np.empty((7, k), np.int32), np.empty((7, k), np.float32)
    select_top(block, *rest, *expected)
    found = np.empty((7, k), np.int32), np.empty((7, k), np.float32)
    top_of_histories(
        *(*parts(left), *parts(right), rows, lack, background, by_background, *rest, *found)
    )
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def test_weights_that_cancel_leave_a_score_of_zero():
    left = csr_matrix(np.array([[1.0, 1.0]], dtype=np.float32))
    right = csr_matrix(np.array([[2.0, 0.0], [-2.0, 0.0]], dtype=np.float32))
    none = np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(2, np.int64)
    items, scores = np.empty((1, 2), np.int32), np.empty((1, 2), np.float32)
    top_of_histories(
        *(*parts(left), *parts(right), np.array([0]), np.zeros(1, np.float32), *none),
        *(np.zeros(0, np.int32), np.ones(2, dtype=bool), np.arange(2, dtype=np.int32)),
        *(items, scores),
    )
    assert (items.tolist(), scores.tolist()) == ([[0, -1]], [[0.0, -np.inf]])


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_dense_weights_give_what_sparse_ones_do(seed):
    rng = np.random.default_rng(seed)
    left, right = sparse(rng, (5, 8), 0.4), sparse(rng, (8, 12), 0.4)
    rows = rng.integers(0, 5, 4)
    found, expected = np.empty((4, 12), np.float32), np.empty((4, 12), np.float32)
    dense_weights_block(*parts(left), right.toarray(), rows, found)
    sparse_block(*parts(left), *parts(right), rows, expected)
    np.testing.assert_array_equal(found, expected)
