"""The other walk libraries on a graph, run by `bench.walks` with the Python that has them.

``python bench/walks_peers.py GRAPH.npz`` reads a line "peer p q" at a time from standard input and
answers with a line of JSON: the seconds and steps of one sample, or why there is none. Every peer
has one thread; reading its graph, tables and compilation are done before, and not counted.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

LENGTH = 80
STARTS = 10_000  # walks of a sample
FEW = 1000  # of a slow peer
Sample = Callable[[np.ndarray], Any]


def main() -> None:
    """Answer until the input ends."""
    arrays = np.load(sys.argv[1])
    graph = {name: arrays[name] for name in arrays.files}
    starts = np.random.default_rng(0).permutation(np.flatnonzero(np.diff(graph["indptr"])))
    for line in sys.stdin:
        name, p, q = line.split()
        try:
            answer = measured(PEERS[name], graph, starts, float(p), float(q))
        except Exception as error:  # noqa: BLE001  # whatever a peer fails with is a result
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.__stdout__.write(json.dumps(answer) + "\n")
        sys.__stdout__.flush()


def measured(peer: Peer, graph: dict[str, Any], starts: np.ndarray, p: float, q: float) -> Any:
    """Return the seconds and steps of one sample."""
    sample = peer(graph, p, q)
    starts = starts[: FEW if peer is node2vec_ or (peer in SLOW and q != 1) else STARTS]
    numba.set_num_threads(1)
    before = time.perf_counter()
    sample(starts)
    return {"seconds": time.perf_counter() - before, "steps": (LENGTH - 1) * len(starts)}


Peer = Callable[[dict[str, Any], float, float], Sample]
KEPT: dict[Any, Any] = {}


def kept(build: Callable[..., Any]) -> Callable[..., Any]:
    """Build something once for each name and bias."""

    @functools.wraps(build)
    def get(graph: dict[str, Any], *bias: float) -> Any:
        key = (build, *bias)
        if key not in KEPT:
            KEPT[key] = build(graph, *bias)
        return KEPT[key]

    return get


def pairs(graph: dict[str, Any]) -> list[tuple[int, int]]:
    """Return every undirected edge once."""
    source = np.repeat(np.arange(graph["indptr"].size - 1), np.diff(graph["indptr"]))
    once = source <= graph["indices"]
    return list(zip(source[once].tolist(), graph["indices"][once].tolist(), strict=True))


@kept
def fastnode2vec_graph(graph: dict[str, Any]) -> Any:
    """Return the graph, and the place of each node in it."""
    from fastnode2vec import Graph

    made = Graph(pairs(graph), directed=False, weighted=False, verbose=False)
    place = np.zeros(graph["indptr"].size, np.int64)
    place[made.node_names] = np.arange(len(made.node_names))
    return made, place


@kept
def fastnode2vec(graph: dict[str, Any], p: float, q: float) -> Sample:
    """Its API: ``Graph.generate_random_walk``."""
    made, place = fastnode2vec_graph(graph)

    def sample(starts: np.ndarray) -> None:
        for start in place[starts].tolist():
            made.generate_random_walk(LENGTH, p, q, start)

    sample(np.flatnonzero(np.diff(graph["indptr"]))[:1])
    return sample


@kept
def fastnode2vec_kernel(graph: dict[str, Any], p: float, q: float) -> Sample:
    """Its compiled function alone, without node names."""
    from fastnode2vec.graph import _random_walk

    made, place = fastnode2vec_graph(graph)

    def sample(starts: np.ndarray) -> None:
        for start in place[starts].tolist():
            _random_walk(made.indptr, made.indices, LENGTH, p, q, start)

    sample(np.flatnonzero(np.diff(graph["indptr"]))[:1])
    return sample


def pecanpy_mode(mode: str, graph: dict[str, Any], p: float, q: float) -> Sample:
    """Its compiled walks, called a second time: each object of its own compiles them anew."""
    from numba_progress import ProgressBar
    from pecanpy import pecanpy

    made = getattr(pecanpy, mode)(p, q, workers=1, random_state=0)
    made.set_node_ids([str(node) for node in range(graph["indptr"].size - 1)])
    made.indptr, made.indices = (
        graph["indptr"].astype(np.uint32),
        graph["indices"].astype(np.uint32),
    )
    made.data = np.ones(graph["indices"].size, np.float32)
    made._preprocess_transition_probs()
    move, has = made.get_move_forward(), made.get_has_nbrs()

    def sample(starts: np.ndarray) -> None:
        with ProgressBar(total=len(starts), disable=True) as bar:
            made._random_walks(len(starts), LENGTH - 1, 0, starts.astype(np.uint32), has, move, bar)

    sample(np.flatnonzero(np.diff(graph["indptr"]))[:1])
    return sample


@kept
def pecanpy(graph: dict[str, Any], p: float, q: float) -> Sample:
    """``SparseOTF``, or its class for plain walks."""
    return pecanpy_mode("FirstOrderUnweighted" if p == q == 1 else "SparseOTF", graph, p, q)


@kept
def pecanpy_precomputed(graph: dict[str, Any], p: float, q: float) -> Sample:
    """``PreComp``: tables over pairs of edges."""
    return pecanpy_mode("PreComp", graph, p, q)


@kept
def graph_walker(graph: dict[str, Any], p: float, q: float) -> Sample:
    """Its C++ functions, on ready arrays."""
    import _walker

    indptr, indices = graph["indptr"].astype(np.uint32), graph["indices"].astype(np.uint32)
    degrees = np.diff(graph["indptr"])
    shares = np.repeat(1.0 / np.maximum(degrees, 1), degrees).astype(np.float32)

    def sample(starts: np.ndarray) -> None:
        arrays = (indptr, indices, shares, starts.astype(np.uint32), 1, LENGTH)
        if p == q == 1:
            _walker.random_walks(*arrays)
        else:
            _walker.node2vec_random_walks(*arrays, p, q)

    return sample


@kept
def csrgraph_(graph: dict[str, Any], p: float, q: float) -> Sample:
    """Its compiled functions, on the normalised graph."""
    import csrgraph
    from csrgraph.random_walks import _node2vec_walks, _random_walk
    from scipy.sparse import csr_matrix

    size = graph["indptr"].size - 1
    ones = np.ones(graph["indices"].size, np.float32)
    made = csrgraph.csrgraph(
        csr_matrix((ones, graph["indices"], graph["indptr"]), (size, size)), threads=1
    )
    made = made.normalize(return_self=False)

    def sample(starts: np.ndarray) -> None:
        arrays = (made.weights, made.src, made.dst, starts, LENGTH)
        if p == q == 1:
            _random_walk(*arrays)
        else:
            _node2vec_walks(*arrays, 1 / p, 1 / q)

    sample(np.flatnonzero(np.diff(graph["indptr"]))[:1])
    return sample


@kept
def node2vec_(graph: dict[str, Any], p: float, q: float) -> Sample:
    """Return the walks of that package, after its tables over pairs of edges."""
    import networkx as nx
    from node2vec import Node2Vec
    from node2vec.parallel import parallel_generate_walks

    made = Node2Vec(nx.Graph(pairs(graph)), 2, 1, 1, p, q, quiet=True)
    names = ("num_walks", "walk_length", "neighbors", "probabilities", "first_travel_key")

    def sample(starts: np.ndarray) -> None:
        others = set(made.d_graph) - set(starts.tolist())
        none = {node: {"num_walks": 0} for node in others}
        parallel_generate_walks(made.d_graph, LENGTH, 1, 0, none, *names, quiet=True)

    return sample


PEERS: dict[str, Peer] = {
    "fastnode2vec": fastnode2vec,
    "fastnode2vec-kernel": fastnode2vec_kernel,
    "pecanpy": pecanpy,
    "pecanpy-precomputed": pecanpy_precomputed,
    "graph-walker": graph_walker,
    "csrgraph": csrgraph_,
    "node2vec": node2vec_,
}

SLOW = (pecanpy, csrgraph_)  # where walks are of second order

if __name__ == "__main__":
    sys.stdout = sys.stderr  # answers alone go to standard output
    main()
