"""FastRP, against dense numpy."""

from __future__ import annotations

import numpy as np

from hybridrec.graph import node_embeddings
from hybridrec.graph.fast_rp import projection
from tests.graph.dense_twin import dense, graph


def test_fast_rp_is_a_weighted_sum_of_projected_powers():
    one = graph()
    matrix = dense(one)[:7, :7]
    degree = matrix.sum(axis=1)
    steps = matrix / degree[:, None]
    power = projection(8, 16, 4)[:7] * ((degree / degree.sum()) ** -0.5)[:, None]
    expected = np.zeros((7, 16))
    for weight in (0.5, 0.0, 2.0):
        power = steps @ power
        expected += weight * power / np.linalg.norm(power, axis=1, keepdims=True)
    settings = {"weights": (0.5, 0.0, 2.0), "degree_power": -0.5, "random_state": 4}
    found = node_embeddings(one, "fast-rp", 16, **settings)
    np.testing.assert_allclose(found[:7], expected, atol=1e-5)
    assert not found[7].any()


def test_the_projection_is_sparse_and_centred():
    values, counts = np.unique(projection(2000, 50, 0) / np.sqrt(np.float32(3)), return_counts=True)
    np.testing.assert_allclose(values, [-1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(counts / counts.sum(), [1 / 6, 2 / 3, 1 / 6], atol=0.01)
