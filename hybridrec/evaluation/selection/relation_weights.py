"""What each relation of the knowledge graph should weigh: from co-use, checked on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection.cut import COLD, OVERALL, WARM, ValidationCut
from hybridrec.evaluation.selection.gains import Gains
from hybridrec.features.pipeline import FeaturePipeline, default_blocks
from hybridrec.features.tokens import KnowledgeTokens

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.models.base import Recommender

EXPONENTS = (0.0, 0.5, 1.0, 2.0)
FEWEST_USERS = 3  # of an item whose users tell what it is like
SHRINKAGE = 50  # items that are assumed of every relation, with a lift of 1


@dataclass(frozen=True, eq=False)
class RelationWeights:
    """Weights of relations, and how they were found.

    Attributes
    ----------
    weights : dict of relation to float
        For `hybridrec.features.KnowledgeTokens`: ``lift ** exponent``.
    lifts : dict of relation to float
        How much more alike in their users two items are that share a fact of the relation than
        two items drawn at random; 1 where there is too little to tell.
    exponent : float
        0 if no other was better: then all relations weigh the same.
    tried : dict of exponent to dict of view to float
        NDCG@20 on the validation cut, by view ("warm", "cold", "overall").
    """

    weights: dict[str, float]
    lifts: dict[str, float]
    exponent: float
    tried: dict[float, dict[str, float]]


def learn_relation_weights(
    model: Recommender,
    dataset: Dataset,
    *,
    exponents: Sequence[float] = EXPONENTS,
    random_state: int = 0,
) -> RelationWeights:
    """Find weights of relations with which a model is better on held-out interactions.

    A relation is worth what it tells of taste: the lift of the co-use of items that share one of
    its facts. To which power it counts is decided on a validation cut: 0 (all the same) unless
    another is better in lists of known and new items by more than two standard errors, and not
    worse by as much among either.

    Parameters
    ----------
    model : Recommender
        Unfitted; one that uses item features.
    dataset : Dataset
        With a knowledge graph; nothing else is looked at.
    exponents : sequence of float, default (0, 0.5, 1, 2)
    random_state : int, default 0
        Of the cut.

    Raises
    ------
    ParameterError
        If there is no knowledge graph, or the model does not use item features.
    DataError
        If there are too few interactions to hold any out.
    """
    if dataset.knowledge is None or not model.uses_item_features:
        raise ParameterError(
            "relation weights need a knowledge graph and a model that uses item features"
        )
    cut = ValidationCut.of(dataset, random_state=random_state)
    lifts = relation_lifts(cut.train)
    found = {
        power: _measured(model, cut, {name: lift**power for name, lift in lifts.items()})
        for power in dict.fromkeys([0.0, *exponents])
    }
    best = max(found, key=lambda power: _evidence(found[power], found[0.0]))
    lifts = relation_lifts(dataset)
    return RelationWeights(
        {name: lift**best for name, lift in lifts.items()},
        lifts,
        best,
        {power: {view: one.mean for view, one in views.items()} for power, views in found.items()},
    )


def relation_lifts(dataset: Dataset) -> dict[str, float]:
    """Return the lift of every relation of the dataset's knowledge graph, by name.

    The likeness of two items is the cosine of their users. The mean over pairs of items that
    share a fact (each fact counts as the number of its items) is divided by the mean over all
    pairs, and drawn towards 1 as if there were `SHRINKAGE` more items with facts of the relation.
    """
    assert dataset.knowledge is not None
    block = KnowledgeTokens()
    block.fit(dataset, dataset.knowledge)
    users = dataset.matrix.getnnz(axis=0)
    warm = np.flatnonzero(users >= FEWEST_USERS)
    rows = dataset.matrix[:, warm].T.tocsr().astype(np.float64)
    rows.data = np.repeat(1 / np.sqrt(users[warm]), np.diff(rows.indptr))
    facts = block.transform(dataset, dataset.knowledge)[warm]
    facts.data = np.ones_like(facts.data)
    counts = facts.getnnz(axis=0)
    sums = facts.T @ rows  # of the unit rows of the items that share a fact
    pairs = np.asarray(sums.multiply(sums).sum(axis=1)).ravel() - counts
    likeness = pairs / np.maximum(counts - 1, 1)
    every = np.asarray(rows.sum(axis=0)).ravel()
    usual = (every @ every - len(warm)) / max(len(warm) * (len(warm) - 1), 1)
    names = dataset.knowledge.relations.ids.astype(str)
    relation = block.relations(dataset.knowledge)
    shared = counts > 1
    n = len(names)
    total = np.bincount(relation[shared], likeness[shared], minlength=n)
    items = np.bincount(relation[shared], counts[shared], minlength=n)
    lift = (total / max(usual, np.finfo(float).tiny) + SHRINKAGE) / (items + SHRINKAGE)
    return dict(zip(names.tolist(), lift.tolist(), strict=True))


def _measured(
    model: Recommender, cut: ValidationCut, weights: dict[str, float]
) -> dict[str, Gains]:
    others = [name for name in default_blocks(cut.train) if name != "tokens"]
    pipeline = FeaturePipeline([KnowledgeTokens(relation_weights=weights), *others])
    fitted = type(model)().set_params(**model.get_params()).fit(cut.train, item_features=pipeline)
    return {view: Gains.of(fitted, split) for view, split in cut.views.items()}


def _evidence(found: dict[str, Gains], plain: dict[str, Gains]) -> float:
    """Return the gain over plain weights in mixed lists, 0 where it may be chance or costs."""
    change = {view: one.less(plain[view]) for view, one in found.items()}
    hurts = any(change[view].below for view in (WARM, COLD) if view in change)
    return change[OVERALL].mean if change[OVERALL].above and not hurts else 0.0
