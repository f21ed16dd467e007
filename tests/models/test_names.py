from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Content, Dataset, FeatureBlock, Features, KnowledgeGraph
from hybridrec.models.names import EntityNames, FeatureNames, item_titles, title_of
from hybridrec.ranking.explanation import Shares

ROWS = pd.DataFrame({"user": list("uuvv"), "item": list("abbc")})
ITEMS = pd.DataFrame({"item": list("abc"), "title": ["A film", None, "See"], "year": [1, 2, 3]})


@pytest.fixture
def dataset():
    graph = KnowledgeGraph.from_triples(
        ["a", "b", "x", "x", "y", "c"],
        ["by", "by", "has", "has", "by", "by"],
        ["x", "x", "a", "c", "y", "x"],
    )
    return Dataset.build(ROWS, graph.with_labels({"x": "Ex"}), item_table=ITEMS)


def named(model):
    names = FeatureNames(model)
    return [names.of(column) for column in range(int(names.starts[-1]))]


def test_titles(dataset):
    model = Content().fit(dataset)
    assert item_titles(model).tolist() == ["A film", None, "See"]
    assert [title_of(model, code) for code in range(3)] == ["A film", "b", "See"]
    assert item_titles(model) is item_titles(model)
    assert item_titles(Content().fit(dataset, item_features=["tokens"])) is not None


def test_entities(dataset):
    names = EntityNames(Content().fit(dataset))
    found = {one: names.of(code) for code, one in enumerate(dataset.knowledge.entities.ids)}
    assert found == {"a": "A film", "b": None, "c": "See", "x": "Ex", "y": None}


def test_features(dataset):
    assert named(Content().fit(dataset, item_features=["tokens"])) == ["by = Ex", "has of = Ex"]
    assert named(Content().fit(dataset, item_features=["smooth-tokens"]))[0] == "near: by = Ex"
    columns = named(Content().fit(dataset, item_features=["columns"]))
    assert columns[0].startswith("year = [")


def test_blocks_whose_columns_mean_nothing_are_one_feature(dataset):
    model = Content().fit(dataset, item_features=["tokens", "walks"])
    names = FeatureNames(model)
    merged = names.merged(Shares(np.array([1, 2, 5]), np.array([1.0, 2.0, 3.0]), {"b": 1.0}))
    assert merged.values.tolist() == [1.0, 5.0]
    assert [names.of(code) for code in merged.codes.tolist()] == [
        "has of = Ex",
        "place in the knowledge graph (walks)",
    ]
    assert merged.bias == {"b": 1.0}


def test_features_given_as_a_matrix(dataset):
    block = FeatureBlock("mine", np.eye(3, dtype=np.float32), np.array(list("pqr"), dtype=object))
    model = Content().fit(dataset, item_features=Features([block]))
    assert FeatureNames(model).of(2) == "feature 2"
    assert FeatureNames(model).tokens() is None
