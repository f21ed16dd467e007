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


STRETCH, SHARED = 20, 4


def step_twin(near, targets, counts, vectors, contexts, rate):
    """One gradient step on all pairs of a stretch, cut where it would pass its goal."""
    x, t = vectors[near], contexts[targets]
    labels = np.arange(len(targets)) < len(targets) - counts["noise"]
    times = counts["times"]
    slopes = rate * times * (labels[:, None] - 1 / (1 + np.exp(-t @ x.T)))
    with np.errstate(divide="ignore"):
        near_cut = np.minimum(1, 4 / (rate * times.T @ (t**2).sum(axis=1)))
        cut = np.minimum(1, 4 / (rate * times @ (x**2).sum(axis=1)))
    vectors[near] += near_cut[:, None] * (slopes.T @ t)
    np.add.at(contexts, targets, cut[:, None] * (slopes @ x))


def train_twin(walks, seed, done, total, keep, other, vectors, contexts, window, negatives, rate):
    """The same in float64: pairs counted one by one, noise shared by a stretch of a walk."""
    noise = SHARED * negatives
    stretch = min(STRETCH, walks.shape[1])
    for row, padded in enumerate(walks.tolist()):
        walk = [node for node in padded if node >= 0]
        key = np.uint64(stream_key(np.uint64(seed), done + row))
        now = rate * max(1e-4, 1 - (done + row) / total)
        for number, first in enumerate(range(0, len(walk), stretch)):
            counter = number * (stretch + 2 * noise)
            pairs = []
            last = min(first + stretch, len(walk))
            for position in range(first, last):
                reach = 1 + bounded(key, counter + position - first, window)
                pairs += [
                    (walk[position], walk[near])
                    for near in range(position - reach, position + reach + 1)
                    if near != position and 0 <= near < len(walk)
                ]
            if not pairs:
                continue
            drawn = []
            for draw in range(counter + stretch, counter + stretch + 2 * noise, 2):
                slot = bounded(key, draw, keep.size)
                drawn.append(slot if uniform(key, draw + 1) < keep[slot] else int(other[slot]))
            true = list(dict.fromkeys(walk[first:last]))
            near = sorted({one for _, one in pairs})
            times = np.zeros((len(true) + noise, len(near)))
            for target, one in pairs:
                times[true.index(target), near.index(one)] += 1
                for n, node in enumerate(drawn):
                    times[len(true) + n, near.index(one)] += (node != target) / SHARED
            counts = {"times": times, "noise": noise}
            step_twin(near, true + drawn, counts, vectors, contexts, now)


@pytest.mark.parametrize("dimensions", [1, 3, 16, 40])
@pytest.mark.parametrize(("window", "negatives", "length"), [(1, 1, 9), (5, 5, 47), (30, 2, 21)])
@pytest.mark.parametrize("rate", [0.1, 1.0])  # the second is cut
def test_training_equals_twin(dimensions, window, negatives, length, rate):
    rng = np.random.default_rng(dimensions)
    walks = rng.integers(0, 12, (30, length)).astype(np.int32)
    walks[4, 5:] = -1
    walks[5, 1:] = -1
    keep, other = alias_table(rng.random(12))
    vectors = rng.normal(0, 0.3, (12, dimensions)).astype(np.float32)
    contexts = rng.normal(0, 0.3, (12, dimensions)).astype(np.float32)
    twin_vectors, twin_contexts = vectors.astype(np.float64), contexts.astype(np.float64)
    before = walks.copy()
    arguments = (window, negatives, rate)
    train(walks, np.uint64(9), 10, 60, keep, other, vectors, contexts, *arguments)
    train_twin(walks, 9, 10, 60, keep, other, twin_vectors, twin_contexts, *arguments)
    np.testing.assert_allclose(vectors, twin_vectors, rtol=5e-4, atol=5e-5)
    np.testing.assert_allclose(contexts, twin_contexts, rtol=5e-4, atol=5e-5)
    np.testing.assert_array_equal(walks, before)


def test_a_hub_does_not_make_the_training_diverge():
    """Half of every walk is one node, at a learning rate far too large."""
    rng = np.random.default_rng(0)
    walks = rng.integers(1, 30, (500, 40)).astype(np.int32)
    walks[:, ::2] = 0
    keep, other = alias_table(np.ones(30))
    vectors = rng.normal(0, 0.1, (30, 8)).astype(np.float32)
    contexts = np.zeros_like(vectors)
    train(walks, np.uint64(3), 0, 500, keep, other, vectors, contexts, 5, 5, 10.0)
    assert np.abs(vectors).max() < 100


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
