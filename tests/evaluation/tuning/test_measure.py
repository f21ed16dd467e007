from __future__ import annotations

import sys

import numpy as np
import pytest

from hybridrec.errors import MissingExtraError
from hybridrec.evaluation import evaluate, random_split
from hybridrec.evaluation.tuning.measure import FitError, Measurement
from hybridrec.evaluation.tuning.objective import Objective
from hybridrec.models.base import Recommender
from hybridrec.models.registry import make_model

NDCG = Objective("ndcg", 5, "all")
POINT = {"factors": 3, "alpha": 5.0, "features": "tokens"}


def _measurement(model, splits) -> Measurement:
    return Measurement(model, splits, NDCG, random_state=4, num_threads=1)


def _by_hand(split, iterations) -> float:
    model = make_model("hybrid-als", factors=3, alpha=5.0, iterations=iterations, random_state=4)
    return evaluate(model.fit(split.train, item_features=["tokens"]), split, k=5).mean("ndcg", 5)


def test_steps_are_a_third_the_whole_and_the_other_splits(dataset):
    splits = [random_split(dataset, random_state=seed) for seed in range(3)]
    measurement = _measurement("hybrid-als", splits)
    assert measurement.n_steps == 3
    values: list[float] = []
    for _ in range(3):
        values.append(measurement.value(POINT, values))
    full = [_by_hand(split, 15) for split in splits]
    assert values == [_by_hand(splits[0], 5), full[0], np.mean(full)]
    assert _measurement("hybrid-als", splits[:1]).n_steps == 2


def test_a_model_without_iterations_is_measured_at_once(split):
    measurement = _measurement("item-knn", [split])
    assert measurement.n_steps == 1
    model = make_model("item-knn", neighbors=3).fit(split.train)
    assert measurement.value({"neighbors": 3}, []) == evaluate(model, split, k=5).mean("ndcg", 5)


def test_iterations_of_the_setting_itself_are_cut(split, monkeypatch):
    fitted = []
    fit = Recommender.fit
    monkeypatch.setattr(
        Recommender,
        "fit",
        lambda self, *a, **b: fitted.append(self.iterations) or fit(self, *a, **b),
    )
    measurement = _measurement("als", [split])
    for iterations in (1, 4, 6):
        measurement.value({"iterations": iterations, "factors": 2}, [])
    assert fitted == [1, 2, 2]


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"factors": -1}, "factors must be a whole number"),
        ({"features": "walks+columns", "factors": "x"}, "factors must be a whole number"),
    ],
)
def test_what_a_model_refuses_is_an_error_of_the_setting(split, point, message):
    with pytest.raises(FitError, match=message):
        _measurement("hybrid-als", [split]).value(point, [])


def test_so_is_what_breaks_inside_it_and_a_value_that_is_no_number(split, monkeypatch):
    def broken(self, *arguments):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("hybridrec.models.item_knn.ItemKNN._fit", broken)
    with pytest.raises(FitError, match="ZeroDivisionError: oh"):
        _measurement("item-knn", [split]).value({}, [])
    monkeypatch.setattr(Objective, "value", lambda *arguments: float("nan"))
    with pytest.raises(FitError, match="ndcg@5 is nan"):
        _measurement("als", [split]).value({"factors": 2}, [])


def test_a_missing_package_is_not_an_error_of_the_setting(split, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightfm", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        _measurement("lightfm", [split]).value({"engine": "lightfm"}, [])
