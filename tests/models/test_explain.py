from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hybridrec import (
    ALS,
    BPR,
    Blend,
    Dataset,
    HybridALS,
    ItemKNN,
    KnowledgeGraph,
    LightFM,
    Recommender,
    Stack,
    load,
)
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.explain import Asked, explain_codes, leave_one_out, without_each
from hybridrec.ranking.explanation import LEARNED, OF_USER, OTHER_ITEMS, POPULARITY, TOGETHER
from hybridrec.ranking.scorer import FactorScorer

SIZE = 12


def board():
    """Users and items of two parities; user u lacks item u."""
    rows = [
        (f"u{user}", f"i{item}", 1.0 + (user + item) % 5)
        for user in range(SIZE)
        for item in range(user % 2, SIZE, 2)
        if item != user
    ]
    return pd.DataFrame(rows, columns=["user", "item", "rating"])


def table():
    parity = ["even", "odd"] * (SIZE // 2)
    names = [f"i{item}" for item in range(SIZE)]
    titles = [f"Film {item}" for item in range(SIZE)]
    new = {"item": ["cold"], "title": ["Cold"], "parity": ["even"]}
    known = pd.DataFrame({"item": names, "title": titles, "parity": parity})
    return pd.concat([known, pd.DataFrame(new)], ignore_index=True)


@pytest.fixture
def dataset():
    facts = KnowledgeGraph.from_item_table(table(), {"parity": "parity"})
    users = pd.DataFrame(
        {"user": [f"u{u}" for u in range(SIZE)] + ["new"], "kind": ["a", "b"] * 6 + ["a"]}
    )
    return Dataset.build(board(), facts, item_table=table(), user_table=users)


def values(told):
    return {part.name: part.value for part in told.parts}


class Counting(Recommender):
    """A model of nobody's: the users who have the item, times a square of the history."""

    model_name = "counting"

    def _fit(self, matrix, item_features, user_features):
        self.counts_ = matrix.getnnz(axis=0).astype(np.float32)
        return self._of(matrix)

    def _of(self, history):
        size = np.diff(history.indptr).astype(np.float32)
        return FactorScorer(size[:, None] ** 2, self.counts_[:, None], np.zeros_like(self.counts_))

    def _fold_in(self, history):
        return self._of(history)

    def _state(self):
        return {"counts_": self.counts_}


def test_any_model_is_explained_by_what_it_would_lose(dataset):
    model = Counting().fit(dataset)
    told = model.explain("u0", "i0")
    # 5 items, each of 5 users: 5 * 25; without one item 5 * 16, so each loses 45.
    assert told.score == 125
    assert values(told) == {
        **{f"Film {item}": pytest.approx(45) for item in (2, 4, 6, 8, 10)},
        TOGETHER: pytest.approx(125 - 5 * 45),
    }
    short = values(model.explain("u0", "i0", parts=2))
    assert short[OTHER_ITEMS] == pytest.approx(3 * 45)
    assert len(short) == 4


def test_weights_between_items_are_added_up(dataset):
    model = ItemKNN(neighbors=20).fit(dataset)
    told = model.explain("u0", "i0")
    row, target = model.history_[0], model.items_.codes(["i0"])[0]
    expected = {
        f"Film {int(model.items_.ids[item][1:])}": weight * model.scorer_.weights[item, target]
        for item, weight in zip(row.indices, row.data, strict=True)
    }
    assert values(told) == pytest.approx(expected)
    order = [part.value for part in told.parts]
    assert order == sorted(order, reverse=True)


def test_als_by_its_normal_equations(dataset):
    model = ALS(factors=3, regularization=0.5, iterations=3).fit(dataset)
    history = pd.DataFrame({"user": "me", "item": ["i1", "i3"], "rating": [5.0, 1.0]})
    told = model.explain("me", "i5", history=history)
    items = model.scorer_.item_factors.astype(np.float64)
    codes = model.items_.codes(["i1", "i3", "i5"])
    confidence = model.alpha * np.array([5.0, 1.0]) / float(model.mean_weight_)
    near = items[codes[:2]]
    system = items.T @ items + (near.T * (confidence - 1)) @ near + 0.5 * np.eye(3)
    expected = confidence * (near @ np.linalg.solve(system, items[codes[2]]))
    assert values(told) == pytest.approx(
        dict(zip(["Film 1", "Film 3"], expected, strict=True)), rel=1e-4
    )
    assert [part.item for part in told.parts] == ["i1", "i3"]
    trained = values(model.explain("u0", "i0"))
    assert LEARNED in trained


def test_what_is_folded_in_needs_no_training(dataset):
    history = board().query("user == 'u3'").assign(user="me")
    for model in (
        HybridALS(factors=3),
        BPR(factors=4, iterations=20),
        LightFM(factors=4, epochs=5),
    ):
        told = values(model.fit(dataset).explain("me", "i3", history=history))
        size = sum(map(abs, told.values()))
        assert abs(told.get(LEARNED, 0.0)) < 1e-4 * size


def test_features_of_cold_and_warm_items(dataset):
    for model in (HybridALS(factors=3), LightFM(factors=4, epochs=20)):
        model.fit(dataset)
        for item in ("cold", "i0"):
            told = model.explain("u0", item)
            names = [part.name for part in told.features if part.kind == "feature"]
            assert set(names) == {"parity = even"} or set(names) == {
                "parity = even",
                "other features",
            }
            assert sum(part.value for part in told.features) == pytest.approx(told.score, rel=1e-4)
    # What the prior of a warm item adds is what changes if it changes, all else equal.
    model = HybridALS(factors=3).fit(dataset)
    item, user = model.items_.codes(["i0"])[0], model.scorer_.user_factors[0].astype(np.float64)
    users = model.scorer_.user_factors.astype(np.float64)
    column = model.history_[:, [item]].toarray().ravel() / float(model.mean_weight_)
    absent = float(model.unobserved_)
    confidence = np.where(column > 0, column, absent)
    count = np.count_nonzero(column)
    pull = model.prior_share * model.regularization
    ridge = (1 - model.prior_share) * model.regularization * count**model.frequency_exponent
    system = (users.T * confidence) @ users + (ridge + pull) * np.eye(3)
    prior = (model.features_[item] @ model.item_weights_).ravel()
    expected = pull * user @ np.linalg.solve(system, prior)
    told = model.explain("u0", "i0")
    parts = sum(part.value for part in told.features if part.kind == "feature")
    assert parts == pytest.approx(expected, rel=1e-3)


def test_users_known_by_features_alone(dataset):
    told = HybridALS(factors=3).fit(dataset).explain("new", "i0")
    assert values(told) == {OF_USER: told.score}
    assert told.paths == ()


def test_nobody_gets_what_is_popular(dataset):
    model = ItemKNN().fit(dataset)
    assert values(model.explain("new", "i0")) == {POPULARITY: 5.0}
    assert values(model.explain(None, "i0")) == {POPULARITY: 5.0}
    assert model.explain(None, "i0").to_json()["user"] is None


def test_items_out_of_reach(dataset):
    model = ItemKNN().fit(dataset)
    with pytest.raises(DataError, match="cannot score item 'cold'"):
        model.explain("u0", "cold")
    with pytest.raises(DataError, match="no score of item 'i1' for this user"):
        model.explain("u0", "i1")


def test_whose_history(dataset):
    model = ItemKNN().fit(dataset)
    history = board().query("user in ['u2', 'u4']")
    with pytest.raises(ParameterError, match="the history is of 2 users"):
        model.explain(item="i0", history=history)
    alone = history.query("user == 'u2'")
    told = model.explain(item="i2", history=alone)
    assert told.user == "u2"
    assert told == model.explain("u2", "i2")
    # A known user who is not in the history is explained as ever.
    assert model.explain("u6", "i6", history=alone) == model.explain("u6", "i6")
    row = csr_matrix(model.history_[model.users_.codes(["u2"])[0]])
    target = int(model.items_.codes(["i2"])[0])
    assert explain_codes(model, -1, row, target).parts == told.parts


def test_blends_tell_what_their_members_tell(dataset):
    members = (("hybrid-als", {"factors": 3}), "item-knn")
    model = Blend(members=members, weights=(1.0, 3.0)).fit(dataset)
    told = model.explain("u0", "i0")
    assert sum(values(told).values()) == pytest.approx(told.score, rel=1e-5)
    block = model.scorer_.members.filled(1, np.array([0]))[0][0][model.measured_]
    own = values(model.members_[1].explain("u0", "i0"))
    other = model.members_[0].explain("u0", "i0")
    spread = model.scorer_.members.filled(0, np.array([0]))[0][0][model.measured_].std()
    name = told.parts[0].name
    expected = 0.25 * values(other)[name] / spread + 0.75 * own[name] / block.std()
    assert told.parts[0].value == pytest.approx(expected, rel=1e-4)
    assert {part.kind for part in told.features} == {"feature", "bias"}


def test_a_stack_is_asked_to_do_without(dataset):
    model = Stack(members=("item-knn", "content"), folds=2).fit(dataset)
    told = model.explain("u0", "i0")
    assert sum(values(told).values()) == pytest.approx(told.score, rel=1e-5)
    assert told.features == ()


def test_leaving_out():
    history = csr_matrix(np.array([[0, 2.0, 0, 3, 4]], dtype=np.float32))
    rows = without_each(history, np.array([2, 0])).toarray()
    assert rows.tolist() == [[0, 2, 0, 3, 4], [0, 2, 0, 3, 0], [0, 0, 0, 3, 4]]


def test_an_item_without_which_nothing_is_left(dataset):
    model = ItemKNN().fit(dataset)
    row = csr_matrix(([1.0], [2], [0, 1]), shape=(1, SIZE + 1), dtype=np.float32)
    scorer, rows, _ = model.scorer_for(np.array([-1]), row)
    score = float(scorer.chosen(rows, np.array([[0]], dtype=np.int32))[0, 0])
    shares = leave_one_out(model, Asked(scorer, 0, row, 0, -1, True, score))
    assert shares.values.tolist() == [pytest.approx(score)]


def test_loaded_models_explain_the_same(dataset, tmp_path):
    for model in (HybridALS(factors=3), LightFM(factors=4, epochs=3), Counting()):
        model.fit(dataset).save(tmp_path / model.model_name)
        again = load(tmp_path / model.model_name, models=[Counting])
        assert again.explain("u0", "i0") == model.explain("u0", "i0")


def test_new_items_and_new_facts(dataset):
    model = HybridALS(factors=3).fit(dataset)
    before = model.explain("u0", "cold")
    fresh = pd.DataFrame({"item": ["fresh"], "title": ["Fresh"], "parity": ["even"]})
    model.add_items(fresh)
    assert model.explain("u0", "fresh").features[0].name == "parity = even"
    assert model.explain("u0", "cold") == before
