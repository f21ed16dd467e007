from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.walk_twin import BIASES, EDGES, SIZE, Rows, graphs, transition_p_value, walk_twin

BACK_TOO = [(b, a, 2 * w) for a, b, w in EDGES[::2]]


@settings(max_examples=80, deadline=None)
@given(graphs(), st.sampled_from(BIASES), st.sampled_from([0.0, 0.0, 0.3]), st.integers(0, 2**32))
def test_walks_equal_twin(graph, bias, restart, seed):
    starts = list(range(graph.size)) * 2
    options = {"restart": restart, "seed": seed}
    np.testing.assert_array_equal(
        graph.walk(starts, 12, *bias, **options), walk_twin(graph, starts, 12, *bias, **options)
    )


@settings(max_examples=80, deadline=None)
@given(
    graphs(weighted=True),
    st.sampled_from(BIASES),
    st.sampled_from([0.0, 0.5, -3.0]),
    st.integers(0, 99),
)
def test_extended_walks_equal_twin(graph, bias, gamma, seed):
    starts = list(range(graph.size)) * 2
    options = {"gamma": gamma, "seed": seed}
    np.testing.assert_array_equal(
        graph.walk(starts, 12, *bias, **options), walk_twin(graph, starts, 12, *bias, **options)
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("p", "q"), BIASES)
def test_transitions_have_the_published_distribution(p, q, directed, weighted):
    graph = Rows(
        EDGES + BACK_TOO if directed else EDGES, SIZE, directed=directed, weighted=weighted
    )
    walks = graph.walk(np.arange(60_000) % SIZE, 6, p, q, seed=3)
    assert transition_p_value(graph, walks, 1, p, q) > 1e-3
    assert transition_p_value(graph, walks, 2, p, q) > 1e-3
    assert transition_p_value(graph, walks, 5, p, q) > 1e-3
    assert transition_p_value(graph, walks, 2) < 1e-9  # the test can tell


@pytest.mark.parametrize("gamma", [0.0, 1.0])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1.0, 0.25), (1.0, 4.0), (0.25, 4.0), (4.0, 0.5)])
def test_extended_transitions_have_the_published_distribution(p, q, directed, gamma):
    graph = Rows(EDGES + BACK_TOO if directed else EDGES, SIZE, directed=directed)
    walks = graph.walk(np.arange(60_000) % SIZE, 6, p, q, gamma=gamma, seed=5)
    assert transition_p_value(graph, walks, 2, p, q, gamma=gamma) > 1e-3
    assert transition_p_value(graph, walks, 5, p, q, gamma=gamma) > 1e-3
    assert transition_p_value(graph, walks, 2, p, q) < 1e-9  # plain node2vec is another


def test_equal_weights_are_never_loose():
    """The mean of n equal numbers must not come out a little above them."""
    edges = [(a, b, 0.1) for a in range(7) for b in range(a)]
    graph = Rows([*edges, (6, 7, 0.1), (7, 8, 0.1)], 9)
    starts = np.arange(900) % 9
    np.testing.assert_array_equal(
        graph.walk(starts, 9, 0.5, 4.0, gamma=0.0), graph.walk(starts, 9, 0.5, 4.0)
    )


def test_rows_are_scanned_when_rejection_would_go_on_and_stay_exact():
    """A star of stars: no neighbour is near, so a large q and p reject nearly everything."""
    edges = [(0, leaf, 1.0 + leaf % 3) for leaf in range(1, 7)]
    graph = Rows(edges, 7)
    walks = graph.walk(np.full(20_000, 1), 3, 1e6, 1e6, seed=1)
    assert transition_p_value(graph, walks, 2, 1e6, 1e6) > 1e-3


def test_a_small_p_goes_back():
    walks = Rows(EDGES, SIZE).walk(np.zeros(100, int), 9, 1e-90, 1.0)
    np.testing.assert_array_equal(walks[:, ::2], np.zeros((100, 5)))


def test_walks_are_as_with_searches_alone():
    """The filter only saves work."""
    graph = Rows(EDGES, SIZE)
    walker = graph.walker(0.5, 4.0)
    blind = type(walker)(**{**vars(walker), "tables": walker.tables._replace(
        filter=np.empty(0, np.uint64))})  # fmt: skip
    with_filter, without = (np.full((500, 20), 4, np.int32) for _ in range(2))
    number = np.arange(500)
    walker.walk(with_filter, 1, number, number)
    blind.walk(without, 1, number, number)
    np.testing.assert_array_equal(with_filter, without)
