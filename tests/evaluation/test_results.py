from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from hybridrec.errors import ParameterError
from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.significance import TESTS, holm


def measured(model, values, seed=0, users=None, backend="pandas", **more) -> Evaluation:
    """An evaluation at k = 5 with the given recall of every user."""
    users = np.arange(len(values)) if users is None else np.asarray(users)
    metrics = {("recall", 5): np.asarray(values, dtype=float), ("coverage", 5): np.array(0.5)}
    metrics.update({(name, 5): np.asarray(one, dtype=float) for name, one in more.items()})
    part = Slice(users, len(users) - 1, metrics)
    return Evaluation(model, seed, {"all": part}, backend=backend)


@pytest.fixture
def three() -> Comparison:
    rng = np.random.default_rng(0)
    base = rng.random(40)
    return Comparison(
        [
            measured("a", base, ndcg=base),
            measured("b", base + 0.1 + 0.05 * rng.normal(size=40), ndcg=base[::-1]),
            measured("c", base + 0.02 * rng.normal(size=40), ndcg=base),
        ]
    )


def repeated() -> Comparison:
    """Two models, two seeds with some users in common."""
    return Comparison(
        [
            measured("a", [0, 1, 0.5], 1, users=["x", "y", "z"]),
            measured("b", [1, 1, 0.5], 1, users=["x", "y", "z"]),
            measured("a", [0.5, 0], 2, users=["y", "w"]),
            measured("b", [0.25, 1], 2, users=["y", "w"]),
        ]
    )


# ---- one split ------------------------------------------------------------------------------


def test_rows_are_those_of_every_model(three):
    assert [row["model"] for row in three.rows()] == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert three.rows() == [row for one in three.evaluations for row in one.summary()]
    with_bounds = three.rows(0.95, draws=300)
    alone = three.evaluations[1].summary(0.95, draws=300)
    assert with_bounds[3] == pytest.approx(alone[0], abs=1e-6)


def test_mean_spread_and_error_of_one_seed(three):
    assert three.mean("b", "recall", 5) == three.evaluations[1].mean("recall", 5)
    error = three.evaluations[1].standard_error("recall", 5)
    assert three.standard_error("b", "recall", 5) == pytest.approx(error)
    assert np.isnan(three.standard_error("b", "coverage", 5))
    assert np.isnan(three.spread("b", "recall", 5))
    with pytest.raises(ParameterError, match="model 'd' was not evaluated"):
        three.mean("d", "recall", 5)


@pytest.mark.parametrize("test", TESTS)
def test_significance_of_one_metric(three, test):
    frame = three.significance("recall", 5, test)
    assert list(frame.columns) == [
        *("model", "baseline", "metric", "k", "difference", "se"),
        *("wins", "ties", "losses", "p_value", "p_holm"),
    ]
    pairs = list(zip(frame["model"], frame["baseline"], strict=True))
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    a, b, c = (one.values("recall", 5) for one in three.evaluations)
    for row, differences in zip(frame.itertuples(), (a - b, a - c, b - c), strict=True):
        assert row.difference == pytest.approx(differences.mean())
        assert row.se == pytest.approx(stats.sem(differences))
        assert (row.wins, row.losses) == ((differences > 0).sum(), (differences < 0).sum())
        assert row.wins + row.ties + row.losses == 40
    expected = {
        "t-test": stats.ttest_rel(a, b).pvalue,
        "wilcoxon": stats.wilcoxon(a, b).pvalue,
        "randomisation": 1 / 10_001,
    }
    assert frame["p_value"][0] == pytest.approx(expected[test])
    assert frame["p_holm"].to_numpy() == pytest.approx(holm(frame["p_value"].to_numpy()))


def test_significance_against_a_baseline(three):
    frame = three.significance("recall", 5, "t-test", baseline="b")
    assert frame["model"].tolist() == ["a", "c"]
    assert set(frame["baseline"]) == {"b"}
    assert (frame["difference"] < 0).all()


def test_significance_corrects_for_the_whole_frame(three):
    everything = three.significance(test="t-test")
    assert everything["metric"].tolist() == ["recall", "ndcg"] * 3  # and no coverage
    assert everything["p_holm"].to_numpy() == pytest.approx(holm(everything["p_value"].to_numpy()))
    one = three.significance("recall", test="t-test")
    assert everything["p_value"][0] == pytest.approx(one["p_value"][0])
    assert everything["p_holm"][0] == pytest.approx(2 * one["p_holm"][0])


def test_nothing_differs(three):
    row = three.significance("ndcg", 5).iloc[1]  # a and c
    assert (row["ties"], row["p_value"], row["difference"]) == (40, 1, 0)


def test_smaller_errors_win():
    one, other = measured("a", [0, 0, 1], rmse=[1, 2, 3]), measured("b", [0, 0, 1], rmse=[2, 2, 4])
    row = Comparison([one, other]).significance("rmse", 5, "t-test").iloc[0]
    assert (row["wins"], row["ties"], row["losses"]) == (2, 1, 0)
    assert row["difference"] < 0


def test_frame_of_the_caller_s_library():
    values = np.arange(6) / 6
    both = Comparison([measured(name, values, backend="polars") for name in "ab"])
    assert isinstance(both.significance(), pl.DataFrame)


def test_asking_for_tests_that_cannot_be(three):
    with pytest.raises(ParameterError, match="coverage has one value for all users together"):
        three.significance("coverage", 5)
    with pytest.raises(ParameterError, match=r"metric 'recal' was not.*did you mean 'recall'"):
        three.significance("recal", 5)
    with pytest.raises(ParameterError, match="k = 7 was not evaluated"):
        three.significance("recall", 7)
    with pytest.raises(ParameterError, match="slice 'warm' was not evaluated"):
        three.significance("recall", 5, on="warm")
    with pytest.raises(ParameterError, match="model 'd' was not evaluated"):
        three.significance("recall", 5, baseline="d")
    with pytest.raises(ParameterError, match="unknown test"):
        three.significance("recall", 5, "anova")
    with pytest.raises(ParameterError, match="there is only one model, 'a'"):
        Comparison([measured("a", [1, 0])]).significance()


# ---- several seeds --------------------------------------------------------------------------


def test_mean_and_spread_over_seeds():
    found = repeated()
    assert found.seeds == (1, 2)
    assert list(found.by_model) == ["a", "b"]
    assert found.mean("a", "recall", 5) == pytest.approx((0.5 + 0.25) / 2)
    assert found.spread("a", "recall", 5) == pytest.approx(np.std([0.5, 0.25], ddof=1))
    assert found.spread("a", "coverage", 5) == 0
    assert [row["seed"] for row in found.rows()] == [1] * 4 + [2] * 4


def test_differences_over_seeds_are_those_of_the_means():
    row = repeated().significance("recall", 5, "t-test", baseline="a").iloc[0]
    # b - a: x +1, y 0, z 0 with seed 1; y -0.25, w +1 with seed 2
    assert row["difference"] == pytest.approx((1 / 3 + 0.75 / 2) / 2)
    # four users; a value counts 4 / (2 * 3) with seed 1 and 4 / (2 * 2) with seed 2
    users = np.array([1 * 4 / 6, -0.25, 0, 1])
    assert row["difference"] == pytest.approx(users.mean())
    assert row["se"] == pytest.approx(stats.sem(users))
    assert (row["wins"], row["ties"], row["losses"]) == (2, 1, 1)
    assert row["p_value"] == pytest.approx(stats.ttest_1samp(users, 0).pvalue)


def test_standard_error_over_seeds_goes_by_user():
    """A user's values belong together; that users are tested unequally often is no spread."""
    error = repeated().standard_error("a", "recall", 5)
    users = np.array([(0 - 0.5) * 4 / 6, (1 - 0.5) * 4 / 6 + 0.5 - 0.25, 0, 0 - 0.25])
    assert error == pytest.approx(stats.sem(users))
    constant = [
        measured("a", [0.7] * 5, 1, users=range(5)),
        measured("a", [0.7] * 3, 2, users=range(3, 6)),
    ]
    assert Comparison(constant).standard_error("a", "recall", 5) == pytest.approx(0)


def test_the_same_users_again_are_no_new_evidence():
    rng = np.random.default_rng(0)
    values = [rng.random(30), rng.random(30)]
    once = Comparison([measured(name, v) for name, v in zip("ab", values, strict=True)])
    thrice = Comparison.over(
        Comparison([measured(name, v, seed) for name, v in zip("ab", values, strict=True)])
        for seed in range(3)
    )
    assert thrice.seeds == (0, 1, 2)
    for test in TESTS:
        p_value = thrice.significance(test=test)["p_value"][0]
        assert p_value == pytest.approx(once.significance(test=test)["p_value"][0])
    error = once.standard_error("a", "recall", 5)
    assert thrice.standard_error("a", "recall", 5) == pytest.approx(error)


def test_slices_that_every_split_has():
    first = measured("a", [1, 0], 1)
    part = first.slices["all"]
    second = Evaluation("a", 2, {"all": part, "cold": part})
    assert Comparison([first, second]).slices == ("all",)
    assert Comparison([second]).slices == ("all", "cold")


# ---- what cannot be compared ----------------------------------------------------------------


def test_evaluations_that_do_not_fit_are_refused():
    one = measured("a", [1, 0])
    with pytest.raises(ParameterError, match="nothing to compare"):
        Comparison([])
    with pytest.raises(ParameterError, match="'b' and 'a' were evaluated on other users"):
        Comparison([one, measured("b", [1, 0], users=[0, 2])])
    with pytest.raises(ParameterError, match="'b' and 'a' were evaluated on other users"):
        Comparison([one, measured("b", [1, 0, 1])])
    for other in (measured("b", [1, 0], ndcg=[1, 0]), measured("a", [1, 0], 1, ndcg=[1, 0])):
        with pytest.raises(ParameterError, match="the same metrics and cut-offs"):
            Comparison([one, other])
    with pytest.raises(ParameterError, match=r"'b' was evaluated with seeds \[1\], 'a' with \[0\]"):
        Comparison([one, measured("b", [1, 0], seed=1)])
    with pytest.raises(ParameterError, match="'a' was evaluated twice with a seed"):
        Comparison([one, one])
