"""Relations that tell of taste weigh more; those that tell nothing, or chance, do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import PersonalizedPageRank
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection.relation_weights import (
    SHRINKAGE,
    learn_relation_weights,
    relation_lifts,
)
from hybridrec.models.registry import make_model

N_USERS, N_ITEMS, TASTES = 120, 240, 12


def data(informative: bool = True) -> Dataset:
    """Users like the items of one taste; "style" names it, "shop" is dealt at random."""
    rng = np.random.default_rng(0)
    taste = np.arange(N_ITEMS) % TASTES
    rows = [
        (user, item)
        for user in range(N_USERS)
        for item in rng.permutation(np.flatnonzero(taste == user % TASTES))[:8]
    ]
    clicks = pd.DataFrame([*rows], columns=["user", "item"])
    style = taste if informative else rng.permutation(taste)
    facts = [(item, "style", f"s{style[item]}") for item in range(N_ITEMS)]
    facts += [
        (item, "shop", f"p{shop}") for item in range(N_ITEMS) for shop in rng.permutation(90)[:12]
    ]
    return Dataset.build(clicks, KnowledgeGraph.from_triples(*map(list, zip(*facts, strict=True))))


def test_lift_by_hand():
    # x and y have the same users, z has others: three pairs, of which (x, y) is alike.
    users = {"x": "abc", "y": "abc", "z": "def"}
    clicks = pd.DataFrame([(u, i) for i, us in users.items() for u in us], columns=["user", "item"])
    facts = [("x", "r", "1"), ("y", "r", "1"), ("y", "s", "2"), ("z", "s", "2")]
    kg = KnowledgeGraph.from_triples(*map(list, zip(*facts, strict=True)))
    lifts = relation_lifts(Dataset.build(clicks, kg))
    # Over all pairs the mean cosine is 1/3; two items share a fact of each relation.
    assert lifts["r"] == pytest.approx((2 * 1.0 / (1 / 3) + SHRINKAGE) / (2 + SHRINKAGE))
    assert lifts["s"] == pytest.approx(SHRINKAGE / (2 + SHRINKAGE))


def test_what_tells_of_taste_weighs_more():
    found = learn_relation_weights(PersonalizedPageRank(), data())
    assert found.exponent > 0
    assert found.weights["style"] > 2 * found.weights["shop"]
    assert found.tried[found.exponent]["overall"] > 1.5 * found.tried[0.0]["overall"]


def test_all_weigh_the_same_where_nothing_tells():
    found = learn_relation_weights(PersonalizedPageRank(), data(informative=False))
    assert found.exponent == 0
    assert set(found.weights.values()) == {1.0}


def test_what_is_needed():
    clicks = data().with_knowledge(None)
    with pytest.raises(ParameterError, match="need a knowledge graph"):
        learn_relation_weights(PersonalizedPageRank(), clicks)
    with pytest.raises(ParameterError, match="uses item features"):
        learn_relation_weights(make_model("als"), data())
