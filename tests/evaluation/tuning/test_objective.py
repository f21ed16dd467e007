from __future__ import annotations

import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation import (
    evaluate,
    evaluate_pairs,
    labelled_pairs,
    random_split,
    warm_and_cold,
)
from hybridrec.evaluation.tuning.objective import Objective
from hybridrec.models.registry import make_model


def test_it_is_what_evaluate_finds(dataset):
    split = warm_and_cold(dataset)
    model = make_model("hybrid-als", factors=3, iterations=3).fit(split.train)
    found = evaluate(model, split, metrics=["ndcg", "auc"], k=5, slices=["items:kind"])
    for on in ("all", "cold", "items:kind=x0"):
        assert Objective("ndcg", 5, on).value(model, split, 0) == found.mean("ndcg", 5, on)
    assert Objective("auc", 5, "all").value(model, split, 0) == found.mean("auc", None)


def test_of_labelled_pairs_and_ratings_it_is_what_evaluate_pairs_finds(random_dataset):
    split = labelled_pairs(random_dataset()).on_validation()
    model = make_model("als", factors=2, iterations=2).fit(split.train)
    found = evaluate_pairs(model, split, metrics=["auc"])
    assert Objective("auc", 5, "all").value(model, split, 0) == found.mean("auc", None)
    rated = random_split(random_dataset())
    model = make_model("bias-baseline").fit(rated.train)
    found = evaluate_pairs(model, rated, metrics=["rmse"])
    assert Objective("rmse", 5, "all").value(model, rated, 0) == found.mean("rmse", None)


def test_names():
    assert str(Objective("ndcg", 5, "all")) == "ndcg@5"
    assert str(Objective("auc", 5, "cold")) == "auc on cold"
    assert str(Objective("rmse", 5, "all")) == "rmse"
    assert Objective("arp", 5, "all").lower
    assert Objective("rmse", 5, "all").lower
    assert not Objective("recall", 5, "all").lower


def test_what_makes_no_sense_is_refused(split):
    with pytest.raises(ParameterError, match="unknown metric 'ndgc'; did you mean 'ndcg'"):
        Objective("ndgc", 5, "all")
    with pytest.raises(ParameterError, match="k must be"):
        Objective("ndcg", 0, "all")
    model = make_model("popularity").fit(split.train)
    with pytest.raises(ParameterError, match="slice 'cold'"):
        Objective("ndcg", 5, "cold").value(model, split, 0)
