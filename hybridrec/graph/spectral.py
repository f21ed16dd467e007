"""What the embeddings by matrix factorisation share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec import runtime

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.graph.csr import Graph

_SKETCH = 0  # what a random stream is for


def adjacency(graph: Graph) -> csr_matrix:
    """Return the weights of the edges, CSR float32 (nodes, nodes), symmetric.

    A directed graph is taken both ways.
    """
    from scipy.sparse import csr_matrix

    weights = graph.weights
    if weights is None:
        weights = np.ones(graph.indices.size, np.float32)
    size = graph.num_nodes
    matrix = csr_matrix((weights, graph.indices, graph.indptr), shape=(size, size))
    return csr_matrix(matrix + matrix.T) if graph.directed else matrix


def row_sums(matrix: Any) -> np.ndarray:
    """Return the sum of each row of a sparse matrix, float64."""
    sums: np.ndarray = matrix @ np.ones(matrix.shape[1])  # its own ``sum`` adds in float32
    return sums


def scale(matrix: Any, factors: np.ndarray) -> csr_matrix:
    """Return a sparse matrix whose row r is multiplied by ``factors[r]``."""
    from scipy.sparse import csr_matrix, diags

    return csr_matrix(diags(factors.astype(matrix.dtype)) @ matrix)


def inverse(values: np.ndarray, power: float = 1.0) -> np.ndarray:
    """Return ``values ** -power``, 0 where a value is 0; float64."""
    known = values > 0
    return np.where(known, np.where(known, values, 1.0).astype(np.float64) ** -power, 0.0)


def factorise(matrix: Any, dimensions: int, seed: int) -> np.ndarray:
    """Return ``U * sqrt(S)`` of the truncated singular value decomposition, float32.

    By a random sketch (Halko, Martinsson & Tropp, SIAM Review 2011), the same for a seed.
    Dimensions beyond the rank are 0.
    """
    from sklearn.utils.extmath import randomized_svd

    rank = min(dimensions, *matrix.shape)
    vectors = np.zeros((matrix.shape[0], dimensions), np.float32)
    if rank:
        sketch = int(runtime.random_stream(seed, _SKETCH).integers(2**31))
        left, sizes, _ = randomized_svd(matrix, rank, n_iter=5, random_state=sketch)
        vectors[:, :rank] = left * np.sqrt(sizes)
    return vectors


def unit_rows(vectors: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """Return rows of length 1, and 0 where not ``alive``."""
    length = np.linalg.norm(vectors, axis=1)
    scaled: np.ndarray = vectors * (inverse(length) * alive).astype(np.float32)[:, None]
    return scaled
