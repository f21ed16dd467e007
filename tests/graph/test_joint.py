from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.errors import DataError
from hybridrec.graph import Graph, JointGraph


def make_dataset(item_entities, triples, matrix):
    knowledge = None
    if triples is not None:
        head, tail = np.array(triples, np.int32).reshape(-1, 2).T
        knowledge = SimpleNamespace(
            head=head, relation=np.zeros_like(head), tail=tail, entities=range(6)
        )
    return SimpleNamespace(
        name="toy",
        knowledge=knowledge,
        item_entities=np.array(item_entities, np.int32),
        matrix=csr_matrix(np.array(matrix, np.float32)),
    )


def edges(graph):
    sources = np.repeat(np.arange(graph.num_nodes), graph.degrees).tolist()
    return {(a, b) for a, b in zip(sources, graph.indices.tolist(), strict=True) if a <= b}


MATRIX = [[1, 0, 2, 0], [0, 0, 0, 3], [0, 0, 0, 0]]


def test_an_item_and_its_entity_are_one_node():
    dataset = make_dataset([4, -1, 1, -1], [(4, 1), (4, 0), (5, 1), (3, 2)], MATRIX)
    joint = JointGraph.from_dataset(dataset)
    assert joint.n_items == 4
    assert joint.entity_nodes.dtype == np.int32
    assert joint.entity_nodes.tolist() == [4, 2, 5, 6, 0, 7]
    assert joint.user_offset == joint.graph.num_nodes == 8
    assert edges(joint.graph) == {(0, 2), (0, 4), (2, 7), (5, 6)}
    assert joint.graph.weights is None
    assert joint.graph.degrees[[1, 3]].tolist() == [0, 0]  # not linked, no edge


def test_users_come_last_with_their_interactions():
    dataset = make_dataset([4, -1, 1, -1], [(4, 1)], MATRIX)
    before = dataset.matrix.copy()
    joint = JointGraph.from_dataset(dataset, users=True)
    assert joint.user_offset == 8
    assert joint.graph.num_nodes == 11
    assert edges(joint.graph) == {(0, 2), (0, 8), (2, 8), (3, 9)}
    assert (dataset.matrix != before).nnz == 0


def test_an_entity_shared_by_items_stays_a_node_between_them():
    dataset = make_dataset([4, 4, 1, 4], [(4, 1), (4, 0)], MATRIX)
    joint = JointGraph.from_dataset(dataset)
    assert joint.entity_nodes.tolist() == [4, 2, 5, 6, 7, 8]
    assert edges(joint.graph) == {(0, 7), (1, 7), (3, 7), (2, 7), (4, 7)}


def test_users_alone_make_a_bipartite_graph():
    joint = JointGraph.from_dataset(make_dataset([-1] * 4, None, MATRIX), users=True)
    assert joint.entity_nodes.size == 0
    assert joint.user_offset == 4
    assert edges(joint.graph) == {(0, 4), (2, 4), (3, 5)}


def test_items_without_any_edge_are_refused():
    with pytest.raises(DataError, match=r"'toy' has no knowledge graph.*users=True"):
        JointGraph.from_dataset(make_dataset([-1] * 4, None, MATRIX))


def test_graph_from_dataset_is_the_joint_graph():
    dataset = make_dataset([4, -1, 1, -1], [(4, 1), (0, 2)], MATRIX)
    for users in (False, True):
        graph = Graph.from_dataset(dataset, users=users)
        joint = JointGraph.from_dataset(dataset, users=users).graph
        np.testing.assert_array_equal(graph.indptr, joint.indptr)
        np.testing.assert_array_equal(graph.indices, joint.indices)
