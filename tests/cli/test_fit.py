from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import hybridrec

KG = ("--kg", "facts.tsv", "--items", "items.csv")


def test_files_become_a_model(done, files):
    out = done(
        *("fit", "events.csv", *KG, "--set", "factors=3", "--set", "calibration=1"),
        *("--random-state", 5, "--threads", 1, "-o", "films.model"),
    )
    assert "rows" in out  # the cleaning report
    assert "9 facts" in out
    assert "9 of 9 items have facts" in out
    assert "hybrid-als with item tokens and columns fitted in" in out
    model = hybridrec.load(files / "films.model")
    assert (model.factors, model.calibration, model.random_state, model.num_threads) == (3, 1, 5, 1)
    assert len(model.items_) == 9
    assert model.history_.nnz == 24


def test_features_can_be_chosen_or_left_out(done, files):
    assert "with no features" in done("fit", "events.csv", *KG, "--features", "none", "-o", "a")
    out = done("fit", "events.csv", *KG, "--features", "columns", "-o", "b")
    assert "with item columns fitted" in out
    assert "with no features" in done("fit", "events.csv", *KG, "--model", "als", "-o", "c")


@pytest.fixture
def judged(files):
    """More of the files: 120 users of two kinds, 120 items whose facts and years tell nothing."""
    rng = np.random.default_rng(0)
    likes = rng.random((120, 120)) < np.where(np.add.outer(range(120), range(120)) % 2, 0.3, 0.03)
    pd.DataFrame(np.argwhere(likes), columns=["user", "item"]).to_csv("many.csv", index=False)
    facts = pd.DataFrame({"head": np.repeat(range(120), 2), "relation": "is"})
    facts["tail"] = [f"kind {one}" for one in rng.integers(0, 30, len(facts))]
    facts.to_csv("noise.csv", index=False)
    facts = pd.DataFrame({"head": range(120), "relation": "is"})
    facts["tail"] = [f"kind {one % 2}" for one in range(120)]
    facts.to_csv("kinds.csv", index=False)
    return ("many.csv", "--set", "factors=4", "--set", "iterations=3")


def test_the_guard_keeps_facts_that_help(done, judged):
    out = done("fit", *judged, "--kg", "kinds.csv", "-o", "a")
    assert "NDCG@20 of hybrid-als on held-out interactions of 120 users" in out
    for row in ("with all", "without item tokens", "item tokens shuffled"):
        assert f"\n{row} " in out
    assert "\nitem tokens: used; helps cold (+" in out
    assert "with item tokens fitted in" in out


def test_the_guard_switches_off_facts_that_do_not_help(done, judged):
    out = done("fit", *judged, "--kg", "noise.csv", "-o", "a")
    assert "\nitem tokens: switched off; no help that can be told (warm " in out
    assert "hybrid-als with no features fitted in" in out
    done("fit", *judged, "--kg", "noise.csv", "--features", "none", "-o", "b")
    guarded, without = hybridrec.load("a"), hybridrec.load("b")
    assert guarded.recommend(k=5).equals(without.recommend(k=5))


def test_what_features_names_is_used_and_reported(done, judged):
    noise = ("--kg", "noise.csv")
    out = done("fit", *judged, *noise, "--features", "tokens", "-o", "a")
    assert "\nitem tokens: used, as asked for; no help that can be told (warm " in out
    assert "with item tokens fitted in" in out
    out = done("fit", *judged, *noise, "--no-guard", "-o", "b")
    assert "NDCG" not in out
    assert "with item tokens fitted in" in out


def test_too_little_data_is_said_not_to_be_judged(done, files):
    out = done("fit", "events.csv", *KG, "-o", "m")
    assert "item columns and item tokens: used; too little is held out to judge\n" in out
    assert "NDCG" not in out


def test_relations_that_tell_popularity_are_named_with_a_way_out(done, judged, files):
    counts = pd.read_csv("many.csv")["item"].value_counts()
    won = [(item, f"award {n}") for item, count in counts.items() for n in range(count // 3)]
    facts = pd.DataFrame(won, columns=["head", "tail"]).assign(relation="won")
    pd.concat([pd.read_csv("kinds.csv"), facts]).to_csv("awards.csv", index=False)
    out = done("fit", *judged, "--kg", "awards.csv", "-o", "a")
    assert "Popularity leaks: won (0." in out
    assert "\n  to leave them out: --drop-relation won\n" in out
    out = done("fit", *judged, "--kg", "awards.csv", "--drop-relation", "won", "-o", "b")
    assert "leaks" not in out


def test_auto_tries_models_and_says_what_it_chose(done, judged):
    out = done("fit", "many.csv", "--model", "auto", "--random-state", 1, "-o", "m")
    assert re.search(r"\nNDCG@20 on held-out interactions of 1\d\d users \(\d+\.\d s\)\n", out)
    for name in ("popularity", "item-knn", "hybrid-als"):
        assert f"\n{name} " in out
    chosen = re.search(r"\nChosen: (\S+), warm 0\.\d+; next ", out)[1]
    assert f"\n{chosen} with no features fitted in" in out
    assert hybridrec.load("m").model_name == chosen.partition(":")[0] != "popularity"


def test_a_time_budget_limits_what_auto_tries(done, judged):
    out = done("fit", "many.csv", "--model", "auto", "--time-budget", "0.001", "-o", "m")
    assert "\npopularity " in out
    assert "not tried: about" in out
    assert "Time decided what was tried" in out
    assert hybridrec.load("m").model_name == "popularity"


def test_columns_weights_and_cleaning(done, files):
    (files / "odd.txt").write_text(
        "who;what;act;when\n1;a;view;1\n1;a;buy;2\n1;b;view;3\n2;a;buy;4\n2;c;view;5\n3;b;buy;6\n"
    )
    columns = ("--user", "who", "--item", "what", "--event", "act", "--timestamp", "when")
    weights = ("--event-weight", "view=1", "--event-weight", "buy=5", "--delimiter", ";")
    cleaning = ("--min-weight", 2, "--min-item-interactions", 2, "--duplicates", "sum")
    done("fit", "odd.txt", *columns, *weights, *cleaning, "--model", "popularity", "-o", "m")
    model = hybridrec.load(files / "m")
    assert model.items_.ids.tolist() == ["a", "c"]  # b is bought once; c is only viewed
    assert model.history_.sum() == 11  # 1 + 5 and 5


def test_items_of_the_table_stay_known_after_cleaning(done, files):
    cleaning = ("--min-item-interactions", 3, "--min-user-interactions", 2)
    (files / "more.csv").write_text((files / "events.csv").read_text() + "1,rare,7\n")
    done("fit", "more.csv", *KG, *cleaning, "--set", "factors=2", "-o", "m")
    model = hybridrec.load(files / "m")
    assert "rare" not in model.items_
    assert "new" in model.items_
    table = pd.Series(model.item_table_["title"].to_numpy(), model.items_.ids)
    assert table["c"] == "Film c [x]"
    assert table["new"] == "Film new [x]"


def test_a_named_data_set_says_what_it_takes_for_liked(done, files):
    out = done("fit", "--dataset", "movielens-small", "--model", "popularity", "-o", "m")
    assert "ratings from 3.5 count as liked" in out
    assert "known only after release" in out
    assert "directed by" in out
    assert hybridrec.load("m").history_.data.min() == 3.5
    dropped = ("--drop-relation", "film.film.award_won", "--min-weight", 0)
    out = done(
        *("fit", "--dataset", "movielens-small", *dropped, "--model", "popularity"),
        *("-o", "m", "--overwrite"),
    )
    assert "count as liked" not in out
    assert "\nwon " not in out
    assert hybridrec.load("m").history_.nnz == 100_004


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "'none.csv' does not exist"),
        ([], "give either a file of interactions or --dataset"),
        (["events.csv", "--dataset", "movielens-small"], "give either"),
        (["--dataset", "movilens"], "did you mean 'movielens-small'"),
        (["--dataset", "movielens-small", "--kg", "facts.tsv"], "--kg is for files"),
        (["--dataset", "movielens-small", "--event-weight", "a=1"], "--event-weight is for files"),
        (["events.csv", "--model", "hybrid-asl"], "did you mean 'hybrid-als'"),
        (["events.csv", "--set", "factor=3"], "did you mean 'factors'"),
        (["events.csv", "--set", "factors=many"], "factors must be a whole number"),
        (["events.csv", "--set", "factors=-1"], "factors must be"),
        (["events.csv", "--features", "token"], "did you mean 'tokens'"),
        (["events.csv", "--model", "als", "--features", "columns"], "als does not use features"),
        (["events.csv", "--features", "tokens"], "needs a knowledge graph"),
        (
            ["events.csv", "--weight", "tiem"],
            "no column 'tiem' for the weight; did you mean 'time'",
        ),
        (["events.csv", "--event-weight", "buy"], "must look like name=value"),
        (["events.csv", "--event", "time", "--event-weight", "x=y"], "x must be a number, got 'y'"),
        (["events.csv", "--min-weight", "9"], "cleaning leaves no interaction"),
        (["events.csv", "--duplicates", "lst"], "'lst' is not one of"),
        (["events.csv", "--drop-relation", "is"], "needs a knowledge graph"),
        (["events.csv", "--kg", "facts.tsv", "--drop-relation", "si"], "unknown relation 'si'"),
        (["events.csv", "--kg", "events.csv"], "no column looks like the head"),
        (["events.csv", "--link", "facts.tsv"], "a link needs a knowledge graph"),
        (["events.csv", "--model", "auto", "--set", "factors=3"], "leave out --set and --params"),
        (["events.csv", "--model", "auto", "--params", "two.tsv"], "leave out --set and --params"),
        (["events.csv", "--model", "auto", "--features", "token"], "did you mean 'tokens'"),
        (["events.csv", "--time-budget", "0"], "'--time-budget': 0.0 is not in the range x>0"),
        (["one.csv", "--model", "auto"], "too little data to choose a model on"),
        (["empty.csv"], "empty.csv"),
        (["short.csv"], "short.csv:3"),
        (["text.csv"], "text.csv:3"),
        (["events.csv", "--kg", "two.tsv"], "two.tsv"),
        (["events.csv", "--items", "twice.csv"], "twice.csv"),
        (["events.csv", "--kg", "other.tsv"], "no item is linked to the knowledge graph"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, files):
    for name, text in {
        "empty.csv": "",
        "one.csv": "user,item\n1,a\n",
        "short.csv": "user,item,rating\n1,a,3\n2,b\n",
        "text.csv": "user,item,rating\n1,a,3\n2,b,good\n",
        "two.tsv": "head\ttail\na\tb\n",
        "twice.csv": "item,title\na,A\na,B\n",
        "other.tsv": "head\trelation\ttail\nm.01\tis\tm.02\n",
    }.items():
        (files / name).write_text(text)
    assert message in refused("fit", *arguments, "-o", "m")


def test_an_output_that_cannot_be_is_refused_before_any_work(refused, files, monkeypatch):
    monkeypatch.setattr("hybridrec.cli.fit.load_data", None)
    assert "already exists" in refused("fit", "events.csv", "-o", "facts.tsv")
    assert "make it first" in refused("fit", "events.csv", "-o", "no/m")
    assert "--output" in refused("fit", "events.csv")


def test_what_hybridrec_did_not_write_is_never_replaced(refused, files):
    (files / "mine").mkdir()
    (files / "mine" / "letter.txt").write_text("dear")
    error = refused("fit", "events.csv", "--model", "popularity", "-o", "mine", "--overwrite")
    assert "not written by hybridrec" in error


CHOSEN = {
    "model": "hybrid-als",
    "params": {"factors": 3, "alpha": 2.5, "regularization": 1e-05},
    "features": ["tokens"],
}


def test_a_parameter_file_gives_model_parameters_and_features(done, files):
    (files / "p.json").write_text(json.dumps(CHOSEN))
    out = done("fit", "events.csv", *KG, "--params", "p.json", "-o", "a")
    assert "hybrid-als with item tokens fitted" in out
    model = hybridrec.load("a")
    assert (model.factors, model.alpha, model.regularization) == (3, 2.5, 1e-5)
    (files / "n.json").write_text(json.dumps(CHOSEN | {"features": []}))
    assert "with no features" in done("fit", "events.csv", *KG, "--params", "n.json", "-o", "b")
    (files / "d.json").write_text(json.dumps(CHOSEN | {"features": None}))
    out = done("fit", "events.csv", *KG, "--params", "d.json", "-o", "c")
    assert "item tokens and columns" in out
    als = {"model": "als", "params": {"factors": 2}, "features": None}
    (files / "als.json").write_text(json.dumps(als))
    assert "als with no features" in done("fit", "events.csv", "--params", "als.json", "-o", "d")


def test_what_is_said_counts_more_than_the_parameter_file(done, files):
    (files / "p.json").write_text(json.dumps(CHOSEN))
    out = done(
        *("fit", "events.csv", *KG, "--params", "p.json", "--model", "hybrid-als", "-o", "a"),
        *("--set", "factors=5", "--features", "columns"),
    )
    assert "hybrid-als with item columns fitted" in out
    model = hybridrec.load("a")
    assert (model.factors, model.alpha) == (5, 2.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "p.json is no JSON file: "),
        ("\xff", "p.json is no JSON file: "),
        ("[]", 'p.json has no "model"; "hybridrec tune" writes such files'),
        ('{"model": "als"}', 'p.json has no "params"'),
        ('{"model": 3, "params": {}, "features": null}', 'p.json: "model" makes no sense: 3'),
        ('{"model": "als", "params": [], "features": null}', 'p.json: "params" makes no sense'),
        ('{"model": "als", "params": {}, "features": "x"}', 'p.json: "features" makes no sense'),
        ('{"model": "asl", "params": {}, "features": null}', "p.json: unknown model 'asl'; did"),
        (
            '{"model": "als", "params": {"factor": 3}, "features": null}',
            "p.json: als has no parameter 'factor'; did you mean 'factors'",
        ),
        (
            '{"model": "als", "params": {"factors": 3.5}, "features": null}',
            "p.json: factors must be a whole number, got '3.5'",
        ),
        (
            '{"model": "als", "params": {"factors": null}, "features": null}',
            "p.json: factors must be a number, a text or a boolean",
        ),
        (
            '{"model": "hybrid-als", "params": {}, "features": ["token"]}',
            "p.json: unknown feature block 'token'; did you mean 'tokens'",
        ),
        (
            '{"model": "hybrid-als", "params": {}, "features": [3]}',
            'p.json: "features" must be names of feature blocks',
        ),
        (
            '{"model": "als", "params": {"factors": 99999999999}, "features": null}',
            "p.json: factors is beyond 2,147,483,647",
        ),
        ('{"a":' * 5000, "p.json is no JSON file"),
        ('{"model": "als", "params": {}, "features": ["tokens"]}', "p.json: als does not use feat"),
    ],
)
def test_a_bad_parameter_file_is_refused(text, message, refused, files):
    (files / "p.json").write_text(text, encoding="latin-1")
    assert message in refused("fit", "events.csv", "--params", "p.json", "-o", "m")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "als"], "p.json holds parameters of hybrid-als, not of als; leave out"),
        (["--set", "factor=3"], "Error: hybrid-als has no parameter 'factor'; did you mean"),
        (["--features", "token"], "Error: unknown feature block 'token'"),
        (["--params", "none.json"], "'none.json' does not exist"),
    ],
)
def test_what_does_not_go_with_a_parameter_file_is_refused(arguments, message, refused, files):
    (files / "p.json").write_text(json.dumps(CHOSEN))
    error = refused("fit", "events.csv", *KG, "--params", "p.json", "-o", "m", *arguments)
    assert message in error
