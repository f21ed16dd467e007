"""Knowledge to vectors: CSR graphs, random walks and node embeddings."""

from __future__ import annotations

from hybridrec.graph.csr import Graph
from hybridrec.graph.embeddings import node_embeddings
from hybridrec.graph.extend import extend_embeddings
from hybridrec.graph.joint import JointGraph
from hybridrec.graph.link_prediction import HeldOutLinks, hold_out_links, link_prediction_auc
from hybridrec.graph.metapaths import metapath_walks
from hybridrec.graph.walks import iter_walks, random_walks

__all__ = [
    "Graph",
    "HeldOutLinks",
    "JointGraph",
    "extend_embeddings",
    "hold_out_links",
    "iter_walks",
    "link_prediction_auc",
    "metapath_walks",
    "node_embeddings",
    "random_walks",
]
