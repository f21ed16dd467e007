"""A forgotten user leaves no row behind, and the others notice as little as said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.errors import ParameterError, UnknownIdError
from hybridrec.models.registry import MODELS, make_model
from hybridrec.privacy import PrivateALS, dataset_without, forget, interactions_without
from hybridrec.testing.contract import checkerboard, parity_items, parity_knowledge

SMALL = {
    **{name: {"factors": 4} for name in ("als", "hybrid-als", "logistic-mf", "graph-filter")},
    "bpr": {"factors": 4, "iterations": 5},
    "lightfm": {"factors": 4, "epochs": 3},
    "private-als": {"factors": 2, "noise": "seeded"},
    "blend": {"members": ("item-knn", "als:factors=4")},
    "stack": {"members": ("item-knn", "als:factors=4")},
}
GONE = ["u3", "u4"]


def fitted(name, dataset):
    return make_model(name, **SMALL.get(name, {})).fit(dataset)


@pytest.fixture(scope="module")
def dataset():
    people = pd.DataFrame({"user": [f"u{one}" for one in range(30)], "age": range(30)})
    return hr.Dataset.build(
        checkerboard(), parity_knowledge(), item_table=parity_items(), user_table=people
    )


@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_the_user_stays_and_others_keep_their_lists(name, dataset, tmp_path):
    model = fitted(name, dataset)
    before = model.recommend(k=5)
    left = forget(model, GONE)
    pd.testing.assert_frame_equal(model.recommend(k=5), before)  # it was not changed
    assert not set(GONE) & set(left.users_.ids)
    assert left.history_.shape == (28, 31)
    for array in (left.user_sources_, *(one.user_sources_ for one in left.members_)):
        assert len(array) == 28
    assert [key for key, one in left._state().items() if np.shape(one)[:1] == (30,)] in (
        [],
        ["features", "rows"],  # of the items with users, which are 30 as well
        ["scenario/0/items", "scenario/0/delta"],  # likewise
    )
    assert left.scorer_.n_users == 28
    with pytest.raises(UnknownIdError, match="u3"):
        left.recommend(["u3"])
    if name not in ("popularity", "blend", "stack"):  # those do follow popularity
        others = before[~before["user"].isin(GONE)].reset_index(drop=True)
        pd.testing.assert_frame_equal(left.recommend(k=5), others)
    if name != "private-als":
        np.testing.assert_array_equal(left.popularity_, left.history_.getnnz(axis=0))
    left.save(tmp_path / "left")
    pd.testing.assert_frame_equal(hr.load(tmp_path / "left").recommend(k=5), left.recommend(k=5))
    left.update(pd.DataFrame({"user": ["u0", "u3"], "item": ["i0", "i1"]}))
    assert len(left.users_) == 29


@pytest.mark.parametrize(
    "name",
    [
        one
        for one in MODELS
        if one not in ("blend", "stack", "contextual", "scenarios", "private-als")
    ],
)
def test_a_refit_is_the_fit_that_never_saw_the_user(name, dataset):
    dataset = hr.Dataset.build(
        dataset.interactions, dataset.knowledge, item_table=parity_items()
    )  # without user features, which no model keeps
    again = forget(fitted(name, dataset), GONE, item_side="refit")
    fresh = fitted(name, dataset_without(dataset, GONE))
    pd.testing.assert_frame_equal(again.recommend(k=5), fresh.recommend(k=5))
    np.testing.assert_array_equal(again.popularity_, fresh.popularity_)


@pytest.mark.parametrize("name", ["popularity", "bias-baseline"])
def test_a_half_step_is_exact_where_items_are_counted_alone(name, dataset):
    half = forget(fitted(name, dataset), GONE, item_side="half-step")
    fresh = fitted(name, dataset_without(dataset, GONE))
    np.testing.assert_allclose(half.scorer_.item_factors, fresh.scorer_.item_factors, atol=1e-6)
    np.testing.assert_allclose(half.scorer_.item_bias, fresh.scorer_.item_bias, atol=1e-6)


def test_a_half_step_of_als_solves_the_items_for_who_is_left(dataset):
    model = hr.ALS(factors=3, regularization=2.0, alpha=4.0, num_threads=1).fit(checkerboard())
    half = forget(model, GONE, item_side="half-step")
    users = half.scorer_.user_factors.astype(np.float64)
    gram = users.T @ users + 2.0 * np.eye(3)
    has = np.flatnonzero(half.history_[:, 7].toarray())
    normal = gram + (4.0 - 1.0) * users[has].T @ users[has]
    expected = np.linalg.solve(normal, 4.0 * users[has].sum(axis=0))
    np.testing.assert_allclose(half.scorer_.item_factors[7], expected, rtol=1e-3)
    kept = forget(model, GONE)
    np.testing.assert_array_equal(kept.scorer_.item_factors, model.scorer_.item_factors)


@pytest.mark.parametrize("name", ["als", "item-knn", "ease", "personalized-page-rank"])
def test_items_that_nobody_else_has_are_forgotten_too(name):
    frame = pd.concat([checkerboard(), pd.DataFrame({"user": ["u3"], "item": ["only mine"]})])
    table = pd.DataFrame({"item": ["only mine", "i1", "i2"], "kind": ["x", "x", "y"]})
    model = fitted(name, hr.Dataset.build(frame, item_table=table))
    code = model.items_.codes(["only mine"])[0]
    assert model.scorable_[code]
    left = forget(model, ["u3"])
    assert not left.scorable_[code]
    assert "only mine" not in set(left.recommend(k=100)["item"])
    assert model.scorable_[code]
    if name == "als":
        assert not left.scorer_.item_factors[code].any()
    else:
        weights = left.scorer_.weights[:, code]
        assert not (weights.toarray() if hasattr(weights, "toarray") else weights).any()


def test_users_who_came_later_are_forgotten_as_well(dataset):
    """The state of a fit has fewer rows than there are users now."""
    model = fitted("hybrid-als", dataset)
    model.update(pd.DataFrame({"user": ["new", "newer"], "item": ["i2", "i3"]}))
    left = forget(model, ["u3", "new"])
    assert "newer" in left.users_
    assert len(left.user_prior_) == 29
    expected = model.recommend(["u5", "newer"], k=4)
    pd.testing.assert_frame_equal(left.recommend(["u5", "newer"], k=4), expected)
    history = checkerboard().query("user == 'u5'")
    pd.testing.assert_frame_equal(
        left.recommend(history=history, k=4), model.recommend(history=history, k=4)
    )


def test_rows_ids_and_descriptions_leave_the_data(dataset):
    rows = interactions_without(dataset.interactions, GONE)
    frame = dataset.interactions.to_frame()
    expected = frame[~frame["user"].isin(GONE)].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows.to_frame(), expected)
    assert len(rows.users) == 28
    left = dataset_without(dataset, GONE)
    assert left.user_table["age"].tolist() == [int(one[1:]) for one in left.users.ids]
    assert left.items == dataset.items


def test_what_cannot_be_undone_is_refused(dataset):
    model = fitted("item-knn", dataset)
    for users, side, error, message in [
        (["u99"], "keep", UnknownIdError, "u99"),
        (GONE, "kep", ParameterError, "did you mean 'keep'"),
        (GONE, "half-step", ParameterError, "no half-step of its items; choose item_side 'refit'"),
        (model.users_.ids, "keep", ParameterError, "these are all users"),
    ]:
        with pytest.raises(error, match=message):
            forget(model, users, item_side=side)
    for name in ("blend", "private-als", "hybrid-als"):  # the last has features of users
        with pytest.raises(ParameterError, match="cannot be fitted again from its folder alone"):
            forget(fitted(name, dataset), GONE, item_side="refit")
    for name in ("private-als", "blend"):
        with pytest.raises(ParameterError, match="no half-step"):
            forget(fitted(name, dataset), GONE, item_side="half-step")
    with pytest.raises(ParameterError, match="does not tell which"):
        forget(hr.HybridALS(factors=2).fit(checkerboard()), GONE, item_side="refit")


def test_a_private_item_side_stays_as_it_is(dataset):
    model = PrivateALS(noise="seeded", factors=2).fit(dataset)
    left = forget(model, GONE)
    np.testing.assert_array_equal(left.scorer_.item_factors, model.scorer_.item_factors)
    np.testing.assert_array_equal(left.scorable_, model.scorable_)
