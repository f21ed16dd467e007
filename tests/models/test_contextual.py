"""Contextual: lists that depend on the circumstances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Contextual, Interactions, ItemKNN, Popularity, load
from hybridrec.dataset.context import ContextColumn
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.context_effects import Lifts, Observed, counted
from hybridrec.models.registry import make_model
from hybridrec.privacy import forget

METHODS = {"post-filter": "item-knn", "pre-filter": "item-knn", "factors": "hybrid-als:factors=8"}


def watched(seed=0):
    """Return rows: items 0-19 are for the tv, 20-39 for the phone; place says nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"user": rng.integers(0, 80, 1600)})
    frame["device"] = np.where(rng.random(len(frame)) < 0.5, "tv", "phone")
    frame["item"] = (20 * rng.beta(1, 2, len(frame))).astype(int) + 20 * (frame.device == "phone")
    frame["place"] = rng.choice(["home", "work", "train"], len(frame))
    return frame.drop_duplicates(["user", "item"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def rows():
    return Interactions.from_frame(watched(), context=["device", "place"])


@pytest.fixture(scope="module")
def fitted(rows):
    return {
        method: Contextual(base=base, method=method, num_threads=1).fit(rows)
        for method, base in METHODS.items()
    }


@pytest.fixture(params=METHODS)
def model(request, fitted):
    return fitted[request.param]


def share_of_phone(lists):
    return (lists["item"] >= 20).mean()


# ---- what contexts change -----------------------------------------------------------------------


def test_lists_are_those_of_the_context(model):
    assert model.strengths_["device"] > 0
    phone = share_of_phone(model.recommend(k=3, context={"device": "phone"}))
    tv = share_of_phone(model.recommend(k=3, context={"device": "tv"}))
    assert tv < share_of_phone(model.recommend(k=3)) < phone
    assert phone - tv > 0.4


def test_without_context_the_lists_are_those_of_the_base(fitted, rows):
    base = ItemKNN().fit(rows)
    for method in ("post-filter", "pre-filter"):
        model = fitted[method]
        for context in (None, {}, {"device": None}):
            pd.testing.assert_frame_equal(
                model.recommend(k=4, context=context), base.recommend(k=4)
            )


def test_a_column_that_tells_nothing_is_not_used(fitted):
    assert fitted["post-filter"].strengths_["place"] == 0
    model = fitted["post-filter"]
    pd.testing.assert_frame_equal(
        model.recommend(k=4, context={"place": "home"}), model.recommend(k=4)
    )


def test_new_users_have_contexts_too(model):
    history = watched().query("user == 5").assign(user="new")[["user", "item"]]
    lists = {
        device: model.recommend(history=history, k=4, context={"device": device})
        for device in ("tv", "phone")
    }
    assert set(lists["tv"]["source"]) == {"fold-in"}
    assert share_of_phone(lists["tv"]) < share_of_phone(lists["phone"])
    assert not set(lists["tv"]["item"]) & set(history["item"])


def test_who_is_not_known_gets_what_is_popular_in_the_context(model):
    nobody = model.recommend(
        ["nobody"], k=3, history=watched().iloc[:0], context={"device": "phone"}
    )
    assert set(nobody["source"]) == {"popular"}
    assert share_of_phone(nobody) == 1


def test_batch_equals_single_and_any_number_of_threads(model):
    view = model.in_context({"device": "tv", "place": "home"})
    together = view.recommend(k=5, num_threads=2)
    for user in (3, 40):
        alone = together[together["user"] == user].reset_index(drop=True)
        pd.testing.assert_frame_equal(view.recommend([user], k=5, num_threads=1), alone)


def test_score_and_codes_agree_with_the_lists(model):
    view = model.in_context({"device": "tv"})
    lists = view.recommend([1, 2], k=5)
    scores = view.score(lists[["user", "item"]])["score"]
    np.testing.assert_allclose(scores, lists["score"], rtol=1e-6)
    codes = view.recommend_codes(model.users_.codes([1, 2]), 5)
    assert model.items_.ids[codes.items].ravel().tolist() == lists["item"].tolist()


def test_explanations_sum_to_the_score(model):
    view = model.in_context({"device": "phone"})
    row = view.recommend([4], k=1).iloc[0]
    told = view.explain(4, int(row["item"]))
    assert sum(part.value for part in told.parts) == pytest.approx(row["score"], abs=1e-4)
    history = watched().query("user == 5").assign(user="new")[["user", "item"]]
    folded = view.recommend(history=history, k=1).iloc[0]
    told = view.explain(item=int(folded["item"]), history=history)
    assert sum(part.value for part in told.parts) == pytest.approx(folded["score"], abs=1e-4)


def test_the_context_is_a_part_of_the_explanation(fitted):
    told = fitted["post-filter"].in_context({"device": "phone"}).explain(4, 20)
    parts = {part.name: part.value for part in told.parts}
    assert parts["the context"] > 0


# ---- by hand ------------------------------------------------------------------------------------


def test_lifts_by_hand():
    codes = np.array([0, 0, 1, 1, 1], dtype=np.int32)
    items = np.array([0, 1, 0, 0, 0], dtype=np.int32)
    users = np.arange(5, dtype=np.int32)
    column = ContextColumn("device", ("phone", "tv"), codes)
    observed = Observed(users, items, np.ones(5, dtype=np.float32), (column,))
    counts = counted(observed.occurrences(5, 3), 2)
    np.testing.assert_array_equal(counts.toarray(), [[1, 1, 0], [3, 0, 0]])
    lifts = Lifts(counts, observed.starts, smoothing=1.0)
    # of 5 rows 2 are on the phone: expected there 4 * 2/5 of item 0, 1 * 2/5 of item 1
    np.testing.assert_allclose(lifts.of(0), np.log([2 / 2.6, 2 / 1.4, 1]))
    both = lifts.together({0: 2.0, 1: 0.5})
    np.testing.assert_allclose(both, 2 * lifts.of(0) + 0.5 * lifts.of(1))


def test_popular_in_a_context_in_the_order_of_its_counts(rows):
    model = Contextual(base="popularity", strength=1, shrinkage=1e-3).fit(rows)
    plain = Popularity().fit(rows)
    scores = model.in_context({"device": "tv"}).scorer_.block(np.array([0]))[0]
    counts = plain.popularity_
    frame = watched()
    on_tv = frame[frame.device == "tv"]["item"].value_counts().reindex(model.items_.ids).fillna(0)
    lift = np.log((on_tv + 1e-3) / (counts * (frame.device == "tv").mean() + 1e-3))
    np.testing.assert_allclose(scores, counts + counts.std() * lift, rtol=1e-3)


def test_few_interactions_leave_more_of_the_general_model(rows):
    context = {"device": "phone"}
    shares = [
        share_of_phone(
            Contextual(base="item-knn", method="pre-filter", strength=2, shrinkage=shrinkage)
            .fit(rows)
            .recommend(k=3, context=context)
        )
        for shrinkage in (1e9, 1.0)
    ]
    assert shares[0] < shares[1]


# ---- values and columns -------------------------------------------------------------------------


def test_a_value_never_seen_changes_nothing_and_says_so(model):
    with pytest.warns(UserWarning, match="no interaction of the fit had the context device=watch"):
        lists = model.recommend(k=3, context={"device": "watch"})
    pd.testing.assert_frame_equal(lists, model.recommend(k=3))
    view = model.in_context({"device": "watch", "place": "home"})
    assert view.unknown_context_ == {"device": "watch"}
    assert not model.in_context({"device": "tv"}).unknown_context_


def test_unknown_columns_and_no_values(model):
    with pytest.raises(ParameterError, match="no context 'devise' here; did you mean 'device'"):
        model.recommend(context={"devise": "tv"})
    with pytest.raises(ParameterError, match="'device' must be a text"):
        model.recommend(context={"device": ["tv"]})
    with pytest.raises(ParameterError, match="context must be a mapping"):
        model.recommend(context="tv")
    with pytest.raises(ParameterError, match="item-knn knows no context"):
        ItemKNN().fit(watched()).recommend(context={"device": "tv"})


def test_missing_values_count_for_no_context():
    frame = watched()
    frame.loc[frame.index % 2 == 0, "device"] = None
    rows = Interactions.from_frame(frame, context=["device"])
    model = Contextual(base="item-knn", strength=1).fit(rows)
    assert model.values_ == {"device": ("phone", "tv")}
    assert len(model.recommend(k=3, context={"device": "tv"})) > 0


def test_times_tell_contexts():
    frame = watched()
    hours = np.where(frame["device"] == "tv", 20, 8)
    frame["timestamp"] = 86_400.0 * np.arange(len(frame)) + 3600 * hours
    rows = Interactions.from_frame(frame)
    model = Contextual(base="item-knn", context=["daypart"], timezone="+05:00").fit(rows)
    assert model.values_ == {"daypart": ("afternoon", "night")}
    lists = {
        value: model.recommend(k=3, context={"daypart": value}) for value in ("night", "afternoon")
    }
    assert share_of_phone(lists["night"]) < share_of_phone(lists["afternoon"])
    with pytest.raises(DataError, match="no context column 'daypartt'"):
        Contextual(base="item-knn", context=["daypartt"]).fit(rows)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"method": "prefilter"}, "method must be one of .*did you mean 'pre-filter'"),
        ({"base": "itemknn"}, "unknown model 'itemknn'"),
        ({"base": "contextual"}, "contextual cannot be the base"),
        ({"base": "private-als"}, "private-als cannot be the base"),
        ({"base": "popularity", "method": "pre-filter"}, "choose method 'post-filter'"),
        ({"base": "item-knn", "method": "factors"}, "needs the base hybrid-als"),
        ({"strength": -1}, "strength must be a number of at least 0"),
        ({"shrinkage": 0}, "shrinkage must be a positive number"),
        ({"validation_share": 0.9}, "validation_share must be at most 0.5"),
        ({"context": ["device", "device"]}, "named twice"),
    ],
)
def test_parameters_that_make_no_sense(rows, params, message):
    with pytest.raises(ParameterError, match=message):
        make_model("contextual", **params).fit(rows)


# ---- storage and growth -------------------------------------------------------------------------


def test_saved_and_loaded(model, tmp_path):
    context = {"device": "tv", "place": "home"}
    model.save(tmp_path / "model")
    same = load(tmp_path / "model")
    assert (same.values_, same.strengths_) == (model.values_, model.strengths_)
    for asked in (None, context):
        pd.testing.assert_frame_equal(
            same.recommend(k=4, context=asked), model.recommend(k=4, context=asked)
        )
    history = watched().query("user == 5").assign(user="new")[["user", "item"]]
    pd.testing.assert_frame_equal(
        same.recommend(history=history, k=4, context=context),
        model.recommend(history=history, k=4, context=context),
    )


def test_updates_reach_the_contexts(model, tmp_path):
    model.save(tmp_path / "model")
    grown, context = load(tmp_path / "model"), {"device": "tv"}
    before = grown.recommend([1, 2], k=3, context=context)
    top = before[before["user"] == 2]["item"].iloc[0]
    new = pd.DataFrame({"user": [2, 900, 900], "item": [top, 3, 777]})
    grown.update(new)
    after = grown.recommend([1, 2, 900], k=3, context=context)
    pd.testing.assert_frame_equal(after[after["user"] == 1], before[before["user"] == 1])
    assert top not in set(after[after["user"] == 2]["item"])
    assert (after["user"] == 900).sum() == 3
    grown.save(tmp_path / "grown")
    pd.testing.assert_frame_equal(
        load(tmp_path / "grown").recommend([1, 2, 900], k=3, context=context), after
    )


def test_a_model_in_a_context_is_not_to_be_changed(model, tmp_path):
    view = model.in_context({"device": "tv"})
    for change in (
        lambda: view.save(tmp_path / "view"),
        lambda: view.update(watched()),
        lambda: view.add_items(watched()),
        lambda: view.fit(watched()),
    ):
        with pytest.raises(ParameterError, match="a model in a context cannot be"):
            change()
    assert model.in_context({"device": "tv"}).scorer_ is view.scorer_


def test_forgotten_users_leave_no_context(model):
    left = forget(model, [1])
    assert 1 not in left.users_
    assert left.occurrences_.shape[0] == len(left.users_)
    lists = left.recommend([2], k=3, context={"device": "tv"})
    assert share_of_phone(lists) < 0.5
