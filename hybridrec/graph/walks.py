"""Random walks: first order, and second order as in node2vec."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec import runtime
from hybridrec.errors import ParameterError, first_few
from hybridrec.graph.checks import (
    check_array,
    check_memory,
    check_number,
    check_positive,
    check_whole,
)
from hybridrec.graph.csr import Graph, check_graph

if TYPE_CHECKING:
    from hybridrec.kernels.walk_tables import Tables

_CHUNK_SECONDS = 0.2  # between two looks at Ctrl-C and the progress bar
_GROWTH = 16.0  # of a chunk over the one before, at most
_PARTS = 4  # of a chunk for each thread, so that all end at about the same time
_BLOCK_BYTES = 2**24  # of walks that a stream holds at a time


def random_walks(
    graph: Graph,
    num_walks: int,
    walk_length: int,
    p: float = 1.0,
    q: float = 1.0,
    *,
    restart: float = 0.0,
    extend: bool = False,
    gamma: float = 0.0,
    start_nodes: Any = None,
    emit: Any = None,
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

    Beside the graph it takes, for p or q other than 1, two bytes an edge for a filter (none if
    q is 1), and for a weighted graph eight bytes for every entry of ``graph.indices``.

    Parameters
    ----------
    graph : Graph
        One that is not ``directed`` has each edge in both rows, with one weight.
    num_walks : int
        Walks from each start node.
    walk_length : int
        Nodes in a walk, the start included.
    p, q : float
        Return and in-out parameter. A large p avoids going back at once, a small q goes far.
    restart : float
        Probability of a step back to the start of the walk, from 0 to below 1; the step after it
        has no bias. If it is above 0, a dead end leads back to the start, too.
    extend : bool
        Take the weights into the bias, as node2vec+ does (Liu, Hirn & Krishnan, Bioinformatics
        2023). An edge is loose at one of its nodes if it is lighter than the edges there on
        average. Come from t to v, a step to x that is not t is multiplied by 1 if the edge from
        t to x is not loose at x; otherwise by min(1, 1 / q) if the edge from v to x is loose at
        v, and else by 1 / q + (1 - 1 / q) w / m, w being the weight of the edge from t to x (0
        where none is) and m what it lacks of being tight: the mean weight at x.
    gamma : float
        With ``extend``, edges are loose below the mean plus ``gamma`` standard deviations.
    start_nodes : array_like of int, optional
        (starts,), node numbers, repeated ones allowed. Default: every node.
    emit : array_like of bool or int, optional
        Nodes to put out, (num_nodes,) of bool or a list of node numbers; by default all. Walks
        still go over the others.
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
        of the second, and so on; -1 after a node without an edge to leave by. With ``emit``,
        what is put out of each walk, then -1.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or the result larger than the memory available.
    """
    walker = Walker.prepare(graph, p, q, restart=restart, extend=extend, gamma=gamma)
    plan = Plan.of(walker, num_walks, walk_length, start_nodes, emit, random_state)
    return plan.run(num_threads, progress)


def iter_walks(
    graph: Graph,
    num_walks: int,
    walk_length: int,
    p: float = 1.0,
    q: float = 1.0,
    *,
    restart: float = 0.0,
    extend: bool = False,
    gamma: float = 0.0,
    start_nodes: Any = None,
    emit: Any = None,
    random_state: int = 0,
    num_threads: int = 0,
    progress: bool = False,
) -> Iterator[np.ndarray]:
    """Yield the walks of `random_walks` in blocks, in memory that does not grow with them.

    Parameters as in `random_walks`; they are checked, and the graph made ready, at the call.

    Yields
    ------
    ndarray
        int32 (some, walk_length), about 16 MB each; put together they are the array that
        `random_walks` returns.
    """
    walker = Walker.prepare(graph, p, q, restart=restart, extend=extend, gamma=gamma)
    plan = Plan.of(walker, num_walks, walk_length, start_nodes, emit, random_state)
    return plan.stream(num_threads, progress)


@dataclass(frozen=True, eq=False)
class Walker:
    """A graph and a bias, checked and made ready for the kernels.

    ``layers`` is where the rows of each step begin: the graph of a meta-path holds one layer of
    rows for every relation.
    """

    graph: Graph
    tables: Tables
    back: float
    far: float
    restart: float
    layers: np.ndarray

    @classmethod
    def prepare(
        cls,
        graph: Graph,
        p: float,
        q: float,
        *,
        restart: float = 0.0,
        extend: bool = False,
        gamma: float = 0.0,
        layers: np.ndarray | None = None,
    ) -> Walker:
        """Check the parameters and build what the kernels look up."""
        check_graph(graph)
        back, far = 1.0 / check_positive("p", p), 1.0 / check_positive("q", q)
        if not 0.0 <= check_number("restart", restart) < 1.0:
            raise ParameterError(f"restart must be from 0 to below 1, got {restart!r}")
        if extend and graph.weights is None:
            raise ParameterError("extend=True is for weighted graphs, and this one has no weights")
        if check_number("gamma", gamma) != 0.0 and not extend:
            raise ParameterError("gamma is for walks with extend=True")
        deviations = float(gamma) if extend else None
        tables = _tables(graph, back, far, deviations)
        return cls(
            graph, tables, back, far, float(restart), _ONE_LAYER if layers is None else layers
        )

    def walk(self, walks: np.ndarray, seed: int, start: np.ndarray, number: np.ndarray) -> None:
        """Continue ``walks`` from their first column, in place.

        Row r is walk ``number[r]`` of start ``start[r]`` (int64, any numbering): the two and
        ``seed`` are the key of its random stream. Runs in the calling thread, without the
        interpreter lock: several threads may walk, each in rows of its own.
        """
        from hybridrec.kernels.walks import first_order, walk_keys
        from hybridrec.kernels.walks_second import second_order

        keys = walk_keys(np.uint64(seed % 2**64), start, number)
        if self.back == self.far == 1.0:
            first_order(self.tables, self.layers, self.restart, keys, walks)
        else:
            second_order(self.tables, self.back, self.far, self.restart, keys, walks)


_ONE_LAYER = np.zeros(1, np.int64)


def _tables(graph: Graph, back: float, far: float, deviations: float | None) -> Tables:
    """Return what walks with this bias look up; ``deviations`` of node2vec+, None without it."""
    from hybridrec.kernels.walk_tables import Tables, alias_tables, edge_filter, row_means

    top, symmetric = max(1.0, far), not graph.directed
    asks = far != 1.0 or (back > top and graph.directed)  # after edges that may not be there
    weighted = graph.weights is not None
    check_memory(
        graph.indices.size * ((1 if symmetric else 2) * asks + 8 * weighted)
        + graph.num_nodes * 12 * weighted,
        f"what walks look up in {graph!r}",
        "take a part of the graph",
    )
    weights, alias, means = np.empty(0, np.float32), np.empty(0, np.uint64), np.empty(0)
    loose = np.empty(0, np.float32)
    if graph.weights is not None:
        weights, alias = graph.weights, alias_tables(graph.indptr, graph.weights)
        if back > top:
            means = row_means(graph.indptr, weights, 0.0)
        if deviations is not None:
            loose = row_means(graph.indptr, weights, deviations).astype(np.float32)
    words = edge_filter(graph.indptr, graph.indices, symmetric) if asks else np.empty(0, np.uint64)
    return Tables(graph.indptr, graph.indices, weights, alias, means, loose, words, symmetric)


@dataclass(frozen=True, eq=False)
class Plan:
    """Which walks to take and what to put out of them, checked.

    ``emit`` tells it of every node, None means all of them.
    """

    walker: Walker
    starts: np.ndarray
    num_walks: int
    walk_length: int
    emit: np.ndarray | None
    seed: int

    @classmethod
    def of(
        cls,
        walker: Walker,
        num_walks: int,
        walk_length: int,
        start_nodes: Any,
        emit: Any,
        random_state: int,
        num_nodes: int | None = None,
    ) -> Plan:
        """Check the parameters, as `random_walks` takes them; nodes are the graph's by default."""
        size = walker.graph.num_nodes if num_nodes is None else num_nodes
        return cls(
            walker,
            _as_node_list(
                "start_nodes", np.arange(size) if start_nodes is None else start_nodes, size
            ),
            check_whole("num_walks", num_walks, 1),
            check_whole("walk_length", walk_length, 1),
            None if emit is None else _as_mask(emit, size),
            runtime.check_random_state(random_state),
        )

    @property
    def rows(self) -> int:
        """Number of walks."""
        return self.starts.size * self.num_walks

    def run(self, num_threads: int, progress: bool) -> np.ndarray:
        """Return all walks, int32 (rows, walk_length)."""
        check_memory(
            4 * self.rows * self.walk_length,
            f"{self.rows} walks of {self.walk_length} nodes",
            "take fewer start_nodes at a time, fewer or shorter walks, or iter_walks",
        )
        walks = np.empty((self.rows, self.walk_length), np.int32)
        count = runtime.resolve_threads(num_threads)
        with (
            ThreadPoolExecutor(count) as pool,
            runtime.progress(self.rows, "Random walks", show=progress) as advance,
        ):
            for first, last in timed_chunks(self.rows):
                self._fill(walks[first:last], first, pool, count)
                advance(last - first)
        return walks

    def stream(self, num_threads: int, progress: bool) -> Iterator[np.ndarray]:
        """Return all walks, in blocks of about `_BLOCK_BYTES`."""
        size = max(1, _BLOCK_BYTES // (4 * self.walk_length))
        check_memory(
            4 * size * self.walk_length, f"{size} walks of {self.walk_length} nodes", "shorten them"
        )
        return self._blocks(size, runtime.resolve_threads(num_threads), progress)

    def _blocks(self, size: int, count: int, progress: bool) -> Iterator[np.ndarray]:
        """Yield all walks, ``size`` at a time."""
        with (
            ThreadPoolExecutor(count) as pool,
            runtime.progress(self.rows, "Random walks", show=progress) as advance,
        ):
            for begin in range(0, self.rows, size):
                walks = np.empty((min(size, self.rows - begin), self.walk_length), np.int32)
                for first, last in timed_chunks(len(walks)):
                    self._fill(walks[first:last], begin + first, pool, count)
                    advance(last - first)
                yield walks

    def _fill(self, walks: np.ndarray, first: int, pool: Executor, count: int) -> None:
        """Take walk ``first`` and those after it, as many as there are rows."""
        step = -(-len(walks) // (count * _PARTS)) if count > 1 else len(walks)

        def fill(begin: int) -> None:
            self.fill(walks[begin : begin + step], first + begin)

        list(pool.map(fill, range(0, len(walks), step)))

    def fill(self, walks: np.ndarray, first: int) -> None:
        """Take walk ``first`` and those after it in the calling thread, one for every row."""
        position, number = np.divmod(np.arange(first, first + len(walks)), self.num_walks)
        walks[:, 0] = self.starts[position]
        self.walker.walk(walks, self.seed, position, number)
        if self.emit is not None:
            from hybridrec.kernels.walks import keep_only

            keep_only(walks, self.emit)


def timed_chunks(total: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) over ``total`` rows, each chunk about as long as a user would wait.

    The size follows the time that the caller took for the chunk before, so nothing that is
    computed may depend on it.
    """
    first, size = 0, 1
    while first < total:
        last = min(first + size, total)
        before = time.perf_counter()
        yield first, last
        pace = _CHUNK_SECONDS / max(time.perf_counter() - before, 1e-9)
        size = max(1, int(size * min(pace, _GROWTH)))
        first = last


def _as_node_list(name: str, nodes: Any, size: int) -> np.ndarray:
    """Return checked node numbers, int32."""
    array = check_array(name, nodes)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ParameterError(
            f"{name} must be one-dimensional whole numbers, got {array.dtype} of shape"
            f" {array.shape}"
        )
    bad = array[(array < 0) | (array >= size)]
    if bad.size:
        raise ParameterError(f"{name} must be from 0 to {size - 1}, got {first_few(bad)}")
    return array.astype(np.int32)


def _as_mask(nodes: Any, size: int) -> np.ndarray:
    """Return whether each node is meant, from such an array or from node numbers."""
    array = check_array("emit", nodes)
    if array.dtype == np.bool_:
        if array.shape != (size,):
            raise ParameterError(
                f"emit must tell it of {size} nodes or number some, got shape {array.shape}"
            )
        return array.copy()
    mask = np.zeros(size, np.bool_)
    mask[_as_node_list("emit", array, size)] = True
    return mask
