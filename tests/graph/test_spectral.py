"""What the embeddings by matrix factorisation share."""

from __future__ import annotations

import numpy as np

from hybridrec.graph import Graph
from hybridrec.graph.spectral import factorise, inverse
from tests.graph.dense_twin import dense, grams, graph


def test_adjacency_is_symmetric_and_weighted():
    matrix = dense(graph())
    np.testing.assert_array_equal(matrix, matrix.T)
    assert matrix[3, 5] == 6
    both = Graph.from_edges([0, 1, 1], [1, 0, 2], [1.0, 2.0, 4.0], directed=True)
    np.testing.assert_array_equal(dense(both), [[0, 3, 0], [3, 0, 4], [0, 4, 0]])


def test_inverse_of_zero_is_zero():
    np.testing.assert_allclose(inverse(np.array([0.0, 4.0, 0.25]), 0.5), [0, 0.5, 2])


def test_factorise_keeps_the_largest_directions():
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(30, 5)))
    sizes = np.array([9.0, 4.0, 1.0, 0.5, 0.1])
    found = factorise((left * sizes) @ left.T, 3, seed=1)
    np.testing.assert_allclose(grams(found), (left[:, :3] * sizes[:3]) @ left[:, :3].T, atol=1e-3)
    assert not factorise(np.eye(2), 4, seed=0)[:, 2:].any()
