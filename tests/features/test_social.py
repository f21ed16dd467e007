"""Friends as features: by hand, of new users, on disk, and for users without interactions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.social import SocialGraph
from hybridrec.errors import ParameterError
from hybridrec.features.pipeline import FeaturePipeline, default_blocks
from hybridrec.features.social import SocialEdges
from hybridrec.models.side import features_of_users
from hybridrec.privacy import dataset_without, forget

EDGES = pd.DataFrame({"user": list("abd"), "friend": list("bcb")})


def people(edges=EDGES):
    rows = pd.DataFrame({"user": list("abcde"), "item": [1, 1, 2, 2, 1]})
    return Dataset.build(rows, social=SocialGraph.from_frame(edges))


def dense(block, data):
    rows = block.transform(data, None)
    return rows if isinstance(rows, np.ndarray) else rows.toarray()


def test_by_hand():
    """b is a friend of a, c and d, so 4 with itself; the others have 2; e knows nobody."""
    block = SocialEdges()
    block.fit(people(), None)
    b, other = 1 / 2, 1 / np.sqrt(2)
    expected = [[other, b, 0, 0], [other, b, other, other], [0, b, other, 0], [0, b, 0, other]]
    np.testing.assert_allclose(dense(block, people()), [*expected, [0, 0, 0, 0]], rtol=1e-6)
    assert block.feature_names(None).tolist() == [f"friend={one}" for one in "abcd"]


def test_directed_edges_count_for_those_who_name():
    block = SocialEdges(directed=True)
    block.fit(people(), None)
    filled = dense(block, people()) > 0
    expected = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    np.testing.assert_array_equal(filled, expected)


@pytest.mark.parametrize("n", [12, 90])
def test_reduced_rows_are_those_of_the_dense_decomposition(n):
    rng = np.random.default_rng(n)
    edges = pd.DataFrame(rng.integers(n, size=(5 * n, 2)), columns=["user", "friend"])
    rows = pd.DataFrame({"user": range(n), "item": 1})
    data = Dataset.build(rows, social=SocialGraph.from_frame(edges))
    plain, block = SocialEdges(), SocialEdges(4)
    plain.fit(data, None)
    block.fit(data, None)
    links = data.social.matrix().toarray() + np.eye(len(data.social.users))
    root = np.diag(links.sum(axis=0) ** -0.5)
    vectors = np.linalg.svd(root @ links @ root)[2][:4].T
    expected = dense(plain, data) @ vectors
    np.testing.assert_allclose(np.abs(dense(block, data)), np.abs(expected), atol=1e-4)


def test_a_new_user_is_placed_by_friends():
    block = SocialEdges()
    block.fit(people(), None)
    rows = block.rows_of([["b", "nobody"], [], ["a", "d"]]).toarray()
    b, other = 1 / 2, 1 / np.sqrt(2)
    np.testing.assert_allclose(rows, [[0, b, 0, 0], [0, 0, 0, 0], [other, 0, 0, other]], rtol=1e-6)


@pytest.fixture(scope="module")
def circles():
    """40 users of two tastes who know their like; the last two have no interactions."""
    rng = np.random.default_rng(0)
    taste = np.arange(40)[:, None] % 2 == np.arange(60) % 2
    users, items = np.nonzero(rng.random((40, 60)) < np.where(taste, 0.35, 0.05))
    seen = users < 38
    rows = pd.DataFrame({"user": users[seen], "item": items[seen]})
    edges = np.array([(one, two) for one in range(40) for two in range(one % 2, 40, 2)])
    edges = edges[rng.random(len(edges)) < 0.4]
    social = SocialGraph.from_frame(pd.DataFrame(edges, columns=["user", "friend"]))
    return Dataset.build(rows, user_table=pd.DataFrame({"user": range(40)}), social=social)


@pytest.mark.parametrize("dimensions", [0, 4])
@pytest.mark.parametrize("loaded", [False, True])
def test_friends_place_users_without_interactions(circles, tmp_path, dimensions, loaded):
    pipeline = FeaturePipeline([SocialEdges(dimensions)], side="user")
    model = hybridrec.HybridALS(factors=8, iterations=3, num_threads=1)
    model.fit(circles, user_features=pipeline)
    if loaded:
        model.save(tmp_path / "m")
        model = hybridrec.load(tmp_path / "m")
    lists = model.recommend([38, 39], k=10)
    assert set(lists["source"]) == {"features"}
    parity = lists.groupby("user")["item"].apply(lambda items: (items % 2).mean())
    assert parity[38] < 0.3
    assert parity[39] > 0.7
    features = features_of_users(model, pd.DataFrame({"friends": [[0, 2, 4], [1, 3, 99]]}))
    nothing = model.history_[:2] * 0
    nothing.eliminate_zeros()
    new = model.recommend_codes(np.array([-1, -1]), 10, history=nothing, features=features)
    parity = model.items_.ids[new.items] % 2
    assert parity[0].mean() < 0.3
    assert parity[1].mean() > 0.7


def test_edges_are_used_without_being_named(circles):
    assert default_blocks(circles, "user") == ["social"]
    model = hybridrec.HybridALS(factors=4, iterations=1, num_threads=1).fit(circles)
    assert [one.name for one in model.user_pipeline_.builders_] == ["social"]
    with pytest.raises(ParameterError, match="'social' describes users, not items"):
        hybridrec.HybridALS().fit(circles, item_features=["social"])


def test_who_is_forgotten_is_nobodys_friend(circles, tmp_path):
    model = hybridrec.HybridALS(factors=4, iterations=1, num_threads=1).fit(circles)
    left = forget(model, [3])
    left.save(tmp_path / "m")
    (block,) = hybridrec.load(tmp_path / "m").user_pipeline_.builders_
    assert 3 not in block.friends_
    assert 3 in model.user_pipeline_.builders_[0].friends_
    assert "friend who left" in block.feature_names(None)
    rows = block.rows_of([[3], [5]])
    assert np.diff(rows.indptr).tolist() == [0, 1]
    smaller = dataset_without(circles, [3])
    assert 3 not in smaller.social.users
    SocialEdges().fit(smaller, None)


def test_bad_values(circles):
    with pytest.raises(ParameterError, match="dimensions must be a whole number"):
        SocialEdges(-1)
    with pytest.raises(ParameterError, match="needs social edges"):
        FeaturePipeline(["social"], side="user").fit(
            Dataset.build(pd.DataFrame({"user": [1], "item": [1]}))
        )
