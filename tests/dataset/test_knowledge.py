from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.knowledge import KnowledgeGraph, as_list
from hybridrec.errors import DataError, ParameterError

ENTITIES = st.sampled_from("abcd")
TRIPLES = st.lists(st.tuples(ENTITIES, st.sampled_from("rs"), ENTITIES), min_size=1, max_size=15)


def triples(graph: KnowledgeGraph) -> list[tuple]:
    entities, relations = graph.entities.ids, graph.relations.ids
    return list(
        zip(
            entities[graph.head].tolist(),
            relations[graph.relation].tolist(),
            entities[graph.tail].tolist(),
            strict=True,
        )
    )


def build(rows, **options) -> KnowledgeGraph:
    return KnowledgeGraph.from_triples(
        *(list(column) for column in zip(*rows, strict=True)), **options
    )


@given(TRIPLES)
def test_each_triple_is_there_once(rows):
    graph = build(rows)
    assert sorted(triples(graph)) == sorted(set(rows))
    assert graph.head.dtype == graph.relation.dtype == graph.tail.dtype == np.int32
    assert len(graph) == len(set(rows))
    counts = {r: sum(row[1] == r for row in set(rows)) for r in "rs"}
    assert graph.relation_counts() == {r: count for r, count in counts.items() if count}
    assert list(graph.relation_counts().values()) == sorted(filter(None, counts.values()))[::-1]


@given(TRIPLES, TRIPLES)
@settings(max_examples=50)
def test_merging_keeps_each_triple_and_its_first_source(left, right):
    merged = build(left, name="left").merge(build(right, name="right"))
    assert sorted(triples(merged)) == sorted({*left, *right})
    assert merged.sources == ("left", "right")
    for triple, source in zip(triples(merged), merged.source, strict=True):
        assert source == (0 if triple in left else 1)


def test_mixed_ids_become_text():
    graph = KnowledgeGraph.from_triples([1, 2], ["year", "year"], ["1995", "2"])
    assert triples(graph) == [("1", "year", "1995"), ("2", "year", "2")]
    assert graph.entity_of(IdMap([2, 9, 1])).tolist() == [
        graph.entities.codes(["2"])[0], -1, graph.entities.codes(["1"])[0],
    ]  # fmt: skip


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pl.LazyFrame])
def test_from_frames(library):
    facts = library(
        {"Subject": ["m1", "m2"], "predicate": ["r", "r"], "object": ["p", "p"], "x": [1, 2]}
    )
    link = library({"movieId": [10, 20], "entity_id": ["m1", "m3"]})
    graph = KnowledgeGraph.from_frame(facts, link=link, name="facts")
    assert triples(graph) == [("m1", "r", "p"), ("m2", "r", "p")]
    assert graph.entity_of(IdMap([20, 30, 10])).tolist() == [
        graph.entities.codes(["m3"])[0], -1, graph.entities.codes(["m1"])[0],
    ]  # fmt: skip
    assert graph.sources == ("facts",)


def test_bad_frames():
    with pytest.raises(DataError, match="facts has 2 columns, a triple needs head, relation, tail"):
        KnowledgeGraph.from_frame(pd.DataFrame({"head": [1], "tail": [2]}), name="facts")
    frame = pd.DataFrame({"head": ["a", None], "relation": ["r", "r"], "tail": ["b", "c"]})
    with pytest.raises(DataError, match="head id missing: rows 1"):
        KnowledgeGraph.from_frame(frame)
    with pytest.raises(DataError, match="no column 'hed' for the head; did you mean 'head'"):
        KnowledgeGraph.from_frame(frame, head="hed")
    twice = pd.DataFrame({"item": [1, 2, 1], "entity": ["a", "b", "c"]})
    with pytest.raises(DataError, match="duplicate item ids 1: rows 0, 2"):
        KnowledgeGraph.from_frame(frame.dropna(), link=twice)


def test_bad_triples():
    with pytest.raises(DataError, match=r"differ in length: \[2, 1, 1\]"):
        KnowledgeGraph.from_triples([1, 2], [1], [1])
    with pytest.raises(DataError, match="link: an item can be only one entity; duplicate item ids"):
        KnowledgeGraph.from_triples(["a"], ["r"], ["b"], link=([1, 1], ["a", "b"]))


def test_from_networkx():
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", relation="likes")
    graph.add_edge("a", "b", key="knows")
    graph.add_edge("b", "a")
    read = KnowledgeGraph.from_networkx(graph, link=([1], ["a"]))
    assert set(triples(read)) == {("a", "likes", "b"), ("a", "knows", "b"), ("b", "related", "a")}
    assert read.link[0].tolist() == [1]
    simple = nx.Graph([(1, 2)])
    assert triples(KnowledgeGraph.from_networkx(simple)) == [(1, "related", 2)]
    with pytest.raises(DataError, match="the graph has no edge"):
        KnowledgeGraph.from_networkx(nx.Graph())


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_from_an_item_table(library):
    table = library(
        {"item": [10, 20, 30], "genre": [["x", "y"], [], ["x"]], "country": ["no", None, "no"]}
    )
    graph = KnowledgeGraph.from_item_table(table, {"genre": "genre", "made in": "country"})
    assert set(triples(graph)) == {
        ("item:10", "genre", "genre:x"),
        ("item:10", "genre", "genre:y"),
        ("item:30", "genre", "genre:x"),
        ("item:10", "made in", "made in:no"),
        ("item:30", "made in", "made in:no"),
    }
    assert (graph.entity_of(IdMap([10, 20, 30])) >= 0).all()
    with pytest.raises(DataError, match="no column 'gender' for the genre; did you mean 'genre'"):
        KnowledgeGraph.from_item_table(table, {"genre": "gender"})
    with pytest.raises(DataError, match="no value in columns 'genre'"):
        KnowledgeGraph.from_item_table(table[1:2], {"genre": "genre"})


@pytest.mark.parametrize(
    ("cell", "elements"),
    [
        (["a", None, "b"], ["a", "b"]),
        (["a", float("nan")], ["a"]),
        (("a",), ["a"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (None, []),
        (float("nan"), []),
        (np.float32("nan"), []),
        (pd.NA, []),
        (pd.NaT, []),
        (False, []),
        (np.False_, []),
        (True, [True]),
        ("ab", ["ab"]),
        (0, [0]),
    ],
)
def test_cells_as_lists(cell, elements):
    assert as_list(cell) == elements


def test_relations_can_be_left_out():
    graph = build(
        [("a", "r", "b"), ("a", "award", "c")], after_release=["award"], link=([1, 2], ["a", "c"])
    )
    assert triples(graph.without_relations(["r"])) == [("a", "award", "c")]
    assert triples(graph.without_after_release()) == [("a", "r", "b")]
    assert graph.without_relations([]) is graph
    assert graph.without_relations(["r"]).entities == graph.entities
    with pytest.raises(ParameterError, match="unknown relation 'awards'; did you mean 'award'"):
        graph.without_relations(["awards"])


def test_merging_graphs_that_know_the_same_items():
    mine = build([("m1", "actor", "p1")], link=([10], ["m1"]), name="freebase")
    theirs = KnowledgeGraph.from_item_table(
        pd.DataFrame({"item": [10, 20], "genre": ["x", "y"]}), {"genre": "genre"}
    )
    merged = mine.merge(theirs)
    assert set(triples(merged)) == {
        ("m1", "actor", "p1"), ("m1", "genre", "genre:x"), ("item:20", "genre", "genre:y"),
    }  # fmt: skip
    codes = merged.entity_of(IdMap([10, 20]))
    assert merged.entities.ids[codes].tolist() == ["m1", "item:20"]


def test_merging_a_graph_whose_items_are_its_entities():
    mine = KnowledgeGraph.from_triples([10, 20], [0, 0], [77, 77])
    theirs = build([("m1", "actor", "p1")], link=([10], ["m1"]))
    merged = mine.merge(theirs)
    assert set(triples(merged)) == {("10", "0", "77"), ("20", "0", "77"), ("10", "actor", "p1")}
    assert merged.link is None
    codes = merged.entity_of(IdMap([10, 20]))
    assert merged.entities.ids[codes].tolist() == ["10", "20"]
    other_way = theirs.merge(mine)
    codes = other_way.entity_of(IdMap([10]))
    assert set(triples(other_way)) >= {("m1", "0", "77"), ("m1", "actor", "p1")}
    assert other_way.entities.ids[codes].tolist() == ["m1"]
