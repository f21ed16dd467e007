"""Training of LightFM with our kernels, batch after batch."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.lightfm_sides import Side
from hybridrec.runtime import random_stream, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.kernels.lightfm import Samples

RHO, EPSILON = 0.95, 1e-6  # of Adadelta, the defaults of the package
LARGEST_BATCH = 16_384
BATCHES = 40  # an epoch has at least as many, so that features take enough steps
_START, _EPOCH = 0, 1  # first number of random streams


@dataclass(frozen=True)
class Settings:
    """Parameters of `hybridrec.models.lightfm.LightFM`, checked; ``workers`` above 1 is Hogwild."""

    loss: str
    learning_rate: float
    regularization: float
    max_sampled: int
    random_state: int
    workers: int


def start(sides: tuple[Side, Side], history: csr_matrix, random_state: int, epoch: int) -> None:
    """Draw the rows of ``sides`` (users, items) that hold nothing yet."""
    for number, side in enumerate(sides):
        stream = random_stream(random_state, _START, epoch, number)
        side.start(history.getnnz(axis=1 - number) > 0, stream)
    users = sides[0]
    users.rows.values[:, users.factors] = 1.0


def train(
    sides: tuple[Side, Side],
    matrix: csr_matrix,
    history: csr_matrix,
    settings: Settings,
    epochs: Iterable[int],
) -> None:
    """Learn from a matrix of interactions, in place.

    Parameters
    ----------
    sides : (Side, Side)
        Users and items.
    matrix : csr_matrix, shape (n_users, n_items)
        What is learned from; sample weights are its values over their mean.
    history : csr_matrix, shape (n_users, n_items)
        Items of a user here are no negatives.
    settings : Settings
    epochs : iterable of int
        Numbers of the epochs since the first training; each has its random stream.
    """
    from hybridrec.kernels.lightfm import BPR, KOS, LOGISTIC, WARP, learn
    from hybridrec.kernels.lightfm_steps import Pace

    samples = _samples(matrix, history, settings.loss)
    loss = {"warp": WARP, "warp-kos": KOS, "bpr": BPR, "logistic": LOGISTIC}[settings.loss]
    pace = Pace(settings.learning_rate, RHO, EPSILON)
    users, items = sides
    n = len(samples.users)
    size = max(1, min(n // BATCHES, LARGEST_BATCH))

    def one(batch: np.ndarray, seed: np.uint64, done: int) -> float:
        given = samples, loss, settings.max_sampled, pace, users.rows, items.rows, users.factors
        return learn(batch, seed, done, *given)

    with threads(settings.workers) as count, ThreadPoolExecutor(count) as pool:
        for epoch in epochs:
            stream = random_stream(settings.random_state, _EPOCH, epoch)
            seed, order = np.uint64(stream.integers(2**63)), stream.permutation(n)
            for done in range(0, n, size):
                batch = np.sort(order[done : done + size])  # by user: their rows stay in the cache
                parts = np.array_split(batch, count)
                firsts = done + np.cumsum([0, *map(len, parts[:-1])])
                rates = sum(pool.map(one, parts, [seed] * count, firsts))
                for side in sides:
                    side.follow_features(pace)
                if settings.regularization:
                    factor = np.exp(-settings.regularization * rates)
                    users.shrink(factor, users.factors)
                    items.shrink(factor, items.factors + 1)
    for number, side in enumerate(sides):
        side.finish(history.getnnz(axis=1 - number) > 0)


def _samples(matrix: csr_matrix, history: csr_matrix, loss: str) -> Samples:
    from hybridrec.kernels.lightfm import Samples

    known = history.sorted_indices()
    counts = np.diff(matrix.indptr)
    users = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    weights = np.ones(matrix.nnz)
    if loss != "warp-kos":  # which has no weights
        weights = matrix.data / matrix.data.mean(dtype=np.float64)
    pool = np.flatnonzero(history.getnnz(axis=0))
    return Samples(
        users,
        matrix.indices.astype(np.int32),
        weights.astype(np.float32),
        known.indptr.astype(np.int64),
        known.indices.astype(np.int32),
        pool.astype(np.int32),
    )
