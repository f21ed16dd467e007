"""Scores rank as those of the package with the same features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, hstack, identity

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import MissingExtraError, ParameterError
from hybridrec.models.lightfm import LightFM, _with_identity

lightfm = pytest.importorskip("lightfm")


@pytest.fixture
def everyone(ratings):
    """Return data in which all have interactions, so that identity features are plain."""
    users = pd.DataFrame({"user": range(40), "job": [f"j{one % 3}" for one in range(40)]})
    items = pd.DataFrame({"item": range(60), "group": [f"g{one % 5}" for one in range(60)]})
    data = Dataset.build(ratings, item_table=items, user_table=users)
    assert data.matrix.getnnz(axis=0).min() > 0
    return data


@pytest.mark.parametrize("loss", ["warp", "bpr"])
@pytest.mark.parametrize("features", [True, False])
def test_scores_of_the_package(loss, features, everyone):
    params = {"loss": loss, "learning_rate": 0.05, "random_state": 3}
    model = LightFM(factors=6, epochs=5, regularization=1e-5, **params)
    none = None if features else []
    model.fit(everyone, item_features=none, user_features=none)
    users, items = (identity(n, dtype=np.float32, format="csr") for n in (40, 60))
    if features:
        users = hstack([users, model.user_pipeline_.transform(everyone).matrix()], format="csr")
        items = hstack([items, model.item_pipeline_.transform(everyone).matrix()], format="csr")

    package = lightfm.LightFM(no_components=6, item_alpha=1e-5, user_alpha=1e-5, **params)
    weights = everyone.matrix.tocoo()
    weights.data = (weights.data / weights.data.mean(dtype=np.float64)).astype(np.float32)
    ones = weights.copy()
    ones.data = np.ones_like(ones.data)
    package.fit(ones, user_features=users, item_features=items, sample_weight=weights, epochs=5)
    for user in range(0, 40, 7):
        theirs = package.predict(user, np.arange(60), user_features=users, item_features=items)
        ours = model.scorer_.block(np.array([user]))[0]
        offset = np.median(theirs - ours)  # the user's bias ranks nothing
        np.testing.assert_allclose(theirs - offset, ours, rtol=1e-3, atol=1e-4)


def test_cold_items_are_the_sum_of_their_features(dataset):
    model = LightFM(factors=4, epochs=3).fit(dataset)
    cold = [60, 61]
    features = model.item_pipeline_.transform(dataset).matrix()[cold]
    rows, bias = model._item_rows(features)
    np.testing.assert_allclose(model.scorer_.item_factors[cold], rows, rtol=1e-5)
    np.testing.assert_allclose(model.scorer_.item_bias[cold], bias, rtol=1e-5)
    model.add_items(pd.DataFrame({"item": [70], "group": ["even"], "block": ["b4"]}))
    np.testing.assert_allclose(model.scorer_.item_factors[-1], rows[0], rtol=1e-5)  # as item 60


def test_identity_of_those_with_interactions_only():
    warm = np.array([True, False, True])
    assert _with_identity(warm, None).toarray().tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    joined = _with_identity(warm, csr_matrix(np.array([[2.0], [3.0], [0.0]])))
    assert joined.dtype == np.float32
    assert joined.toarray()[:, 3].tolist() == [2.0, 3.0, 0.0]


def test_kos_takes_no_weights(dataset):
    model = LightFM(factors=2, epochs=1, loss="warp-kos").fit(dataset)
    assert len(model.recommend([0], k=3)) == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "wrap"}, "loss must be one of .*; did you mean 'warp'"),
        ({"factors": 0}, "factors must be"),
        ({"epochs": 1.5}, "epochs must be"),
        ({"max_sampled": 0}, "max_sampled must be"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"regularization": -1}, "regularization must be"),
    ],
)
def test_bad_parameters(params, message, dataset):
    with pytest.raises(ParameterError, match=message):
        LightFM(**params).fit(dataset)


def test_without_the_package(dataset, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightfm", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hybridrec\[lightfm\]'"):
        LightFM().fit(dataset)
