"""Walks along a meta-path: a fixed order of relations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.graph.csr import Graph
from hybridrec.graph.walks import Plan, Walker

if TYPE_CHECKING:
    from hybridrec.dataset.knowledge import KnowledgeGraph

_INVERSE = "~"


def metapath_walks(
    kg: KnowledgeGraph,
    path: Sequence[Any],
    num_walks: int,
    walk_length: int,
    *,
    start_nodes: Any = None,
    emit: Any = None,
    random_state: int = 0,
    num_threads: int = 0,
    progress: bool = False,
) -> np.ndarray:
    """Walk over the entities of a knowledge graph by one relation after the other.

    Step t takes relation ``path[(t - 1) % len(path)]``, each of its edges alike, as in
    metapath2vec (Dong, Chawla & Swami, KDD 2017), there for types of nodes. From film to film of
    the same director: ``["directed_by", "~directed_by"]``.

    Parameters
    ----------
    kg : KnowledgeGraph
    path : sequence of relation
        Names as in ``kg.relations``; ``"~name"`` goes from tail to head.
    num_walks, walk_length, random_state, num_threads, progress
        As in `random_walks`.
    start_nodes : array_like of int, optional
        (starts,), entity codes. Default: the entities that the first step can leave, ascending.
    emit : array_like of bool or int, optional
        Entities to put out, as in `random_walks`.

    Returns
    -------
    ndarray
        int32 (starts * num_walks, walk_length), entity codes as in `random_walks`; -1 after an
        entity without an edge of the relation that is next.

    Raises
    ------
    ParameterError
        If the path is empty or a relation is not in ``kg``, or as in `random_walks`.
    """
    steps = [_as_step(kg, one) for one in _as_list(path)]
    layers = {step: _layer(kg, *step) for step in dict.fromkeys(steps)}
    offsets = dict(zip(layers, np.arange(len(layers)) * len(kg.entities), strict=True))
    walker = Walker.prepare(
        _stacked(list(layers.values())), 1.0, 1.0, layers=np.array([offsets[one] for one in steps])
    )
    if start_nodes is None:
        start_nodes = np.flatnonzero(layers[steps[0]].degrees)
    plan = Plan.of(
        walker, num_walks, walk_length, start_nodes, emit, random_state, len(kg.entities)
    )
    return plan.run(num_threads, progress)


def _as_list(path: Sequence[Any]) -> list[Any]:
    """Return the relations of a path, at least one."""
    if isinstance(path, str) or len(path) == 0:
        raise ParameterError(f"path must be a list of at least one relation, got {path!r}")
    return list(path)


def _as_step(kg: KnowledgeGraph, name: Any) -> tuple[int, bool]:
    """Return the code of a relation and whether it goes from tail to head."""
    known = {str(one): code for code, one in enumerate(kg.relations.ids)}
    if str(name) in known:
        return known[str(name)], False
    bare = str(name).removeprefix(_INVERSE)
    if bare in known:
        return known[bare], True
    raise ParameterError(
        f"unknown relation {name!r} in path{did_you_mean(bare, known)} (there are"
        f" {first_few(kg.relations.ids)})"
    )


def _layer(kg: KnowledgeGraph, relation: int, inverse: bool) -> Graph:
    """Return the edges of one relation in one direction."""
    chosen = kg.relation == relation
    head, tail = kg.head[chosen], kg.tail[chosen]
    if inverse:
        head, tail = tail, head
    return Graph.from_edges(head, tail, num_nodes=len(kg.entities), directed=True)


def _stacked(layers: list[Graph]) -> Graph:
    """Return the rows of all layers, one layer after the other, as rows of one graph."""
    begin = np.cumsum([0] + [layer.indices.size for layer in layers])
    starts = [layer.indptr[:-1] + first for layer, first in zip(layers, begin[:-1], strict=True)]
    return Graph(
        indptr=np.concatenate([*starts, begin[-1:]]),
        indices=np.concatenate([layer.indices for layer in layers]),
        weights=None,
        num_nodes=sum(layer.num_nodes for layer in layers),
        directed=True,
    )
