"""The commands with --cluster: the same data, models, lists and tables as without."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr

ON = ("--cluster", "local:1")
ALS = ("--set", "factors=4", "--set", "iterations=3")


@pytest.fixture
def events(files):
    """Events as two partitions and as one file."""
    rows = pd.read_csv(files / "events.csv")
    (files / "log").mkdir()
    rows.iloc[:13].to_parquet(files / "log" / "a.parquet")
    rows.iloc[13:].to_parquet(files / "log" / "b.parquet")
    return files / "log"


def test_fit_recommend_and_evaluate(done, files, events):
    """One test for all three: each starts processes."""
    side = ("--kg", "facts.tsv", "--items", "items.csv", "--features", "tokens", *ALS)
    said = done("fit", "log", *side, *ON, "--checkpoint", "state", "-o", "there")
    assert "hybrid-als fitted on 1 workers in" in said
    assert "same user and item (last)" in said
    assert (files / "state" / "state.json").exists()
    done("fit", "events.csv", *side, "--no-guard", "-o", "here")
    ours, theirs = (hr.load(files / one) for one in ("there", "here"))
    assert ours.items_ == theirs.items_
    found, expected = (one.recommend(k=3) for one in (ours, theirs))
    np.testing.assert_allclose(found["score"], expected["score"], atol=1e-5)
    assert ours.item_pipeline_ is not None

    done("recommend", "there", "--all", *ON, "-k", 3, "-o", "lists.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(files / "lists.parquet"), found)

    asked = ("--split", "leave-last-n", "--model", "popularity", "-k", 2, "--format", "json")
    rows, there = (
        json.loads(done("evaluate", one, *asked, *more))
        for one, more in (("log", ON), ("events.csv", ("--significance", "none")))
    )
    names = ("metric", "k", "slice", "n_users", "model")
    assert [[row[name] for name in names] for row in rows] == [
        [row[name] for name in names] for row in there
    ]
    np.testing.assert_allclose([row["value"] for row in rows], [row["value"] for row in there])


def test_what_does_not_go_together_is_refused(refused, model, events):
    fit = ("fit", "log", "-o", "out")
    assert "--memory-limit goes with --cluster" in refused(*fit, "--memory-limit", "1GB")
    assert "--checkpoint goes with --cluster" in refused(*fit, "--checkpoint", "state")
    assert "not for --cluster: name a model" in refused(*fit, *ON, "--model", "auto")
    assert "ease cannot be trained" in refused(*fit, *ON, "--model", "ease")
    assert "a local cluster is local:N" in refused(*fit, "--cluster", "local:none")
    assert "all of --tls-ca" in refused(*fit, "--cluster", "tls://x:1", "--tls-ca", "events.csv")
    lists = ("recommend", model, *ON)
    assert "--cluster is for --all" in refused(*lists, "--user", 1, "-o", "x.parquet")
    assert "writes parquet" in refused(*lists, "--all")
    measure = ("evaluate", "log", *ON)
    assert "--ci is not for --cluster" in refused(*measure, "--ci")
    assert "--split cold-items is not cut" in refused(*measure, "--split", "cold-items")
    assert "tables, json or csv" in refused(*measure, "--format", "html", "-o", "report.html")


def test_a_poisoned_partition_is_one_line(refused, events):
    (events / "c.parquet").write_bytes(b"no parquet")
    said = refused("fit", "log", *ON, "-o", "out")
    assert "c.parquet cannot be read as Parquet" in said


def test_a_url_needs_a_cluster(refused):
    assert "s3://bucket/log" in refused("fit", "s3://bucket/log", "-o", "out")
