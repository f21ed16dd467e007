"""Popularity counts users."""

from __future__ import annotations

import pandas as pd
import pytest

from hybridrec.models.popularity import Popularity

ROWS = pd.DataFrame({"user": list("aabbbc"), "item": list("xxxyzz"), "weight": [1, 9, 2, 9, 1, 1]})


@pytest.fixture
def model():
    return Popularity().fit(ROWS)


def counts(model, user):
    lists = model.recommend([user])
    return dict(zip(lists["item"], lists["score"], strict=True))


def test_counts_users_not_events_or_weights(model):
    assert counts(model, "c") == {"x": 2.0, "y": 1.0}
    assert counts(model, "a") == {"z": 2.0, "y": 1.0}


def test_counts_follow_updates(model):
    model.update(pd.DataFrame({"user": ["c", "d", "e"], "item": ["y", "y", "new"]}))
    assert counts(model, "e") == {"y": 3.0, "x": 2.0, "z": 2.0}
    assert counts(model, "a") == {"y": 3.0, "z": 2.0, "new": 1.0}
    history = pd.DataFrame({"user": ["f"], "item": ["x"]})
    assert model.recommend(history=history)["score"].tolist() == [3.0, 2.0, 1.0]


def test_an_event_again_is_no_new_user(model):
    model.update(pd.DataFrame({"user": ["a"], "item": ["x"]}))
    assert counts(model, "c") == {"x": 2.0, "y": 1.0}
