"""Training goes on where it stopped, also with what was not there before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, NotFittedError, ParameterError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.models.lightfm import LightFM
from hybridrec.models.storage import load
from hybridrec.ranking.rules import Rules


def equal(one, other):
    for name in ("user_factors", "item_factors", "item_bias"):
        np.testing.assert_array_equal(getattr(one.scorer_, name), getattr(other.scorer_, name))
    np.testing.assert_array_equal(one.of_item_features_, other.of_item_features_)
    assert (one.history_ != other.history_).nnz == 0
    np.testing.assert_array_equal(one.scorable_, other.scorable_)
    np.testing.assert_array_equal(one.user_sources_, other.user_sources_)


def block(matrix, name="given"):
    matrix = np.asarray(matrix, dtype=np.float32)
    return Features([FeatureBlock(name, matrix, np.arange(matrix.shape[1]).astype(str))])


@pytest.mark.parametrize("optimizer", ["adagrad", "adadelta"])
@pytest.mark.parametrize("loss", ["warp", "bpr", "logistic", "warp-kos"])
def test_two_trainings_are_one(loss, optimizer, dataset, tmp_path):
    params = {"factors": 4, "loss": loss, "optimizer": optimizer, "regularization": 1e-5}
    whole = LightFM(epochs=5, **params).fit(dataset)
    parts = LightFM(epochs=2, **params).fit(dataset).fit_partial(dataset, epochs=1)
    parts.save(tmp_path / "model")
    loaded = load(tmp_path / "model").fit_partial(dataset)  # 2 epochs: the parameter
    equal(whole, loaded)


def test_new_users_and_items(dataset, ratings):
    model = LightFM(factors=4, epochs=5).fit(dataset)
    users, items = model.users_, model.items_
    new = pd.DataFrame({"user": [0, 90, 90, 90], "item": [80, 80, 2, 4]})
    table = pd.DataFrame({"item": [80, 81], "group": ["even", "odd"], "block": ["b1", "b2"]})
    model.fit_partial(Dataset.build(new, item_table=table), epochs=3)
    assert model.users_.ids.tolist() == [*users.ids, 90]
    assert model.items_.ids.tolist() == [*items.ids, 80, 81]
    assert model.history_.shape == (41, 64)
    assert model.history_.nnz == len(ratings) + 4
    assert {80, 2, 4}.isdisjoint(model.recommend([90], k=64)["item"])
    assert set(model.recommend([90], k=3)["source"]) == {"model"}
    odd = model.recommend([0], k=64, rules=Rules(where="\"group\" = 'odd'"))
    assert 81 in set(odd["item"])
    assert 80 not in set(odd["item"])
    assert dict(zip(odd["item"], odd["source"], strict=True))[81] == "features"


def test_others_keep_their_embeddings(ratings):
    model = LightFM(factors=4, epochs=3).fit(ratings)
    before = model.scorer_
    model.fit_partial(pd.DataFrame({"user": [0], "item": [1]}), epochs=1)
    changed = (before.user_factors != model.scorer_.user_factors).any(axis=1)
    assert np.flatnonzero(changed).tolist() in ([], [0])
    changed = (before.item_factors != model.scorer_.item_factors).any(axis=1)
    assert changed.sum() <= 2  # the item, and a negative


def test_known_pairs_keep_the_larger_weight(ratings):
    model = LightFM(factors=2, epochs=1).fit(ratings)
    user, item, weight = ratings.iloc[0]
    for other, expected in ((weight + 1, weight + 1), (weight / 2, weight + 1)):
        model.fit_partial(pd.DataFrame({"user": [user], "item": [item], "weight": [other]}))
        assert model.history_[0, int(item)] == expected


def test_new_features_come_after(ratings):
    data = Dataset.build(ratings)
    n, rng = len(data.items), np.random.default_rng(0)
    old = rng.random((n, 3))
    model = LightFM(factors=4, epochs=2).fit(data, item_features=block(old))
    known, rows = model.of_item_features_, model.scorer_.item_factors
    wider = np.column_stack([old, np.zeros((n, 2))])
    wider[0, 4] = 1.0
    model.fit_partial(data, epochs=1, item_features=block(wider))
    assert model.of_item_features_.shape == (5, known.shape[1])
    assert model.of_item_features_[:3].any()
    assert model.of_item_features_[3, :4].any()  # drawn, though no item has it
    assert not np.array_equal(model.scorer_.item_factors, rows)
    with pytest.raises(DataError, match="the 5 columns of before"):
        model.fit_partial(data, item_features=block(old))


def test_after_update_and_add_items(dataset):
    model = LightFM(factors=4, epochs=3).fit(dataset)
    model.update(pd.DataFrame({"user": [99, 99], "item": [2, 200]}))
    model.add_items(pd.DataFrame({"item": [300], "group": ["odd"], "block": ["b3"]}))
    folded = model.scorer_.user_factors[-1]
    model.fit_partial(pd.DataFrame({"user": [0, 1], "item": [2, 3]}), epochs=1)
    np.testing.assert_array_equal(model.scorer_.user_factors[-1], folded)
    added = model.items_.codes([300])
    features = model.training_["item.features"][added]
    np.testing.assert_allclose(
        model.scorer_.item_factors[added], model._item_rows(features)[0], rtol=1e-5
    )


def test_refusals_change_nothing(dataset, ratings):
    with pytest.raises(NotFittedError):
        LightFM().fit_partial(dataset)
    model = LightFM(factors=4, epochs=1).fit(dataset)
    before = model.scorer_
    for params, message in (
        ({"factors": 5}, "fitted with 4 factors"),
        ({"engine": "lightfm"}, "engine='numba'"),
    ):
        with pytest.raises(ParameterError, match=message):
            model.set_params(**params).fit_partial(dataset)
        model.set_params(factors=4, engine="numba")
    with pytest.raises(ParameterError, match="epochs must be"):
        model.fit_partial(dataset, epochs=0)
    with pytest.raises(DataError, match="no interaction"):
        model.fit_partial(ratings.iloc[:0])
    with pytest.raises(DataError, match="user ids are integers"):
        model.fit_partial(pd.DataFrame({"user": ["a"], "item": [1]}))
    with pytest.raises(ParameterError, match="with a pipeline of item features"):
        model.fit_partial(dataset, item_features=block(np.ones((62, 1))))
    with pytest.raises(ParameterError, match="without user features"):
        model.fit_partial(dataset, user_features=block(np.ones((40, 1))))
    assert model.scorer_ is before


def test_another_optimizer_cannot_go_on(ratings):
    model = LightFM(factors=2, epochs=1).fit(ratings).set_params(optimizer="adadelta")
    with pytest.raises(ParameterError, match="optimizer"):
        model.fit_partial(ratings)
