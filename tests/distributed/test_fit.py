"""Models of a cluster are those of one machine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.errors import DataError, ParameterError

PARAMS = {"factors": 8, "iterations": 4}
CASES = {
    "plain": {"item_features": ()},
    "features": {},
    "cg": {"solver": "cg"},
    "many features": {"wide": True},
    "no shrinkage": {"user_shrinkage": 0.0, "prior_share": 0.0},
}


def fitted(data, case: str, fit):
    options = dict(CASES[case])
    features = {"item_features": options.pop("item_features", None)}
    if options.pop("wide", False):
        features["item_features"] = wide(len(data.items))
    return fit(hr.HybridALS(**PARAMS, **options), data, **features)


def wide(n: int) -> hr.Features:
    """More features than are solved for at once."""
    from scipy.sparse import random

    values = random(n, 1100, 0.02, format="csr", dtype=np.float32, random_state=0)
    block = hr.FeatureBlock("wide", values, [f"f{at}" for at in range(1100)])
    return hr.Features([block])


def scores(model) -> np.ndarray:
    return model.scorer_.user_factors @ model.scorer_.item_factors.T


def assert_same_model(found, expected) -> None:
    """Scores to 1e-5, the same top 20 but for ties, the same answers to new users."""
    ours, theirs = scores(found), scores(expected)
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()
    lists, other = found.recommend(k=20), expected.recommend(k=20)
    swapped = lists["item"].to_numpy() != other["item"].to_numpy()
    np.testing.assert_allclose(lists["score"], other["score"], rtol=1e-4, atol=1e-5)
    assert swapped.mean() < 0.01
    assert lists["source"].tolist() == other["source"].tolist()
    new = pd.DataFrame({"user": ["me", "me"], "item": ["film 1", "film 5"]})
    ours, theirs = (one.recommend(history=new, k=5) for one in (found, expected))
    assert ours["item"].tolist() == theirs["item"].tolist()
    for name in ("mean_weight_", "unobserved_", "mean_user_", "item_weights_"):
        one, another = getattr(found, name), getattr(expected, name)
        assert (one is None) == (another is None)
        if one is not None:
            np.testing.assert_allclose(one, another, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_hybrid_als_is_that_of_one_machine(sharded, local, case):
    found = fitted(sharded, case, hd.fit)
    expected = fitted(local, case, lambda model, data, **features: model.fit(data, **features))
    assert_same_model(found, expected)
    assert found.popularity_.tolist() == expected.popularity_.tolist()
    assert (found.history_ != expected.history_).nnz == 0


def test_a_saved_model_is_a_normal_one(sharded, tmp_path):
    model = hd.fit(hr.HybridALS(**PARAMS), sharded)
    model.save(tmp_path / "model")
    loaded = hr.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.recommend(k=5), model.recommend(k=5))
    assert loaded.get_params() == model.get_params()
    loaded.update(pd.DataFrame({"user": [999], "item": ["film 1"]}))
    assert len(loaded.recommend([999], k=3)) == 3


def test_large_arrays_are_on_disk(sharded, monkeypatch, tmp_path):
    expected = hd.fit(hr.HybridALS(**PARAMS), sharded)
    monkeypatch.setattr("hybridrec.distributed.spool.IN_MEMORY", 0)
    model = hd.fit(hr.HybridALS(**PARAMS), sharded)
    assert isinstance(model.scorer_.user_factors.base, np.memmap)
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(hr.load(tmp_path / "model").recommend(), expected.recommend())


def test_bits_do_not_depend_on_the_number_of_workers(sharded, folder, item_table):
    with hd.connect("local:1") as alone:
        data = hd.read_sharded(
            alone, folder, cleaning={"min_weight": 2}, item_table=item_table, keep_times=True
        )
        one, two = (fitted(some, "features", hd.fit) for some in (data, sharded))
        for name in ("user_factors", "item_factors"):
            ours, theirs = getattr(one.scorer_, name), getattr(two.scorer_, name)
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(one.item_weights_, two.item_weights_)


def test_users_with_features(cluster, folder, frame):
    table = pd.DataFrame({"user": np.arange(0, 1500, 7), "age": np.arange(215) % 60})
    cleaned, _ = hr.clean(hr.Interactions.from_frame(frame))
    local = hr.Dataset.build(cleaned, user_table=table)
    data = hd.read_sharded(cluster, folder, user_table=table)
    assert data.users == local.users
    assert len(local.users) == 215  # some without interactions
    found = hd.fit(hr.HybridALS(**PARAMS), data)
    expected = hr.HybridALS(**PARAMS).fit(local)
    assert_same_model(found, expected)
    np.testing.assert_allclose(found.user_prior_, expected.user_prior_, rtol=1e-3, atol=1e-5)


def test_popularity(sharded, local):
    found = hd.fit(hr.Popularity(), sharded)
    pd.testing.assert_frame_equal(found.recommend(k=7), hr.Popularity().fit(local).recommend(k=7))


def test_als_is_that_of_one_machine(sharded, local, tmp_path):
    """The same package solves the same rows, so there is hardly any rounding."""
    params = {"factors": 9, "iterations": 3, "random_state": 4}
    found = hd.fit(hr.ALS(**params), sharded, checkpoint=tmp_path)
    expected = hr.ALS(**params).fit(local)
    assert np.abs(scores(found) - scores(expected)).max() < 1e-5 * np.abs(scores(expected)).max()
    ours, theirs = found.recommend(k=20), expected.recommend(k=20)
    assert (ours["item"] == theirs["item"]).mean() > 0.99
    again = hd.fit(hr.ALS(**params), sharded, checkpoint=tmp_path)
    np.testing.assert_array_equal(again.scorer_.user_factors, found.scorer_.user_factors)
    with pytest.raises(ParameterError, match="alpha must be"):
        hd.fit(hr.ALS(alpha=0), sharded)


def test_what_cannot_be_trained_is_refused(sharded, tmp_path):
    with pytest.raises(ParameterError, match="ease cannot be trained on a cluster"):
        hd.fit(hr.EASE(), sharded)
    with pytest.raises(ParameterError, match="popularity keeps no checkpoint"):
        hd.fit(hr.Popularity(), sharded, checkpoint=tmp_path / "state")
    with pytest.raises(ParameterError, match="needs pseudo_users=0"):
        hd.fit(hr.HybridALS(pseudo_users=1.0), sharded)
    with pytest.raises(ParameterError, match="factors must be"):
        hd.fit(hr.HybridALS(factors=0), sharded)
    with pytest.raises(DataError, match="item features have 3 rows"):
        hd.fit(hr.HybridALS(), sharded, item_features=wide(3))
