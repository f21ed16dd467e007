from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hybridrec.errors import ParameterError
from hybridrec.evaluation import significance
from hybridrec.evaluation.significance import (
    TESTS,
    bootstrap_interval,
    holm,
    paired_tests,
    standard_error,
)

ONE_PAIR = [(0, 1)]


def skewed(users: int, columns: int = 1, seed: int = 0) -> np.ndarray:
    """Values like those of recall: many zeros, ties, few large ones."""
    rng = np.random.default_rng(seed)
    return np.round(rng.random((users, columns)) ** 3, 1)


def two_models(differences: np.ndarray) -> np.ndarray:
    """Values (n_users, 2, n_columns) of models with the given differences."""
    second = np.random.default_rng(9).random(differences.shape)
    return np.stack([second + differences, second], axis=1)


# ---- intervals ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("users", [40, 200])
def test_intervals_of_scipy(method, users):
    values = skewed(users, 4, seed=3)
    ours = bootstrap_interval(values, method=method, draws=20_000, confidence=0.9)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        confidence_level=0.9,
        method=method,
        random_state=1,
    ).confidence_interval
    # both are random: an end of the interval is known to a few hundredths of a standard error
    tolerance = 0.12 * standard_error(values)
    assert (np.abs(np.array(ours) - np.array([theirs.low, theirs.high])) < tolerance).all()


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("column", range(4))
def test_intervals_against_all_resamples(method, column):
    """Of few users with tied values, where many resampled means are equal."""
    values = skewed(6, 4, seed=3)[:, column]
    means = np.round(list(map(np.mean, product(values, repeat=6))), 9)
    observed, centred = round(values.mean(), 9), values - values.mean()
    z = stats.norm.ppf([0.05, 0.95])
    if method == "bca":
        bias = stats.norm.ppf(((means < observed).mean() + (means <= observed).mean()) / 2)
        skew = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
        z = bias + (bias + z) / (1 - skew * (bias + z))
    expected = np.quantile(means, stats.norm.cdf(z))
    low, high = bootstrap_interval(values[:, None], method=method, confidence=0.9, draws=40_000)
    assert [low[0], high[0]] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_cover_the_truth_as_often_as_they_say(method):
    rng = np.random.default_rng(0)
    values = rng.exponential(size=(80, 1500))  # each column a sample with mean 1
    low, high = bootstrap_interval(values, method=method, draws=2000)
    covered = np.mean((low <= 1) & (high >= 1))
    assert 0.925 < covered < 0.965  # bootstrap intervals of small skewed samples fall short a bit
    # BCa misses more evenly on both sides
    above, below = np.mean(low > 1), np.mean(high < 1)
    assert 1 < below / above < (2 if method == "bca" else 4)


@pytest.mark.parametrize("value", [0.3, 0])
def test_intervals_without_spread(value):
    values = np.full((7, 1), value)
    for method in significance.METHODS:
        low, high = bootstrap_interval(values, method=method, draws=50)
        assert low[0] == pytest.approx(value)
        assert high[0] == pytest.approx(value)


@pytest.mark.parametrize("users", [0, 1])
def test_no_interval_of_fewer_than_two_users(users):
    low, high = bootstrap_interval(np.ones((users, 3)))
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert low.shape == high.shape == (3,)


def test_results_do_not_depend_on_the_company():
    """Other metrics and models change nothing, though they change who has nothing but zeros."""
    values = skewed(50, 3)
    together = np.array(bootstrap_interval(values, draws=500))
    alone = np.array(bootstrap_interval(values[:, 1:2], draws=500))
    assert together[:, 1:2] == pytest.approx(alone, abs=1e-6)
    models = np.stack([skewed(50, 2, seed) for seed in range(4)], axis=1)
    among = paired_tests(models, [(0, 3), (2, 1)], draws=500).p_value
    assert among[1, 1] == paired_tests(models[:, [2, 1], 1:], ONE_PAIR, draws=500).p_value[0, 0]


# ---- draws ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [[0, 1, 2, 3, 4], [1, 4]])
def test_counts_are_draws_with_replacement(wanted):
    counts = significance._counts(np.random.default_rng(0), 4000, 5, np.array(wanted))
    assert counts.shape == (4000, len(wanted))
    assert counts.sum(axis=1).max() == 5
    assert (counts.sum(axis=1) == 5).all() == (len(wanted) == 5)
    assert counts.mean(axis=0) == pytest.approx(np.ones(len(wanted)), abs=0.06)
    # multinomial: variance 1 - 1/n, covariance -1/n
    assert np.cov(counts.T) == pytest.approx(np.eye(len(wanted)) - 1 / 5, abs=0.06)


def test_means_of_users_who_are_mostly_zero():
    """Users without values are drawn like all others, though never looked at."""
    values = np.zeros((400, 2))
    values[::8] = skewed(50, 2) + 1
    means = significance.resampled_means(values, 8000, 0, 1)
    assert means.mean(axis=0) == pytest.approx(values.mean(axis=0), rel=0.01)
    spread = values.std(axis=0) / np.sqrt(400)
    assert means.std(axis=0) == pytest.approx(spread, rel=0.04)
    plain = [np.random.default_rng(one).choice(values[:, 0], 400).mean() for one in range(2000)]
    assert stats.ks_2samp(plain, means[:, 0]).pvalue > 0.01


@pytest.mark.parametrize("users", [1, 8, 13])
def test_signs_are_fair_and_independent(users):
    everyone = np.arange(users)
    signs = significance._signs(np.random.default_rng(0), 4000, users, everyone)
    last = significance._signs(np.random.default_rng(0), 4000, users, everyone[-1:])
    assert np.array_equal(last, signs[:, -1:])
    assert signs.shape == (4000, users)
    assert set(np.unique(signs)) == {-1, 1}
    assert signs.T @ signs.astype(float) / 4000 == pytest.approx(np.eye(users), abs=0.07)
    assert signs.mean(axis=0) == pytest.approx(np.zeros(users), abs=0.07)


def test_weighted_sums_of_every_block(monkeypatch):
    """Blocks are put where they belong, also the last, shorter one."""
    monkeypatch.setattr(significance, "_BLOCK_CELLS", 40)
    values = np.arange(20.0).reshape(10, 2)
    values[3] = 0

    def numbered(stream, rows, n, wanted):
        assert n == 10
        assert wanted.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        return np.full((rows, len(wanted)), stream.integers(1, 100))

    sums = significance._weighted_sums(numbered, 1, values, 10, random_state=3, num_threads=2)
    expected = []
    for start in (0, 4, 8):
        weight = significance.random_stream(3, 1, start).integers(1, 100)
        expected += [weight * values.sum(axis=0)] * min(4, 10 - start)
    assert sums == pytest.approx(np.array(expected))


@pytest.mark.parametrize("users", [3, 30_000])
def test_results_depend_on_the_seed_alone(users):
    values = skewed(users, 2)
    models = two_models(skewed(users, 2) - 0.25)

    def found(random_state, num_threads):
        options = {"draws": 300, "random_state": random_state, "num_threads": num_threads}
        p_value = paired_tests(models, ONE_PAIR, **options).p_value
        return np.concatenate([*bootstrap_interval(values, **options), p_value[0]])

    assert np.array_equal(found(0, 1), found(0, 2))
    assert np.array_equal(found(0, 1), found(0, 0))
    assert not np.array_equal(found(0, 1), found(1, 1))


# ---- tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("test", TESTS)
def test_p_values_are_uniform_where_there_is_no_difference(test):
    rng = np.random.default_rng(1)
    values = two_models(rng.normal(size=(40, 500)) * rng.random(500))
    p_values = paired_tests(values, ONE_PAIR, test=test, draws=2000).p_value.ravel()
    assert stats.kstest(p_values, "uniform").pvalue > 0.05
    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("test", TESTS)
def test_differences_are_found(test):
    rng = np.random.default_rng(6)
    values = two_models(rng.normal(0.5, 1, size=(40, 200)))
    p_values = paired_tests(values, ONE_PAIR, test=test, draws=2000).p_value
    assert np.mean(p_values < 0.05) > 0.75  # the t-test finds 86 % of these


def test_randomisation_against_all_sign_flips():
    differences = np.array([0.3, -0.1, 0.4, 0.0, 0.2, 0.1, 0.1])
    exact = stats.permutation_test(
        (differences, np.zeros(7)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue
    flips = np.array(list(product([-1, 1], repeat=7))) @ differences
    assert exact == pytest.approx(np.mean(np.abs(flips) >= 1.0 - 1e-12))
    found = paired_tests(two_models(differences[:, None]), ONE_PAIR, draws=40_000)
    assert found.p_value[0, 0] == pytest.approx(exact, abs=0.006)


@pytest.mark.parametrize("seed", range(3))
def test_randomisation_of_scipy(seed):
    values = skewed(60, 2, seed)
    theirs = stats.permutation_test(
        (values[:, 0], values[:, 1]),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=10_000,
        random_state=seed,
    ).pvalue
    ours = paired_tests(values[:, :, None], ONE_PAIR).p_value[0, 0]
    assert ours == pytest.approx(theirs, abs=0.02)


def test_randomisation_is_never_zero():
    found = paired_tests(two_models(np.ones((30, 1))), ONE_PAIR, draws=99)
    assert found.p_value[0, 0] == 1 / 100


def test_rounding_does_not_break_ties():
    """0.1 + 0.2 > 0.3: flipped sums that equal the observed one but for rounding count."""
    differences = np.array([0.1, 0.2, -0.3, 0.7, 0.1])
    exact = np.abs(np.array(list(product([-1, 1], repeat=5))) @ [1, 2, 3, 7, 1]) >= 8
    found = paired_tests(two_models(differences[:, None]), ONE_PAIR, draws=40_000)
    assert found.p_value[0, 0] == pytest.approx(exact.mean(), abs=0.008)


@given(seed=st.integers(0, 2**32 - 1), users=st.integers(3, 60), digits=st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_t_test_and_wilcoxon_of_scipy(seed, users, digits):
    """Few digits make ties and users without a difference."""
    values = np.round(np.random.default_rng(seed).normal(size=(users, 2, 3)), digits)
    values[0] += [[0], [1]]  # a difference in every column
    values[1] += [[0], [0.3]]  # and another
    first, second = values[:, 0], values[:, 1]
    t_test = paired_tests(values, ONE_PAIR, test="t-test")
    assert t_test.p_value[0] == pytest.approx(stats.ttest_rel(first, second).pvalue, rel=1e-9)
    wilcoxon = paired_tests(values, ONE_PAIR, test="wilcoxon")
    for one in range(3):
        theirs = stats.wilcoxon(first[:, one] - second[:, one]).pvalue
        assert wilcoxon.p_value[0, one] == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("test", TESTS)
def test_no_difference_at_all(test):
    values = np.repeat(skewed(9, 2)[:, None], 2, axis=1)
    found = paired_tests(values, ONE_PAIR, test=test, draws=100)
    assert (found.p_value == 1).all()
    assert (found.equal == 9).all()


def test_the_same_difference_for_everyone():
    """Without spread there is no doubt for the t-test."""
    values = np.stack([np.full((9, 1), 0.5), np.full((9, 1), 0.25)], axis=1)
    assert paired_tests(values, ONE_PAIR, test="t-test").p_value[0, 0] == 0


def test_one_user():
    values = np.array([[[0.5], [0.2]]])
    assert np.isnan(paired_tests(values, ONE_PAIR, test="t-test").p_value[0, 0])
    assert paired_tests(values, ONE_PAIR, draws=20).p_value[0, 0] == 1
    assert np.isnan(paired_tests(values, ONE_PAIR, draws=20).standard_error[0, 0])


def test_differences_errors_and_counts_of_several_pairs():
    values = np.random.default_rng(2).integers(0, 3, (20, 3, 2)).astype(float)
    pairs = [(0, 2), (2, 1)]
    found = paired_tests(values, pairs, test="t-test")
    for row, (one, other) in enumerate(pairs):
        differences = values[:, one] - values[:, other]
        assert found.difference[row] == pytest.approx(differences.mean(axis=0))
        assert found.standard_error[row] == pytest.approx(stats.sem(differences, axis=0))
        assert found.larger[row].tolist() == (differences > 0).sum(axis=0).tolist()
        assert found.equal[row].tolist() == (differences == 0).sum(axis=0).tolist()
        assert found.smaller[row].tolist() == (differences < 0).sum(axis=0).tolist()
    swapped = paired_tests(values, [(2, 0)], test="randomisation", draws=500)
    straight = paired_tests(values, [(0, 2)], test="randomisation", draws=500)
    assert np.array_equal(swapped.p_value, straight.p_value)


# ---- correction -----------------------------------------------------------------------------


def test_holm_by_hand():
    # sorted: 0.005 * 4, 0.01 * 3, 0.03 * 2, 0.04 * 1 = 0.02, 0.03, 0.06, 0.04 -> 0.06
    found = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert found == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.6])).tolist() == [1, 1]
    assert holm(np.array([])).tolist() == []


def plain_holm(p_values: list[float]) -> list[float]:
    m = len(p_values)
    return [
        min(
            1.0,
            max(
                (m - sum(q < other for q in p_values)) * other for other in p_values if other <= own
            ),
        )
        for own in p_values
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12, unique=True))
def test_holm_against_its_definition(p_values):
    assert holm(np.array(p_values)) == pytest.approx(plain_holm(p_values))


def test_holm_passes_over_what_was_not_tested():
    found = holm(np.array([np.nan, 0.02, 0.01]))
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([0.02, 0.02])


def test_holm_keeps_the_rate_of_false_findings():
    """With no difference anywhere, hardly ever is any of ten tests significant."""
    p_values = np.random.default_rng(0).random((4000, 10))
    any_found = [holm(row).min() < 0.05 for row in p_values]
    assert np.mean(any_found) == pytest.approx(0.05, abs=0.01)


# ---- parameters -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 95}, "confidence must be between 0 and 1, got 95"),
        ({"confidence": True}, "confidence must be"),
        ({"draws": 0}, "draws must be a whole number of at least 1, got 0"),
        ({"draws": 10.5}, "draws must be"),
        ({"method": "bac"}, r"unknown method 'bac'; did you mean 'bca'\?"),
        ({"random_state": -1}, "random_state must be at least 0"),
        ({"num_threads": -1}, "num_threads must be"),
    ],
)
def test_wrong_parameters_of_intervals(options, message):
    with pytest.raises(ParameterError, match=message):
        bootstrap_interval(skewed(5), **options)


def test_wrong_parameters_of_tests():
    values = two_models(skewed(5))
    with pytest.raises(ParameterError, match=r"unknown test 'ttest'; did you mean 't-test'\?"):
        paired_tests(values, ONE_PAIR, test="ttest")
    with pytest.raises(ParameterError, match="draws must be"):
        paired_tests(values, ONE_PAIR, draws=0)


def test_inputs_are_not_changed():
    values = skewed(20, 2)
    before = values.copy()
    bootstrap_interval(values, draws=10)
    paired_tests(values[:, :, None], ONE_PAIR, draws=10)
    assert np.array_equal(values, before)
