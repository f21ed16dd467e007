from __future__ import annotations

import json

import pandas as pd
import polars as pl
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import OutputError
from hybridrec.evaluation import evaluate, random_split
from hybridrec.evaluation.tuning import TuningResult, tune


@pytest.fixture
def found(split) -> TuningResult:
    space = {"factors": [2, 4], "features": ["none", "tokens"], "alpha": (5.0, 20.0)}
    return tune("hybrid-als", split, space=space, params={"iterations": 3}, k=5, trials=6)


def test_the_file_holds_what_was_chosen(found, split, tmp_path):
    found.save(tmp_path / "params.json")
    held = json.loads((tmp_path / "params.json").read_text())
    assert held == {
        "model": "hybrid-als",
        "params": found.params,
        "features": list(found.features),
        "metric": "ndcg",
        "k": 5,
        "on": "all",
        "value": found.value,
        "default_value": found.default_value,
        "trials": 6,
        "split": [{"name": "random", "params": dict(split.params)}],
        "fingerprint": found.validation[0].fingerprint,
        "hybridrec": hybridrec.__version__,
    }


def test_a_file_is_replaced_only_if_asked(found, tmp_path):
    path = tmp_path / "params.json"
    path.write_text("mine")
    with pytest.raises(OutputError, match="already exists"):
        found.save(path)
    assert path.read_text() == "mine"
    found.save(path, overwrite=True)
    assert json.loads(path.read_text())["model"] == "hybrid-als"
    with pytest.raises(OutputError, match="cannot write"):
        found.save(tmp_path / "missing" / "params.json")


def test_fit_gives_the_model_that_was_measured(found):
    (validation,) = found.validation
    model = found.fit(validation.train, random_state=0)
    assert evaluate(model, validation, k=5).mean("ndcg", 5) == found.value
    assert model.iterations == 3
    assert {name: getattr(model, name) for name in found.params} == found.params
    pipeline = model.item_pipeline_
    names = () if pipeline is None else tuple(one.name for one in pipeline.builders_)
    assert names == found.features


def test_trials_are_a_frame_with_a_row_each(found):
    table = found.trials
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == [
        *("trial", "value", "state", "factors", "regularization", "frequency_exponent", "alpha"),
        *("prior_share", "feature_regularization", "user_shrinkage", "features"),
        *("seconds", "error"),
    ]
    assert table["trial"].tolist() == list(range(6))
    assert table["value"].max() == found.value
    assert (table["value"].notna() == (table["state"] == "complete")).all()
    assert (table["seconds"] > 0).all()


def test_the_frame_is_of_the_library_the_data_came_in(dataset):
    rows = dataset.interactions
    frame = pl.DataFrame({"user": rows.user_codes, "item": rows.item_codes})
    split = random_split(Dataset.build(frame))
    found = tune("item-knn", split, space={"neighbors": [2, 5]}, trials=3)
    assert isinstance(found.trials, pl.DataFrame)
    assert found.trials["trial"].to_list() == [0, 1, 2]
