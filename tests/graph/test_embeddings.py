from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.graph import Graph, node_embeddings

SMALL = {"dimensions": 16, "num_walks": 20, "walk_length": 20}


def two_cliques(weights=None):
    """Two cliques of ten nodes with a bridge, and a node without edges."""
    pairs = [*combinations(range(10), 2), *combinations(range(10, 20), 2), (9, 10)]
    src, dst = np.array(pairs).T
    return Graph.from_edges(src, dst, weights, num_nodes=21)


def cosines(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("bias", [{}, {"p": 0.5, "q": 2.0}])
def test_cliques_separate(bias):
    vectors = node_embeddings(two_cliques(), **SMALL, **bias, epochs=3)
    assert vectors.shape == (21, 16)
    assert vectors.dtype == np.float32
    same = cosines(vectors[:20])
    inside = np.concatenate([same[:10, :10].ravel(), same[10:, 10:].ravel()])
    assert inside.mean() > same[:10, 10:].mean() + 0.3


def test_heavy_edges_bind():
    """A ring of pairs: weights alone say which neighbour belongs to whom."""
    node = np.arange(40)
    weights = np.where(node % 2 == 0, 100.0, 1.0)
    graph = Graph.from_edges(node, (node + 1) % 40, weights)
    vectors = node_embeddings(graph, **SMALL, epochs=5)
    same = cosines(vectors)
    heavy, light = same[node, (node + 1) % 40][::2], same[node, (node + 1) % 40][1::2]
    assert heavy.mean() > light.mean() + 0.1


def test_only_nodes_without_edges_are_zero():
    vectors = node_embeddings(two_cliques(), **SMALL)
    assert (vectors[20] == 0).all()
    assert (np.abs(vectors[:20]).sum(axis=1) > 0).all()


def test_graph_without_edges_is_all_zero():
    graph = Graph.from_edges([], [], num_nodes=3)
    np.testing.assert_array_equal(node_embeddings(graph, dimensions=4), np.zeros((3, 4)))


def test_walks_into_a_sink_embed_it_too():
    graph = Graph.from_edges([0, 1], [1, 2], num_nodes=4, directed=True)
    vectors = node_embeddings(graph, **SMALL)
    np.testing.assert_array_equal(np.abs(vectors).sum(axis=1) > 0, [True, True, True, False])


def test_same_vectors_at_any_number_of_threads_and_only_the_seed_matters():
    graph = two_cliques(np.linspace(1, 2, 91))
    indptr, indices, weights = graph.indptr.copy(), graph.indices.copy(), graph.weights.copy()
    one = node_embeddings(graph, **SMALL, q=0.5, num_threads=1)
    np.testing.assert_array_equal(one, node_embeddings(graph, **SMALL, q=0.5, num_threads=2))
    assert (one != node_embeddings(graph, **SMALL, q=0.5, random_state=1)).any()
    np.testing.assert_array_equal(indptr, graph.indptr)
    np.testing.assert_array_equal(indices, graph.indices)
    np.testing.assert_array_equal(weights, graph.weights)


def test_blocks_do_not_show_in_the_vectors(monkeypatch):
    graph = two_cliques()
    whole = node_embeddings(graph, **SMALL)
    monkeypatch.setattr("hybridrec.graph.walks._GROWTH", 1.0)  # blocks of one walk
    np.testing.assert_array_equal(whole, node_embeddings(graph, **SMALL))


METHODS = {
    "node2vec": {"method": "node2vec"},
    "hogwild": {"method": "node2vec", "hogwild": True},
    "walks": {"method": "ppmi-svd", "transitions": "walks", "q": 0.5},
    "exact": {"method": "ppmi-svd"},
    "prone": {"method": "prone"},
    "fast-rp": {"method": "fast-rp"},
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def two_communities():
    """A planted partition of 200 nodes: neighbours are mostly of the same half."""
    rng = np.random.default_rng(0)
    src, dst = np.triu_indices(200, 1)
    same = (src < 100) == (dst < 100)
    linked = rng.random(src.size) < np.where(same, 0.12, 0.01)
    return Graph.from_edges(src[linked], dst[linked], num_nodes=201)


@every_method
def test_communities_separate(method):
    vectors = node_embeddings(two_communities(), dimensions=32, **method)
    assert (vectors.shape, vectors.dtype) == ((201, 32), np.float32)
    assert np.isfinite(vectors).all()
    same = cosines(vectors[:200])
    apart = same[:100, 100:].mean()
    assert same[:100, :100].mean() > apart + 0.05
    assert same[100:, 100:].mean() > apart + 0.05


@every_method
def test_isolated_nodes_are_zero_and_no_other(method):
    graph = two_communities()
    np.testing.assert_array_equal(
        node_embeddings(graph, dimensions=8, **method).any(axis=1), graph.degrees > 0
    )


@every_method
@pytest.mark.parametrize("heavy", [1e30, 1e37])
def test_any_weights_side_by_side(method, heavy):
    weights = np.array([1e-30, 1e-30, heavy, heavy, 1.0])
    graph = Graph.from_edges([0, 1, 3, 4, 6], [1, 2, 4, 5, 7], weights, num_nodes=9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors = node_embeddings(graph, dimensions=4, **method)
    assert np.isfinite(vectors).all()


@every_method
def test_graphs_smaller_than_the_dimensions(method):
    vectors = node_embeddings(Graph.from_edges([0], [1], num_nodes=3), dimensions=8, **method)
    assert vectors.shape == (3, 8)
    np.testing.assert_array_equal(vectors.any(axis=1), [True, True, False])


@pytest.mark.parametrize("name", [name for name in METHODS if name != "hogwild"])
def test_every_method_gives_the_same_at_any_number_of_threads(name):
    graph, method = two_communities(), {"dimensions": 16, **METHODS[name]}
    one = node_embeddings(graph, **method, num_threads=1)
    np.testing.assert_array_equal(one, node_embeddings(graph, **method, num_threads=2))
    other = node_embeddings(graph, **method, random_state=1)
    assert (one != other).any() or name == "exact"


def test_hogwild_on_one_thread_is_the_sequence():
    graph = two_communities()
    np.testing.assert_array_equal(
        node_embeddings(graph, dimensions=8, hogwild=True, num_threads=1),
        node_embeddings(graph, dimensions=8),
    )


@pytest.mark.parametrize("method", ["prone", "ppmi-svd", "fast-rp"])
def test_a_directed_graph_is_taken_both_ways(method):
    src, dst = np.array([0, 1, 2, 3, 0]), np.array([1, 2, 3, 4, 2])
    one = node_embeddings(Graph.from_edges(src, dst, directed=True), method, 4)
    np.testing.assert_allclose(one, node_embeddings(Graph.from_edges(src, dst), method, 4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "node2vek"}, "unknown method 'node2vek'; did you mean 'node2vec'"),
        ({"method": None}, "unknown method None.*known: node2vec, ppmi-svd, prone, fast-rp"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 2 * 10**9}, "GiB are available; take fewer dimensions"),
        ({"method": ["prone"]}, "unknown method"),
        ({"graph": "kg.tsv"}, "graph must be a Graph, got str; Graph.from_knowledge"),
        ({"negatives": 2 * 10**9}, "2000000000 negatives, window 5 .* would take"),
        ({"window": 2**62}, "window must be at most"),
        ({"method": "prone", "theta": 1000}, "theta=1000.0 lead beyond float32"),
        ({"method": "prone", "mu": 1e80}, "mu=1e\\+80 and theta=0.5 lead beyond float32"),
        ({"method": "fast-rp", "degree_power": -400}, "degree_power=-400.0 lead beyond float32"),
        ({"num_walks": 0}, "num_walks"),
        ({"walk_length": 1}, "walk_length must be a whole number of at least 2"),
        ({"p": 0.0}, "p must be positive"),
        ({"q": -2.0}, "q must be positive"),
        ({"window": 0}, "window"),
        ({"negatives": 0}, "negatives"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": 1e60}, "diverged with learning_rate=1e"),
        ({"random_state": "x"}, "random_state"),
        ({"method": "ppmi-svd", "shift": -1}, "shift must be positive"),
        ({"transitions": "all"}, "transitions must be one of auto, exact, walks"),
        ({"method": "ppmi-svd", "transitions": "exact", "q": 2.0}, "those of p = q = 1"),
        ({"method": "prone", "order": 1}, "order must be a whole number of at least 2"),
        ({"method": "prone", "mu": float("nan")}, "mu must be a finite number"),
        ({"method": "prone", "theta": 0}, "theta must be positive"),
        ({"method": "fast-rp", "weights": "12"}, "weights must be a sequence"),
        ({"method": "fast-rp", "weights": (0, 0)}, "weights must not all be 0"),
        ({"method": "fast-rp", "degree_power": None}, "degree_power"),
        ({"method": "prone", "window": 3}, "no parameter window; node2vec and ppmi-svd have it"),
        ({"method": "fast-rp", "mu": 0.5}, "'fast-rp' has no parameter mu; prone has it"),
        ({"theta": 1.0}, "'node2vec' has no parameter theta; prone has it"),
    ],
)
def test_bad_parameters_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        node_embeddings(**{"graph": two_cliques(), **change})
