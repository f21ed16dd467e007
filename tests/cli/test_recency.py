"""``--half-life`` and ``--session-gap``: weighted alike in the fit and afterwards."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.recency import Recency
from hybridrec.evaluation.splits import load_split

AGED = ("--half-life", 0.00005, "--session-gap", 0.05)


def test_a_model_keeps_how_it_weighs_a_history(done, files):
    done("fit", "events.csv", "--model", "item-knn", *AGED, "-o", "aged")
    model = hybridrec.load("aged")
    assert (model.recency_.half_life_days, model.recency_.session_gap_minutes) == (0.00005, 0.05)
    assert len(set(model.history_.data.tolist())) > 2
    rows = pd.read_csv("events.csv").query("user == 3")
    rows.to_csv("me.csv", index=False)
    rows.drop(columns="time").to_csv("timeless.csv", index=False)
    shown = {
        name: json.loads(
            done("recommend", "aged", "--history", name, "--format", "json", "--user", 3)
        )
        for name in ("me.csv", "timeless.csv")
    }
    own = json.loads(done("recommend", "aged", "--user", 3, "--format", "json"))
    scores = {name: [row["score"] for row in found] for name, found in shown.items()}
    assert scores["me.csv"] == pytest.approx([row["score"] for row in own], rel=1e-5)
    assert scores["timeless.csv"] != pytest.approx(scores["me.csv"], rel=1e-3)


def test_evaluate_weighs_what_is_learned_from(done, files):
    rng = np.random.default_rng(0)
    many = {"user": rng.integers(60, size=900), "item": rng.integers(40, size=900)}
    pd.DataFrame(many | {"time": rng.integers(900, size=900)}).to_csv("many.csv", index=False)
    command = ("evaluate", "many.csv", "--split", "leave-last-n", "--model", "item-knn")
    plain = json.loads(done(*command, "--format", "json"))
    aged = json.loads(done(*command, *AGED, "--format", "json"))
    assert [row["n_users"] for row in plain] == [row["n_users"] for row in aged]
    assert [row["value"] for row in plain] != [row["value"] for row in aged]


def test_a_split_on_disk_keeps_it(done, files):
    done("split", "events.csv", "--split", "leave-last-n", *AGED[:2], "-o", "cut")
    split = load_split("cut")
    assert split.train.interactions.recency == Recency(half_life_days=AGED[1])
    assert len(set(split.train.matrix.data.tolist())) > 1


def test_times_are_needed(refused, files):
    (files / "timeless.csv").write_text("user,item\n1,a\n2,b\n", encoding="utf-8")
    said = refused("fit", "timeless.csv", "--half-life", 30, "-o", "m")
    assert "half-life and sessions need a timestamp column" in said


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--half-life", 0), "half_life_days must be a positive number"),
        (("--session-gap", -1), "session_gap_minutes must be a positive number"),
    ],
)
def test_bad_values(refused, files, option, said):
    assert said in refused("fit", "events.csv", *option, "-o", "m")
