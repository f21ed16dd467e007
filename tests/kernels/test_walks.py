from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.kernels.rng import stream_key
from hybridrec.kernels.walk_lanes import LANES
from hybridrec.kernels.walks import keep_only, walk_keys
from tests.kernels.walk_twin import BIASES, EDGES, SIZE, Rows, graphs, transition_p_value, walk_twin


@settings(max_examples=60, deadline=None)
@given(graphs(), st.sampled_from([0.0, 0.0, 0.3]), st.integers(0, 2**32))
def test_walks_equal_twin(graph, restart, seed):
    starts = list(range(graph.size)) * 2
    walks = graph.walk(starts, 12, restart=restart, seed=seed)
    np.testing.assert_array_equal(walks, walk_twin(graph, starts, 12, restart=restart, seed=seed))
    for start, walk in zip(starts, walks.tolist(), strict=True):
        for here, there in pairwise(walk):
            ended = here < 0 or (not graph.rows[here] and (restart == 0 or here == start))
            home = restart > 0 and there == start
            assert there == -1 if ended else home or there in graph.rows[here]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("restart", [0.0, 0.2])
def test_transitions_have_the_weights_of_the_edges(weighted, directed, restart):
    graph = Rows(EDGES, SIZE, directed=directed, weighted=weighted)
    walks = graph.walk(np.arange(60_000) % SIZE, 7, restart=restart, seed=3)
    assert transition_p_value(graph, walks, 1, restart=restart) > 1e-3
    assert transition_p_value(graph, walks, 6, restart=restart) > 1e-3
    assert transition_p_value(graph, walks, 6, restart=0.3 - restart) < 1e-9  # the test can tell


def test_weights_of_very_different_size_stay_within_the_row_and_are_exact():
    """A running sum would round; a draw must still end in the row (PecanPy #367)."""
    rng = np.random.default_rng(0)
    weights = 10 ** rng.uniform(-12, 6, 400)
    edges = [(0, node, weight) for node, weight in enumerate(weights, 1)]
    graph = Rows([*edges, (401, 402, 1.0)], 403, directed=True)
    walks = graph.walk(np.zeros(50_000, int), 2)
    assert walks[:, 1].min() >= 1
    assert walks[:, 1].max() <= 400
    assert transition_p_value(graph, walks, 1) > 1e-3


@pytest.mark.parametrize("bias", BIASES[:3])
def test_walks_do_not_depend_on_the_block_they_are_in(bias):
    graph = Rows(EDGES, SIZE)
    starts = np.arange(3 * LANES + 7) % SIZE
    whole = graph.walk(starts, 10, *bias)
    for part in (slice(90, 140), slice(1, None), slice(2 * LANES, 2 * LANES + 1)):
        np.testing.assert_array_equal(graph.walk(starts, 10, *bias, part=part), whole[part])


def test_layers_take_turns():
    """Two relations over nodes 0 to 2: one leads around, one leads to 2 only."""
    around, to_two = [(0, 1, 1), (1, 2, 1), (2, 0, 1)], [(3, 2, 1), (4, 2, 1)]
    graph = Rows(around + to_two, 6, directed=True, weighted=False)
    walks = graph.walk([0, 1, 2], 5, layers=np.array([0, 3]))
    np.testing.assert_array_equal(walks, [[0, 1, 2, 0, 2], [1, 2, -1, -1, -1], [2, 0, 2, 0, 2]])


def test_keys_nest_the_walk_in_the_start():
    starts, numbers = np.array([0, 0, 7]), np.array([0, 3, 3])
    keys = walk_keys(np.uint64(5), starts, numbers)
    for key, start, number in zip(keys, starts, numbers, strict=True):
        outer = np.uint64(stream_key(np.uint64(5), int(start)))
        assert int(key) == stream_key(outer, int(number))


def test_what_is_kept_comes_first():
    walks = np.array([[0, 1, 2, 1], [2, 2, -1, -1], [1, 0, 1, 2]], np.int32)
    keep_only(walks, np.array([False, True, True]))
    np.testing.assert_array_equal(walks, [[1, 2, 1, -1], [2, 2, -1, -1], [1, 1, 2, -1]])
