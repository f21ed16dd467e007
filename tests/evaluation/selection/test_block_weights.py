"""Blocks that tell of taste weigh more, those that tell nothing go; weights reach the model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection import learn_block_weights
from hybridrec.evaluation.selection.sides import Block
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.features.vectors import GivenVectors

N_USERS, N_ITEMS, TASTES = 120, 160, 8
TOLD, NOISE = Block("item", "vectors.told"), Block("item", "vectors.noise")


@pytest.fixture(scope="module")
def data():
    """Users like the items of one taste."""
    rng = np.random.default_rng(0)
    taste = np.arange(N_ITEMS) % TASTES
    rows = [
        (user, item)
        for user in range(N_USERS)
        for item in rng.permutation(np.flatnonzero(taste == user % TASTES))[:9]
    ]
    return Dataset.build(pd.DataFrame(rows, columns=["user", "item"]))


def blocks():
    rng = np.random.default_rng(1)
    told = np.eye(TASTES)[np.arange(N_ITEMS) % TASTES] + rng.random((N_ITEMS, TASTES)) / 20
    return [
        GivenVectors("told", range(N_ITEMS), told),
        GivenVectors("noise", range(N_ITEMS), rng.standard_normal((N_ITEMS, 20))),
    ]


def loud():
    """Return the blocks with noise that drowns the rest."""
    return FeaturePipeline(blocks(), weights={"vectors.noise": 3.0})


def model():
    return hybridrec.Content()


@pytest.fixture(scope="module")
def found(data):
    return learn_block_weights(model(), data, item_features=loud(), factors=[0, 2])


def test_what_tells_nothing_goes(found):
    assert found.weights[NOISE] == 0
    assert found.weights[TOLD] > 0
    assert not found.out_of_time
    assert any(step.startswith("item vectors.noise: 1 -> 0 (overall +") for step in found.steps)
    assert found.tried["without item vectors.noise"]["cold"] >= found.tried["with all"]["cold"]
    assert "Weights: item vectors.noise 0, item vectors.told" in str(found)


def test_weights_reach_the_model(found, data, tmp_path):
    features = found.features()
    assert isinstance(features, FeaturePipeline)
    fitted = model().fit(data, item_features=features)
    assert [one.name for one in fitted.item_pipeline_.builders_] == ["vectors.told"]
    assert fitted.item_pipeline_.weights == {"vectors.told": found.weights[TOLD]}
    assert found.features("user") is None


def test_the_same_twice(found, data):
    again = learn_block_weights(model(), data, item_features=loud(), factors=[0, 2])
    assert (again.weights, again.tried) == (found.weights, found.tried)


def test_another_model_and_weights_that_were_given(data):
    pipeline = FeaturePipeline(blocks(), weights={"vectors.told": 0.5})
    hybrid = hybridrec.HybridALS(factors=8, iterations=4, num_threads=1)
    found = learn_block_weights(hybrid, data, item_features=pipeline, factors=[0])
    assert found.weights[TOLD] == 1
    assert found.features().weights["vectors.told"] == 0.5


def test_without_time_nothing_is_changed(data):
    ticks = iter(range(1000))
    found = learn_block_weights(
        model(), data, item_features=blocks(), seconds=3, clock=lambda: float(next(ticks))
    )
    assert set(found.weights.values()) == {1.0}
    assert found.out_of_time
    assert "Time ended the search" in str(found)


def test_refused(data):
    with pytest.raises(ParameterError, match="als does not use features, so they have no weights"):
        learn_block_weights(hybridrec.ALS(), data)
    with pytest.raises(ParameterError, match="no side information whose weights"):
        learn_block_weights(model(), data)
    with pytest.raises(ParameterError, match=r"factor -1 must be a number of at least 0"):
        learn_block_weights(model(), data, item_features=blocks(), factors=[-1])
