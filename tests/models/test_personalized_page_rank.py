from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hybridrec import PersonalizedPageRank
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.features.blocks import FeatureBlock, Features

N_USERS, N_ITEMS, WIDTH = 15, 12, 6


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Item 11 has no user."""
    rng = np.random.default_rng(1)
    pairs = {(int(u), int(i)) for u, i in rng.integers(0, (N_USERS, N_ITEMS - 1), (70, 2))}
    pairs |= {(user, user % (N_ITEMS - 1)) for user in range(N_USERS)}
    frame = pd.DataFrame(sorted(pairs), columns=["user", "item"])
    return Dataset.build(frame, item_table=pd.DataFrame({"item": range(N_ITEMS)}))


@pytest.fixture(scope="module")
def features() -> Features:
    rng = np.random.default_rng(2)
    matrix = (rng.random((N_ITEMS, WIDTH)) < 0.4).astype(np.float32)
    matrix[:, 0] = np.arange(N_ITEMS) == 4  # of one item alone: leads nowhere
    matrix[11, 1] = 1
    return Features([FeatureBlock("tokens", csr_matrix(matrix), np.arange(WIDTH).astype(str))])


def shares(matrix: np.ndarray) -> np.ndarray:
    total = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)


def expected_scores(clicks, links, restart, steps, weight) -> np.ndarray:
    """Walk node by node over the whole graph."""
    links = links[:, (links > 0).sum(axis=0) > 1]
    users = (clicks > 0).sum(axis=0)
    away = np.where(links.any(axis=1), weight / (weight + np.sqrt(users)), 0)
    step = (1 - away)[:, None] * (shares(clicks.T) @ shares(clicks))
    step += away[:, None] * (shares(links) @ shares(links.T))
    reach, here = np.zeros((N_ITEMS, N_ITEMS)), np.eye(N_ITEMS)
    for at in range(steps):
        reach += restart * (1 - restart) ** at * here
        here = here @ step
    reach += (1 - restart) ** steps * here
    np.fill_diagonal(reach, 0)
    return shares(clicks) @ reach


@pytest.mark.parametrize("weight", [0.5, 3.0])
def test_scores_are_those_of_the_walk(dataset, features, weight):
    params = {"restart": 0.2, "steps": 5}
    model = PersonalizedPageRank(**params, feature_weight=weight)
    model.fit(dataset, item_features=features)
    clicks = dataset.matrix.toarray().astype(np.float64)
    links = features.matrix().toarray().astype(np.float64)
    expected = expected_scores(clicks, links, **params, weight=weight)
    scores = model.scorer_.block(np.arange(N_USERS))
    np.testing.assert_allclose(np.where(np.isinf(scores), 0, scores), expected, rtol=1e-4)
    assert expected[:, 11].min() > 0  # an item without users is reached


def test_scores_of_all_users_are_on_one_scale(dataset):
    model = PersonalizedPageRank().fit(dataset, item_features=[])
    scores = model.scorer_.block(np.arange(N_USERS))
    assert np.where(np.isinf(scores), 0, scores).sum(axis=1).max() <= 1
    history = pd.DataFrame({"user": ["new", "new"], "item": [0, 3]})
    once = model.recommend(history=history, k=5)
    twice = model.recommend(history=pd.concat([history, history]), k=5)
    assert once["score"].tolist() == pytest.approx(twice["score"].tolist())


def test_only_the_nearest_are_kept(dataset):
    model = PersonalizedPageRank(neighbors=3).fit(dataset, item_features=[])
    whole = PersonalizedPageRank().fit(dataset, item_features=[])
    assert np.diff(model.scorer_.weights.indptr).max() == 3
    for item in range(N_ITEMS - 1):
        kept, every = model.scorer_.weights[item], whole.scorer_.weights[item]
        assert sorted(kept.data) == sorted(every.data)[-3:]


def test_a_new_item_is_placed_about_as_by_a_new_fit(dataset, features):
    links = features.matrix().toarray()
    new = csr_matrix(links[[3]])
    model = PersonalizedPageRank().fit(dataset, item_features=features)
    before = model.scorer_.weights.toarray()
    model.scorer_ = model.scorer_.with_more_items(1)
    assert model._place_items(np.array([N_ITEMS]), new)
    placed = model.scorer_.weights.toarray()
    assert np.array_equal(placed[:N_ITEMS, :N_ITEMS], before)

    table = pd.DataFrame({"item": range(N_ITEMS + 1)})
    wider = Dataset.build(dataset.interactions, item_table=table)
    block = FeatureBlock("tokens", csr_matrix(np.vstack([links, links[3]])), np.arange(WIDTH))
    fitted = PersonalizedPageRank().fit(wider, item_features=Features([block]))
    weights = fitted.scorer_.weights.toarray()
    assert np.corrcoef(placed[N_ITEMS, :-1], weights[N_ITEMS, :-1])[0, 1] > 0.95
    assert np.corrcoef(placed[:-1, N_ITEMS], weights[:-1, N_ITEMS])[0, 1] > 0.95


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"restart": 0.0}, "restart must be between 0 and 1"),
        ({"restart": 1.0}, "restart must be between 0 and 1"),
        ({"steps": 0}, "steps must be"),
        ({"neighbors": 0}, "neighbors must be"),
        ({"feature_weight": -1.0}, "feature_weight must be"),
    ],
)
def test_bad_parameters(dataset, params, message):
    with pytest.raises(ParameterError, match=message):
        PersonalizedPageRank(**params).fit(dataset)


def test_negative_features_are_refused(dataset):
    block = FeatureBlock("walks", -np.ones((N_ITEMS, 2), dtype=np.float32), np.array(["a", "b"]))
    with pytest.raises(ParameterError, match="cannot be negative"):
        PersonalizedPageRank().fit(dataset, item_features=Features([block]))
