"""The graph that walks run on: sorted adjacency rows in three arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few
from hybridrec.graph.checks import check_memory, check_positive, check_whole

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph

_NODE_BYTES, _EDGE_BYTES = 16, 64  # taken while a graph is built


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A graph in compressed sparse rows; build one with `Graph.from_edges` and its siblings.

    An undirected graph holds each edge in both rows, a self-loop once. Arrays given to the
    constructor are used as they are, without a copy, after a check.

    Attributes
    ----------
    indptr : ndarray
        int64 (num_nodes + 1,); the row of node v is ``indptr[v]`` to ``indptr[v + 1]``.
    indices : ndarray
        int32, the neighbours, ascending and without duplicates within a row.
    weights : ndarray or None
        float32, positive and finite, one per entry of ``indices``; None: every edge counts 1.
    num_nodes : int
    directed : bool

    Raises
    ------
    DataError
        If the arrays do not make such a graph.
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray | None
    num_nodes: int
    directed: bool

    def __post_init__(self) -> None:
        _check_rows(self.indptr, self.indices, self.num_nodes)
        if self.weights is not None:
            if self.weights.dtype != np.float32 or self.weights.shape != self.indices.shape:
                raise DataError("weights must be float32 and as long as indices")
            _check_weights(self.weights)

    @property
    def degrees(self) -> np.ndarray:
        """Number of edges out of every node, int64 (num_nodes,)."""
        return np.diff(self.indptr)

    def __repr__(self) -> str:
        kind = "directed" if self.directed else "undirected"
        weights = "unweighted" if self.weights is None else "weighted"
        return f"Graph({self.num_nodes} nodes, {self.indices.size} entries, {kind}, {weights})"

    @classmethod
    def from_edges(
        cls,
        src: Any,
        dst: Any,
        weights: Any = None,
        num_nodes: int | None = None,
        directed: bool = False,
    ) -> Graph:
        """Build a graph from parallel arrays of edges.

        Duplicate edges become one, their weights added (an unweighted graph stays unweighted);
        in an undirected graph (a, b) and (b, a) are duplicates. Self-loops are kept, once.

        Parameters
        ----------
        src, dst : array_like of int
            (edges,), node numbers from 0.
        weights : array_like of float, optional
            (edges,), finite and positive.
        num_nodes : int, optional
            Default: the largest node number + 1.
        directed : bool
            False: every edge can be walked both ways.

        Raises
        ------
        DataError
            If an array is not of the right kind or length, or a value is out of range; the
            message names the first rows.
        ParameterError
            If ``num_nodes`` is not a whole number from 0 to 2**31 - 1, or there is not enough
        memory available.
        """
        source, target = _as_integers(src, "src"), _as_integers(dst, "dst")
        _check_same_length(source, "dst", target)
        size = _count_nodes(source, target, num_nodes)
        source, target = _as_nodes(source, "src", size), _as_nodes(target, "dst", size)
        mass = np.ones(source.size, np.int8) if weights is None else _as_weights(weights, source)
        if not directed:
            other = source != target
            source, target = (
                np.concatenate([source, target[other]]),
                np.concatenate([target, source[other]]),
            )
            mass = np.concatenate([mass, mass[other]])
        return _assemble(source, target, mass, size, directed)

    @classmethod
    def from_knowledge(
        cls, kg: KnowledgeGraph, relation_weights: Mapping[Any, float] | None = None
    ) -> Graph:
        """Build the undirected graph of the entities: an edge wherever a triple joins two.

        Node e is the entity with code e; directions are not kept.

        Parameters
        ----------
        kg : KnowledgeGraph
        relation_weights : mapping of relation to float, optional
            Weight of an edge of that relation, 0 or more; 0 leaves the relation out, and one
            that is not named counts 1. The weights of all triples between two entities add up.
            Without it the graph is unweighted.

        Raises
        ------
        ParameterError
            If a relation is not in ``kg``, or its weight is negative or not finite.
        """
        if relation_weights is None:
            return cls.from_edges(kg.head, kg.tail, num_nodes=len(kg.entities))
        weights = _relation_weights(kg, relation_weights)[kg.relation]
        kept = weights > 0.0
        return cls.from_edges(
            kg.head[kept], kg.tail[kept], weights[kept], num_nodes=len(kg.entities)
        )

    @classmethod
    def from_dataset(cls, dataset: Dataset, users: bool = False) -> Graph:
        """Build the graph in which item i is node i; see `JointGraph.from_dataset`."""
        from hybridrec.graph.joint import JointGraph

        return JointGraph.from_dataset(dataset, users=users).graph


def check_graph(graph: object) -> None:
    """Raise `ParameterError` unless it is a `Graph`; says how to make one of another thing."""
    if not isinstance(graph, Graph):
        raise ParameterError(
            f"graph must be a Graph, got {type(graph).__name__}; Graph.from_knowledge,"
            " Graph.from_dataset and Graph.from_edges make one"
        )


def _relation_weights(kg: KnowledgeGraph, given: Mapping[Any, float]) -> np.ndarray:
    """Return the weight of every relation, float64 (relations,)."""
    weights = np.ones(len(kg.relations))
    for name, value in given.items():
        if name not in kg.relations:
            guess = did_you_mean(name, kg.relations.ids)
            raise ParameterError(
                f"unknown relation {name!r} in relation_weights{guess} (there are"
                f" {first_few(kg.relations.ids)})"
            )
        if value != 0:
            check_positive(f"the weight of relation {name!r}", value)
        weights[kg.relations.codes([name])] = value
    return weights


def _assemble(
    source: np.ndarray, target: np.ndarray, mass: np.ndarray, size: int, directed: bool
) -> Graph:
    """Sort the edges into rows and add up duplicates; int8 ``mass`` means unweighted."""
    from scipy.sparse import coo_matrix

    rows = coo_matrix((mass, (source, target)), shape=(size, size)).tocsr()
    rows.sort_indices()
    return Graph(
        indptr=rows.indptr.astype(np.int64),
        indices=rows.indices.astype(np.int32),
        weights=None if mass.dtype == np.int8 else _as_float32(rows.data),
        num_nodes=size,
        directed=directed,
    )


def _as_integers(values: Any, name: str) -> np.ndarray:
    """Return one end of the edges as an integer array."""
    try:
        nodes = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} must be an array: {error}") from None
    if nodes.ndim != 1:
        raise DataError(f"{name} must be one-dimensional, got shape {nodes.shape}")
    if nodes.size == 0:
        return nodes.astype(np.int32)
    if nodes.dtype.kind not in "iu":
        raise DataError(f"{name} must hold whole numbers, got {nodes.dtype} ({first_few(nodes)})")
    return nodes


def _count_nodes(source: np.ndarray, target: np.ndarray, num_nodes: int | None) -> int:
    """Return the number of nodes given, or the one the edges need."""
    if num_nodes is None:
        num_nodes = 1 + max(int(source.max()), int(target.max())) if source.size else 0
    size = check_whole("num_nodes", num_nodes, 0)
    check_memory(
        _NODE_BYTES * size + _EDGE_BYTES * source.size,
        f"a graph of {size} nodes and {source.size} edges",
        "take fewer",
    )
    return size


def _as_nodes(nodes: np.ndarray, name: str, size: int) -> np.ndarray:
    """Return node numbers as int32 after a check of their range."""
    bad = np.flatnonzero((nodes < 0) | (nodes >= size))
    if bad.size:
        raise DataError(
            f"{name} must hold node numbers of at least 0 and below num_nodes ({size}); it does"
            f" not in row {first_few(bad)} (values {first_few(nodes[bad])})"
        )
    return nodes.astype(np.int32, copy=False)


def _as_weights(values: Any, source: np.ndarray) -> np.ndarray:
    """Return checked edge weights as float64, the precision in which duplicates are added."""
    try:
        weights = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"weights must be numbers: {error}") from error
    if weights.ndim != 1:
        raise DataError(f"weights must be one-dimensional, got shape {weights.shape}")
    _check_same_length(source, "weights", weights)
    _check_weights(weights)
    return weights


def _as_float32(weights: np.ndarray) -> np.ndarray:
    """Return added-up weights as float32."""
    with np.errstate(over="ignore", under="ignore"):
        return weights.astype(np.float32)


def _check_same_length(source: np.ndarray, name: str, values: np.ndarray) -> None:
    if values.size != source.size:
        raise DataError(f"{name} has {values.size} rows, src has {source.size}")


def _check_weights(weights: np.ndarray) -> None:
    """Refuse weights that are not positive and finite, also as float32."""
    single = _as_float32(weights)
    bad = np.flatnonzero(~((single > 0) & np.isfinite(single)))
    if bad.size:
        raise DataError(
            "weights must be finite and positive (as float32); they are not in row"
            f" {first_few(bad)} (values {first_few(weights[bad])})"
        )


def _check_rows(indptr: np.ndarray, indices: np.ndarray, num_nodes: int) -> None:
    """Refuse arrays on which a kernel would read outside or search in vain."""
    if indptr.dtype != np.int64 or indices.dtype != np.int32:
        raise DataError(
            f"indptr must be int64 and indices int32, got {indptr.dtype} and {indices.dtype}"
        )
    if indptr.shape != (num_nodes + 1,) or indices.ndim != 1:
        raise DataError(f"indptr must have {num_nodes + 1} entries, got shape {indptr.shape}")
    if indptr[0] != 0 or indptr[-1] != indices.size or (np.diff(indptr) < 0).any():
        raise DataError("indptr must rise from 0 to the length of indices")
    if indices.size and not 0 <= indices.min() <= indices.max() < num_nodes:
        raise DataError(f"indices must be node numbers from 0 to {num_nodes - 1}")
    rises = indices[1:] > indices[:-1]
    starts = indptr[(indptr > 0) & (indptr < indices.size)]
    rises[starts - 1] = True  # from one row to the next
    if not rises.all():
        raise DataError("indices must be ascending and without duplicates within each row")
