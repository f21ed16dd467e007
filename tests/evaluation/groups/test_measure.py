from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.errors import ParameterError
from hybridrec.evaluation import random_split
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.groups import GroupReport, group_report, measure_groups
from hybridrec.evaluation.metrics import Context

# User 1 wants f, 2 wants d, 4 wants c, 5 wants a.
LISTS = {1: "fe", 2: "fd", 4: "e", 5: "ba"}
RUN = pd.DataFrame(
    [(user, item, at) for user, items in LISTS.items() for at, item in enumerate(items, 1)],
    columns=["user", "item", "rank"],
)
FIRST, SECOND = 1, 1 / np.log2(3)


def rows(report, name):
    return {group: of["run"] for group, of in report.rows_of(name).items()}


def test_exposure_over_what_is_wanted(split):
    found = rows(measure_groups(RUN, split, ["items:popularity"], k=2), "items:popularity")
    total = 4 * FIRST + 3 * SECOND
    assert found["head"].exposure_share == pytest.approx((FIRST + SECOND) / total)
    assert found["tail"].exposure_share == pytest.approx((FIRST + 2 * SECOND) / total)
    assert found["cold"].exposure_share == pytest.approx(2 * FIRST / total)
    assert [one.relevant_share for one in found.values()] == [0.25, 0.5, 0.25]
    assert found["cold"].ratio == pytest.approx(8 * FIRST / total)
    assert [one.members for one in found.values()] == [2, 3, 1]
    assert found["tail"].share == 0.5
    assert found["tail"].interactions_share == pytest.approx(4 / 12)
    assert [one.value for one in found.values()] == [1, 0.5, 1]  # recall
    assert found["tail"].gap == -0.5
    assert (found["tail"].n_users, found["tail"].metric) == (2, "recall")


def test_a_film_of_two_genres_is_half_of_each(split):
    found = rows(measure_groups(RUN, split, ["items:genres"], k=1), "items:genres")
    # First are f (drama, comedy) twice, e (comedy) and b (drama).
    assert {name: one.exposure_share for name, one in found.items()} == {
        "comedy": 0.5, "drama": 0.5, "war": 0, "unknown": 0
    }  # fmt: skip
    # Wanted are f (drama, comedy), d (war), c (unknown) and a (war, drama).
    assert {name: one.relevant_share for name, one in found.items()} == {
        "comedy": 0.125, "drama": 0.25, "war": 0.375, "unknown": 0.25
    }  # fmt: skip
    assert found["drama"].value == 0.5  # f is found, a is not: each counts in full


def test_fairness_is_that_of_the_metric(split):
    report = measure_groups(RUN, split, ["items:popularity"], k=2)
    groups = np.array([0, 0, 1, 1, 1, 2])
    context = Context(groups=groups)
    metric = evaluate(RUN, split, metrics=["exposure-fairness"], k=2, context=context)
    assert report.gaps[0].exposure_fairness == pytest.approx(metric.mean("exposure-fairness", 2))


def test_accuracy_of_users_and_of_the_rest(split):
    found = rows(
        measure_groups(RUN, split, ["users:activity"], metric="recall", k=1), "users:activity"
    )
    assert {name: (one.value, one.n_users) for name, one in found.items()} == {
        "least active": (0, 1),
        "more active": (0.5, 2),
        "new": (0, 1),
    }
    assert found["more active"].gap == 0.5
    assert np.isnan(found["more active"].ratio)
    assert found["more active"].share == pytest.approx(0.4)
    assert not any(one.testable for one in found.values())  # too few


@pytest.fixture(scope="module")
def tested():
    """Two kinds of users; to the smaller kind the model is of no use."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        [
            (user, item)
            for user in range(80)
            for item in (rng.permutation(12)[:8] if user < 60 else 12 + rng.permutation(200)[:8])
        ],
        columns=["user", "item"],
    )
    users = pd.DataFrame({"user": range(80), "kind": np.where(np.arange(80) < 60, "main", "odd")})
    data = hr.Dataset.build(frame, user_table=users)
    splits = [random_split(data, random_state=seed) for seed in (0, 1)]
    names = {"popularity": hr.Popularity(), "item-knn": hr.ItemKNN()}
    return splits, [
        group_report(
            {name: one.fit(made.train) for name, one in names.items()}, made,
            ["users:kind", "items:popularity"], k=5,
        )
        for made in splits
    ]  # fmt: skip


def test_a_gap_is_found(tested):
    _, (one, _) = tested
    found = one.rows_of("users:kind")
    assert found["odd"]["popularity"].value < 0.1 < 0.5 < found["main"]["popularity"].value
    assert found["odd"]["popularity"].p_holm < 1e-6
    assert found["odd"]["popularity"].gap == -found["main"]["popularity"].gap
    assert found["main"]["popularity"].low < found["main"]["popularity"].value
    gap = one.gaps[0]
    assert (gap.model, gap.worst, gap.best) == ("popularity", "odd", "main")
    assert gap.gap == pytest.approx(gap.best_value - gap.worst_value)


def test_several_splits_are_pooled(tested):
    _, reports = tested
    both = GroupReport.over(reports)
    rows = [report.rows_of("users:kind")["main"]["item-knn"] for report in (*reports, both)]
    assert rows[2].value == pytest.approx((rows[0].value + rows[1].value) / 2, abs=0.01)
    assert rows[2].n_users <= 60
    assert rows[2].gap_se < rows[0].gap_se
    assert len(both.frame) == len(both.rows)
    assert set(both.frame["group"]) >= {"main", "odd", "head", "tail"}
    assert "Groups of users by kind" in str(both)


def test_the_interval_of_accuracy_covers_the_mean(tested):
    splits, (report, _) = tested
    found = evaluate(hr.Popularity().fit(splits[0].train), splits[0], slices=["users:kind"], k=5)
    row = report.rows_of("users:kind")["main"]["popularity"]
    assert row.value == pytest.approx(found.mean("ndcg", 5, "users:kind=main"))
    low, high = found.interval("ndcg", 5, "users:kind=main")
    assert row.low == pytest.approx(low, abs=0.02)
    assert row.high == pytest.approx(high, abs=0.02)


def test_reports_that_do_not_belong_together_are_refused(tested):
    _, (one, other) = tested
    with pytest.raises(ParameterError, match="no model was measured"):
        GroupReport.over([])
    with pytest.raises(ParameterError, match="twice with a seed"):
        GroupReport.over([one, one])
    alien = replace(
        other,
        measured=[
            replace(part, model="alien") for part in other.measured if part.model == "item-knn"
        ],
    )
    with pytest.raises(ParameterError, match="on other splits"):
        GroupReport.over([one, alien])


def test_bad_questions_are_refused(split):
    with pytest.raises(ParameterError, match="at least one model"):
        group_report({}, split)
    with pytest.raises(ParameterError, match="unknown metric 'ndgc'"):
        measure_groups(RUN, split, metric="ndgc")
    with pytest.raises(ParameterError, match="one value for all users"):
        measure_groups(RUN, split, metric="coverage")
    with pytest.raises(ParameterError, match="no accuracy"):
        measure_groups(RUN, split, metric="arp")
    with pytest.raises(ParameterError, match="k must be"):
        measure_groups(RUN, split, k=0)
