from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from hybridrec.evaluation.groups import GroupReport
from hybridrec.evaluation.groups.measured import Measured, Sizes
from hybridrec.evaluation.report import Report, to_html, to_json, to_latex, to_markdown
from hybridrec.evaluation.report.grouped import group_charts, group_sentences, group_tables


def make_groups(models=("als", "hybrid"), users=60) -> GroupReport:
    """Group "few" has 5 users, who find nothing; of the items "tail" is hardly shown."""
    inside = np.stack([np.arange(users) < users - 5, np.arange(users) >= users - 5], axis=1)
    quality = np.linspace(0.2, 0.6, users)[:, None]
    measured = []
    for place, model in enumerate(models):
        value = (quality + 0.1 * place) * [[1, 0]]
        of_users = {
            "value": value * inside,
            "counted": inside * 1.0,
            "rest value": value[:, ::-1] * 0 + (value.sum(axis=1, keepdims=True) * ~inside),
            "rest counted": ~inside * 1.0,
        }
        found = np.column_stack([quality[:, 0], 0.1 * quality[:, 0]])
        ones = np.ones((users, 2))
        of_items = {
            "value": found, "counted": ones, "rest value": found[:, ::-1], "rest counted": ones,
            "exposure": np.tile([9.0, 1.0 + place], (users, 1)), "merit": ones,
        }  # fmt: skip
        sizes = Sizes(np.array([55, 5]), np.array([0.9, 0.1]), np.array([0.95, 0.05]))
        ids = np.arange(users)
        measured += [
            Measured(model, 0, "users:kind", ("many", "few"), "ndcg", 10, sizes, ids, of_users),
            Measured(
                model, 0, "items:popularity", ("head", "tail"), "recall", 10, sizes, ids, of_items
            ),
        ]
    return GroupReport(measured)


@pytest.fixture
def report(small) -> Report:
    return replace(small, groups=make_groups(tuple(small.models)))


@pytest.fixture
def small() -> Report:
    from hybridrec.evaluation.measured import Evaluation, Slice
    from hybridrec.evaluation.results import Comparison

    values = {("ndcg", 10): np.linspace(0, 1, 60)}
    parts = [Evaluation(one, 0, {"all": Slice(np.arange(60), 60, values)}) for one in ("a", "b_1")]
    return Report(Comparison(parts))


def test_tables_mark_what_is_worse_and_what_cannot_be_told(report):
    users, items = group_tables(report.groups)
    many, few = ({cell.text: cell for cell in row} for row in users.rows)
    assert [cell.marks for cell in users.rows[1] if cell.marks] == ["†", "†"]
    assert "90.0 %" in many
    assert "5" in few
    assert [cell.marks for cell in items.rows[0] if cell.marks] == ["↑", "↑"]
    assert [cell.marks for cell in items.rows[1] if cell.marks] == ["↓", "↓"]
    assert items.rows[1][6].text == "0.20"  # a tenth of exposure for half of what is wanted


def test_a_sentence_a_grouping(report):
    users, items = group_sentences(report.groups, "a")
    assert "Users by kind: a serves “many” worst" in users  # the few are too few to speak of
    assert "Items by popularity: a shows “tail” 0.20 times as much" in items
    assert "p < 0.001" in items


def test_charts_have_a_dot_a_model_and_a_line_at_proportion(report):
    accuracy, ratio, recall = group_charts(report)
    assert [name for name, _ in accuracy.groups] == ["many", "few"]
    assert [entry.name for entry in accuracy.groups[0][1]] == ["a", "b_1"]
    assert ratio.reference == 1
    value = ratio.groups[1][1][0].value
    assert value.low <= value.value <= value.high
    assert recall.reference is None


def test_all_formats_have_the_groups(report):
    assert "## Groups: who is served worse" in to_markdown(report)
    page = to_html(report)
    assert 'id="groups"' in page
    assert page.count("<figure>") >= 3
    latex = to_latex(report)
    assert r"\label{tab:groups-1}" in latex
    assert r"\dag{}" in latex
    content = json.loads(to_json(report))["groups"]
    assert len(content["rows"]) == 8
    assert content["gaps"][1]["exposure_fairness"] is None
    assert {row["group"] for row in content["rows"]} == {"many", "few", "head", "tail"}


def test_without_groups_nothing_is_said(small):
    assert "Groups" not in to_markdown(small)
    assert json.loads(to_json(small))["groups"] is None
