"""Items, the entities around them and, on request, their users as one graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import DataError
from hybridrec.graph.csr import Graph

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset


@dataclass(frozen=True, eq=False)
class JointGraph:
    """A graph over items, entities and users, and which node is which.

    Attributes
    ----------
    graph : Graph
        Nodes: the items (item i is node i), then the entities that are no item, then the users.
    n_items : int
    entity_nodes : ndarray
        int32 (entities,), the node of every entity of the knowledge graph.
    user_offset : int
        User u is node ``user_offset + u``; without users, the number of nodes.
    """

    graph: Graph
    n_items: int
    entity_nodes: np.ndarray
    user_offset: int

    @classmethod
    def from_dataset(cls, dataset: Dataset, users: bool = False) -> JointGraph:
        """Join the knowledge graph of a dataset with its items and, if wanted, its users.

        An item and the entity linked to it are one node. An entity linked to several items
        (editions of one book, say) keeps a node of its own, with an edge to each of them: the
        items stay apart, and the graph stays linear in triples and links. All edges are
        undirected and unweighted: one where a triple joins two entities, one per user and item
        with an interaction.

        Parameters
        ----------
        dataset : Dataset
        users : bool
            Add the users and their interactions.

        Raises
        ------
        DataError
            If the dataset has no knowledge graph and ``users`` is false: there are no edges.
        """
        kg = dataset.knowledge
        if kg is None and not users:
            raise DataError(
                f"{dataset.name!r} has no knowledge graph, so its items have no edges;"
                " add one, or take the users as nodes with users=True"
            )
        n_users, n_items = dataset.matrix.shape
        linked = np.flatnonzero(dataset.item_entities >= 0)
        entities = dataset.item_entities[linked]
        n_entities = 0 if kg is None else len(kg.entities)
        alone = np.bincount(entities, minlength=n_entities) != 1
        entity_nodes = np.empty(n_entities, np.int32)
        entity_nodes[entities] = linked
        entity_nodes[alone] = n_items + np.arange(np.count_nonzero(alone))
        user_offset = n_items + int(np.count_nonzero(alone))

        shared = alone[entities]
        edges = [(linked[shared], entity_nodes[entities[shared]])]
        if kg is not None:
            edges.append((entity_nodes[kg.head], entity_nodes[kg.tail]))
        if users:
            seen = dataset.matrix.tocoo()
            edges.append((seen.row.astype(np.int64) + user_offset, seen.col))
        graph = Graph.from_edges(
            np.concatenate([source for source, _ in edges]),
            np.concatenate([target for _, target in edges]),
            num_nodes=user_offset + (n_users if users else 0),
        )
        return cls(graph, n_items, entity_nodes, user_offset)
