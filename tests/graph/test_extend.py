"""New nodes among old vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.errors import DataError
from hybridrec.graph import Graph, extend_embeddings

OLD = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)


def test_by_hand():
    """Node 3 hangs on both, 4 between 0 and 3, 5 and 6 on each other, 7 on the zero vector."""
    src, dst = [0, 3, 4, 4, 5, 7], [3, 1, 0, 3, 6, 2]
    found = extend_embeddings(OLD, Graph.from_edges(src, dst))
    # v3 = (v0 + v1 + v4) / 3, v4 = (v0 + v3) / 2
    v3 = (1.5 * OLD[0] + OLD[1]) / 2.5
    np.testing.assert_allclose(found[3], v3, rtol=1e-6)
    np.testing.assert_allclose(found[4], (OLD[0] + v3) / 2, rtol=1e-6)
    assert not found[5:].any()
    assert found.dtype == np.float32


def test_weights_count_and_zero_neighbours_do_not():
    graph = Graph.from_edges([3, 3, 3], [0, 1, 2], [3.0, 1.0, 9.0])
    np.testing.assert_allclose(extend_embeddings(OLD, graph)[3], [0.75, 0.25])


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_new_nodes_are_the_mean_of_their_neighbours_and_old_ones_stay(data):
    old, new = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 8))
    size = old + new
    node = st.integers(0, size - 1)
    edges = data.draw(st.lists(st.tuples(node, node, st.floats(0.1, 10)), max_size=30))
    src, dst, weights = zip(*edges, strict=True) if edges else ([], [], [])
    graph = Graph.from_edges(np.array(src, int), np.array(dst, int), np.array(weights), size)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    vectors = rng.normal(size=(old, 3)).astype(np.float32)
    before = vectors.copy()
    found = extend_embeddings(vectors, graph)
    assert found[:old].tobytes() == before.tobytes()
    np.testing.assert_array_equal(vectors, before)
    for one in np.flatnonzero(found.any(axis=1)):
        if one >= old:
            row = slice(graph.indptr[one], graph.indptr[one + 1])
            near, weight = graph.indices[row], graph.weights[row].astype(np.float64)
            np.testing.assert_allclose(
                found[one], weight @ found[near] / weight.sum(), rtol=1e-4, atol=1e-5
            )


def test_nothing_new_is_a_copy():
    found = extend_embeddings(OLD, Graph.from_edges([0], [1], num_nodes=3))
    assert found.tobytes() == OLD.tobytes()
    assert not np.shares_memory(found, OLD)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros((4, 2), np.float32), "the graph has 3 nodes, fewer than the 4 vectors"),
        (np.zeros(3, np.float32), "finite float matrix"),
        (np.zeros((3, 2), int), "finite float matrix"),
        (np.full((3, 2), np.nan), "finite float matrix"),
    ],
)
def test_bad_vectors(vectors, message):
    with pytest.raises(DataError, match=message):
        extend_embeddings(vectors, Graph.from_edges([0], [1], num_nodes=3))
