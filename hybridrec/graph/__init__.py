"""Knowledge to vectors: CSR graphs, random walks and node embeddings."""

from __future__ import annotations

from hybridrec.graph.csr import Graph
from hybridrec.graph.embeddings import node_embeddings
from hybridrec.graph.joint import JointGraph
from hybridrec.graph.walks import random_walks

__all__ = ["Graph", "JointGraph", "node_embeddings", "random_walks"]
