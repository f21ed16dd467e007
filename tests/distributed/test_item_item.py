"""Item-item models and ALS of a cluster are those of one machine."""

from __future__ import annotations

import numpy as np
import pytest

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.distributed.neighbours import item_blocks
from hybridrec.errors import ParameterError

SAME = {
    "rp3-beta": hr.RP3Beta(neighbors=15, alpha=0.7),
    "jaccard": hr.ItemKNN(neighbors=15, similarity="jaccard"),
    "page rank": hr.PersonalizedPageRank(neighbors=15),
    "page rank, no features": hr.PersonalizedPageRank(neighbors=15, feature_weight=0),
}
TIED = {  # at the last place of a row the package keeps any of those that are equal
    name: hr.ItemKNN(neighbors=200, similarity=name) for name in ("cosine", "tfidf", "bm25")
}


def pair(model, sharded, local):
    features = {"item_features": ["columns"]} if model.uses_item_features else {}
    fresh = type(model)(**model.get_params())
    return hd.fit(model, sharded, **features), fresh.fit(local, **features)


@pytest.mark.parametrize("name", SAME)
def test_weights_are_those_of_one_machine(sharded, local, name):
    found, expected = pair(SAME[name], sharded, local)
    ours, theirs = found.scorer_.weights, expected.scorer_.weights
    assert (ours.indices == theirs.indices).all()
    np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-6)
    assert found.recommend(k=20)["item"].tolist() == expected.recommend(k=20)["item"].tolist()


@pytest.mark.parametrize("name", TIED)
def test_neighbours_are_those_of_the_package(sharded, local, name):
    found, expected = pair(TIED[name], sharded, local)
    difference = found.scorer_.weights - expected.scorer_.weights
    assert abs(difference).max() < 1e-5
    lists, other = found.recommend(k=20), expected.recommend(k=20)
    np.testing.assert_allclose(lists["score"], other["score"], rtol=1e-5)


def test_few_neighbours_leave_the_item_out(sharded, local):
    found, expected = pair(hr.ItemKNN(neighbors=5), sharded, local)
    weights = found.scorer_.weights
    assert not weights.diagonal().any()
    assert np.diff(weights.indptr).max() == 5
    best, theirs = weights.max(axis=1).toarray(), expected.scorer_.weights.max(axis=1).toarray()
    np.testing.assert_allclose(best, theirs, rtol=1e-5)


def test_als_is_that_of_one_machine(sharded, local):
    found, expected = pair(hr.ALS(factors=8, iterations=3), sharded, local)
    ours, theirs = found.scorer_, expected.scorer_
    np.testing.assert_allclose(ours.user_factors, theirs.user_factors, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.item_factors, theirs.item_factors, rtol=1e-4, atol=1e-6)
    assert found.mean_weight_ == pytest.approx(float(expected.mean_weight_))


def test_saved_and_updated_as_any_other(sharded, tmp_path):
    model = hd.fit(hr.RP3Beta(neighbors=15), sharded)
    model.save(tmp_path / "model")
    loaded = hr.load(tmp_path / "model")
    assert loaded.recommend(k=5).equals(model.recommend(k=5))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (hr.ItemKNN(similarity="cosin"), "did you mean 'cosine'"),
        (hr.RP3Beta(beta=-1), "beta"),
        (hr.ALS(alpha=0), "alpha"),
        (hr.PersonalizedPageRank(restart=1), "restart"),
        (hr.EASE(), "cannot be trained on a cluster"),
    ],
)
def test_bad_parameters(sharded, model, message):
    with pytest.raises(ParameterError, match=message):
        hd.fit(model, sharded)


@pytest.mark.parametrize("n", [1, 5, 100, 10_000])
def test_blocks_hold_all_items(n):
    starts = item_blocks(n)
    assert (starts[0], starts[-1]) == (0, n)
    assert (np.diff(starts) > 0).all()
