"""A small graph, and what numpy makes of it."""

from __future__ import annotations

import numpy as np

from hybridrec.graph import Graph
from hybridrec.graph.spectral import adjacency

SRC, DST = np.array([0, 0, 1, 2, 3, 3, 4, 5, 0]), np.array([1, 2, 2, 3, 4, 5, 5, 6, 6])


def graph(weighted=True, order=None):
    """Seven joined nodes and one alone; ``order`` renames them."""
    order = np.arange(8) if order is None else order
    weights = np.arange(1.0, 10.0) if weighted else None
    return Graph.from_edges(order[SRC], order[DST], weights, num_nodes=8)


def dense(one):
    return adjacency(one).toarray().astype(np.float64)


def grams(vectors):
    return vectors.astype(np.float64) @ vectors.T.astype(np.float64)
