"""Names of models."""

from __future__ import annotations

import pytest

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.registry import MODELS, make_model, model_class


@pytest.mark.parametrize("name", MODELS)
def test_names_and_classes_agree(name):
    kind = model_class(name)
    assert issubclass(kind, Recommender)
    assert kind.model_name == name
    assert kind.__name__ == MODELS[name][1]
    assert MODELS[name][2]


def test_make_model():
    model = make_model("als", factors=3)
    assert model.get_params() == model_class("als")(factors=3).get_params()


@pytest.mark.parametrize(
    ("name", "guess"),
    [("hybridals", "hybrid-als"), ("Popularity", "popularity"), ("itemknn", "item-knn")],
)
def test_unknown_model(name, guess):
    with pytest.raises(ParameterError, match=f"unknown model '{name}'; did you mean '{guess}'"):
        make_model(name)


def test_unlike_any_model():
    with pytest.raises(ParameterError, match=r"unknown model 'xyz' \(there are popularity, "):
        model_class("xyz")


def test_unknown_parameter():
    with pytest.raises(ParameterError, match="als has no parameter 'alfa'; did you mean 'alpha'"):
        make_model("als", alfa=1)
