from __future__ import annotations

from dataclasses import replace

import numpy as np

from hybridrec.evaluation.report import Report
from hybridrec.evaluation.results import Comparison


def test_headlines_are_the_first_accuracies_at_their_largest_cutoff(reports, comparisons, pairs):
    assert reports().headlines == (("ndcg", 10), ("recall", 10))
    found = comparisons(metrics=("coverage", "recall", "novelty"))
    assert Report(found).headlines == (("recall", 10),)
    assert Report(comparisons(metrics=("novelty",))).headlines == (("novelty", 1),)
    assert Report(pairs()).headlines == (("auc", None), ("log-loss", None))


def test_all_pairs_and_columns_are_tested_on_every_slice(reports, comparisons, pairs):
    report = reports()
    assert list(report.tests) == ["all", "warm", "cold"]
    tested = report.tests["all"]
    assert len(tested["p_value"]) == 3 * 6  # pairs, and columns with a value per user
    frame = report.comparison.significance()
    assert tested["difference"].tolist() == frame["difference"].tolist()
    assert tested["k"].tolist() == frame["k"].tolist()
    assert Report(pairs()).tests == {}
    assert Report(comparisons(models=["als"])).tests == {}


def test_many_tests_have_draws_enough_to_find_something(comparisons):
    many = comparisons(
        models=[f"m{at}" for at in range(9)], seeds=[0], slices=["all"], cutoffs=range(1, 6)
    )
    tests = 36 * 15
    assert tests / 10_001 > 0.05  # with the draws of `significance`
    assert Report(many).tests["all"]["p_holm"].min() < 0.011


def test_notes_of_evaluations_are_told_once(comparisons):
    found = comparisons(models=["als", "bpr"], slices=["all"])
    noted = [
        replace(one, notes=("ties",)) if one.model == "als" else one for one in found.evaluations
    ]
    report = Report(Comparison(noted), notes=("first", "als, seed 0: ties"))
    assert report.all_notes == ["first", "als, seed 0: ties", "als, seed 1: ties"]
    once = Report(Comparison(noted[:2]))
    assert once.all_notes == ["als: ties"]


def test_a_report_does_not_change_what_it_is_given(reports):
    report = reports()
    before = [one.slices["all"].values["ndcg", 5].copy() for one in report.comparison.evaluations]
    assert report.tests
    after = [one.slices["all"].values["ndcg", 5] for one in report.comparison.evaluations]
    assert all(np.array_equal(*both) for both in zip(before, after, strict=True))
