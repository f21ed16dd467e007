"""Our engine ranks as well as the package, whose scores are those of the package alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, hstack, identity

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, MissingExtraError, ParameterError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.models.lightfm import LightFM
from hybridrec.models.lightfm_package import with_identity
from hybridrec.ranking.rules import Rules

LOSSES = ("warp", "bpr", "logistic", "warp-kos")


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
    lightfm = pytest.importorskip("lightfm")
    params = {"loss": loss, "learning_rate": 0.05, "random_state": 3}
    model = LightFM(engine="lightfm", factors=6, epochs=5, regularization=1e-5, **params)
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


@pytest.mark.parametrize("engine", ["numba", "lightfm"])
def test_cold_items_are_the_sum_of_their_features(engine, dataset):
    model = LightFM(engine=engine, factors=4, epochs=3).fit(dataset)
    cold = [60, 61]
    features = model.item_pipeline_.transform(dataset).matrix()[cold]
    rows, bias = model._item_rows(features)
    np.testing.assert_allclose(model.scorer_.item_factors[cold], rows, rtol=1e-5)
    np.testing.assert_allclose(model.scorer_.item_bias[cold], bias, rtol=1e-5)
    model.add_items(pd.DataFrame({"item": [70], "group": ["even"], "block": ["b4"]}))
    np.testing.assert_allclose(model.scorer_.item_factors[-1], rows[0], rtol=1e-5)  # as item 60


def test_identity_of_those_with_interactions_only():
    warm = np.array([True, False, True])
    assert with_identity(warm, None).toarray().tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    joined = with_identity(warm, csr_matrix(np.array([[2.0], [3.0], [0.0]])))
    assert joined.dtype == np.float32
    assert joined.toarray()[:, 3].tolist() == [2.0, 3.0, 0.0]


@pytest.mark.parametrize("engine", ["numba", "lightfm"])
def test_kos_takes_no_weights(engine, dataset, ratings):
    model = LightFM(engine=engine, factors=2, epochs=2, loss="warp-kos", num_threads=1)
    plain = Dataset.build(ratings.assign(weight=1.0), item_table=with_id(dataset.item_table))
    one, other = (model.fit(data).recommend(k=5)["item"].tolist() for data in (dataset, plain))
    assert one == other


@pytest.mark.parametrize("loss", ["warp", "bpr", "logistic"])
def test_weights_count(loss, ratings):
    params = {"factors": 2, "epochs": 2, "loss": loss}
    one = LightFM(**params).fit(ratings)
    other = LightFM(**params).fit(ratings.assign(weight=1.0))
    again = LightFM(**params).fit(ratings.assign(weight=3.0))  # only relative to their mean
    assert not np.array_equal(one.scorer_.item_factors, other.scorer_.item_factors)
    np.testing.assert_array_equal(again.scorer_.item_factors, other.scorer_.item_factors)


# ---- accuracy -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tastes():
    """Return four groups of users and items, a fifth of the pairs held out, and the groups."""
    rng = np.random.default_rng(7)
    near = np.arange(120)[:, None] % 4 == np.arange(80) % 4
    users, items = np.nonzero(rng.random(near.shape) < np.where(near, 0.5, 0.03))
    held = rng.random(len(users)) < 0.2
    rows = pd.DataFrame({"user": users, "item": items})
    table = pd.DataFrame({"item": range(80), "group": [f"g{one % 4}" for one in range(80)]})
    return rows[~held], rows[held], table


def recall(model, held):
    """Return the mean share of held-out items among the first ten."""
    lists = model.recommend(held["user"].unique(), k=10).merge(held, on=["user", "item"])
    found = lists.groupby("user").size().reindex(held["user"].unique(), fill_value=0)
    return (found / held.groupby("user").size().reindex(found.index)).mean()


@pytest.mark.parametrize("optimizer", ["adagrad", "adadelta"])
@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_as_accurate_as_the_package(loss, features, optimizer, tastes):
    pytest.importorskip("lightfm")
    train, held, table = tastes
    data = Dataset.build(train, item_table=table if features else None)
    ours, theirs = (
        recall(LightFM(engine=engine, factors=8, loss=loss, optimizer=optimizer).fit(data), held)
        for engine in ("numba", "lightfm")
    )
    assert ours > theirs - 0.05


@pytest.mark.parametrize("loss", LOSSES)
def test_structure_is_found(loss, tastes):
    train, held, _ = tastes
    assert recall(LightFM(factors=8, loss=loss).fit(train), held) > 0.6  # 10 of about 75: .13


def test_dense_features_are_as_good(tastes):
    """Vectors that tell the group go through BLAS, and help cold items as tokens do."""
    train, _, _ = tastes
    rows = train[train["item"] >= 4]  # items 0 to 3 are cold, one of each group
    vectors = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)[np.arange(80) % 4]
    data = Dataset.build(rows, item_table=pd.DataFrame({"item": range(80)}))
    given = Features([FeatureBlock("dense", vectors[data.items.ids], np.arange(6).astype(str))])
    model = LightFM(factors=8).fit(data, item_features=given)
    cold = model.recommend(k=1, rules=Rules(allow=[0, 1, 2, 3]))
    assert (cold["user"] % 4 == cold["item"]).mean() > 0.9


# ---- always the same ----------------------------------------------------------------------------


@pytest.mark.parametrize("features", [True, False])
def test_threads_change_nothing(features, dataset):
    none = None if features else []
    one, other = (
        LightFM(factors=4, epochs=3, num_threads=n).fit(dataset, item_features=none) for n in (1, 2)
    )
    np.testing.assert_array_equal(one.scorer_.item_factors, other.scorer_.item_factors)
    np.testing.assert_array_equal(one.scorer_.user_factors, other.scorer_.user_factors)


def test_seeds_differ(ratings):
    one, other = (LightFM(factors=4, epochs=1, random_state=n).fit(ratings) for n in (0, 1))
    assert not np.array_equal(one.scorer_.item_factors, other.scorer_.item_factors)


def test_hogwild_learns_as_well(tastes):
    train, held, table = tastes
    data = Dataset.build(train, item_table=table)
    assert recall(LightFM(factors=8, hogwild=True, num_threads=2).fit(data), held) > 0.6


def test_regularization_shrinks(ratings):
    lengths = [
        np.linalg.norm(LightFM(factors=4, regularization=r).fit(ratings).scorer_.item_factors)
        for r in (0.0, 1e-4, 1e-3)
    ]
    assert lengths[0] > lengths[1] > lengths[2] > 0


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"engine": "numpy"}, "engine must be one of numba, lightfm"),
        ({"optimizer": "adagrat"}, "optimizer must be one of .*; did you mean 'adagrad'"),
        ({"hogwild": 1}, "hogwild must be True or False"),
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


@pytest.mark.parametrize("engine", ["numba", "lightfm"])
def test_divergence_is_told(engine, ratings):
    with pytest.raises(DataError, match="diverged"):
        LightFM(engine=engine, learning_rate=1e30, epochs=3).fit(ratings)


def test_without_the_package(dataset, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightfm", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hybridrec\[lightfm\]'"):
        LightFM(engine="lightfm").fit(dataset)


def test_our_engine_needs_no_package(dataset, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightfm", None)
    assert len(LightFM(factors=2, epochs=1).fit(dataset).recommend([0], k=3)) == 3


def with_id(table):
    return table.assign(item=range(len(table)))
