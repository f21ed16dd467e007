from __future__ import annotations

import re

import numpy as np
import pytest

from hybridrec.dataset import named
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.store.tables import read_table

NAME = "movielens-small"
FOLDER = named.BUNDLED / NAME
INVERSE = {
    "film.actor.film",
    "film.cinematographer.film",
    "film.content_rating.film",
    "film.director.film",
    "film.film.sequel",
    "film.film_genre.films_in_this_genre",
    "film.film_subject.films",
    "film.producer.film",
    "film.production_company.films",
    "film.writer.film",
}
N_TRIPLES = {
    "film.film.actor": 37377,
    "film.film.award_nomination": 6142,
    "film.film.award_won": 2449,
    "film.film.cinematography": 1247,
    "film.film.country": 1852,
    "film.film.directed_by": 1455,
    "film.film.genre": 6290,
    "film.film.language": 1915,
    "film.film.prequel": 302,
    "film.film.produced_by": 2350,
    "film.film.production_companies": 1328,
    "film.film.rating": 1238,
    "film.film.subjects": 688,
    "film.film.written_by": 2143,
    "movielens.decade": 9061,
    "movielens.genre": 20215,
}


@pytest.fixture(scope="module")
def movielens() -> Dataset:
    return named.load_dataset(NAME)


def facts_of(dataset, item, relation):
    """Return the tails of one item's facts of one relation."""
    kg = dataset.knowledge
    entity = dataset.item_entities[dataset.items.codes([item])[0]]
    rows = (kg.head == entity) & (kg.relation == kg.relations.codes([relation])[0])
    return set(kg.entities.ids[kg.tail[rows]].tolist())


def test_ratings_are_those_of_ml_latest_small(movielens):
    interactions = movielens.interactions
    assert len(interactions) == 100_004
    assert movielens.matrix.shape == (671, 9066)
    assert movielens.matrix.nnz == 100_004  # no user rated a film twice, no rating is zero
    assert set(interactions.weights.tolist()) == {step / 2 for step in range(1, 11)}
    ends = np.array([interactions.timestamps.min(), interactions.timestamps.max()])
    days = ends.astype("datetime64[s]").astype("datetime64[D]").astype(str)
    assert days.tolist() == ["1995-01-09", "2016-10-16"]


def test_one_rating_in_full(movielens):
    frame = movielens.interactions.to_frame()
    row = frame[(frame["user"] == 1) & (frame["item"] == 31)]
    assert row[["weight", "timestamp"]].to_numpy().tolist() == [[2.5, 1260759144.0]]


@pytest.mark.parametrize(
    ("item", "title", "year", "genres"),
    [
        (1, "Toy Story", 1995, ["Adventure", "Animation", "Children", "Comedy", "Fantasy"]),
        (260, "Star Wars: Episode IV - A New Hope", 1977, ["Action", "Adventure", "Sci-Fi"]),
        (858, "Godfather, The", 1972, ["Crime", "Drama"]),
        (73, "Misérables, Les", 1995, ["Drama", "War"]),
        (72641, "Blind Side, The", 2009, ["Drama"]),
    ],
)
def test_films(movielens, item, title, year, genres):
    code = movielens.items.codes([item])[0]
    assert movielens.titles[code] == title
    row = movielens.item_table.loc[code]
    assert row["year"] == year
    assert list(row["genres"]) == genres


def test_films_without_title_or_genre_are_the_known_few(movielens):
    unnamed = [one is None for one in movielens.titles]
    assert movielens.items.ids[unnamed].tolist() == [108548, 108583, 143410, 151307, 162376]
    assert movielens.item_table["year"].isna().tolist() == unnamed
    assert sum(len(one) == 0 for one in movielens.item_table["genres"]) == 17
    assert not any(title.strip() != title for title in movielens.titles if title)


def test_triples_by_relation(movielens):
    assert movielens.knowledge.relation_counts() == N_TRIPLES
    assert not INVERSE & set(movielens.knowledge.relations.ids)


def test_no_triple_twice_and_none_in_both_directions(movielens):
    kg = movielens.knowledge
    triples = set(zip(kg.head.tolist(), kg.relation.tolist(), kg.tail.tolist(), strict=True))
    assert len(triples) == len(kg) == 96_052
    assert not any((tail, relation, head) in triples for head, relation, tail in triples)


def test_sources_keep_their_names(movielens):
    kg = movielens.knowledge
    assert kg.sources == ("freebase", "movielens")
    own = np.array([name.startswith("movielens.") for name in kg.relations.ids])
    np.testing.assert_array_equal(kg.source == 1, own[kg.relation])


def test_link_and_facts_fit_together(movielens):
    kg, entities = movielens.knowledge, movielens.item_entities
    ids = kg.entities.ids[entities]
    freebase = np.array([one.startswith("m.") for one in ids])
    assert freebase.sum() == 1333
    assert len(set(ids)) == 9066
    assert set(ids[~freebase]) == {
        f"movielens.film:{item}" for item in movielens.items.ids[~freebase]
    }
    assert np.isin(movielens.interactions.item_codes, np.flatnonzero(freebase)).sum() == 39_824
    linked = entities[freebase]
    facts = kg.source == 0
    assert (np.isin(kg.head[facts], linked) | np.isin(kg.tail[facts], linked)).all()
    assert np.isin(linked, kg.head[facts]).all()
    assert np.isin(kg.head[~facts], entities).all()


def test_genre_and_decade_facts_say_what_the_item_table_says(movielens):
    table = movielens.item_table
    for item in (1, 858, 162376, 151307, 83829):
        row = table.loc[movielens.items.codes([item])[0]]
        assert facts_of(movielens, item, "movielens.genre") == {
            f"movielens.genre:{one}" for one in row["genres"]
        }
        decade = f"movielens.decade:{row['year'] // 10 * 10:.0f}s"
        assert facts_of(movielens, item, "movielens.decade") == (
            set() if np.isnan(row["year"]) else {decade}
        )


@pytest.mark.parametrize(
    ("one", "other"),
    [(1219, 903), (1240, 1200), (480, 527), (858, 1221)],
    ids=["Hitchcock", "Cameron", "Spielberg", "Coppola"],
)
def test_films_of_one_director_share_the_director(movielens, one, other):
    shared = facts_of(movielens, one, "film.film.directed_by") & facts_of(
        movielens, other, "film.film.directed_by"
    )
    assert len(shared) == 1


def test_a_sequel_points_to_the_film_before_it(movielens):
    codes = movielens.items.codes([858, 1221])
    first, second = movielens.knowledge.entities.ids[movielens.item_entities[codes]]
    assert first in facts_of(movielens, 1221, "film.film.prequel")
    assert second not in facts_of(movielens, 858, "film.film.prequel")


def test_award_relations_are_marked_and_can_go(movielens):
    kg = movielens.knowledge
    assert kg.after_release == {"film.film.award_won", "film.film.award_nomination"}
    without = kg.without_after_release()
    left = {name: count for name, count in without.relation_counts().items() if count}
    assert left == {name: count for name, count in N_TRIPLES.items() if "award" not in name}


def test_description_agrees_with_the_data(movielens):
    info = named.describe_dataset(NAME)
    assert info.non_commercial
    assert "Harper" in info.citation
    assert (info.n_interactions, info.n_users, info.n_items) == (100_004, 671, 9066)
    assert info.n_linked_items == 1333
    assert info.n_triples == len(movielens.knowledge)
    assert info.n_entities == len(movielens.knowledge.entities)
    assert info.n_relations == len(movielens.knowledge.relations)


def test_relation_table_agrees_with_the_triples(movielens):
    relations = read_table(FOLDER / "relations.parquet")
    counts = dict(zip(relations["relation"], relations["n_triples"].tolist(), strict=True))
    assert counts == N_TRIPLES
    labels = named.relation_labels(NAME)
    assert set(labels) == set(N_TRIPLES)
    assert labels["film.film.directed_by"] == "directed by"
    assert len(set(labels.values())) == len(labels)


def test_licence_texts_lie_beside_the_data():
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("LICENSE-*.txt")}
    assert set(texts) == {"LICENSE-freebase.txt", "LICENSE-movielens.txt", "LICENSE-recbole.txt"}
    plain = {name: " ".join(text.split()) for name, text in texts.items()}
    assert "commercial or revenue-bearing purposes" in plain["LICENSE-movielens.txt"]
    assert "under these same license conditions" in plain["LICENSE-movielens.txt"]
    assert "10.1145/2827872" in plain["LICENSE-movielens.txt"]
    assert "Creative Commons Attribution" in plain["LICENSE-freebase.txt"]
    assert "Copyright (c) 2020 RUCAIBox" in plain["LICENSE-recbole.txt"]


def test_readme_beside_the_data_quotes_the_counts():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    info = named.describe_dataset(NAME)
    numbers = {int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*\d|\d", text)}
    counts = (info.n_interactions, info.n_users, info.n_items, info.n_linked_items, info.n_triples)
    assert {*counts, info.n_relations} <= numbers
    assert "Not for commercial use" in text


def test_data_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_loads_from_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(named.load_dataset().interactions) == 100_004
    assert list(tmp_path.iterdir()) == []


def test_names():
    assert named.dataset_names() == [NAME]
    assert named.describe_dataset(NAME).folder == FOLDER


@pytest.mark.parametrize("function", [named.load_dataset, named.describe_dataset])
def test_unknown_name_suggests_the_nearest_and_lists_all(function):
    with pytest.raises(ParameterError, match=r"did you mean 'movielens-small'.*there are"):
        function("movielens-smal")
    with pytest.raises(ParameterError, match=r"unknown data set '\.\./bundled'"):
        function("../bundled")
