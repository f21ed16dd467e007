"""The same fit, lists and metrics on a cluster: Dask workers run this package's own kernels."""

from hybridrec.distributed.cluster import Cluster, Tls, connect
from hybridrec.distributed.dataset import ShardedDataset, read_sharded
from hybridrec.distributed.fit import fit

__all__ = ["Cluster", "ShardedDataset", "Tls", "connect", "fit", "read_sharded"]
