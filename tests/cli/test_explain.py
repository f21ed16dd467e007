from __future__ import annotations

import json

import pytest


def test_reasons_for_people(done, model):
    text = done("explain", model, "--user", 1, "--item", "a", "--paths", 1)
    assert text.splitlines()[0].startswith("user 1, item a (Film a [x]): score ")
    assert "same is as Film" in text
    assert "What the history adds" in text
    assert "What features of the item add" in text
    assert "is = even" in text


def test_reasons_for_machines(done, model, files):
    told = json.loads(done("explain", model, "--user", 1, "--item", "a", "--format", "json"))
    assert list(told) == ["user", "item", "score", "parts", "features", "paths"]
    assert (told["user"], told["item"]) == (1, "a")
    assert sum(part["value"] for part in told["parts"]) == pytest.approx(told["score"], rel=1e-5)
    row = json.loads(done("recommend", model, "--user", 1, "-k", 1, "--format", "json"))[0]
    again = json.loads(
        done("explain", model, "--user", 1, "--item", row["item"], "--format", "json")
    )
    assert again["score"] == pytest.approx(row["score"])
    done("explain", model, "--user", 1, "--item", "a", "-o", "why.json")
    assert json.loads((files / "why.json").read_text()) == told
    done("explain", model, "--user", 1, "--item", "a", "--format", "table", "-o", "why.txt")
    assert (files / "why.txt").read_text().startswith("user 1, item a")


def test_new_users(done, model, files):
    (files / "mine.csv").write_text("user,item\nme,b\nme,d\n")
    told = json.loads(
        done("explain", model, "--history", "mine.csv", "--item", "f", "--format", "json")
    )
    assert told["user"] == "me"
    assert {part.get("item") for part in told["parts"] if part["kind"] == "history"} == {"b", "d"}
    assert told["paths"][0]["text"] in {f"same is as Film {one} [x], which you had" for one in "bd"}


def test_labels(done, refused, files):
    (files / "labels.csv").write_text("entity,label\neven,Even ones\nnowhere,Nothing\n")
    done(
        "fit",
        "events.csv",
        "--kg",
        "facts.tsv",
        "--labels",
        "labels.csv",
        "--model",
        "item-knn",
        "-o",
        "l",
    )
    told = json.loads(done("explain", "l", "--user", 1, "--item", "a", "--format", "json"))
    assert told["paths"][0]["text"].startswith("same is (Even ones) as ")
    fit = ("fit", "events.csv", "--model", "item-knn", "-o", "m", "--labels", "labels.csv")
    assert "--labels needs a knowledge graph" in refused(*fit)
    (files / "labels.csv").write_text("entity,label\nnowhere,Nothing\n")
    assert "no labelled entity" in refused(*fit, "--kg", "facts.tsv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--item", "a"], "say for whom"),
        (["--user", 1], "Missing option '--item'"),
        (["--user", 1, "--item", "z"], "unknown item id 'z'"),
        (["--user", 99, "--item", "a"], "unknown user id 99"),
        (["--user", 1, "--item", "a", "--format", "json", "-o", "events.csv"], "already exists"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, model):
    assert message in refused("explain", model, *arguments)
