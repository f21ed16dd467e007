"""New users by their features, in the models that know them."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.models.frames import FEATURES, POPULAR
from hybridrec.models.side import features_of_users

LIGHTFM = pytest.mark.skipif(importlib.util.find_spec("lightfm") is None, reason="not installed")
MEMBERS = ("hybrid-als:factors=8,iterations=3", "rp3-beta")
MODELS = [
    pytest.param("hybrid-als", {"factors": 8, "iterations": 3}, id="hybrid-als"),
    pytest.param("lightfm", {"factors": 8, "epochs": 3}, id="lightfm"),
    pytest.param(
        *("lightfm", {"factors": 8, "epochs": 3, "engine": "lightfm"}),
        id="lightfm-package",
        marks=LIGHTFM,
    ),
    pytest.param("blend", {"members": MEMBERS, "weights": (1, 1)}, id="blend"),
]


@pytest.fixture(scope="module")
def described():
    """Return 40 users of two tastes, which the user table tells, and one without interactions."""
    rng = np.random.default_rng(0)
    taste = np.arange(40)[:, None] % 2 == np.arange(60) % 2
    users, items = np.nonzero(rng.random((40, 60)) < np.where(taste, 0.35, 0.05))
    people = pd.DataFrame({"user": range(41), "taste": ["even", "odd"] * 20 + ["even"]})
    return Dataset.build(pd.DataFrame({"user": users, "item": items}), user_table=people)


def fitted(name, params, data):
    kinds = {"lightfm": hybridrec.LightFM, "blend": hybridrec.Blend}
    return kinds.get(name, hybridrec.HybridALS)(**params, num_threads=1).fit(data)


def of_tastes(model, *tastes):
    return features_of_users(model, pd.DataFrame({"taste": tastes}))


def nothing(model, n):
    return csr_matrix((n, len(model.items_)), dtype=np.float32)


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize(("name", "params"), MODELS)
def test_a_new_user_is_as_one_of_the_fit_without_interactions(
    described, tmp_path, name, params, loaded
):
    model = fitted(name, params, described)
    if loaded:
        model.save(tmp_path / "m")
        model = hybridrec.load(tmp_path / "m")
    nobody = np.array([-1, -1])
    features = of_tastes(model, "even", "odd")
    found = model.recommend_codes(nobody, 10, history=nothing(model, 2), features=features)
    known = model.recommend_codes(np.array([40]), 10)
    np.testing.assert_array_equal(found.items[0], known.items[0])
    np.testing.assert_allclose(found.scores[0], known.scores[0], rtol=1e-5)
    assert found.sources.tolist() == [FEATURES, FEATURES]
    parity = model.items_.ids[found.items] % 2
    assert parity[0].mean() < 0.3
    assert parity[1].mean() > 0.7


def test_who_tells_nothing_gets_the_popular_items(described):
    model = fitted("hybrid-als", {"factors": 8, "iterations": 3}, described)
    nobody = np.array([-1, -1])
    lists = model.recommend_codes(
        nobody, 5, history=nothing(model, 2), features=of_tastes(model, "nowhere", "odd")
    )
    assert lists.sources.tolist() == [POPULAR, FEATURES]
    plain = model.recommend_codes(nobody[:1], 5, history=nothing(model, 1))
    np.testing.assert_array_equal(lists.items[0], plain.items[0])


def test_a_history_is_pulled_to_what_features_tell(described):
    """As that of a user of the fit who has the same features."""
    model = fitted("hybrid-als", {"factors": 8, "iterations": 3}, described)
    history = described.matrix[[3, 4]]
    as_known = model.scorer_for(np.array([3, 4]), history)[0].user_factors
    features = of_tastes(model, "odd", "even")
    as_new = model.scorer_for(np.array([-1, -1]), history, features)[0].user_factors
    np.testing.assert_allclose(as_new, as_known, rtol=1e-5)
    without = model.scorer_for(np.array([-1, -1]), history)[0].user_factors
    assert np.abs(without - as_known).max() > 1e-3


def test_models_without_user_features_know_no_such_users(described):
    model = hybridrec.ALS(factors=4, iterations=1, num_threads=1).fit(described)
    features = csr_matrix(np.ones((1, 3), dtype=np.float32))
    lists = model.recommend_codes(np.array([-1]), 5, history=nothing(model, 1), features=features)
    assert lists.sources.tolist() == [POPULAR]
    assert features_of_users(model, pd.DataFrame({"taste": ["odd"]})) is None
