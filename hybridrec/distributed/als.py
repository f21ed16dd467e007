"""ALS on a cluster: half-iterations of implicit, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.distributed.spool import spooled
from hybridrec.models.implicit_factors import ALS, first_factors, half_iteration
from hybridrec.ranking.scorer import Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.fit import Training


def train(model: ALS, training: Training) -> Scorer:
    """Train an `ALS`; the factors of the larger side must fit into every worker."""
    model._check_parameters()
    data, cluster = training.data, training.data.cluster
    n_users, n_items = len(data.users), len(data.items)
    mean = data.weight / data.nnz
    scale = {"mean": mean, "alpha": model.alpha}
    rows, columns = (cluster.map(_confidence, one, **scale) for one in (data.rows, data.columns))
    starts = first_factors(model, n_users, n_items)
    users, items = (
        cluster.map(_same, np.split(factors, cuts[1:-1]))
        for factors, cuts in zip(starts, (data.user_starts, data.item_starts), strict=True)
    )
    plain = type(model)().set_params(**{**model.get_params(), "num_threads": 1})
    for _ in range(model.iterations):
        users = cluster.map(_solved, rows, users, others=items, model=plain)
        items = cluster.map(_solved, columns, items, others=users, model=plain)
        cluster.wait(items)
    model.mean_weight_ = np.array(mean)
    return model._scorer(
        *(
            spooled(cluster.stream(blocks), (n, model.factors), np.float32)
            for blocks, n in ((users, n_users), (items, n_items))
        )
    )


def _confidence(rows: csr_matrix, mean: float, alpha: float) -> csr_matrix:
    scaled = (rows / mean).astype(np.float32)
    return np.float32(alpha) * scaled if alpha != 1.0 else scaled


def _solved(
    confidence: csr_matrix, factors: np.ndarray, others: list[np.ndarray], model: ALS
) -> np.ndarray:
    return half_iteration(model, confidence, factors, np.concatenate(others))


def _same(block: np.ndarray) -> np.ndarray:
    return block
