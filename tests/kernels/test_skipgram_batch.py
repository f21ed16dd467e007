"""The parts of a skip-gram step; the whole is checked in test_skipgram."""

from __future__ import annotations

import numpy as np

from hybridrec.kernels.skipgram import alias_table
from hybridrec.kernels.skipgram_batch import (
    count_noise,
    count_pairs,
    cut_steps,
    draw_noise,
    number_nodes,
    slopes,
)


def test_nodes_are_numbered_as_they_come():
    nodes, place = np.empty(5, np.int64), np.empty(5, np.int64)
    assert number_nodes(np.array([7, 3, 7, 7, 9], np.int32), nodes, place) == 3
    assert nodes[:3].tolist() == [7, 3, 9]
    assert place.tolist() == [0, 1, 0, 0, 2]


def test_pairs_of_a_window_of_one_by_hand():
    """Nodes a b a c, all of them targets: a is next to b twice and to c once."""
    place = np.array([0, 1, 0, 2])
    counts = np.empty((3, 3), np.float32)
    count_pairs(counts, place, place, 0, np.uint64(1), 0, 1)
    np.testing.assert_array_equal(counts, [[0, 2, 1], [2, 0, 0], [1, 0, 0]])


def test_noise_weighs_its_share_but_not_against_itself():
    counts = np.array([[0, 2, 1], [2, 0, 0], [9, 9, 9], [9, 9, 9]], np.float32)
    targets = np.array([5, 6, 6, 8])
    count_noise(counts, targets, 2, np.float32(0.5), np.empty(3, np.float32))
    np.testing.assert_array_equal(counts[2:], [[0, 1, 0.5], [1, 1, 0.5]])


def test_noise_follows_its_distribution():
    weights = np.array([1.0, 0.0, 3.0, 4.0])
    nodes = np.empty(80_000, np.int64)
    draw_noise(nodes, np.uint64(5), 0, *alias_table(weights.copy()))
    share = np.bincount(nodes, minlength=4) / nodes.size
    np.testing.assert_allclose(share, weights / 8, atol=0.006)
    assert share[1] == 0


def test_slopes_are_those_of_the_logistic_function():
    scores = np.concatenate([np.linspace(-15, 15, 301), [-1e30, 1e30]]).astype(np.float32)
    found = scores.copy()
    slopes(found, np.full(scores.size, 2, np.float32), 100, np.float32(0.5))
    labels = np.arange(scores.size) < 100
    with np.errstate(over="ignore"):
        expected = labels - 1 / (1 + np.exp(-scores.astype(np.float64)))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_only_steps_that_would_pass_their_goal_are_cut():
    counts = np.array([[4.0, 0.0], [0.0, 1.0]], np.float32)
    squares = np.array([3.0, 1.0], np.float32)
    near_cut, cut = np.empty(2, np.float32), np.empty(2, np.float32)
    cut_steps(counts, np.float32(1.0), np.array([1.0, 2.0], np.float32), squares, near_cut, cut)
    np.testing.assert_allclose(near_cut, [4 / 12, 1], rtol=1e-6)
    np.testing.assert_allclose(cut, [1, 1], rtol=1e-6)
