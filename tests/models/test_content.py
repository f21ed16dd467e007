"""Profiles in feature space, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
