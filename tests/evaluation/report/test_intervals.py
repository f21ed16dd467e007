from __future__ import annotations

import numpy as np
import pytest

from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.report.intervals import intervals
from hybridrec.evaluation.results import Comparison


def test_one_seed_has_the_intervals_of_its_evaluations(comparisons):
    found = comparisons(seeds=[3], slices=["all"])
    columns = [("ndcg", 5), ("recall", 10)]
    bounds = intervals(found, columns, "all")
    for one in found.evaluations:
        for column in columns:
            assert bounds[one.model, column] == pytest.approx(one.interval(*column), abs=1e-6)


def test_several_seeds_lie_around_the_mean_over_seeds(comparisons):
    found = comparisons(slices=["all"], seeds=(0, 1, 2))
    low, high = intervals(found, [("ndcg", 5)], "all")["als", ("ndcg", 5)]
    mean, error = found.mean("als", "ndcg", 5), found.standard_error("als", "ndcg", 5)
    assert low == pytest.approx(mean - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(mean + 1.96 * error, abs=0.2 * error)


def test_values_of_all_users_together_spread_over_the_seeds(comparisons):
    found = comparisons(slices=["all"])
    mean, spread = found.mean("als", "coverage", 5), found.spread("als", "coverage", 5)
    column = ("coverage", 5)
    assert intervals(found, [column], "all")["als", column] == (mean - spread, mean + spread)
    assert intervals(found, [column], "all", over_seeds=False) == {}
    assert intervals(comparisons(seeds=[0]), [column], "all") == {}


def test_one_user_has_no_interval():
    part = Slice(np.arange(1), 1, {("ndcg", 5): np.array([0.5])})
    assert intervals(Comparison([Evaluation("als", 0, {"all": part})]), [("ndcg", 5)], "all") == {}
