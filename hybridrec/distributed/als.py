"""ALS on a cluster: the half-iterations of the implicit package, shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from hybridrec.distributed.checkpoint import Journal, about_fit
from hybridrec.distributed.draws import drawn
from hybridrec.distributed.once import forget, once
from hybridrec.distributed.spool import spooled
from hybridrec.models.checks import at_least, positive, whole
from hybridrec.models.implicit_factors import ALS
from hybridrec.ranking.scorer import FactorScorer
from hybridrec.runtime import check_random_state

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.distributed.fit import Training
    from hybridrec.ranking.scorer import Scorer

SPREAD = 0.01  # of the factors at the start, as in the package


def train(model: ALS, training: Training) -> Scorer:
    """Train an `ALS`; the factors of the larger side must fit into every worker."""
    whole(factors=model.factors, iterations=model.iterations)
    at_least(0, regularization=model.regularization)
    positive(alpha=model.alpha)
    data, cluster = training.data, training.data.cluster
    mean = data.weight / data.nnz
    journal = Journal(cluster, training.checkpoint, about_fit(model, data))
    stream = cluster.share(np.random.default_rng(check_random_state(model.random_state)))
    users = Half("users", cluster, data.rows, data.user_starts, model, mean, stream)
    items = Half("items", cluster, data.columns, data.item_starts, model, mean, users.stream)
    for _ in range(model.iterations):
        for side, other in ((users, items), (items, users)):
            if not journal.passes(users, items):
                side.solve(other)
                journal.write(side)
    cluster.client.run(forget)
    model.mean_weight_ = np.array(mean)
    zeros = np.zeros(items.size, dtype=np.float32)
    return FactorScorer(users.factors(), items.factors(), zeros)


class Half:
    """Users or items, their rows and factors in blocks on the workers."""

    def __init__(
        self,
        name: str,
        cluster: Cluster,
        rows: Sequence[Future],
        starts: np.ndarray,
        model: ALS,
        mean: float,
        stream: Future,
    ) -> None:
        self.name, self.cluster, self.model, self.size = name, cluster, model, int(starts[-1])
        self.rows = cluster.map(_over_mean, rows, mean=mean)
        sizes = np.diff(starts).tolist()
        self.blocks, self.stream = drawn(cluster, stream, sizes, model.factors, _draw)

    def solve(self, other: Half) -> None:
        """Refit the factors, the other side being fixed."""
        fresh = ALS(**{**self.model.get_params(), "num_threads": 1})
        common = {"others": other.blocks, "token": uuid4().hex, "model": fresh}
        self.blocks = self.cluster.map(_refitted, self.rows, self.blocks, **common)
        self.cluster.wait(self.blocks)

    def factors(self) -> np.ndarray:
        """Return the factors of all rows."""
        shape = (self.size, self.model.factors)
        return spooled(self.cluster.stream(self.blocks), shape, np.float32)

    @property
    def state(self) -> dict[str, list[Future]]:
        """What a later run needs to go on from here."""
        return {"factors": self.blocks}

    @state.setter
    def state(self, parts: dict[str, list[Future]]) -> None:
        self.blocks = parts["factors"]


def _refitted(
    rows: csr_matrix, factors: np.ndarray, others: list[np.ndarray], token: str, model: ALS
) -> np.ndarray:
    return model.half_iteration(rows, factors, once(token, lambda: np.concatenate(others)))


def _over_mean(rows: csr_matrix, mean: float) -> csr_matrix:
    return (rows / mean).tocsr()


def _draw(stream: np.random.Generator, size: int, width: int) -> np.ndarray:
    return stream.random((size, width), dtype=np.float32) * np.float32(SPREAD)
