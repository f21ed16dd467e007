"""A model treats the times of a new history as it treated those of the fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.recency import SECONDS_PER_DAY, Recency
from hybridrec.privacy import forget

RECENCIES = {
    "half-life": Recency(half_life_days=30),
    "from a moment": Recency(half_life_days=30, now=400 * SECONDS_PER_DAY),
    "sessions": Recency(half_life_days=90, session_gap_minutes=600),
}


@pytest.fixture(scope="module")
def timed(ratings):
    times = np.random.default_rng(1).random(len(ratings)) * 365 * SECONDS_PER_DAY
    return ratings.assign(time=times)


def fitted(kind, timed, recency, **params):
    rows = Interactions.from_frame(timed).weighted_by(recency)
    return kind(**params).fit(rows)


@pytest.mark.parametrize("recency", RECENCIES.values(), ids=RECENCIES)
@pytest.mark.parametrize("loaded", [False, True])
def test_a_history_given_again_is_that_of_the_fit(timed, tmp_path, recency, loaded):
    model = fitted(hybridrec.ItemKNN, timed, recency)
    if loaded:
        model.save(tmp_path / "m")
        model = hybridrec.load(tmp_path / "m")
    assert model.recency_ == recency
    strangers = timed[timed["user"] < 5].assign(user=lambda rows: rows["user"] + 1000)
    own, given = model.recommend(range(5), k=60), model.recommend(history=strangers, k=60)
    assert own["item"].tolist() == given["item"].tolist()
    np.testing.assert_allclose(own["score"], given["score"], rtol=1e-5)
    plain = model.recommend(history=strangers.drop(columns="time"), k=60)
    assert plain["item"].tolist() != given["item"].tolist()


def test_without_times_a_history_weighs_as_it_is(timed):
    model = fitted(hybridrec.ItemKNN, timed, Recency(30))
    history = timed[timed["user"] == 3]
    with_times = model.recommend(history=history, k=60)
    without = model.recommend(history=history.drop(columns="time"), k=60)
    same = model.recommend(history=history.assign(time=7.0), k=60)
    pd.testing.assert_frame_equal(without, same)
    assert not with_times.equals(without)


def test_other_models_are_as_before(timed):
    model = hybridrec.ItemKNN().fit(timed)
    history = timed[timed["user"] == 3]
    assert model.recency_ is None
    pd.testing.assert_frame_equal(
        model.recommend(history=history), model.recommend(history=history.drop(columns="time"))
    )


def test_explanations_and_updates_weigh_alike(timed):
    model = fitted(hybridrec.ItemKNN, timed, Recency(30))
    item = int(model.recommend([3], k=1)["item"].iloc[0])
    history = timed[timed["user"] == 3]
    told = model.explain(3, item, history=history)
    assert told.score == pytest.approx(model.explain(3, item).score, rel=1e-5)
    stranger = history.assign(user=1003)
    model.update(stranger)
    rows = model.history_[model.users_.codes([3, 1003])].toarray()
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-6)


def test_a_model_without_somebody_keeps_it(timed):
    model = fitted(hybridrec.ItemKNN, timed, Recency(30))
    for side in ("keep", "refit"):
        assert forget(model, [3], item_side=side).recency_ == Recency(30)


def test_members_learn_the_same_weights(timed):
    params = {"members": ("item-knn", "rp3-beta"), "weights": (1, 1)}
    model = fitted(hybridrec.Blend, timed, Recency(30), **params)
    alone = fitted(hybridrec.ItemKNN, timed, Recency(30))
    np.testing.assert_array_equal(model.members_[0].history_.data, alone.history_.data)
