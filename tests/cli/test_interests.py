from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import hybridrec
from hybridrec.online.interest_drift import interest_drift

COMMAND = ("interests", "events.csv", "--items", "items.csv", "--user", 1)


@pytest.fixture
def kinds(files):
    kind = {item: "odd" if at % 2 else "even" for at, item in enumerate("abcdefgh")}
    table = pd.DataFrame({"item": list(kind), "genres": list(kind.values())})
    table.to_csv("items.csv", index=False)


def test_json_is_what_python_says(done, kinds):
    out = done(*COMMAND, "--periods", 2, "--shuffles", 50, "--format", "json")
    data = hybridrec.read_dataset("events.csv", items="items.csv")
    found = interest_drift(data, 1, periods=2, shuffles=50)
    assert json.loads(out) == json.loads(json.dumps(found.to_json()))


def test_tables_say_what_moved(done, kinds):
    out = done(*COMMAND, "--periods", 2, "--shuffles", 50)
    assert out.splitlines()[0] == "user 1: genres over time"
    assert "first to last: moved" in out
    assert "100% ████████████████████" in out
    done(*COMMAND, "--shuffles", 50, "--format", "table", "-o", "told.txt")
    assert "\n1970-01 " in Path("told.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--by", "genre"), "did you mean 'genres'"),
        (("--periods", "week"), "--periods must be month or a whole number, got 'week'"),
        (("--periods", 99), "too few for 99 periods"),
    ],
)
def test_bad_input(refused, kinds, options, said):
    assert said in refused(*COMMAND, *options)


def test_friends_from_a_file(done, refused, files):
    edges = pd.DataFrame({"user": [1, 2, 3, 3], "friend": [2, 3, 3, 77]})
    edges.to_csv("net.csv", index=False)
    edges.rename(columns={"user": "who"}).to_csv("who.csv", index=False)
    command = ("fit", "events.csv", "--set", "factors=2", "--no-guard", "--social")
    out = done(*command, "net.csv", "-o", "m")
    assert "2 social edges of 3 users, 1 dropped (own friend), 1 dropped (unknown user)" in out
    assert "with user social fitted in" in out
    assert hybridrec.load("m").user_pipeline_.builders_[0].friends_.ids.tolist() == [1, 2, 3]
    out = done(*command, "net.csv", "--features", "none", "-o", "n")
    assert "with no features fitted in" in out
    assert "no column looks like the follower" in refused(*command, "who.csv", "-o", "o")
    said = refused("fit", "events.csv", "--features", "social", "--no-guard", "-o", "o")
    assert "the feature block 'social' needs social edges" in said
