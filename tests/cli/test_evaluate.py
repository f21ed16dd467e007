from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.evaluation import (
    evaluate,
    evaluate_pairs,
    k_fold,
    labelled_pairs,
    random_split,
    read_predefined,
)
from hybridrec.evaluation.protocols import PublishedRow

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
        *("--model", "popularity", "--model", "hybrid-als:factors=4"),
        *("-k", 2, "--metric", "recall"),
    )
    header, _, popularity, hybrid, *_ = out.splitlines()
    assert header.split() == ["model", "recall@2", "users"]
    assert popularity.split()[:3] == ["a", "popularity", "0.0000"]
    assert popularity.split()[-1].startswith("0/")
    assert hybrid.split()[:3] == ["b", "hybrid-als:factors=4", "1.0000"]
    assert "ᵃ" in hybrid  # better than popularity, significantly
    assert "sd 0.0000" in hybrid
    assert "Held out: items with all their interactions" in out
    assert "over 2 splits or seeds" in out


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


# ---- splits -----------------------------------------------------------------------------------


def rows_of(text: str) -> pd.DataFrame:
    return pd.DataFrame(json.loads(text))


def test_every_fold_is_a_round(done, files):
    out = done(
        *("evaluate", "events.csv", "--split", "k-fold:folds=3,by=user", "--model", "popularity"),
        *("-k", 2, "--metric", "recall", "--random-state", 5, "--format", "json"),
    )
    rows = rows_of(out).query("slice == 'all'")
    folds = k_fold(hybridrec.read_dataset("events.csv"), folds=3, by="user", random_state=5)
    values = [evaluate(hybridrec.Popularity().fit(one.train), one, k=2) for one in folds]
    assert rows["seed"].tolist() == [1, 2, 3]
    assert rows["value"].tolist() == [one.mean("recall", 2) for one in values]


def test_files_of_the_parts(done, files):
    rows = pd.read_csv("events.csv")
    held_out = rows.index % 4 == 0
    rows[~held_out].to_csv("train.csv", index=False)
    rows[held_out].to_csv("test.csv", index=False)
    asked = ("--model", "item-knn", "-k", 2, "--metric", "recall", "--format", "json")
    out = done("evaluate", "train.csv", "--test", "test.csv", *asked)
    split = read_predefined("train.csv", "test.csv")
    found = evaluate(hybridrec.ItemKNN().fit(split.train), split, k=2)
    assert rows_of(out)["value"][0] == found.mean("recall", 2)
    same = done("evaluate", "--data", "train.csv", "--test", "test.csv", *asked)
    assert same == out


def test_a_pair_in_two_files_is_refused(refused, files):
    rows = pd.read_csv("events.csv")
    rows.to_csv("train.csv", index=False)
    rows[:1].to_csv("test.csv", index=False)
    message = refused("evaluate", "train.csv", "--test", "test.csv")
    assert "both in train and in test: '(1, c)'" in message


# ---- labelled pairs ---------------------------------------------------------------------------


@pytest.fixture
def labelled(files):
    """A folder in the layout of KGCN."""
    folder = files / "kgcn"
    folder.mkdir()
    rng = np.random.default_rng(0)
    pairs = {(int(u), int(i)) for u, i in rng.integers(0, 40, (900, 2))}
    lines = [f"{user} {item} {int(rng.random() * 45 > item)}" for user, item in sorted(pairs)]
    (folder / "ratings_final.txt").write_text("\n".join(lines) + "\n")
    (folder / "kg_final.txt").write_text("".join(f"{i}\t0\t{40 + i % 5}\n" for i in range(40)))
    return folder


def test_labelled_pairs_are_scored_with_their_negatives(done, labelled):
    out = done(
        *("evaluate", labelled, "--split", "labelled-pairs", "--model", "popularity"),
        *("--metric", "auc", "--metric", "log-loss", "--format", "json"),
    )
    rows = rows_of(out).query("slice == 'all'").set_index("metric")["value"]
    split = labelled_pairs(hybridrec.read_dataset(labelled))
    found = evaluate_pairs(hybridrec.Popularity().fit(split.train), split)
    assert rows.to_dict() == {name: found.mean(name, None) for name in ("auc", "log-loss")}
    assert rows["auc"] > 0.6


def test_a_protocol_prints_popularity_and_the_published(done, labelled, monkeypatch):
    row = PublishedRow("kgcn-ctr", "toy", "KGCN", "auc", None, 0.796, "Wang et al., 2019", "")
    monkeypatch.setattr("hybridrec.cli.rounds.published_rows", lambda *asked: (row,))
    monkeypatch.setattr("hybridrec.cli.data.recognise", lambda data: "toy")
    asked = ("evaluate", "--protocol", "kgcn-ctr", "--data", labelled, "--model", "item-knn")
    out = done(*asked, "--seeds", 2)
    lines = out.splitlines()
    models = [line.split()[0] for line in lines if " sd 0." in line][:2]
    assert models == ["popularity", "item-knn"]
    assert any(line.split()[:3] == ["KGCN", "[1]", "0.7960"] for line in lines)
    assert "[1] Wang et al., 2019" in lines
    rows = rows_of(done(*asked, "--format", "json"))
    assert rows["published"].tolist() == [False] * (len(rows) - 1) + [True]
    assert rows.iloc[-1][["model", "value", "source"]].tolist() == ["KGCN", 0.796, row.source]


# ---- what is measured ----------------------------------------------------------------------


def test_slices_intervals_and_more_metrics(done, files):
    out = done(
        *("evaluate", "events.csv", *KG, *BY_USER, "--model", "item-knn", "-k", 2, "--ci"),
        *("--metric", "recall", "--metric", "auc", "--metric", "diversity"),
        *("--metric", "exposure-fairness", "--groups", "year", "--slice", "items:popularity"),
        *("--format", "json"),
    )
    rows = rows_of(out)
    assert set(rows["metric"]) == {"recall", "auc", "diversity", "exposure-fairness"}
    assert rows[rows["metric"] == "auc"]["k"].isna().all()
    assert "items:popularity=warm" in set(rows["slice"])
    recall = rows.query("metric == 'recall' and slice == 'all'").iloc[0]
    assert recall["ci_low"] <= recall["value"] <= recall["ci_high"]


def test_the_differences_from_a_baseline(done, files):
    out = done(
        *("evaluate", "events.csv", *BY_USER, "--model", "popularity", "--model", "item-knn"),
        *("-k", 2, "--metric", "recall", "--baseline", "popularity", "--significance", "t-test"),
        "--ci",
    )
    assert "Against popularity" in out
    row = next(line for line in out.splitlines() if line.startswith("item-knn") and "/" in line)
    wins, ties, losses = map(int, row.split()[5].split("/"))
    assert wins + ties + losses == 8
    assert "95% bootstrap intervals over users" in out
    assert "paired t-test" in out


def test_candidates_drawn_and_given(done, files):
    asked = ("evaluate", "events.csv", *BY_USER, "--model", "item-knn", "-k", 1)
    asked += ("--metric", "recall", "--format", "json")
    split = random_split(hybridrec.read_dataset("events.csv"), by="user", test_fraction=0.4)
    model = hybridrec.ItemKNN().fit(split.train)
    drawn = rows_of(done(*asked, "--candidates", 1))
    assert drawn["value"][0] == evaluate(model, split, k=1, candidates=1).mean("recall", 1)
    given = pd.read_csv("events.csv")[["user", "item"]]
    given.to_csv("given.csv", index=False)
    found = rows_of(done(*asked, "--candidates", "given.csv"))
    assert found["value"][0] == evaluate(model, split, k=1, candidates=given).mean("recall", 1)


def test_features_and_relations_are_compared(done, files):
    out = done(
        *("evaluate", "events.csv", *KG, "--split", "cold-items:fraction=0.3", "--seeds", 2),
        *("--model", "hybrid-als:factors=4", "--features", "tokens", "-k", 2),
        *("--metric", "recall", "--compare-features", "--compare-relations"),
    )
    assert "hybrid-als:factors=4: The knowledge graph" in out
    assert "recall@2 on cold items is 1.0000 with it, 0.0000 without" in out
    assert any(line.split()[:1] == ["is"] for line in out.splitlines())


RERANKED = ("evaluate", "events.csv", *KG, *BY_USER, "--model", "popularity", "--model", "item-knn")
RERANKED += ("-k", 1, "-k", 2, "--metric", "coverage", "--metric", "recall")
RERANKED += ("--rerank", "mmr:weight=0.25", "--rerank", "popularity-damping")


def test_re_rankers_over_their_weights(done, files):
    rows = rows_of(done(*RERANKED, "--seeds", 2, "--format", "json"))
    assert list(rows)[: len(KEYS)] == KEYS
    own, traded = rows[rows["rerank"].isna()], rows[rows["rerank"].notna()]
    assert set(own["metric"]) == {"coverage", "recall"}
    assert set(traded["rerank"]) == {"mmr", "popularity-damping"}
    assert set(traded["model"]) == {"popularity", "item-knn"}
    assert set(traded["k"]) == {2}
    assert set(traded["metric"]) == {"recall", "diversity", "arp"}
    assert set(traded.query("rerank == 'mmr'")["weight"]) == {*(at / 10 for at in range(10)), 0.25}
    at = "model == 'item-knn' and metric == 'recall' and seed == 1 and slice == 'all'"
    alone = traded.query(f"{at} and rerank == 'mmr' and weight == 0")["value"].item()
    assert alone == own.query(f"{at} and k == 2")["value"].item()


def test_re_rankers_as_tables_and_reports(done, files):
    out = done(*RERANKED)
    assert "item-knn: Recall@2 and diversity" in out
    assert any(line.split()[:3] == ["mmr", "0.25", "chosen"] for line in out.splitlines())
    assert done(*RERANKED, "-o", "report.html") == ""
    page = (files / "report.html").read_text()
    assert "What re-ranking brings and costs" in page
    assert "popularity: Recall@2 and ARP" in page


@pytest.mark.parametrize(
    ("suffix", "holds"),
    [
        ("html", ["<!DOCTYPE html>", "<svg", "hybridrec evaluate events.csv"]),
        ("md", ["| popularity", "hybridrec evaluate events.csv"]),
        ("tex", ["\\toprule", "popularity"]),
    ],
)
def test_reports(done, files, suffix, holds):
    asked = ("evaluate", "events.csv", *BY_USER, "--model", "popularity", "--model", "item-knn")
    assert done(*asked, "-k", 2, "-o", f"report.{suffix}") == ""
    text = (files / f"report.{suffix}").read_text()
    for part in holds:
        assert part in text
    if suffix == "html":
        assert "recall@5" not in text.split("<svg")[0]  # only figures have more cut-offs


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
        (["-o", "report.doc"], "add --format"),
        (["--split", "random", "--protocol", "kgcn-ctr"], "both say what is held out"),
        (["--protocol", "kgcn"], "did you mean 'kgcn-ctr'"),
        (["--protocol", "kgcn-ctr"], "labelled-pairs needs rows of weight 0"),
        (["--split", "k-fold", "--seeds", 2], "leave out --seeds"),
        (["--validation", "oracle.csv"], "--validation goes with --test"),
        (["--baseline", "bpr"], "'bpr' is not evaluated"),
        (["--slice", "items:populrity"], "did you mean 'items:popularity'"),
        (["--groups", "yaer", "--items", "items.csv"], "no column 'yaer'; did you mean 'year'"),
        (["--model", "als", "--baseline", "als"], "needs another model"),
        (["--metric", "coverage", "--baseline", "als"], "a value for every user"),
        (["--baseline", "als", "--format", "json"], "shown in tables and reports, not json"),
        (["-k", "99999999999999999999"], "-k"),
        (["--candidates", "nothing.csv"], "nothing.csv"),
        (["--candidates", "0"], "size must be a whole number"),
        (["--metric", "log-loss"], "unknown metric 'log-loss'"),
        (["--metric", "rmse", "--slice", "items:popularity"], "--slice is for lists"),
        (["--model", "popularity", "--compare-features"], "need a model that uses features"),
        (["--rerank", "mrr"], "unknown re-ranking 'mrr'; did you mean 'mmr'"),
        (["--rerank", "mmr", "--rerank", "mmr:weight=0"], "mmr is given twice"),
        (["--rerank", "calibrated"], "calibrated needs a column"),
        (["--rerank", "calibrated:column=genre"], "needs an item table"),
        (["--rerank", "mmr", "--run", "oracle.csv"], "--rerank needs a --model"),
        (["--rerank", "mmr", "--candidates", 3], "leave out --candidates"),
        (["--rerank", "mmr", "--metric", "rmse"], "--rerank is for lists"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, files):
    (files / "oracle.csv").write_text("user,item,rank\n1,a,1\n")
    assert message in refused("evaluate", "events.csv", *arguments)


def test_a_run_called_like_a_model_is_refused(done, refused, files):
    done("split", "events.csv", *BY_USER, "-o", "folder")
    (files / "popularity").write_text("user,item,rank\n1,a,1\n")
    asked = ("evaluate", "--split-dir", "folder", "--model", "popularity")
    assert "two sources are called 'popularity'" in refused(*asked, "--run", "popularity")
    assert "leave out --min-weight" in refused(*asked, "--min-weight", 3)
    assert "leave out the file" in refused(*asked[:1], "events.csv", *asked[1:])


def test_a_test_without_anything_known_is_told(run, files):
    (files / "other.csv").write_text("user,item,time\nx,y,1\n")
    result = run("evaluate", "events.csv", "--test", "other.csv", "--model", "popularity")
    assert "no user and no item of the test is among the training rows" in result.err


def test_a_page_without_its_extra_is_refused_before_any_work(refused, files, monkeypatch):
    monkeypatch.setattr("hybridrec.cli.reports.find_spec", lambda name: None)
    monkeypatch.setattr("hybridrec.cli.evaluate.make_rounds", None)
    message = refused("evaluate", "events.csv", "-o", "report.html")
    assert "pip install 'hybridrec[plot]'" in message


# ---- groups -----------------------------------------------------------------------------------

ACTIVITY = ("--group", "users:activity", "--group", "items:popularity")


def test_groups_are_rows_for_machines(done, files):
    out = done(
        *("evaluate", "events.csv", *BY_USER, *ACTIVITY, "--model", "popularity", "-k", 2),
        *("--format", "json"),
    )
    rows = pd.DataFrame(json.loads(out))
    plain, grouped = rows[rows["members"].isna()], rows[rows["members"].notna()]
    assert set(plain["slice"]) == {"all"}
    assert plain["p_holm"].isna().all()
    users = grouped[grouped["slice"].str.startswith("users:activity=")]
    assert users["n_users"].sum() == 8
    assert (users["metric"] == "ndcg").all()
    items = grouped[grouped["slice"].str.startswith("items:popularity=")]
    assert items["exposure_share"].sum() == pytest.approx(1)
    assert items["relevant_share"].sum() == pytest.approx(1)


def test_groups_are_shown_and_reported(done, run, files):
    out = done("evaluate", "events.csv", *BY_USER, *ACTIVITY, "--model", "item-knn", "-k", 2)
    assert "Groups of users by activity" in out
    assert "Groups of items: how far apart they are" in out
    assert "too few users to test" in " ".join(out.split())
    run("evaluate", "events.csv", *BY_USER, *ACTIVITY, "--model", "item-knn", "-o", "r.md")
    assert "## Groups: who is served worse" in (files / "r.md").read_text()


def test_groups_that_do_not_exist_are_refused(refused):
    said = refused("evaluate", "events.csv", *BY_USER, "--group", "users:activty")
    assert "unknown grouping 'users:activty'; did you mean 'users:activity'?" in said
