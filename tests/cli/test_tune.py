from __future__ import annotations

import json
import shlex

import pytest

import hybridrec
from hybridrec.evaluation import evaluate, random_split
from hybridrec.evaluation.tuning import tune
from hybridrec.evaluation.tuning.objective import Objective

KG = ("--kg", "facts.tsv", "--items", "items.csv")
BY_USER = ("--split", "random:by=user,test_fraction=0.4")
SMALL = ("--space", "factors=2,3", "--space", "regularization=0.5..4:log", "--set", "iterations=3")
SEARCH = ("--trials", 5, "-k", 2, *SMALL)


def _chosen(path) -> dict:
    return json.loads(path.read_text())


def test_the_file_is_that_of_the_search_in_python(done, files):
    done("tune", "events.csv", *KG, *BY_USER, *SEARCH, "--random-state", 3, "-o", "p.json")
    data = hybridrec.read_dataset("events.csv", knowledge="facts.tsv", items="items.csv")
    split = random_split(data, by="user", test_fraction=0.4, random_state=3)
    space = {"factors": [2, 3], "regularization": (0.5, 4.0, "log")}
    options = {"trials": 5, "space": space, "params": {"iterations": 3}, "random_state": 3}
    found = tune("hybrid-als", split, k=2, **options)
    assert _chosen(files / "p.json") == found.as_dict()
    found.save("q.json")
    assert (files / "q.json").read_bytes() == (files / "p.json").read_bytes()


def test_fit_uses_what_was_chosen(done, files):
    out = done("tune", "events.csv", *KG, *BY_USER, *SEARCH, "-o", "p.json")
    chosen = _chosen(files / "p.json")
    command = next(line for line in out.splitlines() if "hybridrec fit" in line)
    words = shlex.split(command)
    assert words[:2] == ["hybridrec", "fit"]
    done(*words[1:-1], "films.model")
    model = hybridrec.load("films.model")
    assert {name: getattr(model, name) for name in chosen["params"]} == chosen["params"]


def test_the_command_that_is_named_compares_on_the_unseen_test(done, files, monkeypatch):
    monkeypatch.setattr(Objective, "value", lambda _, model, *__: 1 / model.damping)
    search = ("--model", "bias-baseline", "-k", 2, "--metric", "recall", "--trials", 8)
    weighted = ("--weight", "time", "--min-user-interactions", 1, "--random-state", 4)
    out = done("tune", "events.csv", *BY_USER, *search, *weighted, "-o", "p.json")
    command = next(line for line in out.splitlines() if "hybridrec evaluate" in line)
    assert "--weight time --min-user-interactions 1" in command
    rows = json.loads(done(*shlex.split(command)[1:], "--format", "json"))
    chosen = _chosen(files / "p.json")["params"]["damping"]
    assert [row["model"] for row in rows] == ["bias-baseline", f"bias-baseline:damping={chosen}"]
    split = random_split(
        hybridrec.read_dataset("events.csv", weight="time"),
        by="user",
        test_fraction=0.4,
        random_state=4,
    )
    model = hybridrec.BiasBaseline(damping=chosen).fit(split.train)
    assert rows[1]["value"] == evaluate(model, split, metrics=["recall"], k=2).mean("recall", 2)


def test_the_table_has_the_defaults_beside_the_best(done, files):
    out = done("tune", "events.csv", *KG, *BY_USER, *SEARCH, "--model", "als", "-o", "p.json")
    lines = out.splitlines()
    chosen = _chosen(files / "p.json")
    header = next(at for at, line in enumerate(lines) if line.split()[:1] == ["defaults"])
    table = {line.split()[0]: line.split()[1:] for line in lines[header + 2 : header + 6]}
    assert list(table) == ["ndcg@2", "factors", "regularization", "alpha"]
    assert table["ndcg@2"][0].rstrip("*") == f"{chosen['default_value']:.4f}"
    (best,) = (at for at, value in enumerate(table["ndcg@2"]) if value.endswith("*"))
    assert table["ndcg@2"][best] == f"{chosen['value']:.4f}*"
    assert table["factors"][best] == str(chosen["params"]["factors"])
    assert "Held out: a random share" in out
    assert "5 trials in" in out
    assert "Saved to p.json" in out


def test_a_search_goes_on_where_it_ended(done, files):
    command = ("tune", "events.csv", *BY_USER, *SMALL, "-k", 2, "--model", "als")
    kept = ("--storage", "search.db")
    out = done(*command, *kept, "--trials", 6, "--time", "1s", "-o", "a.json")
    done(*command, *kept, "--trials", 6, "-o", "b.json")
    done(*command, "--trials", 6, "-o", "c.json")
    assert (files / "b.json").read_bytes() == (files / "c.json").read_bytes()
    assert ("of 6 trials" in out) == ("goes on where search.db ends" in out)


def test_features_can_be_fixed_or_listed(done, files):
    command = ("tune", "events.csv", *KG, *BY_USER, *SEARCH)
    done(*command, "--features", "tokens", "-o", "a.json")
    assert _chosen(files / "a.json")["features"] == ["tokens"]
    done(*command, "--space", "features=none,tokens+columns", "-o", "b.json")
    assert _chosen(files / "b.json")["features"] in ([], ["tokens", "columns"])
    done(*command, "--features", "none", "-o", "c.json")
    assert _chosen(files / "c.json")["features"] == []


def test_labelled_pairs_are_tuned_for_auc(done, files):
    pairs = ("--split", "labelled-pairs:negatives=1", "--model", "als", "--trials", 3)
    out = done("tune", "events.csv", *pairs, "--set", "factors=2", "-o", "p.json")
    assert _chosen(files / "p.json")["metric"] == "auc"
    assert "\nauc " in out


def test_a_setting_that_fails_is_told(done, files):
    space = ("--space", "factors=-1,-2", "--space", "regularization=40", "--space", "alpha=10")
    out = done("tune", "events.csv", *BY_USER, "--model", "als", *space, "-o", "p.json")
    assert "3 of 50 trials" in out
    assert "1 complete, 2 failed" in out
    assert "failed: factors must be a whole number of at least 1" in out
    assert "No setting was better than the defaults" in out
    assert "hybridrec evaluate" not in out


def test_ctrl_c_says_what_is_kept(run, files, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("hybridrec.cli.tune.tune", interrupted)
    result = run("tune", "events.csv", *BY_USER, "--storage", "search.db", "-o", "p.json")
    assert result.code == 130
    assert "The trials so far are in search.db" in result.err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2H", 7200), ("1m5s", 65)],
)
def test_times(text, seconds, run, files, monkeypatch):
    given = []
    monkeypatch.setattr("hybridrec.cli.tune.tune", lambda *_, **options: given.append(options))
    with pytest.raises(AttributeError):  # what it returns is no result
        run("tune", "events.csv", "--time", text, "-o", "p.json")
    assert given[0]["seconds"] == seconds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--time", "soon"], "'soon' is no time such as 90s"),
        (["--time", "0"], "'0' is no time"),
        (["--time", "1h30"], "'1h30' is no time"),
        (["--trials", 0], "--trials"),
        (["--metric", "ndgc"], "did you mean 'ndcg'"),
        (["--split", "k-fold"], "'k-fold' makes several splits; tune on one: random"),
        (["--model", "asl"], "unknown model 'asl'"),
        (["--model", "popularity"], "popularity has nothing to tune"),
        (["--split", "randon"], "did you mean 'random'"),
        (["--space", "factors"], "must look like name=value"),
        (["--space", "factor=1,2"], "no parameter 'factor'; did you mean 'factors'"),
        (["--space", "factors=few"], "factors must be a whole number, got 'few'"),
        (["--space", "factors=9..2"], "low below high"),
        (["--space", "alpha=1..2:lgo"], "low below high"),
        (["--space", "features=token"], "did you mean 'tokens'"),
        (["--set", "factors=2", "--space", "factors=2,3"], "both be fixed and have a space"),
        (["--set", "factor=2"], "did you mean 'factors'"),
        (["--model", "als", "--features", "tokens"], "als does not use features"),
        (["--storage", "facts.tsv"], "is no storage of a search"),
        (["-o", "facts.tsv"], "already exists"),
        (["-o", "no/p.json"], "make it first"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, files):
    assert message in refused("tune", "events.csv", *BY_USER, "-o", "p.json", *arguments)


def test_another_search_in_the_storage_is_refused(done, refused, files):
    command = ("tune", "events.csv", *BY_USER, *SEARCH, "--storage", "search.db")
    done(*command, "-o", "a.json")
    error = refused(*command, "--metric", "recall", "-o", "b.json")
    assert "search.db holds another search: metric is ndcg there, recall here" in error
