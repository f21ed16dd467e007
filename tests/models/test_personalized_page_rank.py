from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hybridrec import PersonalizedPageRank
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError, UnknownIdError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.models.personalized_page_rank import ANYWHERE

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


def transitions(clicks, links, weight) -> np.ndarray:
    """Return the probability of each round trip, node by node over the whole graph."""
    links = links[:, (links > 0).sum(axis=0) > 1]
    users = (clicks > 0).sum(axis=0)
    away = np.where(links.any(axis=1), weight / (weight + np.sqrt(users)), 0)
    step = (1 - away)[:, None] * (shares(clicks.T) @ shares(clicks))
    return step + away[:, None] * (shares(links) @ shares(links.T))


def reach_of(step, restart, steps) -> np.ndarray:
    reach, here = np.zeros_like(step), np.eye(len(step))
    for at in range(steps):
        reach += restart * (1 - restart) ** at * here
        here = here @ step
    return reach + (1 - restart) ** steps * here


def starts_of(clicks) -> tuple[np.ndarray, np.ndarray]:
    """Return where walks begin: in the history, and anywhere."""
    count = (clicks > 0).sum(axis=1, keepdims=True)
    users = (clicks > 0).sum(axis=0)
    lack = ANYWHERE / (count + ANYWHERE)
    return (1 - lack) * shares(clicks), lack * users / users.sum()


@pytest.mark.parametrize("weight", [0.5, 3.0])
def test_scores_are_those_of_the_walk(dataset, features, weight):
    params = {"restart": 0.2, "steps": 5}
    model = PersonalizedPageRank(**params, feature_weight=weight)
    model.fit(dataset, item_features=features)
    clicks = dataset.matrix.toarray().astype(np.float64)
    links = features.matrix().toarray().astype(np.float64)
    reach = reach_of(transitions(clicks, links, weight), **params)
    own, anywhere = starts_of(clicks)
    expected = (own + anywhere) @ reach
    np.testing.assert_allclose(model.exact_scores(np.arange(N_USERS)), expected, rtol=1e-5)
    others = reach - np.diag(np.diag(reach))  # an item is no neighbour of its own
    scores = model.scorer_.block(np.arange(N_USERS))
    np.testing.assert_allclose(scores, own @ others + anywhere @ reach, rtol=1e-4)
    assert expected[:, 11].min() > 0  # an item without users is reached


def test_what_no_history_reaches_is_ranked_by_walks_from_anywhere(features):
    clicks = pd.DataFrame({"user": ["a", "a", "b", "c"], "item": [0, 1, 2, 2]})
    users = pd.DataFrame({"user": ["a", "b", "c", "nobody"]})
    data = Dataset.build(clicks, user_table=users)
    model = PersonalizedPageRank().fit(data)
    ranked = model.recommend(["a"], k=5)
    assert ranked["item"].tolist() == [2]
    assert 0 < ranked["score"][0] < ANYWHERE
    served = model.recommend(["nobody"], k=5)
    assert served["item"].tolist()[0] == 2
    assert set(served["source"]) == {"popular"}
    assert served["score"].sum() == pytest.approx(1.0)
    assert model.scorer_.chosen(np.array([3]), np.array([[2]])) == pytest.approx(
        model.scorer_.background[2]
    )


def test_new_interactions_are_walked_exactly(dataset, features):
    model = PersonalizedPageRank().fit(dataset, item_features=features)
    model.update(pd.DataFrame({"user": [3, 99], "item": [11, 0]}))
    exact = model.exact_scores(np.array([model.users_.codes([99])[0]]))
    assert exact.shape == (1, N_ITEMS)
    assert exact.sum() == pytest.approx(1.0, rel=1e-4)


def test_paths_are_the_round_trips_of_the_walk(dataset, features):
    model = PersonalizedPageRank(restart=0.2, steps=5).fit(dataset, item_features=features)
    clicks = dataset.matrix.toarray().astype(np.float64)
    links = features.matrix().toarray().astype(np.float64)
    own, _ = starts_of(clicks)
    step = transitions(clicks, links, 1.0)
    user, target = int(np.argmax(own @ step[:, 11])), 11
    found = model.paths(user, target)
    score = model.scorer_.chosen(np.array([user]), np.array([[target]]))[0, 0]
    by_item = found.groupby("history")["share"].sum()
    for item in np.flatnonzero(clicks[user]):
        expected = own[user, item] * 0.2 * 0.8 * step[item, target] / score
        assert by_item.get(item, 0.0) == pytest.approx(expected, rel=1e-4)
    assert (found["share"].diff().dropna() <= 0).all()
    assert set(found["via"]) <= {f"feature {n}" for n in range(1, WIDTH)}  # nobody has item 11
    assert 0 < found["share"].sum() < 1
    others = model.paths(user, int(np.flatnonzero(clicks[user] == 0)[0]))
    assert "users" in set(others["via"])


def test_paths_name_the_features_of_a_pipeline():
    clicks = pd.DataFrame({"user": ["a", "b", "b"], "item": ["x", "y", "z"]})
    table = pd.DataFrame({"item": ["x", "y", "z"], "genre": ["noir", "noir", "war"]})
    facts = KnowledgeGraph.from_item_table(table, {"genre": "genre"})
    model = PersonalizedPageRank().fit(Dataset.build(clicks, facts))
    found = model.paths("a", "y")
    assert found["history"].tolist() == ["x"]
    assert found["via"].tolist() == ["tokens:genre>genre:noir"]
    with pytest.raises(UnknownIdError):
        model.paths("a", "nothing")


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
