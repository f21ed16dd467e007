"""Scenarios on the command line: a column, alphas, lists, people with several ids."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import hybridrec

FIT = ("fit", "log.csv", "--scenario-column", "kind", "--set", "factors=4", "--threads", 1)


@pytest.fixture
def log(files):
    """A log of browsing and buying, in which a pair may have both."""
    rng = np.random.default_rng(0)
    rows = [
        (f"{kind[0]}{user}", f"i{item}", kind)
        for user in range(30)
        for item in range(user % 2, 24, 2)
        for kind, share in (("view", 0.6), ("buy", 0.3))
        if rng.random() < share
    ]
    frame = pd.DataFrame(rows, columns=["user", "item", "kind"])
    frame.assign(user=frame["user"].str[1:].astype(int)).to_csv(files / "log.csv", index=False)
    frame.to_csv(files / "accounts.csv", index=False)
    links = pd.DataFrame({"kind": ["view", "buy"]}).merge(pd.DataFrame({"n": range(29)}), "cross")
    links["user"] = links["kind"].str[0] + links["n"].astype(str)
    links = links.assign(person="p" + links["n"].astype(str)).rename(columns={"kind": "scenario"})
    links[["scenario", "user", "person"]].to_csv(files / "links.csv", index=False)
    return frame


def test_a_model_of_scenarios(log, done):
    out = done(*FIT, "-o", "shop")
    assert f"rows                            {len(log)}" in out  # no view is a repeat of a buy
    assert "Scenarios, and how far they are from the model of all" in out
    assert "hybrid-als by scenario with no features fitted" in out
    model = hybridrec.load("shop")
    assert model.model_name == "scenarios"
    assert (model.base, model.column, model.alpha) == ("hybrid-als:factors=4", "kind", "auto")
    assert set(model.alpha_) == {"view", "buy"}
    rows = json.loads(
        done("recommend", "shop", "--user", 3, "--scenario", "buy", "--format", "json")
    )
    expected = model.scenario("buy").recommend([3])
    assert [row["item"] for row in rows] == expected["item"].tolist()
    bought = log[(log["kind"] == "buy") & (log["user"] == "b3")]["item"]
    assert not set(bought) & {row["item"] for row in rows}
    audit = done(
        "recommend", "shop", "--user", 3, "--scenario", "buy", "--audit", "--format", "csv"
    )
    assert len(audit.splitlines()) == 1 + len(expected)


def test_alpha_can_be_given(log, done):
    done(*FIT, "--scenario-alpha", "0.25", "--model", "als", "-o", "shop")
    model = hybridrec.load("shop")
    assert set(model.alpha_.values()) == {(0.25, 0.25, 0.25)}
    assert model.base == "als:factors=4"


def test_users_of_several_ids_are_one(log, done):
    out = done("fit", "accounts.csv", *FIT[2:], "--user-links", "links.csv", "-o", "shop")
    there = log["user"].nunique() - log["user"].isin(["v29", "b29"]).any() * 2
    assert f"{there} linked user ids are 29 people; 2 users are not linked, " in out
    model = hybridrec.load("shop")
    assert "p3" in model.users_
    assert "buy:b29" in model.users_
    lists = done("recommend", "shop", "--user", "p3", "--scenario", "view", "--format", "json")
    assert json.loads(lists)


def test_bad_options(log, refused, done, files):
    assert "no column 'kin'" in refused("fit", "log.csv", "--scenario-column", "kin", "-o", "x")
    assert "needs --scenario-column" in refused("fit", "log.csv", "--scenario-alpha", 1, "-o", "x")
    assert "must be a number" in refused(*FIT, "--scenario-alpha", "much", "-o", "x")
    assert "alpha must be at most 1" in refused(*FIT, "--scenario-alpha", 2, "-o", "x")
    assert "hybrid-als or als" in refused(
        *("fit", "log.csv", "--scenario-column", "kind", "--model", "ease", "-o", "x")
    )
    assert "knows no scenarios" in refused(*FIT[:4], "--model", "auto", "-o", "x")
    assert "'movielens-small' has no column 'kind' of scenarios" in refused(
        *("fit", "--dataset", "movielens-small", "--scenario-column", "kind", "-o", "x")
    )
    (files / "pairs.csv").write_text("a,b\nnobody,noone\n")
    assert "none of the linked ids" in refused(
        *("fit", "accounts.csv", "--user-links", "pairs.csv", "-o", "x")
    )
    done(*FIT, "--scenario-alpha", 0, "-o", "shop")
    assert "unknown scenario 'bye'; did you mean 'buy'" in refused(
        *("recommend", "shop", "--user", 3, "--scenario", "bye")
    )
    done("fit", "log.csv", "--model", "popularity", "-o", "plain")
    assert "fitted with --scenario-column; this is popularity" in refused(
        *("recommend", "plain", "--user", 3, "--scenario", "buy")
    )
