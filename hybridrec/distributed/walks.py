"""Random walks on a cluster: over a graph that every worker has, or that is in parts.

Each walk has its own random stream, so the walks are those of `hybridrec.graph.random_walks`,
bit for bit, wherever they are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.distributed.blocks import by_block
from hybridrec.distributed.shuffle import shuffle
from hybridrec.distributed.spool import spooled
from hybridrec.errors import ParameterError
from hybridrec.graph.walks import Plan, Walker

if TYPE_CHECKING:
    from distributed import Future

    from hybridrec.distributed.cluster import Cluster
    from hybridrec.graph import Graph

STEPS = 1 << 24  # of the walks of a task, about
LEAST = 8  # tasks


def random_walks(
    cluster: Cluster,
    graph: Graph,
    num_walks: int,
    walk_length: int,
    p: float = 1.0,
    q: float = 1.0,
    *,
    start_nodes: Any = None,
    random_state: int = 0,
    parts: int = 0,
) -> np.ndarray:
    """Walk at random on a cluster; the walks are those of `hybridrec.graph.random_walks`.

    Parameters
    ----------
    cluster : Cluster
    graph : Graph
    num_walks, walk_length, p, q, start_nodes, random_state
        As in `hybridrec.graph.random_walks`.
    parts : int, default 0
        0 gives every worker the whole graph. Otherwise it is cut into so many parts, and walkers
        move to the part where they are after every step: for a graph that no worker can hold, and
        for p = q = 1 only, since a step of second order asks for edges of another part.

    Returns
    -------
    ndarray of int32, shape (starts * num_walks, walk_length)
        Mapped to a file where it is large.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """
    walker = Walker.prepare(graph, p, q)
    plan = Plan.of(walker, num_walks, walk_length, start_nodes, None, random_state)
    if parts:
        if not p == q == 1.0:
            raise ParameterError("a graph in parts is walked with p = q = 1; take parts=0")
        return _in_rounds(cluster, plan, parts)
    starts = _tasks(plan.rows, walk_length)
    shared = cluster.share(plan)
    blocks = cluster.map(_walks, *(starts[:-1].tolist(), starts[1:].tolist()), plan=shared)
    return spooled(cluster.stream(blocks), (plan.rows, walk_length), np.int32)


def _tasks(rows: int, walk_length: int) -> np.ndarray:
    """Return where the walks of each task start; the last entry is their number."""
    number = min(max(LEAST, -(-rows * walk_length // STEPS)), max(rows, 1))
    return np.linspace(0, rows, number + 1).astype(np.int64)


def _walks(begin: int, end: int, plan: Plan) -> np.ndarray:
    walks = np.empty((end - begin, plan.walk_length), np.int32)
    plan.fill(walks, begin)
    return walks


# ---- a graph in parts ----------------------------------------------------------------------------


class Walkers(NamedTuple):
    """Those who are in one part of a graph."""

    rows: np.ndarray
    """int64: which walk each takes."""
    keys: np.ndarray
    """uint64: their random streams."""
    nodes: np.ndarray
    """int32: where they are."""

    def take(self, chosen: np.ndarray) -> Walkers:
        """Return some of them."""
        return Walkers(*(one[chosen] for one in self))


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of some consecutive nodes of a graph, as kernels look them up."""

    first: int
    tables: Any


def _in_rounds(cluster: Cluster, plan: Plan, parts: int) -> np.ndarray:
    """Take all walks step by step; after each, walkers move to where their next step is."""
    graph = plan.walker.graph
    starts = _cut(graph, min(parts, max(graph.num_nodes, 1)))
    own = [cluster.share(_part(plan, *ends)) for ends in _pairs(starts)]
    walkers: Sequence[Future] = [cluster.share(one) for one in _first(plan, starts)]
    walks = np.full((plan.rows, plan.walk_length), -1, np.int32)
    walks[:, 0] = plan.starts[np.arange(plan.rows) // plan.num_walks]
    for step in range(1, plan.walk_length):
        moved = cluster.map(_step, own, walkers, step=step)
        for rows, nodes in cluster.stream(cluster.map(_where, moved)):
            walks[rows, step] = nodes
        apart = cluster.map(_apart, moved, starts=starts)
        walkers = shuffle(cluster, apart, len(own), _met)
    return walks


def _cut(graph: Graph, parts: int) -> np.ndarray:
    """Cut nodes into parts with about as many edges each."""
    ends = np.searchsorted(graph.indptr, graph.indptr[-1] * np.arange(1, parts) / parts)
    return np.unique([0, *ends.tolist(), graph.num_nodes])


def _pairs(starts: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True))


def _part(plan: Plan, begin: int, end: int) -> Part:
    graph, tables = plan.walker.graph, plan.walker.tables
    edges = slice(graph.indptr[begin], graph.indptr[end])
    return Part(
        begin,
        tables._replace(
            indptr=graph.indptr[begin : end + 1] - graph.indptr[begin],
            indices=tables.indices[edges],
            weights=tables.weights[edges],
            alias=tables.alias[edges],
        ),
    )


def _first(plan: Plan, starts: np.ndarray) -> list[Walkers]:
    """Return the walkers of every part before their first step."""
    from hybridrec.kernels.walks import walk_keys

    rows = np.arange(plan.rows)
    position, number = np.divmod(rows, plan.num_walks)
    keys = walk_keys(np.uint64(plan.seed % 2**64), position, number)
    everyone = Walkers(rows, keys, plan.starts[position])
    return [everyone.take(chosen) for chosen in by_block(everyone.nodes, starts)]


def _step(part: Part, walkers: Walkers, step: int) -> Walkers:
    """Let walkers take a step; those at a dead end go."""
    from hybridrec.kernels.walks import first_order, keys_after

    walks = np.empty((len(walkers.nodes), 2), np.int32)
    walks[:, 0] = walkers.nodes
    layers = np.array([-part.first], dtype=np.int64)
    first_order(part.tables, layers, 0.0, keys_after(walkers.keys, step - 1), walks)
    moved = walkers._replace(nodes=walks[:, 1].copy())
    return moved.take(moved.nodes >= 0)


def _where(walkers: Walkers) -> tuple[np.ndarray, np.ndarray]:
    return walkers.rows, walkers.nodes


def _apart(walkers: Walkers, starts: np.ndarray) -> list[Walkers]:
    return [walkers.take(chosen) for chosen in by_block(walkers.nodes, starts)]


def _met(groups: list[Walkers]) -> Walkers:
    return Walkers(*(np.concatenate(one) for one in zip(*groups, strict=True)))
