from __future__ import annotations

import pandas as pd
import pytest

from hybridrec import KnowledgeGraph
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.knowledge_parts import KnowledgeParts
from hybridrec.dataset.labels import labels_by_code, read_labels, value_of_table
from hybridrec.errors import DataError


@pytest.fixture
def graph():
    return KnowledgeGraph.from_triples(["a", "b"], ["r", "r"], ["x", "y"])


def texts(graph):
    return {graph.entities.ids[c]: text for c, text in labels_by_code(graph.labels).items()}


def test_labels_of_known_entities(graph):
    labelled = graph.with_labels({"y": "Why", "x": "Ex", "unknown": "?"})
    assert texts(labelled) == {"x": "Ex", "y": "Why"}
    assert graph.labels is None
    assert texts(labelled.with_labels({"x": "New"})) == {"x": "New", "y": "Why"}
    assert texts(labelled.take([0])) == {"x": "Ex", "y": "Why"}


def test_labels_of_numbers():
    graph = KnowledgeGraph.from_triples([1, 2], ["r", "r"], [3, 4])
    assert texts(graph.with_labels({3: "three"})) == {3: "three"}
    with pytest.raises(DataError, match="no labelled entity"):
        graph.with_labels({"three": "three"})


def test_labels_are_joined(graph):
    other = KnowledgeGraph.from_triples(["c"], ["r"], ["x"]).with_labels({"x": "other", "c": "See"})
    joined = graph.with_labels({"x": "mine"}).merge(other)
    assert texts(joined) == {"x": "mine", "c": "See"}


def test_labels_of_the_same_items_are_joined():
    mine = KnowledgeGraph.from_triples(["m"], ["r"], ["x"], link=([1], ["m"]))
    theirs = KnowledgeGraph.from_triples(["t"], ["r"], ["y"], link=([1], ["t"]))
    assert texts(mine.merge(theirs.with_labels({"t": "Film"}))) == {"m": "Film"}


def test_labels_in_parts(graph):
    labelled = graph.with_labels({"x": "Ex"})
    assert texts(KnowledgeParts.of(labelled).graph()) == {"x": "Ex"}
    assert KnowledgeParts.of(graph).graph().labels is None


def test_a_table_of_labels():
    table = pd.DataFrame({"entity": ["x", "y"], "label": ["Ex", None]})
    assert read_labels(table) == {"x": "Ex"}
    assert read_labels(table.rename(columns={"entity": "e", "label": "l"}), entity="e", label="l")
    with pytest.raises(DataError, match="duplicate"):
        read_labels(pd.DataFrame({"entity": ["x", "x"], "label": ["a", "b"]}))
    with pytest.raises(DataError, match="no column looks like the title"):
        read_labels(pd.DataFrame({"entity": ["x"], "b": ["a"]}))


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("movielens.genre:Comedy", "Comedy"),
        ("movielens.genre:Star Wars: IV", "Star Wars: IV"),
        ("a:b:c", "c"),
        ("m.0abc", None),
        ("http://example.org/x", None),
        (7, None),
    ],
)
def test_values_of_tables(entity, text):
    relations = IdMap(["movielens.genre", "a:b", "r"], "relation")
    assert value_of_table(entity, relations) == text
