from __future__ import annotations

import json

import pytest


def test_items_of_the_same_kind_are_similar(done, model):
    rows = json.loads(
        done("similar", model, "--item", "a", "--item", "b", "-k", 3, "--format", "json")
    )
    assert [list(row) for row in rows] == [["item", "similar", "score", "rank"]] * 6
    found = {item: {row["similar"] for row in rows if row["item"] == item} for item in "ab"}
    assert found["a"] <= {"c", "e", "g", "new"}
    assert found["b"] == {"d", "f", "h"}


def test_the_table_shows_titles(done, model, files):
    table = done("similar", model, "--item", "a", "-k", 2)
    assert table.splitlines()[0] == "item a"
    assert table.splitlines()[1].split() == ["rank", "similar", "title", "score"]
    assert table.count("[x]") == 2
    done("similar", model, "--item", "a", "-k", 2, "-o", "similar.csv")
    assert (files / "similar.csv").read_text().startswith("item,similar,title,score,rank\na,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--item", "z"], "unknown item id 'z'"),
        (["--item", "a", "-k", 0], "-k"),
        (["--item", "a", "-o", "events.csv"], "already exists"),
        (["--item", "a", "--format", "parquet"], "'parquet' is not one of"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, model):
    assert message in refused("similar", model, *arguments)


def test_popularity_knows_no_similar_items(refused, done, files):
    done("fit", "events.csv", "--model", "popularity", "-o", "m")
    assert "no notion of similar items" in refused("similar", "m", "--item", "a")
