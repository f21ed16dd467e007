"""Node embeddings of the knowledge graph as a dense feature block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.tokens import item_entities, item_facts

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph


class WalkEmbedding:
    """Vectors of the items' entities, by default from node2vec walks over the knowledge graph.

    An item that joins later, with an entity the graph did not have, gets the mean of the vectors
    of the entities it has facts about (`hybridrec.graph.extend_embeddings`).

    Parameters
    ----------
    dimensions : int, default 64
    p, q : float, default 1
        Return and in-out parameter of the walks (Grover & Leskovec 2016).
    method : {"node2vec", "ppmi-svd", "prone", "fast-rp"}, default "node2vec"
        As in `hybridrec.graph.node_embeddings`; the last two do not walk and have no p and q.
    random_state : int, default 0
    """

    name = "walks"
    side = "item"

    def __init__(
        self,
        dimensions: int = 64,
        *,
        p: float = 1.0,
        q: float = 1.0,
        method: str = "node2vec",
        random_state: int = 0,
    ) -> None:
        self.dimensions, self.p, self.q = dimensions, p, q
        self.method, self.random_state = method, random_state

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Embed the entities of ``base``."""
        from hybridrec.graph import Graph, node_embeddings

        if base is None:
            raise ParameterError("the feature block 'walks' needs a knowledge graph")
        self.vectors_ = node_embeddings(
            Graph.from_knowledge(base),
            self.method,
            self.dimensions,
            p=self.p,
            q=self.q,
            random_state=self.random_state,
        )

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the vectors of a dataset's items, float32 (n_items, dimensions)."""
        from hybridrec.graph import Graph, extend_embeddings

        assert base is not None
        facts = item_facts(dataset, base)
        known = len(base.entities)
        about = Graph.from_edges(
            known + facts.rows,
            facts.entities,
            weights=np.ones(len(facts.rows)),  # an entity told of twice counts twice
            num_nodes=known + len(dataset.items),
        )
        vectors = extend_embeddings(self.vectors_, about)[known:]
        own = item_entities(dataset, base)
        vectors[own >= 0] = self.vectors_[own[own >= 0]]
        return vectors

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the names of the dimensions."""
        return np.array([str(one) for one in range(self.dimensions)], dtype=object)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters and arrays from which `restore` makes the same block."""
        config = {
            "dimensions": self.dimensions,
            "p": self.p,
            "q": self.q,
            "method": self.method,
            "random_state": self.random_state,
        }
        return config, {"vectors": self.vectors_}

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> WalkEmbedding:
        """Rebuild a fitted block."""
        block = cls(**config)
        block.vectors_ = arrays["vectors"]
        return block
