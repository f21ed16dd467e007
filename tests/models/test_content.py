"""Profiles in feature space, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.models.content import Content

ROWS = pd.DataFrame({"user": list("aab"), "item": list("xyz"), "weight": [1.0, 3.0, 1.0]})
TABLE = pd.DataFrame({"item": list("vwxyz"), "tag": ["p|q", "r", "p", "q", "s"]})


@pytest.fixture
def model():
    return Content().fit(Dataset.build(ROWS, item_table=TABLE), item_features=["columns"])


def test_score_is_the_cosine_of_profile_and_features(model):
    lists = model.recommend(["a"])
    assert lists["item"].tolist() == ["v"]  # x, y are seen; r and s meet nothing
    assert lists["source"].tolist() == ["features"]
    profile = np.array([1.0, 3.0])
    expected = profile @ np.array([1.0, 1.0]) / np.linalg.norm(profile) / np.sqrt(2)
    assert lists["score"][0] == pytest.approx(expected)


def test_items_that_meet_nothing_have_no_score(model):
    scores = model.score(pd.DataFrame({"user": ["a", "a"], "item": ["w", "x"]}))["score"]
    assert scores[0] == -np.inf
    assert scores[1] == pytest.approx(1 / np.sqrt(10))


def test_a_user_whose_items_meet_nothing_is_served_the_popular(model):
    assert set(model.recommend(["b"])["source"]) == {"popular"}


def test_similar_items_by_cosine(model):
    found = model.similar_items(["v"])
    assert set(found["similar"]) == {"x", "y"}
    np.testing.assert_allclose(found["score"], np.sqrt(0.5), rtol=1e-6)


def test_folding_in_nobody(model):
    assert model.recommend(history=ROWS.iloc[:0]).empty
    assert model.recommend([], history=ROWS).empty


def test_items_are_added_one_batch_after_the_other(model):
    model.add_items(pd.DataFrame({"item": ["m"], "tag": ["q"]}))
    model.add_items(pd.DataFrame({"item": ["n", "o"], "tag": ["p", "unheard"]}))
    lists = model.recommend(["a"])
    assert lists["item"].tolist() == ["m", "v", "n"]


def test_neighbors_by_hand():
    """v has p and q, so it is alike x and y; each item keeps one, the first of two equal ones."""
    data = Dataset.build(ROWS, item_table=TABLE)
    model = Content(neighbors=1).fit(data, item_features=["columns"])
    weights = pd.DataFrame(model.scorer_.weights.toarray(), *[data.items.ids] * 2)
    expected = {("x", "v"), ("y", "v"), ("v", "x")}
    half = np.sqrt(0.5)
    found = {pair for pair, weight in weights.stack().items() if weight}
    assert found in (expected, expected - {("v", "x")} | {("v", "y")})
    lists = model.recommend(["a"])
    assert lists["item"].tolist() == ["v"]
    assert lists["score"][0] == pytest.approx(1.0 * half + 3.0 * half)


def example(seed, items=14):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(items, 3)).astype(np.float32)
    values[2] = 0
    rows = pd.DataFrame({"user": np.arange(items) % 4, "item": np.arange(items)})
    names = np.array(["a", "b", "c"])
    features = Features([FeatureBlock("own", values, names)])
    return Dataset.build(rows), features, values


@given(st.integers(0, 2**32), st.sampled_from([1, 4, 50]))
@settings(max_examples=30, deadline=None)
def test_neighbors_are_the_largest_cosines(seed, neighbors):
    data, features, values = example(seed)
    weights = Content(neighbors=neighbors).fit(data, item_features=features).scorer_.weights
    unit = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-30)
    cosines = np.maximum(unit @ unit.T, 0.0)
    np.fill_diagonal(cosines, 0.0)
    least = -np.sort(-cosines, axis=1)[:, min(neighbors, 13) - 1]
    expected = np.where(cosines >= least[:, None], cosines, 0.0)
    np.testing.assert_allclose(weights.toarray(), expected, rtol=1e-4, atol=1e-6)


def test_with_all_neighbors_the_lists_are_those_of_the_profile():
    data, _, values = example(5)
    block = FeatureBlock("own", np.abs(values), np.array(["a", "b", "c"]))
    profile, nearest = (
        Content(neighbors=count).fit(data, item_features=Features([block])).recommend(k=14)
        for count in (0, 13)
    )
    assert len(profile) > 30
    pd.testing.assert_frame_equal(
        profile[["user", "item", "rank"]], nearest[["user", "item", "rank"]]
    )


@pytest.mark.parametrize("neighbors", [1, 3, 50])
def test_a_new_item_gets_the_neighbours_of_a_fit_that_knows_it(neighbors):
    rng = np.random.default_rng(neighbors)
    tags = ["|".join(rng.choice(list("pqrstuvw"), 3, replace=False)) for _ in range(12)]
    table = pd.DataFrame({"item": np.arange(12), "tag": tags})
    rows = pd.DataFrame({"user": np.arange(12) % 4, "item": np.arange(12)})
    old = Dataset.build(rows[:-1], item_table=table[:-1])
    model = Content(neighbors=neighbors).fit(old, item_features=["columns"])
    before = model.scorer_.weights.toarray()
    model.add_items(table[-1:])
    every = Dataset.build(rows, item_table=table)
    expected = Content(neighbors=50).fit(every, item_features=["columns"]).scorer_.weights.toarray()
    ours = model.scorer_.weights.toarray()
    np.testing.assert_array_equal(ours[:11, :11], before)
    np.testing.assert_allclose(ours[11][ours[11] > 0], expected[11][ours[11] > 0], rtol=1e-5)
    assert np.count_nonzero(ours[11]) >= min(neighbors, np.count_nonzero(expected[11]))
    room = np.count_nonzero(before, axis=1) < neighbors
    least = np.where(room, 0.0, np.where(before > 0, before, np.inf).min(axis=1))
    column = np.where(expected[:11, 11] > least + 1e-6, expected[:11, 11], 0.0)
    np.testing.assert_allclose(ours[:11, 11], column, rtol=1e-5)


def test_ready_made_features():
    data = Dataset.build(ROWS, item_table=TABLE)
    block = FeatureBlock(
        "own", np.eye(5, dtype=np.float32)[[0, 0, 1, 2, 3]], np.array(list("abcde"))
    )
    model = Content().fit(data, item_features=Features([block]))
    assert model.similar_items([data.items.ids[0]])["similar"].tolist() == [data.items.ids[1]]
    with pytest.raises(ParameterError, match="or with a ready-made matrix"):
        model.add_items(pd.DataFrame({"item": ["m"], "tag": ["q"]}))


def test_needs_features():
    with pytest.raises(ParameterError, match="content needs item features"):
        Content().fit(ROWS)


@pytest.mark.parametrize("neighbors", [-1, 2.5])
def test_bad_parameters(neighbors):
    data = Dataset.build(ROWS, item_table=TABLE)
    with pytest.raises(ParameterError, match="neighbors must be a whole number"):
        Content(neighbors=neighbors).fit(data)
