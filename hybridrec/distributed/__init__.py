"""The same fit, lists and metrics on a cluster: Dask workers run this package's own kernels."""

from hybridrec.distributed.cluster import Cluster, Tls, connect
from hybridrec.distributed.dataset import ShardedDataset, read_sharded
from hybridrec.distributed.embeddings import node_embeddings
from hybridrec.distributed.evaluate import evaluate
from hybridrec.distributed.fit import fit
from hybridrec.distributed.recommend import recommend
from hybridrec.distributed.splits import ShardedSplit, leave_last_n, random_split
from hybridrec.distributed.walks import random_walks

__all__ = [
    "Cluster",
    "ShardedDataset",
    "ShardedSplit",
    "Tls",
    "connect",
    "evaluate",
    "fit",
    "leave_last_n",
    "node_embeddings",
    "random_split",
    "random_walks",
    "read_sharded",
    "recommend",
]
