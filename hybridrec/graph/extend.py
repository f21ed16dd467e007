"""Vectors for nodes that join a graph later."""

from __future__ import annotations

import numpy as np

from hybridrec import runtime
from hybridrec.errors import DataError
from hybridrec.graph.checks import check_array
from hybridrec.graph.csr import Graph, check_graph
from hybridrec.graph.spectral import adjacency, row_sums


def extend_embeddings(vectors: np.ndarray, graph: Graph) -> np.ndarray:
    """Place the new nodes of a grown graph among the old ones, whose vectors stay.

    Each new node is the mean of its neighbours, old and new, by the weights of the edges: the
    harmonic extension (Zhu, Ghahramani & Lafferty, ICML 2003), solved exactly.

    Parameters
    ----------
    vectors : ndarray
        (old nodes, dimensions), of the nodes 0 to ``len(vectors) - 1``.
    graph : Graph
        With the old nodes under the same numbers, and the new ones after them. Edges between
        old nodes do not matter; a directed graph is taken both ways.

    Returns
    -------
    ndarray
        (num_nodes, dimensions), of the dtype of ``vectors``; the first rows are ``vectors``, bit
        for bit. New nodes that no path joins to an old one with a vector are 0; old nodes whose
        vector is 0 (they had no edge) are passed over.

    Raises
    ------
    DataError
        If ``vectors`` is not a finite float matrix, or the graph has fewer nodes.
    ParameterError
        If ``graph`` is no `Graph`.
    """
    check_graph(graph)
    vectors = check_array("vectors", vectors)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not np.isfinite(vectors).all():
        raise DataError("vectors must be a finite float matrix, a row for each old node")
    old = len(vectors)
    if graph.num_nodes < old:
        raise DataError(f"the graph has {graph.num_nodes} nodes, fewer than the {old} vectors")
    extended = np.zeros((graph.num_nodes, vectors.shape[1]), vectors.dtype)
    extended[:old] = vectors
    with runtime.threads(1):
        extended[old:] = _harmonic(vectors, graph)
    return extended


def _harmonic(vectors: np.ndarray, graph: Graph) -> np.ndarray:
    """Return the vectors of the new nodes, float64."""
    from scipy.sparse import csc_matrix, diags
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import splu

    old = len(vectors)
    edges = adjacency(graph)[old:].astype(np.float64)
    known, among = edges[:, :old][:, vectors.any(axis=1)], edges[:, old:]
    pull = row_sums(known)
    count, part = connected_components(among, directed=False)
    held = np.bincount(part, pull, count)[part] > 0
    found = np.zeros((len(pull), vectors.shape[1]))
    if held.any():
        among, pull = among[held][:, held], pull[held]
        degree = row_sums(among) + pull
        wanted = known[held] @ vectors[vectors.any(axis=1)].astype(np.float64)
        found[held] = splu(csc_matrix(diags(degree) - among)).solve(wanted)
    return found
