from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError
from hybridrec.graph import Graph, checks


def as_dict(graph):
    """{(source, target): weight} of a graph; weight 1.0 without weights."""
    sources = np.repeat(np.arange(graph.num_nodes), graph.degrees)
    weights = np.ones(graph.indices.size) if graph.weights is None else graph.weights
    entries = zip(sources.tolist(), graph.indices.tolist(), weights.tolist(), strict=True)
    pairs = {(source, target): weight for source, target, weight in entries}
    assert len(pairs) == graph.indices.size
    return pairs


def twin(edges, weighted, directed):
    total = {}
    for source, target, weight in edges:
        ends = {(source, target)} if directed else {(source, target), (target, source)}
        for pair in ends:
            total[pair] = total.get(pair, 0.0) + weight if weighted else 1.0
    return total


NODE = st.integers(0, 7)
EDGES = st.lists(st.tuples(NODE, NODE, st.integers(1, 9).map(float)), max_size=30)


@settings(deadline=None, max_examples=60)
@given(EDGES, st.booleans(), st.booleans())
def test_edges_are_those_given_merged_and_sorted(edges, weighted, directed):
    src, dst, weights = (np.array(column) for column in zip(*edges, strict=True)) if edges else (
        [], [], [],
    )  # fmt: skip
    graph = Graph.from_edges(src, dst, weights if weighted else None, 9, directed)
    assert as_dict(graph) == twin(edges, weighted, directed)
    assert graph.directed is directed
    assert graph.num_nodes == 9
    assert graph.indptr.dtype == np.int64
    assert graph.indices.dtype == np.int32
    assert graph.weights is None if not weighted else graph.weights.dtype == np.float32
    for low, high in zip(graph.indptr[:-1], graph.indptr[1:], strict=True):
        assert (np.diff(graph.indices[low:high]) > 0).all()


def test_many_duplicates_stay_one_edge_without_weights():
    graph = Graph.from_edges([0] * 512, [1] * 512)
    assert as_dict(graph) == {(0, 1): 1.0, (1, 0): 1.0}
    assert graph.weights is None


def test_self_loop_is_kept_once():
    graph = Graph.from_edges([0, 1, 1], [0, 1, 1], [2.0, 1.0, 4.0])
    assert as_dict(graph) == {(0, 0): 2.0, (1, 1): 5.0}


def test_number_of_nodes_is_what_the_edges_need():
    assert Graph.from_edges([0, 3], [1, 2]).num_nodes == 4
    assert Graph.from_edges([], []).num_nodes == 0
    assert Graph.from_edges([], [], num_nodes=3).degrees.tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint64])
def test_any_integers_will_do_and_inputs_stay_as_they_were(dtype):
    src, dst = np.array([2, 0], dtype), np.array([1, 2], np.int64)
    weights = np.array([1.5, 2.5], np.float32)
    for array in (src, dst, weights):
        array.flags.writeable = False
    graph = Graph.from_edges(src, dst, weights, directed=True)
    assert as_dict(graph) == {(2, 1): 1.5, (0, 2): 2.5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0]), "dst has 1 rows, src has 2"),
        (([0, 1], [0, 1], [1.0]), "weights has 1 rows, src has 2"),
        (([[0, 1]], [0, 1]), r"src must be one-dimensional, got shape \(1, 2\)"),
        (([0, 1], [0.0, 1.0]), "dst must hold whole numbers, got float64"),
        ((["a"], [0]), "src must hold whole numbers"),
        (([True], [0]), "src must hold whole numbers, got bool"),
        (([0, -1], [0, 1]), r"src must hold node numbers.*row 1 \(values -1\)"),
        (([0, 1], [0, 5], None, 2), r"dst must hold node numbers.*row 1 \(values 5\)"),
        (([0, 1], [0, 1], [1.0, 0.0]), r"positive.*row 1 \(values 0.0\)"),
        (([0, 1], [0, 1], [-1.0, 1.0]), "positive.*row 0"),
        (([0, 1], [0, 1], [1.0, np.nan]), "finite.*row 1"),
        (([0, 1], [0, 1], [np.inf, 1.0]), "finite.*row 0"),
        (([0], [0], [1e-60]), "float32.*row 0"),
        (([0], [0], [1e60]), "float32.*row 0"),
        (([0], [0], [[1.0]]), "weights must be one-dimensional"),
        (([0], [0], ["heavy"]), "weights must be numbers"),
        (([0] * 9, [-2] * 9), "row 0, 1, 2, 3, 4 and 4 more"),
    ],
)
def test_bad_edges_are_refused_by_row(arguments, message):
    with pytest.raises(DataError, match=message):
        Graph.from_edges(*arguments)


def test_a_graph_beyond_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(checks, "_available_memory", lambda: 10**6)
    with pytest.raises(ParameterError, match="a graph of 2000000 nodes and 1 edges would take"):
        Graph.from_edges([0], [1], num_nodes=2 * 10**6)


def test_ragged_edges_are_refused():
    with pytest.raises(DataError, match="src must be an array"):
        Graph.from_edges([[0], [1, 2]], [1])


@pytest.mark.parametrize("num_nodes", [-1, 2.0, True, 2**31])
def test_bad_number_of_nodes_is_refused(num_nodes):
    with pytest.raises(ParameterError, match="num_nodes"):
        Graph.from_edges([], [], num_nodes=num_nodes)


INDPTR, INDICES = np.array([0, 2, 3], np.int64), np.array([0, 1, 0], np.int32)


def test_arrays_can_be_given_directly():
    graph = Graph(INDPTR, INDICES, None, 2, directed=False)
    assert graph.indices is INDICES
    assert repr(graph) == "Graph(2 nodes, 3 entries, undirected, unweighted)"


@pytest.mark.parametrize(
    ("indptr", "indices", "weights", "message"),
    [
        (INDPTR.astype(np.int32), INDICES, None, "indptr must be int64"),
        (INDPTR, INDICES.astype(np.int64), None, "indices int32"),
        (INDPTR[:-1], INDICES, None, "indptr must have 3 entries"),
        (np.array([0, 2, 4]), INDICES, None, "indptr must rise"),
        (np.array([0, 4, 3]), INDICES, None, "indptr must rise"),
        (np.array([1, 2, 3]), INDICES, None, "indptr must rise"),
        (INDPTR, np.array([0, 2, 0], np.int32), None, "from 0 to 1"),
        (INDPTR, np.array([0, 1, -1], np.int32), None, "from 0 to 1"),
        (INDPTR, np.array([1, 0, 0], np.int32), None, "ascending"),
        (INDPTR, np.array([1, 1, 0], np.int32), None, "without duplicates"),
        (INDPTR, INDICES, np.ones(3), "weights must be float32"),
        (INDPTR, INDICES, np.ones(2, np.float32), "as long as indices"),
        (INDPTR, INDICES, np.array([1, 0, 1], np.float32), "positive"),
    ],
)
def test_arrays_that_make_no_graph_are_refused(indptr, indices, weights, message):
    with pytest.raises(DataError, match=message):
        Graph(indptr, indices, weights, 2, directed=True)


def test_knowledge_graph_becomes_an_edge_per_pair_of_entities():
    triples = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 0], [2, 0, 3]], np.int32)
    kg = SimpleNamespace(
        head=triples[:, 0], relation=triples[:, 1], tail=triples[:, 2], entities=range(6)
    )
    graph = Graph.from_knowledge(kg)
    assert graph.num_nodes == 6
    assert graph.weights is None
    assert set(as_dict(graph)) == {(0, 1), (1, 0), (2, 3), (3, 2)}


FILMS = KnowledgeGraph.from_triples(
    ["a", "a", "b", "b", "c", "d"],
    ["by", "with", "by", "near", "by", "near"],
    ["x", "x", "x", "a", "c", "b"],
)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({}, {"ax": 2.0, "bx": 1.0, "ab": 1.0, "cc": 1.0, "bd": 1.0}),
        ({"by": 2.5, "near": 0}, {"ax": 3.5, "bx": 2.5, "cc": 2.5}),
        ({"by": 0.0, "with": 0.0, "near": 1e-3}, {"ab": 1e-3, "bd": 1e-3}),
    ],
)
def test_relation_weights_add_up_per_pair_of_entities(weights, expected):
    graph = Graph.from_knowledge(FILMS, relation_weights=weights)
    code = {name: place for place, name in enumerate(FILMS.entities.ids)}
    assert graph.num_nodes == len(code)
    pairs = {(code[a], code[b]): np.float32(w) for (a, b), w in expected.items()}
    assert as_dict(graph) == pairs | {(b, a): w for (a, b), w in pairs.items()}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"bye": 1.0}, "unknown relation 'bye' in relation_weights; did you mean 'by'"),
        ({"by": -1.0}, "the weight of relation 'by' must be positive and finite, got -1.0"),
        ({"by": float("nan")}, "the weight of relation 'by' must be positive"),
        ({"by": "2"}, "the weight of relation 'by' must be a number"),
    ],
)
def test_bad_relation_weights_are_refused(weights, message):
    with pytest.raises(ParameterError, match=message):
        Graph.from_knowledge(FILMS, relation_weights=weights)
