"""Parameters as in scikit-learn."""

from __future__ import annotations

import inspect

import pytest

from hybridrec.errors import ParameterError
from hybridrec.models.params import Parameters
from hybridrec.models.registry import MODELS, make_model, model_class


class Example(Parameters):
    model_name = "example"

    def __init__(self, *, factors: int = 64, loss: str = "warp") -> None:
        self.factors, self.loss = factors, loss


def test_get_and_set():
    one = Example(factors=2)
    assert Example.parameter_defaults() == {"factors": 64, "loss": "warp"}
    assert one.get_params() == {"factors": 2, "loss": "warp"}
    assert one.set_params(loss="bpr", factors=3) is one
    assert one.get_params() == {"factors": 3, "loss": "bpr"}
    assert repr(one) == "Example(factors=3, loss='bpr')"


def test_parameters_of_your_own_class_need_not_be_keyword_only():
    """Or they would be lost on the way through a model folder."""

    class Mine(Parameters):
        model_name = "mine"

        def __init__(self, depth=3, *, width=4):
            self.depth, self.width = depth, width

    assert Mine(5).get_params() == {"depth": 5, "width": 4}


def test_unknown_parameter():
    message = r"example has no parameter 'factor'; did you mean 'factors'\? \(there are factors, l"
    with pytest.raises(ParameterError, match=message):
        Example().set_params(factor=1)


@pytest.mark.parametrize("name", MODELS)
def test_the_constructors_of_all_models_only_store_their_parameters(name):
    """All keyword-only, all with a default, all kept as given and documented."""
    kind = model_class(name)
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    if kind.__init__ is object.__init__:
        assert kind.parameter_defaults() == {}
        return
    assert {one.kind for one in parameters} <= {inspect.Parameter.KEYWORD_ONLY}
    marks = {one.name: object() for one in parameters}
    assert kind(**marks).get_params() == marks
    assert make_model(name).get_params() == kind.parameter_defaults()
    documented = inspect.getdoc(kind)
    assert [one for one in marks if f"{one} :" not in documented.replace(",", " :")] == []


@pytest.mark.parametrize("name", MODELS)
def test_documented_defaults_are_the_defaults(name):
    kind = model_class(name)
    documented = {}
    for line in inspect.getdoc(kind).splitlines():
        if " : " in line and ", default " in line:
            names, told = line.split(" : ", 1)
            value = told.split(", default ")[1].strip().strip('"')
            documented |= dict.fromkeys((one.strip() for one in names.split(",")), value)
    for parameter, default in kind.parameter_defaults().items():
        if default is None or isinstance(default, tuple):
            (line,) = [
                one for one in inspect.getdoc(kind).splitlines() if one.startswith(f"{parameter} :")
            ]
            assert "sequence" in line or line.endswith(", optional")
            continue
        told = documented[parameter]
        if isinstance(default, (bool, str)):
            assert told == str(default)
        else:
            assert float(told) == default
