from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Blend, Dataset, Interactions, ItemKNN, Popularity, Rules, load
from hybridrec.errors import ParameterError
from hybridrec.models import blend as module
from hybridrec.testing.contract import COLD, checkerboard, parity_items, parity_knowledge

MEMBERS = ("item-knn", "hybrid-als:factors=4", "popularity")


@pytest.fixture
def dataset() -> Dataset:
    return Dataset.build(checkerboard(), parity_knowledge(), item_table=parity_items())


def test_given_weights_are_those_of_the_members(dataset):
    model = Blend(members=("item-knn", "popularity"), weights=(3, 1)).fit(dataset)
    assert model.weights_ == {"item-knn": 0.75, "popularity": 0.25}
    assert model.cold_weights_ == {"item-knn": 0, "popularity": 0}
    scores = np.zeros((30, 30))
    for member, weight in ((ItemKNN(), 0.75), (Popularity(), 0.25)):
        own = member.fit(dataset).scorer_.block(np.arange(30))[:, :30]
        own = np.where(np.isneginf(own), 0, own)
        spread = own.std(axis=1, keepdims=True)
        scores += weight * (own - own.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
    found = model.scorer_.block(np.arange(30))[:, :30]
    np.testing.assert_allclose(found, scores, atol=1e-4)


def test_the_member_that_knows_gets_the_weight(dataset):
    model = Blend(members=("popularity", "item-knn")).fit(dataset)
    assert model.weights_["item-knn"] > 0.5
    assert sum(model.weights_.values()) == pytest.approx(1)


def test_members_of_no_weight_are_left_out(dataset):
    model = Blend(members=MEMBERS, weights=(1, 0, 0)).fit(dataset)
    assert [type(member) for member in model.members_] == [ItemKNN]
    alone = ItemKNN().fit(dataset).recommend(k=5)
    pd.testing.assert_series_equal(model.recommend(k=5)["item"], alone["item"])


def test_weights_are_searched_without_the_held_out_pairs(dataset, monkeypatch):
    held, fitted = [], []
    real_hold_out, real_fit = module.hold_out, module.fit_member
    monkeypatch.setattr(
        module, "hold_out", lambda *given: held.append(real_hold_out(*given)) or held[-1]
    )
    monkeypatch.setattr(
        module, "fit_member", lambda *given: fitted.append(given[2]) or real_fit(*given)
    )
    Blend(members=MEMBERS).fit(dataset)
    assert held[0].pairs.nnz > 0
    assert len(fitted) == len(MEMBERS)
    for matrix in fitted:
        assert matrix.multiply(held[0].pairs).nnz == 0
        assert matrix[:, held[0].cold].nnz == 0


def test_rows_of_weight_zero_teach_nothing(dataset):
    poison = pd.DataFrame({"user": ["u0", "u1", "u2"], "item": ["i0", "i0", "i5"], "weight": 0.0})
    rows = pd.concat([checkerboard().assign(weight=1.0), poison], ignore_index=True)
    poisoned = dataset.with_interactions(Interactions.from_frame(rows).with_items(dataset.items))
    one, two = (Blend(members=MEMBERS).fit(data) for data in (dataset, poisoned))
    assert one.weights_ == two.weights_
    pd.testing.assert_frame_equal(one.recommend(k=8), two.recommend(k=8))


def test_features_can_be_kept_from_a_member(dataset):
    names = ("hybrid-als:factors=4", "hybrid-als:factors=4,features=none")
    model = Blend(members=names, weights=(1, 1)).fit(dataset)
    assert model.fed_.tolist() == [True, False]
    assert [bool(one.scorable_[-1]) for one in model.members_] == [True, False]
    assert list(model.cold_weights_.values()) == [1.0, 0.0]


def test_parameters_of_members_as_a_mapping(dataset, tmp_path):
    model = Blend(members=(("item-knn", {"neighbors": 7}), "popularity"), weights=(1, 1))
    model.fit(dataset).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.members == model.members
    assert loaded.members_[0].neighbors == 7
    assert loaded.weights_ == model.weights_


def test_a_blend_of_blends_is_stored_whole(dataset, tmp_path):
    inner = ("blend", {"members": ("item-knn", "content"), "weights": (1.0, 2.0)})
    model = Blend(members=(inner, "hybrid-als:factors=4"), weights=(1, 1)).fit(dataset)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.recommend(k=5), model.recommend(k=5))
    items = pd.DataFrame({"item": ["fresh"], "parity": ["odd"]})
    events = pd.DataFrame({"user": ["u0", "new"], "item": ["other", "i2"]})
    for one in (model, loaded):
        one.add_items(items).update(events)
    pd.testing.assert_frame_equal(loaded.recommend(k=40), model.recommend(k=40))
    assert "fresh" in set(model.recommend(["u1"], k=40)["item"])


def test_items_that_users_bring_are_scored_with_the_others():
    model = Blend(members=("als:factors=4", "item-knn"), weights=(1, 1)).fit(checkerboard())
    users = [f"u{user}" for user in range(0, 20, 2)]
    model.update(pd.DataFrame({"user": users, "item": "fresh"}))
    lists = model.recommend(["u20", "u1"], k=40, rules=Rules(allow=["fresh", "i1", "i20"]))
    assert "fresh" in set(lists[lists["user"] == "u20"]["item"])


def test_calibration_places_new_items(dataset):
    def rank(calibration):
        model = Blend(members=MEMBERS, calibration=calibration).fit(dataset)
        lists = model.recommend(k=40)
        return lists[lists["item"] == COLD].set_index("user")["score"]["u0"]

    assert rank(0.2) < rank(1.0)


def test_similar_items_come_from_the_members_that_know(dataset):
    model = Blend(members=("popularity", "item-knn"), weights=(1, 1)).fit(dataset)
    assert set(model.similar_items(["i2"], k=3)["item"]) == {"i2"}
    with pytest.raises(ParameterError, match="no member of this blend has similar items"):
        Blend(members=("popularity",), weights=(1,)).fit(dataset).similar_items(["i2"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"members": ()}, "members must be a sequence"),
        ({"members": "item-knn"}, "members must be a sequence"),
        ({"members": ("item-nkn",)}, "did you mean 'item-knn'"),
        ({"members": ("item-knn:neighbor=3",)}, "did you mean 'neighbors'"),
        ({"members": (("item-knn", {"neighbor": 3}),)}, "did you mean 'neighbors'"),
        ({"members": ("item-knn", "item-knn")}, "is there twice"),
        ({"members": ("content:features=columns",)}, "members share the features"),
        ({"members": MEMBERS, "weights": (1, 2)}, "one number for each of 3 members"),
        ({"members": ("item-knn",), "weights": (-1,)}, "weights must be a number of at least 0"),
        ({"members": ("item-knn",), "weights": (0,)}, "at least one of the weights"),
        ({"validation_share": 0.9}, "validation_share must be at most 0.5"),
        ({"calibration": 0}, "calibration must be a positive number"),
    ],
)
def test_what_makes_no_sense_is_refused(dataset, params, message):
    with pytest.raises(ParameterError, match=message):
        Blend(**params).fit(dataset)
