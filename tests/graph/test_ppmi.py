"""PPMI matrices, against dense numpy."""

from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.graph import Graph, node_embeddings
from hybridrec.graph.node2vec import Corpus
from hybridrec.graph.ppmi import count_pairs, counted_ppmi, exact_ppmi
from hybridrec.graph.walks import Walker
from tests.graph.dense_twin import dense, graph


@pytest.mark.parametrize(("window", "shift"), [(1, 1), (3, 2.5), (5, 1)])
def test_exact_ppmi_is_netmf(window, shift):
    one = graph()
    matrix = dense(one)[:7, :7]
    degree = matrix.sum(axis=1)
    steps = matrix / degree[:, None]
    total = sum(np.linalg.matrix_power(steps, r) for r in range(1, window + 1))
    scale = degree.sum() / (shift * window)
    expected = np.log(np.maximum(scale * total / degree[None, :], 1))
    found = exact_ppmi(one, window, shift)
    np.testing.assert_allclose(found[:7, :7], expected, atol=1e-5)
    assert not found[7].any()
    assert not found[:, 7].any()


def test_exact_ppmi_of_weights_beyond_float32():
    matrix = exact_ppmi(Graph.from_edges([0, 2], [1, 3], [1e-30, 1e30]), 1)
    np.testing.assert_allclose(matrix[0, 1], np.log(2e30 / 1e-30), rtol=1e-6)
    np.testing.assert_allclose(matrix[2, 3], np.log(2), atol=1e-5)
    assert not matrix[0, [0, 2, 3]].any()


def test_counted_pairs_by_hand():
    class Walks:
        walker = Walker.prepare(graph(), 1.0, 1.0)
        walk_length = 3

        def __len__(self):
            return 2

        def __iter__(self):
            yield np.array([[0, 1, 2], [3, 4, -1]], np.int32)

    found = count_pairs(Walks(), 2).toarray()
    expected = np.zeros((8, 8))
    for a, b in ((0, 1), (1, 2), (0, 2), (3, 4)):
        expected[a, b] = expected[b, a] = 1
    np.testing.assert_array_equal(found, expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = expected.sum(axis=1)
        pmi = np.log(expected * 8 / np.outer(sums, sums) / 1.5)
    np.testing.assert_allclose(
        counted_ppmi(count_pairs(Walks(), 2), 1.5).toarray(), np.nan_to_num(np.maximum(pmi, 0)),
        rtol=1e-6,
    )  # fmt: skip


def test_counts_come_near_to_exact_transitions():
    one = graph()
    corpus = Corpus.of(one, 3000, 20, 1.0, 1.0, 0)
    found = counted_ppmi(count_pairs(corpus, 3), 1).toarray()
    np.testing.assert_allclose(found, exact_ppmi(one, 3, 1), atol=0.25)


def test_names_of_nodes_do_not_matter():
    order = np.random.default_rng(1).permutation(8)
    np.testing.assert_allclose(
        exact_ppmi(graph(order=order), 3)[np.ix_(order, order)], exact_ppmi(graph(), 3), atol=1e-5
    )


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"transitions": "exact"}, "take transitions='walks'"),
        ({"num_walks": 10**6, "window": 10**6}, "take fewer or shorter walks"),
    ],
)
def test_what_memory_does_not_hold_is_refused(settings, advice):
    chain = np.arange(10**6 - 1)
    large = Graph.from_edges(chain, chain + 1)
    with pytest.raises(ParameterError, match=f"GiB are available; {advice}"):
        node_embeddings(large, "ppmi-svd", 2, **settings)
