from __future__ import annotations

import json

import pandas as pd
import pytest

import hybridrec
from hybridrec.evaluation import evaluate, random_split

KEYS = ["model", "metric", "k", "value", "n_users", "covered_users", "slice", "seed"]
BY_USER = ("--split", "random:by=user,test_fraction=0.4")
KG = ("--kg", "facts.tsv", "--items", "items.csv")


def test_json_holds_what_python_finds(done, files):
    out = done(
        *("evaluate", "events.csv", *BY_USER, "--model", "popularity", "--model", "item-knn"),
        *("-k", 1, "-k", 2, "--metric", "recall", "--metric", "mrr", "--random-state", 3),
        *("--format", "json"),
    )
    rows = json.loads(out)
    assert all(list(row)[: len(KEYS)] == KEYS for row in rows)
    data = hybridrec.read_dataset("events.csv")
    split = random_split(data, by="user", test_fraction=0.4, random_state=3)
    expected = []
    for model in (hybridrec.Popularity(), hybridrec.ItemKNN()):
        found = evaluate(model.fit(split.train), split, metrics=["recall", "mrr"], k=[1, 2])
        expected += found.summary()
    assert [[row[key] for key in KEYS] for row in rows] == [
        [row[key] for key in KEYS] for row in expected
    ]


def test_variants_of_a_model_stand_under_what_was_typed(done, files):
    out = done(
        *("evaluate", "events.csv", *KG, "--split", "cold-items:fraction=0.3", "--seeds", 2),
        *("--model", "hybrid-als:factors=4,features=tokens", "--model", "hybrid-als:factors=4"),
        *("--features", "none", "-k", 2, "--metric", "recall", "--format", "json"),
    )
    rows = pd.DataFrame(json.loads(out))
    assert rows["seed"].tolist() == [0, 0, 1, 1]
    means = rows.groupby("model")["value"].mean()
    assert means["hybrid-als:factors=4"] == 0  # without features it cannot know a new item
    assert means["hybrid-als:factors=4,features=tokens"] == 1


def test_the_table_has_a_row_a_model_and_a_column_a_metric(done, files):
    out = done(
        *("evaluate", "events.csv", *KG, "--split", "cold-items:fraction=0.3", "--seeds", 2),
        *(
            "--model",
            "popularity",
            "--model",
            "hybrid-als:factors=4",
            "-k",
            2,
            "--metric",
            "recall",
        ),
    )
    header, _, popularity, hybrid, *_ = out.splitlines()
    assert header.split() == ["model", "recall@2", "served"]
    assert popularity.split()[:4] == ["popularity", "0.000", "±", "0.000"]
    assert popularity.split()[-1].startswith("0/")
    assert hybrid.split()[:4] == ["hybrid-als:factors=4", "1.000", "±", "0.000*"]
    assert "Held out: items with all their interactions" in out
    assert "over 2 seeds" in out


def test_notes_do_not_disturb_machines(run, files):
    result = run("evaluate", "events.csv", *BY_USER, "--model", "popularity", "--format", "csv")
    assert result.out.startswith(",".join(KEYS))
    assert "Held out: a random share" in result.err
    run("evaluate", "events.csv", *BY_USER, "--model", "popularity", "-o", "scores.json")
    assert len(json.loads((files / "scores.json").read_text())) == 6


def test_the_run_of_another_system_is_measured_alike(done, files):
    leave = ("--split", "leave-last-n:n=1", "-k", 1, "--metric", "recall", "--format", "json")
    last = pd.read_csv("events.csv").sort_values("time").groupby("user").tail(1)
    last.assign(rank=1)[["user", "item", "rank"]].to_csv("oracle.csv", index=False)
    row, *_ = json.loads(done("evaluate", "events.csv", *leave, "--run", "oracle.csv"))
    assert (row["model"], row["value"], row["n_users"], row["seed"]) == ("oracle.csv", 1.0, 8, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "randon"], "did you mean 'random'"),
        (["--split", "random:fraction=0.1"], "no parameter 'fraction'"),
        (["--split", "random:test_fraction=2"], "between 0 and 1"),
        (["--model", "asl"], "unknown model 'asl'"),
        (["--model", "als:factors=x"], "factors must be a whole number"),
        (["--metric", "recal"], "'recal' is not one of"),
        (["-k", 0], "-k"),
        (["--seeds", 0], "--seeds"),
        (["--run", "facts.tsv"], "no column looks like the user"),
        (["--run", "oracle.csv", "--seeds", 2], "leave out --seeds"),
        (["--format", "parquet"], "'parquet' is not one of"),
        (["-o", "events.csv"], "already exists"),
        (["-o", "report.html"], "add --format"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, files):
    (files / "oracle.csv").write_text("user,item,rank\n1,a,1\n")
    assert message in refused("evaluate", "events.csv", *arguments)
