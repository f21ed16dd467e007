"""Random walks: first order, and second order as in node2vec."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridrec import runtime
from hybridrec.errors import ParameterError, first_few
from hybridrec.graph.checks import check_memory, check_positive, check_whole
from hybridrec.graph.csr import Graph

_FIRST_CHUNK = 1024
_CHUNK_SECONDS = 0.2  # between two looks at Ctrl-C and the progress bar


def random_walks(
    graph: Graph,
    num_walks: int,
    walk_length: int,
    p: float = 1.0,
    q: float = 1.0,
    *,
    start_nodes: Any = None,
    random_state: int = 0,
    num_threads: int = 0,
    progress: bool = False,
) -> np.ndarray:
    """Walk at random from every start node, by the weights of the edges.

    With p = q = 1 a step depends on the current node alone. Otherwise walks are of second
    order, as node2vec defines them (Grover & Leskovec, KDD 2016): come from t, the weight of a
    step to x is multiplied by 1 / p if x is t, by 1 if there is an edge from t to x, and by
    1 / q otherwise; the first step has no bias. They are drawn by rejection, without any table
    over pairs of edges.

    Parameters
    ----------
    graph : Graph
    num_walks : int
        Walks from each start node.
    walk_length : int
        Nodes in a walk, the start included.
    p, q : float
        Return and in-out parameter. A large p avoids going back at once, a small q goes far.
    start_nodes : array_like of int, optional
        (starts,), node numbers, repeated ones allowed. Default: every node.
    random_state : int
        Each walk has its own random stream, keyed by this, by the position of its start in
        ``start_nodes`` and by its number from there; the result is the same at any
        ``num_threads``.
    num_threads : int
        0 means all.
    progress : bool
        Show a bar on a terminal.

    Returns
    -------
    ndarray
        int32 (starts * num_walks, walk_length): the walks of the first start node, then those
        of the second, and so on; -1 after a node without an edge to leave by.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or the result larger than the memory available.
    """
    num_walks = check_whole("num_walks", num_walks, 1)
    walk_length = check_whole("walk_length", walk_length, 1)
    seed = runtime.check_random_state(random_state)
    walker = Walker.prepare(graph, p, q)
    starts = _as_starts(graph, start_nodes)
    rows = starts.size * num_walks
    check_memory(
        4 * rows * walk_length,
        f"{rows} walks of {walk_length} nodes",
        "take fewer start_nodes at a time, fewer or shorter walks",
    )
    walks = np.empty((rows, walk_length), np.int32)
    with (
        runtime.threads(num_threads),
        runtime.progress(rows, "Random walks", show=progress) as advance,
    ):
        for first, last in timed_chunks(rows):
            position, number = np.divmod(np.arange(first, last), num_walks)
            block = walks[first:last]
            block[:, 0] = starts[position]
            walker.walk(block, seed, position, number)
            advance(last - first)
    return walks


@dataclass(frozen=True, eq=False)
class Walker:
    """A graph and a bias, checked and made ready for the kernels."""

    graph: Graph
    cumulative: np.ndarray
    back: float
    far: float

    @classmethod
    def prepare(cls, graph: Graph, p: float, q: float) -> Walker:
        """Check ``p`` and ``q`` and add up the weights of each row."""
        from hybridrec.kernels.walks import row_cumulative

        back, far = 1.0 / check_positive("p", p), 1.0 / check_positive("q", q)
        if graph.weights is None:
            return cls(graph, np.empty(0), back, far)
        return cls(graph, row_cumulative(graph.indptr, graph.weights), back, far)

    def walk(self, walks: np.ndarray, seed: int, start: np.ndarray, number: np.ndarray) -> None:
        """Continue ``walks`` from their first column, in place.

        Row r is walk ``number[r]`` of start ``start[r]`` (int64, any numbering): the two and
        ``seed`` are the key of its random stream.
        """
        from hybridrec.kernels.walks import first_order, second_order, walk_keys

        keys = walk_keys(np.uint64(seed % 2**64), start, number)
        arrays = (self.graph.indptr, self.graph.indices, self.cumulative, keys, walks)
        if self.back == self.far == 1.0:
            first_order(*arrays)
        else:
            second_order(*arrays, self.back, self.far)


def timed_chunks(total: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) over ``total`` rows, each chunk about as long as a user would wait.

    The size follows the time that the caller took for the chunk before, so nothing that is
    computed may depend on it.
    """
    first, size = 0, _FIRST_CHUNK
    while first < total:
        last = min(first + size, total)
        before = time.perf_counter()
        yield first, last
        pace = _CHUNK_SECONDS / max(time.perf_counter() - before, 1e-9)
        size = max(1, int(size * min(max(pace, 0.25), 4.0)))
        first = last


def _as_starts(graph: Graph, start_nodes: Any) -> np.ndarray:
    """Return the checked start nodes."""
    if start_nodes is None:
        return np.arange(graph.num_nodes, dtype=np.int32)
    starts = np.asarray(start_nodes)
    if starts.ndim != 1 or (starts.size and starts.dtype.kind not in "iu"):
        raise ParameterError(
            f"start_nodes must be one-dimensional whole numbers, got {starts.dtype} of shape"
            f" {starts.shape}"
        )
    bad = starts[(starts < 0) | (starts >= graph.num_nodes)]
    if bad.size:
        raise ParameterError(
            f"start_nodes must be from 0 to {graph.num_nodes - 1}, got {first_few(bad)}"
        )
    return starts.astype(np.int32)
