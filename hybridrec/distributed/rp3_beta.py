"""RP3beta on a cluster: walks over the users of each block, added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.distributed.ids import added
from hybridrec.distributed.neighbours import nearest_by_products
from hybridrec.graph.reach import shares
from hybridrec.models.rp3_beta import RP3Beta
from hybridrec.ranking.scorer import HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.fit import Training


def train(model: RP3Beta, training: Training) -> Scorer:
    """Train an `RP3Beta`."""
    model._check_parameters()
    cluster, rows = training.data.cluster, training.data.rows
    totals = cluster.reduce(added, cluster.map(item_sums, rows))
    powers = {"totals": totals, "alpha": model.alpha}
    to_users = cluster.map(_to_users, rows, **powers)
    to_items = cluster.map(_to_items, rows, beta=model.beta, **powers)
    n_items = len(training.data.items)
    weights = nearest_by_products(cluster, to_users, to_items, n_items, model.neighbors)
    return HistoryScorer(training.history, weights, over_items=True)


def item_sums(rows: csr_matrix) -> np.ndarray:
    """Return the sum of the weights of every item, float64 (n_items,)."""
    sums: np.ndarray = np.asarray(rows.sum(axis=0, dtype=np.float64)).ravel()
    return sums


def _to_users(rows: csr_matrix, totals: np.ndarray, alpha: float) -> csr_matrix:
    """Return the chance to walk from an item to each user of a block, users x items."""
    chances = rows.astype(np.float64)
    chances.data /= totals[chances.indices]
    return chances.power(alpha)


def _to_items(rows: csr_matrix, totals: np.ndarray, alpha: float, beta: float) -> csr_matrix:
    """Return the chance to walk from a user to each item, popular ones held back."""
    chances = shares(rows).power(alpha)
    chances.data /= totals[chances.indices] ** beta
    return chances
