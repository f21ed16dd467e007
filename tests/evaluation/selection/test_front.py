from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import hybridrec
from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection import front
from hybridrec.evaluation.selection.presets import Preset
from hybridrec.models.registry import make_model

SMALL = {"factors": 8, "iterations": 5}
PRESETS = (
    Preset("hybrid-als", lambda _shape: 1.0, "here", SMALL),
    Preset("popularity", lambda _shape: 0.1, "here"),
)


@pytest.fixture(autouse=True)
def _few_presets(monkeypatch):
    """Let "auto" choose among two."""
    original = front.choose_model
    monkeypatch.setattr(
        front, "choose_model", lambda *args, **kw: original(*args, presets=PRESETS, **kw)
    )


def factors(model):
    return model.scorer_.item_factors


def test_one_call_chooses_guards_and_fits(tastes):
    dataset = tastes(facts=True, columns=False, new=6)
    found = hybridrec.fit(dataset, random_state=2)
    assert found.choice.preset is PRESETS[0]
    assert [str(block) for block in found.guard.switched_off] == ["item columns"]
    expected = make_model("hybrid-als", **SMALL, random_state=2)
    expected.fit(dataset, item_features=["tokens"])
    np.testing.assert_array_equal(factors(found.model), factors(expected))
    text = str(found)
    assert text.startswith("NDCG@20 on held-out interactions of ")
    assert "\n\nNDCG@20 of hybrid-als on held-out interactions of " in text
    assert text.endswith(repr(found.model))


def test_a_frame_will_do(tastes):
    rows = tastes().interactions.to_frame()[["user", "item"]]
    found = hybridrec.fit(rows)
    assert found.choice.preset is PRESETS[0]
    assert found.guard is None


def test_a_model_can_be_named_or_given(tastes):
    dataset = tastes(facts=True)
    named = hybridrec.fit(dataset, "hybrid-als", params=SMALL, random_state=7, num_threads=1)
    assert named.choice is None
    assert named.guard.switched_off == ()
    assert (named.model.random_state, named.model.num_threads) == (7, 1)
    given = make_model("hybrid-als", **SMALL, random_state=7, num_threads=1)
    assert hybridrec.fit(dataset, given).model is given
    np.testing.assert_array_equal(factors(given), factors(named.model))


def test_what_is_named_is_used(tastes):
    dataset = tastes(facts=False)
    found = hybridrec.fit(dataset, "hybrid-als", params=SMALL, item_features=["tokens"])
    assert found.guard.switched_off == ()
    assert not found.guard.switches
    assert found.model.item_pipeline_ is not None
    assert hybridrec.fit(dataset, "hybrid-als", params=SMALL).model.item_pipeline_ is None
    found = hybridrec.fit(dataset, item_features=["tokens"])
    assert [one.preset.model for one in found.choice.tried] == ["hybrid-als"]


def test_the_guard_can_be_left_out(tastes):
    found = hybridrec.fit(tastes(facts=False), "hybrid-als", params=SMALL, guard=False)
    assert found.guard is None
    assert found.model.item_pipeline_ is not None


def test_what_is_left_of_the_time_is_for_the_guard(tastes):
    now = iter(range(1000))
    found = hybridrec.fit(
        tastes(facts=False), "hybrid-als", params=SMALL, seconds=1, clock=lambda: float(next(now))
    )
    assert found.guard.rows == {}
    assert found.guard.notes == ("item tokens: used; no time was left to judge",)


def test_what_makes_no_sense_is_refused(tastes):
    with pytest.raises(ParameterError, match="params belong to a model given by name"):
        hybridrec.fit(tastes(), params=SMALL)
    with pytest.raises(ParameterError, match="params belong to a model given by name"):
        hybridrec.fit(tastes(), make_model("popularity"), params=SMALL)
    with pytest.raises(ParameterError, match="did you mean 'hybrid-als'"):
        hybridrec.fit(tastes(), "hybrid-asl")
    with pytest.raises(ParameterError, match="seconds must be a positive number"):
        hybridrec.fit(tastes(), seconds=0)


def test_the_import_stays_light():
    code = "import sys, hybridrec; print(hybridrec.__all__.count('fit'), 'pandas' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "1 False\n"
