"""Personalized PageRank on a cluster: walks over a graph that every worker has, or in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from hybridrec.distributed.neighbours import nearest_of
from hybridrec.distributed.restart_walks import BlockWalks
from hybridrec.distributed.spool import spooled_rows
from hybridrec.graph.reach import RestartWalks
from hybridrec.models.personalized_page_rank import (
    PersonalizedPageRank,
    popularity_of,
    scorer_of,
    starts_of,
)
from hybridrec.ranking.scorer import Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.dataset import ShardedDataset
    from hybridrec.distributed.fit import Training

SHARE = 0.25  # of a worker's memory, for a graph that every worker gets
LINK = 8  # bytes: where it leads, and its probability


def train(model: PersonalizedPageRank, training: Training) -> Scorer:
    """Train a `PersonalizedPageRank`.

    Every worker gets the graph where that takes at most `SHARE` of its memory, which is faster;
    otherwise walks go through blocks of it, and workers need memory for a few of these. Either
    way gives the same weights, bit for bit.
    """
    data = training.data
    model._prepare(training.item_features)
    features, away = model._beside(data.item_counts)
    anywhere, about = popularity_of(data.item_counts), (model.restart, model.steps)
    if whole_graph_bytes(data) <= SHARE * data.cluster.memory:
        walks = RestartWalks.over(training.history, features, away, *about)
        weights, visits = nearest_of(data.cluster, walks, model.neighbors), walks.visits(anywhere)
    else:
        by_blocks = BlockWalks.over(data, features, away, *about)
        weights, visits = by_blocks.nearest(model.neighbors), by_blocks.visits(anywhere)
    profiles = spooled_rows(_starts(training), training.history.shape, data.nnz)
    return scorer_of(profiles, weights, visits)


def whole_graph_bytes(data: ShardedDataset) -> float:
    """Return what a worker needs to walk over the whole graph: links there and back, and walks."""
    from hybridrec.kernels.reach import LANES

    lanes = 4 * LANES * (len(data.users) + 2 * len(data.items))
    return float(2 * LINK * data.nnz + lanes)


def _starts(training: Training) -> Iterator[csr_matrix]:
    """Yield where walks of the users of each block begin, one block in memory at a time."""
    for begin, end in pairwise(training.data.user_starts.tolist()):
        yield starts_of(training.history[begin:end])
