from __future__ import annotations

import json
import sys

import pytest

from hybridrec.evaluation.report import Report, to_json


def test_means_have_intervals_and_spread(reports):
    report = reports()
    content = json.loads(to_json(report))
    assert (content["format"], content["format_version"]) == ("hybridrec report", 1)
    rows = content["means"]
    assert len(rows) == 3 * 3 * 8
    row = next(
        one
        for one in rows
        if (one["slice"], one["model"], one["metric"], one["k"]) == ("cold", "als", "ndcg", 10)
    )
    assert row["value"] == report.comparison.mean("als", "ndcg", 10, "cold")
    assert row["se"] == report.comparison.standard_error("als", "ndcg", 10, "cold")
    assert row["sd"] == report.comparison.spread("als", "ndcg", 10, "cold")
    assert row["ci_low"] < row["value"] < row["ci_high"]
    coverage = next(one for one in rows if one["metric"] == "coverage")
    assert (coverage["se"], coverage["ci_low"]) == (None, None)
    assert len(content["curves"]) == 3 * 3 * 12


def test_tests_published_and_the_rest_are_there(reports):
    report = reports()
    content = json.loads(to_json(report))
    assert len(content["significance"]) == 3 * 18
    tested = content["significance"][0]
    assert tested["slice"] == "all"
    assert tested["wins"] + tested["ties"] + tested["losses"] == 60
    assert tested["p_holm"] == report.tests["all"]["p_holm"][0]
    assert content["published"][0]["source"] == "Wang, WWW 2019"
    assert content["relations"]["rows"][0]["relation"] == "genre"
    assert len(content["trade_offs"]) == 3 * 3 * 2 * 2
    assert (
        content["trade_offs"][4].items() >= {"rerank": "mmr", "weight": 0.5, "value": 0.35}.items()
    )
    assert "backend" not in content["relations"]
    assert content["knowledge"]["verdict"] == report.verdict
    assert content["commands"] == ["hybridrec evaluate a.csv", "  -o report.html"]
    assert content["metrics"]["ndcg"]["better"] == "higher"
    assert content["rows"] == report.comparison.rows()


def test_what_there_is_not_is_null(pairs, monkeypatch):
    for name in ("matplotlib", "jinja2"):
        monkeypatch.setitem(sys.modules, name, None)
    content = json.loads(to_json(Report(pairs(seeds=[4]))))
    for name in ("curves", "knowledge", "relations"):
        assert content[name] is None
    row = content["means"][0]
    assert (row["k"], row["se"], row["sd"], row["ci_low"]) == (None, None, None, None)
    assert row["value"] == pytest.approx(0.812)
    assert content["significance"] == content["published"] == []


def test_the_same_report_gives_the_same_text(reports):
    assert to_json(reports()) == to_json(reports())
