from __future__ import annotations

import pandas as pd
import pytest

from hybridrec import Dataset, Interactions, KnowledgeGraph
from hybridrec.dataset.readers import (
    read_dataset,
    read_interactions,
    read_items,
    read_knowledge,
    read_users,
)
from hybridrec.errors import DataError, ParameterError

RATINGS = "user,movieId,rating\n1,10,4\n1,20,3\n2,10,5\n"
ITEMS = "movieId,title\n30,Heat\n10,Alien\n"
TRIPLES = "head,relation,tail\nm1,actor,p1\nm2,actor,p1\n"
LINK = "item,entity\n10,m1\n40,m2\n"


@pytest.fixture
def files(save):
    return {
        "interactions": save("ratings.csv", RATINGS),
        "items": save("items.csv", ITEMS),
        "users": save("users.csv", "userId,age\n3,40\n1,30\n"),
        "knowledge": save("facts.csv", TRIPLES),
        "link": save("link.csv", LINK),
    }


def check(dataset: Dataset) -> None:
    assert dataset.items.ids.tolist() == [10, 20, 30, 40]
    assert dataset.users.ids.tolist() == [1, 2, 3]
    assert list(dataset.titles) == ["Alien", None, "Heat", None]
    assert dataset.user_table["age"].tolist()[0] == 30
    entities = dataset.knowledge.entities.ids[dataset.item_entities[[0, 3]]]
    assert entities.tolist() == ["m1", "m2"]
    assert dataset.item_entities[1] == dataset.item_entities[2] == -1
    assert dataset.matrix.toarray().tolist() == [[4, 3, 0, 0], [5, 0, 0, 0], [0, 0, 0, 0]]


def test_all_parts_from_files(files):
    dataset = read_dataset(**files)
    check(dataset)
    assert dataset.name == "ratings"
    assert dataset.knowledge.sources == ("facts",)


def test_all_parts_from_frames(files):
    check(read_dataset(**{part: pd.read_csv(path) for part, path in files.items()}))


def test_parts_that_are_read_already(files):
    dataset = read_dataset(
        read_interactions(files["interactions"]),
        knowledge=read_knowledge(files["knowledge"], link=files["link"]),
        items=read_items(files["items"]),
        users=read_users(files["users"]),
    )
    check(dataset)


@pytest.mark.parametrize("part", ["interactions", "items", "users", "knowledge", "link"])
def test_a_frame_among_files(files, part):
    check(read_dataset(**(files | {part: pd.read_csv(files[part])})))


def test_column_options_go_where_they_belong(save):
    dataset = read_dataset(
        save("r.csv", "who;what;stars;kind\n1;10;2;buy\n"),
        knowledge=save("k.csv", "s,p,o\nm1,actor,p1\n"),
        link=save("l.csv", "a,b\n10,m1\n"),
        items=save("i.csv", "id,what\nx,10\n"),
        users=save("u.csv", "user_id,age\n1,30\n"),
        user="who", item="what", weight="stars", event="kind", event_weights={"buy": 3},
        delimiter=";", head="s", relation="p", tail="o", link_item="a", link_entity="b",
    )  # fmt: skip
    assert dataset.interactions.weights.tolist() == [6]
    assert dataset.item_table["id"].tolist() == ["x"]
    assert dataset.user_table["age"].tolist() == [30]
    assert dataset.item_entities[0] >= 0


def test_recbole_folder(save, tmp_path):
    save("ml.inter", "user_id:token\titem_id:token\trating:float\n1\t10\t4\n")
    save("ml.item", "item_id:token\tmovie_title:token_seq\n10\tToy Story\n")
    save("ml.user", "user_id:token\tage:token\n1\t30\n")
    save("ml.kg", "head_id:token\trelation_id:token\ttail_id:token\nm.1\tactor\tm.2\n")
    save("ml.link", "item_id:token\tentity_id:token\n10\tm.1\n")
    dataset = read_dataset(tmp_path)
    assert dataset.titles.tolist() == ["Toy Story"]
    assert dataset.knowledge.entities.ids[dataset.item_entities].tolist() == ["m.1"]
    assert dataset.user_table["age"].tolist() == [30]
    assert dataset.name == tmp_path.name.split(".")[0]


def test_kgcn_folder(save, tmp_path):
    save("ratings_final.txt.gz", "0\t1\t1\n0\t2\t0\n")
    save("kg_final.txt.gz", "1\t0\t7\n2\t0\t7\n")
    dataset = read_dataset(tmp_path)
    assert dataset.interactions.weights.tolist() == [1, 0]
    assert (dataset.item_entities >= 0).all()


def test_kgat_folder_knows_which_row_was_in_which_file(save, tmp_path):
    save("train.txt.gz", "0 1 2\n1 1\n")
    save("test.txt.gz", "0 3\n")
    rows = read_dataset(tmp_path).interactions
    assert rows.to_frame().sort_values(["user", "item"])[["item", "part"]].to_numpy().tolist() == [
        [1, "train"], [2, "train"], [3, "test"], [1, "train"],
    ]  # fmt: skip


def test_a_part_given_beside_a_folder_replaces_the_one_in_it(save, tmp_path):
    save("ratings_final.txt", "0\t1\t1\n")
    save("kg_final.txt", "1\t0\t7\n")
    other = KnowledgeGraph.from_triples([1], ["likes"], [8])
    assert read_dataset(tmp_path, knowledge=other).knowledge is other


def test_bad_calls(files):
    with pytest.raises(ParameterError, match="unknown option 'wieght'; did you mean 'weight'"):
        read_dataset(files["interactions"], wieght="x")
    with pytest.raises(ParameterError, match="a link needs a knowledge graph"):
        read_dataset(files["interactions"], link=files["link"])
    with pytest.raises(DataError, match="expected a data frame"):
        read_dataset(17)


def test_a_graph_of_other_ids_shows_both(files, save):
    with pytest.raises(DataError, match=r"no item is linked .*items look like 10, 20.*'m1'"):
        read_dataset(files["interactions"], knowledge=files["knowledge"])
    strange = save("strange.csv", "item,entity\nx10,m1\n")
    with pytest.raises(DataError, match="no item is linked"):
        read_dataset(files["interactions"], knowledge=files["knowledge"], link=strange)


def test_tables_with_repeated_ids_name_ids_and_lines(save):
    items = save("items.csv", "item,title\n1,a\n2,b\n1,c\n2,d\n3,e\n")
    with pytest.raises(DataError, match=r"items\.csv: duplicate item ids 1, 2 \(4 rows\)") as bad:
        read_items(items)
    assert [line.rsplit(":", 2)[1] for line in str(bad.value).splitlines()[1:]] == list("2345")
    users = save("users.csv", "name,age\na,1\na,2\n")
    with pytest.raises(DataError, match=r"users\.csv: duplicate user ids 'a' \(2 rows\)"):
        read_users(users, user="name")


def test_triples_with_two_columns(save):
    with pytest.raises(DataError, match=r"kg\.csv has 2 columns, a triple needs head, relation, t"):
        read_knowledge(save("kg.csv", "head,tail\na,b\n"))


def test_bad_triples_are_named(save):
    with pytest.raises(DataError, match=r"kg\.csv:3: tail id missing: 'a,r,'"):
        read_knowledge(save("kg.csv", "head,relation,tail\na,r,b\na,r,\n"))


def test_the_source_name_can_be_given(files):
    assert read_knowledge(files["knowledge"], name="freebase").sources == ("freebase",)


def test_results_are_pandas_frames(files):
    assert isinstance(read_items(files["items"]), pd.DataFrame)
    assert isinstance(read_interactions(files["interactions"]), Interactions)
    assert isinstance(read_interactions(files["interactions"]).to_frame(), pd.DataFrame)
