"""PPMI and SVD: what skip-gram over walks factorises, factorised at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec import runtime
from hybridrec.errors import ParameterError
from hybridrec.graph.checks import check_memory
from hybridrec.graph.node2vec import Corpus
from hybridrec.graph.run import Run
from hybridrec.graph.spectral import adjacency, factorise, inverse, row_sums, scale

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.graph.csr import Graph

_PAIR_BYTES = 24  # a number and a column, and once more for the other way round
_EXACT_NODES = 5000  # "auto": at most so many nodes have their transitions computed


def ppmi_svd(
    graph: Graph,
    dimensions: int,
    run: Run,
    *,
    transitions: str,
    window: int,
    shift: float,
    num_walks: int,
    walk_length: int,
    p: float,
    q: float,
) -> np.ndarray:
    """Embed by a truncated SVD of shifted positive PMI; see `node_embeddings`."""
    first_order = p == q == 1.0
    if transitions == "exact" and not first_order:
        raise ParameterError("exact transitions are those of p = q = 1; take transitions='walks'")
    small = first_order and graph.num_nodes <= _EXACT_NODES
    if transitions == "exact" or (transitions == "auto" and small):
        matrix = exact_ppmi(graph, window, shift)
    else:
        corpus = Corpus.of(graph, num_walks, walk_length, p, q, run.seed)
        matrix = counted_ppmi(count_pairs(corpus, window, progress=run.progress), shift)
    return factorise(matrix, dimensions, run.seed)


def exact_ppmi(graph: Graph, window: int, shift: float = 1.0) -> np.ndarray:
    """Return NetMF's matrix (Qiu et al., WSDM 2018), float32 (nodes, nodes).

    ``max(0, log(vol / (b T) * sum_r (D^-1 A)^r D^-1))`` over r = 1 to T, the ``window``, with b
    the ``shift``.
    """
    size = graph.num_nodes
    check_memory(
        4 * 4 * size * size,
        f"the exact transitions of {size} nodes",
        "take transitions='walks'",
    )
    edges = adjacency(graph)
    degree = row_sums(edges)
    # D^-1/2 A D^-1/2 has no entry above 1, and the rest joins as logarithms: any weights fit.
    steps = scale(scale(edges, inverse(degree, 0.5)).T, inverse(degree, 0.5))
    power = np.identity(size, np.float32)
    total = np.zeros_like(power)
    for _ in range(window):
        power = steps @ power
        total += power
    of_node = np.log(np.where(degree > 0, degree, 1.0))
    with np.errstate(divide="ignore"):  # the logarithm of 0, no way, becomes 0 below
        np.log(total, out=total)
    total += (math.log(degree.sum() / window) - math.log(shift) - of_node / 2)[:, None]
    total -= of_node / 2
    return np.maximum(total, 0.0, out=total)


def count_pairs(corpus: Corpus, window: int, *, progress: bool = False) -> csr_matrix:
    """Count how often two nodes are at most ``window`` steps apart, symmetric, float64."""
    from scipy.sparse import csr_matrix

    size = corpus.walker.graph.num_nodes
    pairs = min(window, corpus.walk_length) * corpus.walk_length * len(corpus)
    check_memory(
        _PAIR_BYTES * min(pairs, size * size),
        f"the pairs of {len(corpus)} walks of {corpus.walk_length} nodes",
        "take fewer or shorter walks, or a smaller window",
    )
    total = csr_matrix((size, size), dtype=np.float64)
    with runtime.progress(len(corpus), "Walks", show=progress) as advance:
        for walks in corpus:
            total = total + pairs_in_order(walks, window, size)
            advance(len(walks))
    return csr_matrix(total + total.T)


def pairs_in_order(walks: np.ndarray, window: int, size: int) -> csr_matrix:
    """Count how often one node comes at most ``window`` steps after another, float64."""
    from scipy.sparse import csr_matrix

    total = csr_matrix((size, size), dtype=np.float64)
    for apart in range(1, min(window, walks.shape[1] - 1) + 1):
        total = total + _pairs(walks[:, :-apart], walks[:, apart:], size)
    return total


def _pairs(one: np.ndarray, other: np.ndarray, size: int) -> csr_matrix:
    """Count pairs at the same place of two arrays, both not -1."""
    from scipy.sparse import coo_matrix

    known = other >= 0  # then the one before it is, too
    ones = np.ones(int(known.sum()))
    return coo_matrix((ones, (one[known], other[known])), shape=(size, size)).tocsr()


def counted_ppmi(counts: csr_matrix, shift: float = 1.0) -> Any:
    """Return shifted positive PMI of symmetric counts (Levy & Goldberg, NeurIPS 2014).

    ``max(0, log(count(i, j) * all / (count(i) * count(j))) - log(shift))``, CSR float32.
    """
    of_node = row_sums(counts)
    matrix = scale(counts, inverse(of_node))
    matrix.data *= inverse(of_node)[matrix.indices] * (of_node.sum() / shift)
    matrix.data = np.log(np.maximum(matrix.data, 1.0))
    matrix.eliminate_zeros()
    return matrix.astype(np.float32)
