from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError

ROWS = pd.DataFrame({"user": [2, 1, 2], "item": [10, 10, 20]})
ITEMS = pd.DataFrame({"item": [30, 20], "title": ["c", "b"], "year": [1999, 2001]})


def graph(*entities, link=None) -> KnowledgeGraph:
    n = len(entities)
    return KnowledgeGraph.from_triples(list(entities), ["r"] * n, ["x"] * n, link=link)


def test_tables_are_aligned_and_bring_items():
    users = pd.DataFrame({"user": [3, 2], "age": [30, 20]})
    dataset = Dataset.build(ROWS, item_table=ITEMS, user_table=users, name="tiny")
    assert dataset.items.ids.tolist() == [10, 20, 30]
    assert dataset.users.ids.tolist() == [1, 2, 3]
    assert list(dataset.titles) == [None, "b", "c"]
    assert dataset.item_table["year"].tolist()[1:] == [2001, 1999]
    assert dataset.user_table["age"].tolist()[1:] == [20, 30]
    assert "item" not in dataset.item_table
    assert dataset.matrix.shape == (3, 3)
    assert dataset.interactions.matrix.sum() == 3
    assert ITEMS["item"].tolist() == [30, 20]  # the caller's table is untouched
    assert repr(dataset) == "Dataset('tiny': 3 interactions, 3 users, 3 items)"


def test_without_tables():
    dataset = Dataset.build(Interactions.from_frame(ROWS))
    assert dataset.titles is None
    assert dataset.item_entities.tolist() == [-1, -1]
    assert Dataset.build(ROWS, item_table=ITEMS[["item", "year"]]).titles is None


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_tables_of_any_library_and_id_column(library):
    items = library({"nr": [20, 10], "name": ["b", "a"]})
    dataset = Dataset.build(ROWS, item_table=items, item="nr")
    assert list(dataset.titles) == ["a", "b"]


def test_integer_tables_meet_text_ids():
    rows = pd.DataFrame({"user": ["a"], "item": ["20"]})
    assert list(Dataset.build(rows, item_table=ITEMS).titles) == ["b", "c"]
    link = ([20, 40], ["m1", "m2"])
    dataset = Dataset.build(rows, graph("m1", "m2", link=link))
    assert dataset.items.ids.tolist() == ["20", "40"]
    assert (dataset.item_entities >= 0).all()


def test_bad_tables():
    twice = pd.concat([ITEMS, ITEMS])
    with pytest.raises(DataError, match="duplicate item table ids 30, 20"):
        Dataset.build(ROWS, item_table=twice)
    with pytest.raises(DataError, match="item table: no column looks like the item"):
        Dataset.build(ROWS, item_table=ITEMS.rename(columns={"item": "x"}))
    with pytest.raises(DataError, match="item ids are integers here, cannot add 'a'"):
        Dataset.build(ROWS, item_table=pd.DataFrame({"item": ["a"]}))
    with pytest.raises(DataError, match="user id missing: rows 1"):
        Dataset.build(ROWS, user_table=pd.DataFrame({"user": ["a", None]}))


def test_linked_items_are_items():
    knowledge = graph("m1", "m2", link=([10, 40], ["m1", "m2"]))
    dataset = Dataset.build(ROWS, knowledge, item_table=ITEMS)
    assert dataset.items.ids.tolist() == [10, 20, 30, 40]
    assert len(dataset.item_table) == 4
    found = dataset.knowledge.entities.ids[dataset.item_entities[[0, 3]]]
    assert found.tolist() == ["m1", "m2"]
    assert dataset.item_entities[[1, 2]].tolist() == [-1, -1]
    assert repr(dataset).endswith("4 items, 2 triples)")


def test_without_a_link_an_item_is_the_entity_of_the_same_id():
    knowledge = KnowledgeGraph.from_triples([10, 99], [0, 0], [98, 98])
    dataset = Dataset.build(ROWS, knowledge)
    assert dataset.items.ids.tolist() == [10, 20]
    assert knowledge.entities.ids[dataset.item_entities[0]] == 10
    assert dataset.item_entities[1] == -1


@pytest.mark.parametrize(
    ("knowledge", "message"),
    [
        (graph("m1"), r"items look like 10, 20, entities like 'm1', 'x'; give a link table"),
        (
            graph("m1", link=(["tt10"], ["m1"])),
            r"items look like 10, 20, linked items like 'tt10'; give a link table",
        ),
        (graph("m1", link=([10], ["m7"])), "no item is linked to the knowledge graph"),
    ],
)
def test_a_graph_that_knows_no_item(knowledge, message):
    with pytest.raises(DataError, match=message):
        Dataset.build(ROWS, knowledge)


def test_other_rows_and_other_knowledge():
    dataset = Dataset.build(ROWS, item_table=ITEMS)
    fewer = dataset.with_interactions(dataset.interactions.take([0]))
    assert len(fewer.interactions) == 1
    assert fewer.titles.tolist() == dataset.titles.tolist()
    assert len(dataset.interactions) == 3
    with pytest.raises(ParameterError, match="needs rows with the same id maps"):
        dataset.with_interactions(Interactions.from_frame(ROWS))
    knowledge = KnowledgeGraph.from_triples([10], [0], [98])
    assert dataset.with_knowledge(knowledge).item_entities[0] >= 0
    assert dataset.with_knowledge(knowledge).with_knowledge(None).knowledge is None
