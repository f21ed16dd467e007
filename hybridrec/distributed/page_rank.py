"""Personalized PageRank on a cluster: every worker has the graph, and walks from some items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridrec.distributed.neighbours import nearest_of
from hybridrec.models.personalized_page_rank import PersonalizedPageRank, scorer_of
from hybridrec.ranking.scorer import Scorer

if TYPE_CHECKING:
    from hybridrec.distributed.fit import Training


def train(model: PersonalizedPageRank, training: Training) -> Scorer:
    """Train a `PersonalizedPageRank`; all interactions, twice, must fit into every worker."""
    matrix = training.history
    walks = model._prepare(matrix, training.item_features)
    weights = nearest_of(training.data.cluster, walks, model.neighbors)
    return scorer_of(matrix, walks, weights)
