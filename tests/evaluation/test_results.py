from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation import Comparison, Evaluation
from hybridrec.evaluation.results import Slice

KEYS = ["model", "metric", "k", "value", "n_users", "covered_users", "slice", "seed"]


@pytest.fixture
def evaluation() -> Evaluation:
    values = {
        "recall": np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 1.0]]),
        "coverage": np.array([0.25, 0.5]),
    }
    return Evaluation("als", 7, (5, 10), {"all": Slice(np.array(["x", "y", "z"]), 2, values)})


def test_summary_rows_are_json_with_fixed_keys(evaluation):
    rows = json.loads(json.dumps(evaluation.summary()))
    assert [list(row) for row in rows] == [KEYS] * 4
    assert rows[1] == dict(zip(KEYS, ["als", "recall", 10, 2.5 / 3, 3, 2, "all", 7], strict=True))
    assert rows[2]["value"] == 0.25


def test_per_user_frame(evaluation):
    frame = evaluation.per_user
    assert list(frame.columns) == ["user", "metric", "k", "value"]
    assert set(frame["metric"]) == {"recall"}
    row = frame[(frame["user"] == "y") & (frame["k"] == 10)]
    assert row["value"].tolist() == [0.5]
    assert len(frame) == 6
    assert frame.groupby("k")["value"].mean().tolist() == pytest.approx([0.5, 2.5 / 3])


def test_per_user_frame_of_the_caller_s_library(evaluation):
    polars = Evaluation("als", 7, (5, 10), evaluation.slices, backend="polars")
    assert isinstance(polars.per_user, pl.DataFrame)
    assert polars.per_user["value"].to_list() == evaluation.per_user["value"].tolist()


def test_per_user_without_per_user_metrics():
    only = Evaluation("als", 0, (5,), {"all": Slice(np.array([1]), 1, {"coverage": np.zeros(1)})})
    assert len(only.per_user) == 0


def test_standard_error(evaluation):
    assert evaluation.standard_error("recall", 5) == pytest.approx(0.5 / np.sqrt(3))
    assert np.isnan(evaluation.standard_error("coverage", 5))
    single = Evaluation("m", 0, (5,), {"all": Slice(np.array([1]), 1, {"recall": np.ones((1, 1))})})
    assert np.isnan(single.standard_error("recall", 5))


def test_asking_for_what_was_not_evaluated(evaluation):
    with pytest.raises(ParameterError, match=r"metric 'recal'.*did you mean 'recall'"):
        evaluation.mean("recal", 5)
    with pytest.raises(ParameterError, match="k = 20 was not evaluated"):
        evaluation.mean("recall", 20)
    with pytest.raises(ParameterError, match="slice 'cold' was not evaluated"):
        evaluation.mean("recall", 5, "cold")


def test_table_shows_mean_and_standard_error(evaluation):
    other = Evaluation("bpr", 7, (5, 10), evaluation.slices)
    comparison = Comparison({"als": evaluation, "bpr": other})
    table = comparison.table()
    assert list(table.index) == ["als", "bpr"]
    assert list(table.columns) == ["recall@5", "recall@10", "coverage@5", "coverage@10", "users"]
    assert table.loc["als", "recall@5"] == "0.5000 ± 0.2887"
    assert table.loc["als", "coverage@10"] == "0.5000"
    assert table.loc["als", "users"] == "2/3"
    assert "0.5000 ± 0.2887" in str(comparison)
    assert len(comparison.rows()) == 8
