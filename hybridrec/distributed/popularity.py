"""Popularity on a cluster: the counts that every sharded data set has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.popularity import for_everyone

if TYPE_CHECKING:
    from hybridrec.distributed.fit import Training
    from hybridrec.models.popularity import Popularity
    from hybridrec.ranking.scorer import Scorer


def train(model: Popularity, training: Training) -> Scorer:
    """Train `hybridrec.models.popularity.Popularity`."""
    counts = training.data.item_counts.astype(np.float32)
    return for_everyone(len(training.data.users), counts[:, None])
