"""Walks and vectors of a cluster are those of one machine, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from hybridrec import graph as hg
from hybridrec.distributed.embeddings import node_embeddings
from hybridrec.distributed.walks import random_walks
from hybridrec.errors import ParameterError
from hybridrec.graph import Graph

WALK = {"num_walks": 3, "walk_length": 9, "random_state": 5}


def random_graph(weighted: bool, nodes: int = 60) -> Graph:
    stream = np.random.default_rng(1)
    ends = stream.integers(nodes - 5, size=(2, 200))  # the last nodes stay alone
    weights = stream.random(200) + 0.1 if weighted else None
    return Graph.from_edges(*ends, weights=weights, num_nodes=nodes, directed=weighted)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("how", [{}, {"q": 0.5}, {"parts": 1}, {"parts": 4}])
def test_the_same_walks(cluster, weighted, how):
    graph = random_graph(weighted)
    bias = {name: value for name, value in how.items() if name != "parts"}
    expected = hg.random_walks(graph, **WALK, **bias)
    assert (random_walks(cluster, graph, **WALK, **how) == expected).all()
    assert (expected == -1).any()  # dead ends are among them


def test_more_parts_than_nodes(cluster):
    graph = Graph.from_edges([0, 1, 2], [1, 2, 0], num_nodes=3)
    expected = hg.random_walks(graph, 2, 4)
    assert (random_walks(cluster, graph, 2, 4, parts=9) == expected).all()


def test_from_some_nodes(cluster):
    graph, starts = random_graph(weighted=False), [7, 3, 3]
    expected = hg.random_walks(graph, **WALK, start_nodes=starts)
    for parts in (0, 3):
        walks = random_walks(cluster, graph, **WALK, start_nodes=starts, parts=parts)
        assert (walks == expected).all()


def test_a_biased_walk_needs_the_whole_graph(cluster):
    with pytest.raises(ParameterError, match="p = q = 1"):
        random_walks(cluster, random_graph(weighted=False), **WALK, q=2.0, parts=2)


def test_the_same_vectors(cluster, monkeypatch):
    graph, given = random_graph(weighted=True), {"num_walks": 4, "walk_length": 8, "window": 3}
    expected = hg.node_embeddings(graph, "ppmi-svd", 6, transitions="walks", **given)
    assert (node_embeddings(cluster, graph, dimensions=6, **given) == expected).all()
    monkeypatch.setattr("hybridrec.distributed.embeddings.STEPS", 100)  # many tasks
    assert (node_embeddings(cluster, graph, dimensions=6, **given) == expected).all()


def test_a_graph_without_edges(cluster):
    graph = Graph.from_edges([], [], num_nodes=3)
    assert not node_embeddings(cluster, graph, dimensions=2).any()


def test_other_methods_are_refused(cluster):
    with pytest.raises(ParameterError, match="ppmi-svd"):
        node_embeddings(cluster, random_graph(weighted=False), "node2vec")
