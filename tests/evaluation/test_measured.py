from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.measured import Evaluation, Slice, column_name, summaries
from hybridrec.evaluation.significance import bootstrap_interval

KEYS = ["model", "metric", "k", "value", "n_users", "covered_users", "slice", "seed"]


@pytest.fixture
def evaluation() -> Evaluation:
    values = {
        ("recall", 5): np.array([0.0, 0.5, 1.0]),
        ("recall", 10): np.array([1.0, 0.5, 1.0]),
        ("coverage", 5): np.array(0.25),
        ("coverage", 10): np.array(0.5),
    }
    return Evaluation("als", 7, {"all": Slice(np.array(["x", "y", "z"]), 2, values)})


def test_summary_rows_are_json_with_fixed_keys(evaluation):
    rows = json.loads(json.dumps(evaluation.summary(), allow_nan=False))
    assert [list(row) for row in rows] == [[*KEYS, "se"]] * 4
    expected = dict(zip(KEYS, ["als", "recall", 10, 2.5 / 3, 3, 2, "all", 7], strict=True))
    assert {key: rows[1][key] for key in KEYS} == expected
    assert rows[0]["se"] == pytest.approx(0.5 / np.sqrt(3))
    assert rows[2]["value"] == 0.25
    assert rows[2]["se"] is None


def test_summary_with_intervals(evaluation):
    rows = json.loads(json.dumps(evaluation.summary(0.9, draws=500), allow_nan=False))
    assert [list(row) for row in rows] == [[*KEYS, "se", "ci_low", "ci_high"]] * 4
    low, high = evaluation.interval("recall", 5, confidence=0.9, draws=500)
    assert [rows[0]["ci_low"], rows[0]["ci_high"]] == pytest.approx([low, high], abs=1e-6)
    assert 0 <= low < 0.5 < high <= 1
    assert rows[3]["ci_low"] is rows[3]["ci_high"] is None


def test_summaries_of_several_models_are_those_of_each(evaluation):
    part = evaluation.slices["all"]
    better = {name: values / 2 + 0.5 for name, values in part.values.items()}
    other = Evaluation("bpr", 7, {"all": Slice(part.users, 3, better)})
    together = summaries([evaluation, other], 0.95, draws=200)
    apart = evaluation.summary(0.95, draws=200) + other.summary(0.95, draws=200)
    for one, same in zip(together, apart, strict=True):
        assert one == pytest.approx(same, abs=1e-6)


def test_interval(evaluation):
    values = evaluation.values("recall", 5)[:, None]
    low, high = bootstrap_interval(values, confidence=0.8, method="percentile", draws=99)
    found = evaluation.interval("recall", 5, confidence=0.8, method="percentile", draws=99)
    assert found == (low[0], high[0])
    assert np.isnan(evaluation.interval("coverage", 5)).all()
    with pytest.raises(ParameterError, match="confidence must be between 0 and 1"):
        evaluation.interval("recall", 5, confidence=95)


def test_intervals_without_per_user_metrics():
    values = {("coverage", 5): np.array(0.0)}
    only = Evaluation("als", 0, {"all": Slice(np.array([1]), 1, values)})
    assert only.summary(0.95)[0]["ci_low"] is None


def test_columns(evaluation):
    assert evaluation.columns == (("recall", 5), ("recall", 10), ("coverage", 5), ("coverage", 10))
    assert evaluation.user_columns == (("recall", 5), ("recall", 10))
    matrix = evaluation.matrix([("recall", 10), ("recall", 5)])
    assert matrix.tolist() == [[1, 0], [0.5, 0.5], [1, 1]]


def test_per_user_frame(evaluation):
    frame = evaluation.per_user
    assert list(frame.columns) == ["user", "metric", "k", "value"]
    assert set(frame["metric"]) == {"recall"}
    row = frame[(frame["user"] == "y") & (frame["k"] == 10)]
    assert row["value"].tolist() == [0.5]
    assert len(frame) == 6
    assert frame.groupby("k")["value"].mean().tolist() == pytest.approx([0.5, 2.5 / 3])


def test_per_user_frame_of_the_caller_s_library(evaluation):
    polars = Evaluation("als", 7, evaluation.slices, backend="polars")
    assert isinstance(polars.per_user, pl.DataFrame)
    assert polars.per_user["value"].to_list() == evaluation.per_user["value"].tolist()


def test_per_user_without_per_user_metrics():
    values = {("coverage", 5): np.array(0.0)}
    only = Evaluation("als", 0, {"all": Slice(np.array([1]), 1, values)})
    assert len(only.per_user) == 0


def test_standard_error(evaluation):
    assert evaluation.standard_error("recall", 5) == pytest.approx(0.5 / np.sqrt(3))
    assert np.isnan(evaluation.standard_error("coverage", 5))
    values = {("recall", 5): np.ones(1)}
    single = Evaluation("m", 0, {"all": Slice(np.array([1]), 1, values)})
    assert np.isnan(single.standard_error("recall", 5))


def test_metrics_without_cut_offs(evaluation):
    values = {**evaluation.slices["all"].values, ("auc", None): np.array([0.5, 0.7, 0.9])}
    with_auc = Evaluation("als", 7, {"all": Slice(np.array(["x", "y", "z"]), 2, values)})
    assert with_auc.metrics == ("recall", "coverage", "auc")
    assert with_auc.k == (5, 10)
    assert with_auc.mean("auc", None) == pytest.approx(0.7)
    assert with_auc.summary()[-1]["k"] is None
    assert with_auc.at([10]).columns == (("recall", 10), ("coverage", 10), ("auc", None))
    with pytest.raises(ParameterError, match="nothing was evaluated at k = 7"):
        with_auc.at([7], ["recall"])
    assert set(with_auc.per_user["k"]) == {5, 10, None}
    assert [column_name(*one) for one in with_auc.columns[-2:]] == ["coverage@10", "auc"]
    with pytest.raises(ParameterError, match="k = 5 was not evaluated of auc"):
        with_auc.mean("auc", 5)


def test_asking_for_what_was_not_evaluated(evaluation):
    with pytest.raises(ParameterError, match=r"metric 'recal'.*did you mean 'recall'"):
        evaluation.mean("recal", 5)
    with pytest.raises(ParameterError, match="k = 20 was not evaluated"):
        evaluation.mean("recall", 20)
    with pytest.raises(ParameterError, match="slice 'cold' was not evaluated"):
        evaluation.mean("recall", 5, "cold")
