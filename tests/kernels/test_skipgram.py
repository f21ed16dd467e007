from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.kernels.rng import bounded, stream_key, uniform
from hybridrec.kernels.skipgram import alias_table, train

WEIGHTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=50).filter(lambda w: sum(w) > 1e-3)


@settings(deadline=None)
@given(WEIGHTS)
def test_alias_table_holds_the_distribution(weights):
    given_weights = np.array(weights)
    before = given_weights.copy()
    keep, other = alias_table(given_weights)
    share = np.minimum(keep, 1.0) / keep.size
    np.add.at(share, other, (1.0 - np.minimum(keep, 1.0)) / keep.size)
    np.testing.assert_allclose(share, before / before.sum(), atol=1e-12)
    np.testing.assert_array_equal(given_weights, before)
    assert (keep[before == 0] == 0).all()  # what has no weight is never drawn


def train_twin(walks, seed, done, total, keep, other, vectors, contexts, window, negatives, rate):
    """Word2vec's skip-gram step, in float64, with the noise of a position shared by its reach."""
    draws = 1 + 2 * negatives
    for row, padded in enumerate(walks.tolist()):
        walk = [node for node in padded if node >= 0]
        key = np.uint64(stream_key(np.uint64(seed), done + row))
        now = rate * max(1e-4, 1 - (done + row) / total)
        for position, center in enumerate(walk):
            first = position * draws
            reach = 1 + bounded(key, first, window)
            noise = []
            for draw in range(first + 1, first + draws, 2):
                slot = bounded(key, draw, keep.size)
                noise.append(slot if uniform(key, draw + 1) < keep[slot] else int(other[slot]))
            targets = [center] + [node for node in noise if node != center]
            for near in range(position - reach, position + reach + 1):
                if near == position or not 0 <= near < len(walk):
                    continue
                vector = vectors[walk[near]].copy()
                labels = np.array([1.0] + [0.0] * (len(targets) - 1))
                slopes = now * (labels - 1 / (1 + np.exp(-contexts[targets] @ vector)))
                for target, slope in zip(targets, slopes, strict=True):
                    vectors[walk[near]] += slope * contexts[target]
                    contexts[target] += slope * vector


@pytest.mark.parametrize("dimensions", [1, 3, 16, 40])
@pytest.mark.parametrize(("window", "negatives"), [(1, 1), (5, 5), (30, 2)])
def test_training_equals_twin(dimensions, window, negatives):
    rng = np.random.default_rng(dimensions)
    walks = rng.integers(0, 12, (30, 9)).astype(np.int32)
    walks[4, 5:] = -1
    walks[5, 1:] = -1
    keep, other = alias_table(rng.random(12))
    vectors = rng.normal(0, 0.3, (12, dimensions)).astype(np.float32)
    contexts = rng.normal(0, 0.3, (12, dimensions)).astype(np.float32)
    twin_vectors, twin_contexts = vectors.astype(np.float64), contexts.astype(np.float64)
    before = walks.copy()
    arguments = (window, negatives, 0.1)
    train(walks, np.uint64(9), 10, 60, keep, other, vectors, contexts, *arguments)
    train_twin(walks, 9, 10, 60, keep, other, twin_vectors, twin_contexts, *arguments)
    np.testing.assert_allclose(vectors, twin_vectors, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(contexts, twin_contexts, rtol=2e-4, atol=2e-5)
    np.testing.assert_array_equal(walks, before)


def test_blocks_of_any_size_give_the_same_vectors():
    rng = np.random.default_rng(1)
    walks = rng.integers(0, 20, (40, 8)).astype(np.int32)
    keep, other = alias_table(np.ones(20))
    start = rng.normal(0, 0.1, (20, 8)).astype(np.float32)
    results = []
    for cuts in ([0, 40], [0, 1, 17, 40]):
        vectors, contexts = start.copy(), np.zeros_like(start)
        for first, last in pairwise(cuts):
            block = walks[first:last]
            train(block, np.uint64(3), first, 40, keep, other, vectors, contexts, 3, 4, 0.05)
        results.append(vectors)
    np.testing.assert_array_equal(*results)
    assert not np.array_equal(results[0], start)


def test_walks_without_a_second_node_teach_nothing():
    walks = np.array([[0, -1, -1], [1, -1, -1]], np.int32)
    vectors, contexts = np.ones((2, 4), np.float32), np.ones((2, 4), np.float32)
    train(walks, np.uint64(0), 0, 2, *alias_table(np.ones(2)), vectors, contexts, 2, 3, 0.1)
    assert (vectors == 1).all()
    assert (contexts == 1).all()
