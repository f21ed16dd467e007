from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.kernels.ensemble import exact_products, fill_unreached, standardise, weighted_gain
from hybridrec.kernels.topk import exact_dots

NONE = -np.inf


@pytest.mark.parametrize("n_items", [1, 511, 512, 1100])
def test_products_are_bit_for_bit_those_of_single_pairs(n_items):
    rng = np.random.default_rng(n_items)
    users = rng.normal(size=(3, 7)).astype(np.float32)
    items = rng.normal(size=(n_items, 7)).astype(np.float32)
    bias = rng.normal(size=n_items).astype(np.float32)
    block = np.empty((3, n_items), dtype=np.float32)
    exact_products(users, np.ascontiguousarray(items.T), bias, block)
    expected = np.empty_like(block)
    every = np.tile(np.arange(n_items, dtype=np.int32), (3, 1))
    exact_dots(users, items, bias, np.arange(3), every, expected)
    np.testing.assert_array_equal(block, expected)


def test_what_is_not_reached_gets_nothing_or_the_lowest_score():
    block = np.array([[2, NONE, 3, 9], [-1, NONE, 4, 9]], dtype=np.float32)
    reached = np.empty(block.shape, dtype=bool)
    fill_unreached(block, np.array([True, True, True, False]), reached)
    assert block.tolist() == [[2, 0, 3, 0], [-1, -1, 4, -1]]
    assert reached.tolist() == [[True, False, True, False]] * 2


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_standard_scores_are_those_of_numpy(seed):
    rng = np.random.default_rng(seed)
    block = rng.normal(3, 5, size=(4, 9)).astype(np.float32)
    measured = rng.random(9) < 0.6
    measured[0] = True
    part = block[:, measured].astype(np.float64)
    spread = part.std(axis=1, keepdims=True)
    mean = part.mean(axis=1, keepdims=True)
    expected = np.divide(block - mean, spread, where=spread > 0, out=np.zeros(block.shape))
    standardise(block, measured)
    np.testing.assert_allclose(block, expected, atol=2e-4)


def test_equal_scores_and_no_measured_items_become_zero():
    block = np.full((1, 3), 5, dtype=np.float32)
    standardise(block, np.array([True, True, False]))
    assert block.tolist() == [[0, 0, 0]]
    block = np.array([[1, 2]], dtype=np.float32)
    standardise(block, np.zeros(2, dtype=bool))
    assert block.tolist() == [[0, 0]]


def test_gain_of_weights_by_hand():
    scores = np.array([[3, 0], [2, 0], [1, 9], [5, 1], [5, 0]], dtype=np.float32)
    hits = np.array([False, False, True, True, False])
    starts = np.array([0, 3, 5])
    first = weighted_gain(scores, hits, starts, np.array([1.0, 0.0]), 3)
    # The hit is third of three; then first with an equal score, which counts as second.
    assert first == pytest.approx((1 / np.log2(4) + 1 / np.log2(3)) / 2)
    assert weighted_gain(scores, hits, starts, np.array([0.0, 1.0]), 3) == pytest.approx(1.0)
    assert weighted_gain(scores, hits, starts, np.array([1.0, 0.0]), 1) == 0.0
