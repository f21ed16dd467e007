"""Tokens of one source of a merged knowledge graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.features.pipeline import FeaturePipeline, make_block
from hybridrec.features.tokens import KnowledgeTokens

ITEMS = ["a", "b", "c"]


def graph(name, relation, tails, items=ITEMS):
    return KnowledgeGraph.from_triples(items, [relation] * len(items), tails, name=name)


def dataset():
    one = graph("films", "by", ["x", "x", "y"])
    two = graph("shop", "by", ["x", "z", "z"])  # (a, by, x) is in both, and of the first
    rows = pd.DataFrame({"user": "u", "item": ITEMS})
    return Dataset.build(rows, one.merge(two))


def tokens(name):
    (block,) = FeaturePipeline([make_block(name)]).fit(dataset()).blocks
    names = block.feature_names
    return block.name, [sorted(names[row > 0].tolist()) for row in block.matrix.toarray()]


def test_each_source_alone():
    assert tokens("tokens.films") == ("tokens.films", [["by>x"], ["by>x"], []])
    assert tokens("tokens.shop") == ("tokens.shop", [[], ["by>z"], ["by>z"]])
    assert tokens("tokens")[1] == [["by>x"], ["by>x", "by>z"], ["by>z"]]


def test_two_hops():
    rows = pd.DataFrame({"user": "u", "item": ITEMS})
    near = KnowledgeGraph.from_triples(
        [*ITEMS, "x", "y"], ["by"] * 3 + ["from"] * 2, ["x", "x", "y", "land", "land"], name="films"
    )
    data = Dataset.build(rows, near.merge(graph("shop", "in", ["z", "z", "z"])))
    (block,) = FeaturePipeline(["two-hop-tokens.films"]).fit(data).blocks
    assert block.feature_names.tolist() == ["by<a", "by<b", "from>land"]


def test_weighed_apart_stored_and_applied_to_new_items():
    pipeline = FeaturePipeline(
        ["tokens.films", "tokens.shop", "tokens"], weights={"tokens.shop": 0.25}
    )
    data = dataset()
    pipeline.fit(data)
    restored = FeaturePipeline.restore(*pipeline.state(), data.knowledge)
    rows = pd.DataFrame({"user": "u", "item": ["new"]})
    new = Dataset.build(rows, graph("shop", "by", ["z"], ["new"]))
    found = restored.transform(new)
    matrix = found.matrix().toarray()
    np.testing.assert_array_equal(matrix, pipeline.transform(new).matrix().toarray())
    names = found.feature_names
    assert names[matrix[0] > 0].tolist() == ["tokens.shop:by>z", "tokens:by>z"]
    assert matrix[0][names == "tokens.shop:by>z"] == 0.25


def test_refused():
    with pytest.raises(ParameterError, match=r"no source 'film'; did you mean 'films'.*, shop"):
        KnowledgeTokens(source="film").fit(dataset(), dataset().knowledge)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("tokens.", "'tokens.': say which, as in tokens.NAME"),
        ("vectors", "'vectors': say which, as in vectors.NAME"),
        ("walks.films", "'walks' stands alone, without 'films'"),
        ("vectrs.image", "unknown feature block 'vectrs.image'"),
    ],
)
def test_names_that_make_no_sense(name, problem):
    with pytest.raises(ParameterError, match=problem):
        make_block(name)
