"""ProNE, against dense numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import iv

from hybridrec.graph import node_embeddings
from hybridrec.graph.prone import log_odds, orthogonal, propagate
from hybridrec.graph.spectral import adjacency
from tests.graph.dense_twin import dense, grams, graph


@pytest.mark.parametrize("weighted", [True, False])
def test_log_odds(weighted):
    one = graph(weighted)
    matrix = dense(one)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    noise = shares.sum(axis=0) ** 0.75
    noise /= noise.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(matrix > 0, np.log(shares) - np.log(noise), 0)
    np.testing.assert_allclose(log_odds(adjacency(one)).toarray(), expected, atol=1e-5)


@pytest.mark.parametrize(("mu", "theta"), [(0.2, 0.5), (0.5, 1.0)])
def test_the_filter_is_its_chebyshev_series_and_nears_its_limit(mu, theta):
    loops = dense(graph()) + np.eye(8)
    laplacian = np.eye(8) - loops / loops.sum(axis=1, keepdims=True)
    shifted = (laplacian - mu * np.eye(8)) @ (laplacian - mu * np.eye(8)) / 2 - np.eye(8)
    terms = [np.eye(8), shifted]
    while len(terms) < 10:
        terms.append(2 * shifted @ terms[-1] - terms[-2])
    band = iv(0, theta) * terms[0] + sum(
        2 * (-1) ** k * iv(k, theta) * terms[k] for k in range(1, 10)
    )
    vectors = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    found = propagate(adjacency(graph()), vectors, 10, mu, theta)
    np.testing.assert_allclose(found, loops @ (vectors - band @ vectors), atol=2e-4)
    np.testing.assert_allclose(band, expm(-theta * shifted), atol=1e-6)


def test_orthogonal_keeps_the_singular_directions():
    vectors = np.random.default_rng(0).normal(size=(9, 4))
    left, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    np.testing.assert_allclose(grams(orthogonal(vectors)), (left * sizes) @ left.T, atol=1e-9)


def test_as_a_whole():
    """The factors of a small graph have full rank, so rows can be compared up to a rotation."""
    one = graph()
    odds = log_odds(adjacency(one)).toarray().astype(np.float64)
    left, sizes, _ = np.linalg.svd(odds)
    first = (left * np.sqrt(sizes))[:, :7]
    first[:7] /= np.linalg.norm(first[:7], axis=1, keepdims=True)
    first[7] = 0
    spread = propagate(adjacency(one), first.astype(np.float32), 10, 0.2, 0.5)
    last = orthogonal(spread.astype(np.float64))[:7]
    last /= np.linalg.norm(last, axis=1, keepdims=True)
    found = node_embeddings(one, "prone", 7)
    np.testing.assert_allclose(grams(found[:7]), grams(last), atol=2e-3)


def test_names_of_nodes_do_not_matter():
    order = np.random.default_rng(1).permutation(8)
    before, after = adjacency(graph()), adjacency(graph(order=order))
    renamed = log_odds(after).toarray()[np.ix_(order, order)]
    np.testing.assert_allclose(renamed, log_odds(before).toarray(), atol=1e-5)
    vectors = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    moved = np.empty_like(vectors)
    moved[order] = vectors
    found = propagate(after, moved, 10, 0.2, 0.5)[order]
    np.testing.assert_allclose(found, propagate(before, vectors, 10, 0.2, 0.5), atol=1e-4)
