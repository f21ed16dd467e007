"""Node embeddings on a cluster: pairs of nodes counted on walks, shard by shard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.distributed.neighbours import added_matrices
from hybridrec.errors import ParameterError
from hybridrec.graph.checks import check_positive, check_whole
from hybridrec.graph.node2vec import Corpus
from hybridrec.graph.ppmi import counted_ppmi, pairs_in_order
from hybridrec.graph.spectral import factorise
from hybridrec.runtime import check_random_state

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.cluster import Cluster
    from hybridrec.graph import Graph

METHOD = "ppmi-svd"
STEPS = 1 << 20  # of the walks of a task, about


def node_embeddings(
    cluster: Cluster,
    graph: Graph,
    method: str = METHOD,
    dimensions: int = 64,
    *,
    num_walks: int = 10,
    walk_length: int = 20,
    p: float = 1.0,
    q: float = 1.0,
    window: int = 5,
    shift: float = 1.0,
    random_state: int = 0,
) -> np.ndarray:
    """Embed the nodes of a graph by PPMI and SVD, from walks that workers take and count.

    The vectors are those of ``hybridrec.graph.node_embeddings(..., transitions="walks")``. Counts
    add up exactly, in any order. Skip-gram vectors averaged over workers depend on their number,
    and tell held-out links the worse the more there are: an AUC of .61 with eight, of .67 with two
    and of .69 by counts (movielens-small; ``bench/results/cluster_embeddings.md``).

    Parameters
    ----------
    cluster : Cluster
    graph : Graph
        Every worker gets it whole.
    method : {"ppmi-svd"}
    dimensions, num_walks, walk_length, p, q, window, shift, random_state
        As in `hybridrec.graph.node_embeddings`.

    Returns
    -------
    ndarray of float32, shape (num_nodes, dimensions)

    Raises
    ------
    ParameterError
        If a parameter is out of range, or the method another.
    """
    if method != METHOD:
        raise ParameterError(f"on a cluster, embeddings are made by {METHOD!r}, not by {method!r}")
    seed, window = check_random_state(random_state), check_whole("window", window, 1)
    dimensions = check_whole("dimensions", dimensions, 1)
    shift, num_walks = check_positive("shift", shift), check_whole("num_walks", num_walks, 1)
    length = check_whole("walk_length", walk_length, 2)
    corpus = Corpus.of(graph, num_walks, length, p, q, seed)
    if graph.indices.size == 0:
        return np.zeros((graph.num_nodes, dimensions), np.float32)
    pieces = max(1, -(-corpus.starts.size * length // STEPS))
    tasks = [(at, number) for number in range(num_walks) for at in range(pieces)]
    at, numbers = (list(one) for one in zip(*tasks, strict=True))
    shared = cluster.share(corpus)
    counts = cluster.map(_pairs, at, numbers, pieces=pieces, corpus=shared, window=window)
    total = cluster.result(cluster.reduce(added_matrices, counts))
    return factorise(counted_ppmi((total + total.T).tocsr(), shift), dimensions, seed)


def _pairs(at: int, number: int, pieces: int, corpus: Corpus, window: int) -> csr_matrix:
    nodes = np.array_split(corpus.starts, pieces)[at]
    return pairs_in_order(corpus.walks_from(nodes, number), window, corpus.walker.graph.num_nodes)
