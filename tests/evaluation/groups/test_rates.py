from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hybridrec.evaluation.groups.rates import difference, interval, rates, resampled


def test_a_user_in_one_of_two_groups_makes_it_welchs_test():
    rng = np.random.default_rng(0)
    values, inside = rng.random(50) ** 2, np.arange(50) < 20
    above, below = (values * inside)[:, None], inside[:, None] * 1.0
    found = difference(above, below, (values * ~inside)[:, None], 1.0 - below)
    welch = stats.ttest_ind(values[inside], values[~inside], equal_var=False)
    assert found.difference[0] == pytest.approx(values[inside].mean() - values[~inside].mean())
    assert found.difference[0] / found.standard_error[0] == pytest.approx(welch.statistic)
    assert found.p_value[0] == pytest.approx(2 * stats.t.sf(abs(welch.statistic), 19))
    assert found.p_value[0] >= welch.pvalue  # fewer degrees of freedom: on the safe side


def test_users_in_both_groups_are_paired():
    rng = np.random.default_rng(1)
    one = rng.random((30, 1))
    other = one + 0.1 * rng.random((30, 1)) - 0.04
    found = difference(one, np.ones((30, 1)), other, np.ones((30, 1)))
    assert found.p_value[0] == pytest.approx(stats.ttest_rel(one[:, 0], other[:, 0]).pvalue)


def test_a_user_of_several_splits_is_one_user():
    """Twice the same values say no more than once."""
    rng = np.random.default_rng(2)
    values, inside = rng.random((40, 1)), (np.arange(40) < 15)[:, None] * 1.0
    once = difference(values * inside, inside, values * (1 - inside), 1 - inside)
    twice = difference(
        *(2 * one for one in (values * inside, inside, values * (1 - inside), 1 - inside))
    )
    assert twice.standard_error == pytest.approx(once.standard_error)
    assert twice.p_value == pytest.approx(once.p_value)


def test_no_difference_is_found_as_often_as_it_should_be():
    rng = np.random.default_rng(3)
    values = (rng.random((60, 2000)) < 0.2) * rng.random((60, 2000))
    inside = np.repeat((np.arange(60) < 25)[:, None], 2000, axis=1) * 1.0
    found = difference(values * inside, inside, values * (1 - inside), 1 - inside)
    assert 0.03 < (found.p_value < 0.05).mean() < 0.065


def test_nothing_to_compare_is_no_number():
    one, none = np.ones((3, 1)), np.zeros((3, 1))
    assert np.isnan(difference(one, one, none, none).p_value).all()
    assert difference(one, one, one, one).p_value == 1
    assert np.isnan(rates(np.ones(1), np.zeros(1))).all()


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(60):
        below = rng.integers(1, 5, (80, 1)) * 1.0
        above = rng.binomial(below.astype(int), 0.3) * 1.0
        drawn = resampled({"above": above, "below": below}, draws=400)
        low, high = interval(rates(drawn["above"], drawn["below"]), 0.9)
        inside += int(low[0] <= 0.3 <= high[0])
    assert 46 <= inside <= 60
