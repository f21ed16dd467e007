"""ProNE: a sparse factorisation of the graph, spread over it by a spectral filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.graph.run import Run
from hybridrec.graph.spectral import adjacency, factorise, inverse, row_sums, scale, unit_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.graph.csr import Graph

_NOISE_POWER = 0.75


def prone(
    graph: Graph, dimensions: int, run: Run, *, order: int, mu: float, theta: float
) -> np.ndarray:
    """Embed as Zhang et al. do (IJCAI 2019); see `node_embeddings`.

    First the edges' log p(j | i) - log noise(j) is factorised, then the factors are filtered by
    a Chebyshev expansion of a band-pass of the graph's Laplacian, as in the authors' code.
    """
    edges = adjacency(graph)
    alive = np.diff(edges.indptr) > 0
    first = unit_rows(factorise(log_odds(edges), dimensions, run.seed), alive)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = propagate(edges, first, order, mu, theta)
    if not np.isfinite(spread).all():
        raise ParameterError(
            f"mu={mu} and theta={theta} lead beyond float32; mu is near 0, theta near 1"
        )
    return unit_rows(orthogonal(spread), alive)


def log_odds(edges: csr_matrix) -> csr_matrix:
    """Return log of an edge's share of its row, over the share of its end as noise."""
    shares = scale(edges, inverse(row_sums(edges)))
    noise = row_sums(shares.T) ** _NOISE_POWER
    noise /= max(noise.sum(), 1e-300)
    shares.data = (np.log(shares.data) - np.log(noise[shares.indices])).astype(np.float32)
    return shares


def propagate(
    edges: csr_matrix, vectors: np.ndarray, order: int, mu: float, theta: float
) -> np.ndarray:
    """Return ``(I + A)(X - f(L) X)``, f of the Chebyshev series with ``order`` terms.

    L is the Laplacian of the graph with self-loops, and the terms are weighted by modified
    Bessel functions I_k(theta); ``mu`` is the centre of the band.
    """
    from scipy.sparse import csr_matrix, identity
    from scipy.special import iv

    loops = csr_matrix(edges + identity(edges.shape[0], np.float32))
    walk = scale(loops, inverse(row_sums(loops)))

    def shifted(x: np.ndarray) -> np.ndarray:
        """Return ``((L - mu)^2 / 2 - 1) x``, the argument of the polynomials."""
        once = np.float32(1 - mu) * x - walk @ x
        result: np.ndarray = np.float32(0.5) * (np.float32(1 - mu) * once - walk @ once) - x
        return result

    before, term = vectors, shifted(vectors)
    total = np.float32(iv(0, theta)) * before - np.float32(2 * iv(1, theta)) * term
    for k in range(2, order):
        before, term = term, 2 * shifted(term) - before
        total += np.float32((-1) ** k * 2 * iv(k, theta)) * term
    spread: np.ndarray = loops @ (vectors - total)
    return spread


def orthogonal(vectors: np.ndarray) -> np.ndarray:
    """Return ``U * sqrt(S)`` of the singular value decomposition of a tall matrix, same shape."""
    left, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    turned = np.zeros_like(vectors)
    turned[:, : sizes.size] = left * np.sqrt(sizes)
    return turned
