from __future__ import annotations

import numpy as np

from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.report import Report
from hybridrec.evaluation.report.summary import summary
from hybridrec.evaluation.results import Comparison

LOW = np.tile([0.1, 0.2], 20)
NOISE = np.random.default_rng(0).normal(size=40)


def compared(metric="ndcg", k=10, **values) -> Comparison:
    users = np.arange(40)
    return Comparison(
        [
            Evaluation(model, 0, {"all": Slice(users, 40, {(metric, k): np.asarray(one)})})
            for model, one in values.items()
        ]
    )


def test_the_best_is_better_than_all():
    text = summary(Report(compared(pop=LOW, als=LOW + 0.3, knn=LOW + 0.1)))
    assert text.startswith(
        "NDCG@10 is highest for als (0.4500 ± 0.0080), significantly better than knn and pop. Means"
    )
    assert "over 40 users; significant is p < 0.05" in text
    many = {f"m{at}": LOW + 0.1 * at for at in range(5)}
    assert "significantly better than the 4 others." in summary(Report(compared(**many)))


def test_no_more_is_said_than_is_certain():
    near = LOW + 0.001 * NOISE
    assert near.mean() < LOW.mean()
    text = summary(Report(compared(pop=LOW - 0.05, als=near, knn=LOW)))
    assert "highest for knn (0.1500 ± 0.0080), significantly better than pop, but not than als" in (
        text
    )
    alone = summary(Report(compared(als=near, knn=LOW)))
    assert "but not significantly better than als (0.0001 apart, p = 0." in alone
    several = summary(Report(compared(als=near, knn=LOW, bpr=LOW)))
    assert "significantly better than bpr and als (bpr: 0.0000 apart, p = 1.000)" in several


def test_nothing_is_best_where_all_are_alike():
    text = summary(Report(compared(als=0 * LOW, knn=0 * LOW)))
    assert text.startswith("NDCG@10 is 0.0000 for all models. Means")


def test_less_can_be_better():
    text = summary(Report(compared("rmse", None, als=LOW + 0.3, knn=LOW)))
    assert text.startswith(
        "RMSE is lowest for knn (0.1500 ± 0.0080), significantly better than als"
    )


def test_one_model_is_best_of_nothing():
    text = summary(Report(compared(als=LOW)))
    assert text == "NDCG@10 of als (0.1500 ± 0.0080)."


def test_seeds_stand_in_where_users_cannot_be_tested(pairs):
    text = summary(Report(pairs()))
    assert text.startswith(
        "AUC is highest for hybrid (0.8230, sd 0.0030), 0.0200 ahead of als and better in 3 of 3"
        " seeds. Log loss is lowest for hybrid (0.4600, sd 0.0100), 0.0400 ahead of als and"
    )
    assert "significant" not in text
    assert "cannot be tested" in text
    assert "0.0200 ahead of als." in summary(Report(pairs(seeds=[0])))


def test_cold_items_and_the_verdict_are_told(reports):
    text = summary(reports())
    assert "NDCG@10 on cold items is highest for hybrid" in text
    assert "over 60 users and 2 seeds" in text
    assert text.endswith(reports().knowledge.verdict())
