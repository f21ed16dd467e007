from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybridrec.errors import DataError, UnknownIdError
from hybridrec.online.exploration import EpsilonGreedy, impressions_of, logged_lists
from hybridrec.online.impressions import Impression, ImpressionLog, Shown


def test_lists_go_to_the_log_and_come_back(model, candidates, tmp_path):
    slates = EpsilonGreedy(epsilon=0.3).prepare(model).choose(candidates, 4)
    rewards = np.random.default_rng(0).integers(0, 2, slates.items.shape).astype(float)
    rewards[3, 1] = np.nan
    slates = slates._replace(rewards=rewards)
    with ImpressionLog(tmp_path / "log") as log:
        log.append(impressions_of(slates, model.users_.ids, model.items_, "mine"))
        found = logged_lists((one for _, one in log.all()), model)
    np.testing.assert_array_equal(found.users, np.arange(40))
    for one, other in zip(found.slates[1:], slates[1:], strict=True):
        np.testing.assert_allclose(one, other)
    assert (found.slates.histories != slates.histories).nnz == 0


def test_histories_grow_with_what_was_rewarded(model):
    free = np.setdiff1d(np.arange(60), model.history_[7].indices)[:3].tolist()

    def shown(user, *items, reward):
        entries = tuple(Shown(item, 0.0, 0.5, 0.5, reward) for item in items)
        return Impression(user, "mine", entries, 0.0)

    found = logged_lists(
        [
            *(shown(7, free[0], free[1], reward=1.0), shown(8, 60, reward=0.0)),
            *(shown(7, free[2], reward=None), shown("stranger", 61, reward=1.0)),
            shown("stranger", 60, reward=None),
        ],
        model,
    )
    np.testing.assert_array_equal(found.users, [7, 8, 7, -1, -1])
    histories = found.slates.histories
    assert set(histories[2].indices) == {*model.history_[7].indices, *free[:2]}
    assert histories[3].nnz == 0
    assert histories[4].indices.tolist() == [61]
    np.testing.assert_array_equal(found.slates.items[1], [60, -1])
    np.testing.assert_array_equal(found.slates.propensities[1], [0.5, 1])
    assert np.isnan(found.slates.rewards[2]).all()


def test_short_lists_and_empty_ones(model, candidates):
    slates = EpsilonGreedy().prepare(model).choose(candidates.rows(slice(0, 2)), 3)
    items = slates.items.copy()
    items[0], items[1, 2] = -1, -1
    found = impressions_of(replace_items(slates, items), np.array(["a", "b"]), model.items_, "x")
    assert [one.user for one in found] == ["b"]
    assert len(found[0].shown) == 2


def replace_items(slates, items):
    return slates._replace(items=items)


def test_refused(model):
    with pytest.raises(DataError, match="holds no list"):
        logged_lists([], model)
    known = Impression(1, "x", (Shown("film", 0.0, 0.5, 0.5),), 0.0)
    with pytest.raises(UnknownIdError, match="does not know: 'film'"):
        logged_lists([known, replace(known, user=2)], model)
