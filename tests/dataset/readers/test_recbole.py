from __future__ import annotations

import numpy as np
import pytest

from hybridrec.dataset.readers import read_interactions, read_items, read_knowledge, read_users
from hybridrec.errors import DataError

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def test_inter(save):
    content = INTER + "196\t242\t3\t881250949\n186\t302\t3.5\t891717742\n"
    read = read_interactions(save("ml.inter", content))
    assert read.users.ids.tolist() == [186, 196]
    assert read.weights.tolist() == [3, 3.5]
    assert read.timestamps.tolist() == [881250949, 891717742]


def test_item_table(save):
    path = save(
        "ml.item",
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tx:float_seq\n"
        '1\t"Toy" Story\t1995\tAnimation Comedy\t1.5 2\n'
        "2\tGoldenEye\t\t\t\n",
    )
    table = read_items(path)
    assert table["item_id"].tolist() == [1, 2]
    assert table["movie_title"].tolist() == ['"Toy" Story', "GoldenEye"]  # a title is one text
    assert table["class"].tolist() == [["Animation", "Comedy"], None]
    assert table["x"].tolist() == [[1.5, 2.0], None]
    assert np.isnan(table["release_year"][1])


def test_user_table(save):
    path = save("ml.user", "user_id:token\tage:token\tzip_code:token\n2\t24\t85711\n1\t53\t0137\n")
    table = read_users(path)
    assert table["age"].tolist() == [24, 53]
    assert table["zip_code"].tolist() == ["85711", "0137"]


def test_knowledge_and_link(save):
    triples = save(
        "ml.kg",
        "head_id:token\trelation_id:token\ttail_id:token\n"
        "m.1\tfilm.producer\tm.3\nm.2\tfilm.actor\tm.3\n",
    )
    link = save("ml.link", "item_id:token\tentity_id:token\n476\tm.1\n362\tm.2\n")
    graph = read_knowledge(triples, link=link)
    assert len(graph) == 2
    assert graph.relations.ids.tolist() == ["film.actor", "film.producer"]
    items, entities = graph.link
    assert items.tolist() == [476, 362]
    assert graph.entities.ids[entities].tolist() == ["m.1", "m.2"]
    assert graph.sources == ("ml",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1\t2\tx\t3\n", r"ml\.inter:2: column 'rating' holds no number: '1\\t2\\tx\\t3'"),
        ("1\t2\t3\n", r"ml\.inter:2: too few fields, 4 expected"),
        ("\t2\t3\t4\n", r"ml\.inter:2: user id missing"),
        ("1\t2\t\t4\n", r"ml\.inter:2: column 'rating': weights must be finite"),
    ],
)
def test_bad_rows(save, row, message):
    with pytest.raises(DataError, match=message):
        read_interactions(save("ml.inter", INTER + row))


def test_an_item_linked_twice(save):
    triples = save("ml.kg", "head_id:token\trelation_id:token\ttail_id:token\na\tr\tb\n")
    link = save("ml.link", "item_id:token\tentity_id:token\n1\ta\n2\tb\n1\tb\n")
    with pytest.raises(DataError, match=r"ml\.link: duplicate item ids 1 \(2 rows\)") as caught:
        read_knowledge(triples, link=link)
    assert r"ml.link:4: '1\tb'" in str(caught.value)
