from __future__ import annotations

import pandas as pd
import pytest

from hybridrec import Dataset, KnowledgeGraph, PersonalizedPageRank
from hybridrec.models.walk_paths import BY_USERS


def test_features_are_the_ways_of_one_round_trip():
    rows = pd.DataFrame({"user": list("uuvvw"), "item": list("abbcc")})
    graph = KnowledgeGraph.from_triples(list("abc"), ["is"] * 3, ["x", "x", "x"])
    model = PersonalizedPageRank().fit(Dataset.build(rows, graph))
    told = model.explain("u", "c")
    paths = model.paths("u", "c")
    by_way = paths.groupby("via")["share"].sum() * told.score
    found = {part.name: part.value for part in told.features}
    assert found["is = x"] == pytest.approx(by_way["tokens:is>x"])
    assert found[BY_USERS] == pytest.approx(by_way["users"])
    assert sum(found.values()) == pytest.approx(told.score)
    assert PersonalizedPageRank(feature_weight=0).fit(rows).explain("u", "c").features == ()
