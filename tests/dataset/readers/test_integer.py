from __future__ import annotations

import pytest

from hybridrec.dataset.readers import read_interactions, read_items, read_knowledge
from hybridrec.errors import DataError


@pytest.mark.parametrize("name", ["ratings_final.txt", "ratings_final.txt.gz", "any.txt"])
@pytest.mark.parametrize("separator", ["\t", " "])
def test_kgcn_ratings(save, name, separator):
    content = "0\t32\t1\n0\t20\t0\n1\t7\t1\n".replace("\t", separator)
    read = read_interactions(save(name, content))
    assert read.users.ids[read.user_codes].tolist() == [0, 0, 1]
    assert read.items.ids[read.item_codes].tolist() == [32, 20, 7]
    assert read.weights.tolist() == [1, 0, 1]


def test_triples(save):
    graph = read_knowledge(save("kg_final.txt.gz", "5\t0\t9\n6\t1\t9\n"))
    assert graph.entities.ids.tolist() == [5, 6, 9]
    assert graph.relations.ids.tolist() == [0, 1]
    assert graph.link is None
    assert graph.sources == ("kg_final",)


def test_a_link(save):
    graph = read_knowledge(save("kg.txt", "5\t0\t9\n"), link=save("link.txt", "1 5\n2 9\n"))
    assert graph.link[0].tolist() == [1, 2]
    assert graph.entities.ids[graph.link[1]].tolist() == [5, 9]


@pytest.mark.parametrize("name", ["train.txt", "test.txt.gz", "lists.txt"])
def test_kgat_item_lists(save, name):
    read = read_interactions(save(name, "0 10 11 12 \t\n1 10\n\n3\n2 11 13\n"), context=["part"])
    assert read.users.ids[read.user_codes].tolist() == [0, 0, 0, 1, 2, 2]
    assert read.items.ids[read.item_codes].tolist() == [10, 11, 12, 10, 11, 13]
    assert read.weights.tolist() == [1] * 6
    assert set(read.context["part"]) == {name.split(".")[0]}


def test_a_file_named_train_has_item_lists_even_if_all_lines_have_three_integers(save):
    assert len(read_interactions(save("train.txt", "0 10 11\n1 10 12\n"))) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ratings_final.txt", "0\t1\t1\n0\t2\n0\t3\t1\n", r":2: too few fields, 3 expected: '0"),
        ("ratings_final.txt", "0\t1\t1\n0\t2\n", r":2: too few fields, 3 expected: '0"),
        ("ratings_final.txt", "0\t1\t1\n0\tx\t1\n", r":2: column 'item' holds no whole number"),
        ("ratings_final.txt", "0\t1\t1\n0\t2\t-1\n", r":2: column 'label': weights must be"),
        ("train.txt", "0 1 2\n1 x\n", r"train\.txt:2: not a user and its items .*: '1 x'"),
        ("train.txt", "0 1 2\n\n1 x\n", r"train\.txt:3: not a user and its items .*: '1 x'"),
        ("train.txt", "0 1 2\n1 2.5\n", r"train\.txt:2: not a user and its items as integers"),
    ],
)
def test_bad_lines(save, name, content, message):
    with pytest.raises(DataError, match=message):
        read_interactions(save(name, content))


def test_pairs(save):
    read = read_interactions(save("pairs.txt", "0 10\n0 11\n1 10\n"))
    assert read.items.ids[read.item_codes].tolist() == [10, 11, 10]


def test_other_widths(save):
    with pytest.raises(
        DataError, match=r"u\.data has 4 columns, a labelled row needs user, item, l"
    ):
        read_interactions(save("u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n"))
    with pytest.raises(DataError, match=r"kg\.txt:2: too few fields, 3 expected: '3 4'"):
        read_knowledge(save("kg.txt", "1 2 3\n3 4\n"))
    with pytest.raises(DataError, match="has 2 columns, a triple needs head, relation, tail"):
        read_knowledge(save("kg.txt", "1 2\n3 4\n"))
    with pytest.raises(DataError, match="has 3 columns, a link needs item, entity"):
        read_knowledge(save("kg.txt", "1 2 3\n"), link=save("link.txt", "1 2 3\n"))
    with pytest.raises(DataError, match=r"items\.txt:1: a table needs a first line with the"):
        read_items(save("items.txt", "1 2\n"))
