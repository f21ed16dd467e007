from __future__ import annotations

import json

import pandas as pd
import pytest

import hybridrec
from hybridrec.evaluation.splits import cold_items, load_split, random_split

KG = ("--kg", "facts.tsv", "--items", "items.csv")


def test_files_hold_the_split_that_python_makes(done, files):
    out = done(
        *("split", "events.csv", *KG, "--split", "random:by=user,test_fraction=0.4"),
        *("--random-state", 3, "-o", "out"),
    )
    data = hybridrec.read_dataset("events.csv", knowledge="facts.tsv", items="items.csv")
    expected = random_split(data, by="user", test_fraction=0.4, random_state=3)
    assert load_split("out").fingerprint == expected.fingerprint
    assert expected.fingerprint in out
    assert "Held out: a random share" in out
    train = pd.read_csv("out/train.csv")
    assert train.columns.tolist() == ["user", "item", "weight", "timestamp"]
    assert len(train) == len(expected.train.interactions)
    assert "new" in pd.read_csv("out/items.csv")["item"].tolist()


def test_the_answers_can_be_kept_back(done, files):
    done("split", "events.csv", "--split", "cold-items", "--without-test", "-o", "out")
    split = cold_items(hybridrec.read_dataset("events.csv"))
    names = {path.name for path in (files / "out").iterdir()}
    assert "test.csv" not in names
    assert {"train.csv", "test_users.csv", "candidates.csv"} <= names
    assert json.loads((files / "out" / "manifest.json").read_text())["split"] == "cold-items"
    assert pd.read_csv("out/candidates.csv")["item"].tolist() == (
        split.train.items.ids[split.candidates].tolist()
    )


def test_a_moment_can_be_given(done, files):
    out = done("split", "events.csv", "--split", "by-time:at=1970-01-01T00:08:00", "-o", "out")
    assert load_split("out").test.timestamps.min() >= 480
    assert "1970-01-01T00:08:00Z" in out


def test_what_is_left_out_is_told(done, files):
    with (files / "events.csv").open("a") as file:
        file.write("9,a,999\n10,b,999\n")
    out = done("split", "events.csv", "--split", "leave-last-n", "-o", "out")
    assert "2 users have too few interactions to be tested" in out


def test_leaks_are_warned_of(run, files):
    pairs = [(user, f"i{(7 * user + 3 * at) % 30}") for user in range(40) for at in range(6)]
    pd.DataFrame(pairs, columns=["user", "item"]).to_csv("more.csv", index=False)
    facts = pd.DataFrame([(f"user:{user}", "likes", item) for user, item in pairs])
    facts.to_csv("likes.csv", index=False, header=["head", "relation", "tail"])
    result = run("split", "more.csv", "--kg", "likes.csv", "-o", "out")
    assert result.code == 0
    assert "Warning: relation 'likes' repeats what is tested" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["events.csv"], "Missing option '-o'"),
        (["events.csv", "-o", "items.csv"], "already exists"),
        (["events.csv", "-o", "none/out"], "is not a folder"),
        (["events.csv", "--split", "cold-item", "-o", "out"], "did you mean 'cold-items'"),
        (["events.csv", "--split", "cold-items:share=1", "-o", "out"], "no parameter 'share'"),
        (["events.csv", "--split", "by-time:at=soon", "-o", "out"], "at must be a time"),
        (["events.csv", "--split", "predefined", "-o", "out"], "no context column 'part'"),
        (["items.csv", "-o", "out"], "no column looks like the user"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, files):
    assert message in refused("split", *arguments)
    assert not (files / "out").exists()


def test_a_folder_is_replaced_only_if_asked(done, refused, files):
    done("split", "events.csv", "-o", "out")
    assert "already exists" in refused("split", "events.csv", "--split", "cold-items", "-o", "out")
    done("split", "events.csv", "--split", "cold-items", "-o", "out", "--overwrite")
    assert load_split("out").name == "cold-items"
