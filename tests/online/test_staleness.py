"""Measures of staleness on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError
from hybridrec.online.news import fold_in, news_of_interactions
from hybridrec.online.staleness import LEAST_PAIRS, should_refit


def table(pairs):
    return Interactions.from_frame(pd.DataFrame(pairs, columns=["user", "item"]))


def block(users, items, per_user, seed):
    """Return random pairs, each user with so many of the items."""
    draw = np.random.default_rng(seed)
    return [(u, int(i)) for u in users for i in draw.choice(items, per_user, replace=False)]


@pytest.fixture
def model():
    return hr.ALS(factors=4, iterations=3).fit(table(block(range(200), range(50), 10, 0)))


def test_few_events_raise_no_alarm(model):
    strange = table([(user, 900 + user) for user in range(20)])
    found = should_refit(model, strange)
    assert not found.refit
    assert found["untrained items"].value == 1.0
    assert found.advice == "No refit yet: 20 new pairs are too few to tell anything."


def test_nothing_came(model):
    found = should_refit(model)
    assert not found.refit
    assert found["growth"].value == 0
    assert found["popularity shift"].value is None
    assert found["agreement"].value is None


def test_the_same_taste_shifts_by_chance_only(model):
    found = should_refit(model, table(block(range(300, 340), range(50), 10, 1)))
    shift = found["popularity shift"]
    assert shift.value < 0.05
    assert not shift.alarm
    assert found["new users"].value == 1.0
    assert found["growth"].value == pytest.approx(400 / 2000)


def test_another_taste_is_a_shift(model):
    found = should_refit(model, table(block(range(300, 340), range(5), 5, 1)))
    assert found["popularity shift"].alarm
    assert found.refit
    assert "popularity shift" in found.advice


def test_growth_counts_what_was_folded_in(model):
    first = table(block(range(300, 330), range(50), 10, 1))
    later = table(block(range(330, 360), range(50), 10, 2))
    together = should_refit(
        model,
        table(block(range(300, 330), range(50), 10, 1) + block(range(330, 360), range(50), 10, 2)),
    )
    fold_in(model, news_of_interactions(first))
    apart = should_refit(model, later)
    for name in ("growth", "new users", "popularity shift", "untrained items"):
        assert apart[name].value == pytest.approx(together[name].value), name
    assert apart["growth"].alarm
    assert apart["folded users"].value == pytest.approx(30 / 230)


def test_events_that_are_known_are_nothing_new(model):
    found = should_refit(model, table(block(range(200), range(50), 10, 0)))
    assert found["growth"].value == 0


def test_items_without_a_user_at_the_fit():
    model = hr.ItemKNN().fit(table(block(range(200), range(50), 10, 0)))
    new = [(user, 900 + user % 3) for user in range(LEAST_PAIRS)]
    found = should_refit(model, table(new))
    assert found["waiting items"].alarm
    fold_in(model, news_of_interactions(table(new)))
    again = should_refit(model)
    assert again["waiting items"].value == found["waiting items"].value == 1.0


def test_agreement_falls_when_users_turn(model):
    pairs = np.array([(u, i) for u in range(60) for i in range(u % 2, 60, 2)])
    kept = np.random.default_rng(0).random(len(pairs)) < 0.7
    model = hr.ALS(factors=2).fit(table(pairs[kept].tolist()))
    left = [tuple(pair) for pair in pairs[~kept].tolist()]
    own = [pair for at, pair in enumerate(left) if at % 2]
    first = should_refit(model, table(own))["agreement"]
    assert first.value > 0.8
    assert first.threshold is None
    fold_in(model, news_of_interactions(table(own)))
    same = [pair for at, pair in enumerate(left) if not at % 2]
    assert not should_refit(model, table(same))["agreement"].alarm
    turned = should_refit(model, table([(u, (i + 1) % 60) for u, i in same]))["agreement"]
    assert turned.value < 0.6
    assert turned.alarm


def test_age(model):
    now = model.record_.fitted_at + 3 * 86_400
    assert should_refit(model, now=now)["age"].value == pytest.approx(3.0)


def test_ids_of_another_type(model):
    with pytest.raises(DataError, match=r"user ids of the model are integers.*events have 'anna'"):
        should_refit(model, table([("anna", 1)]))


def test_the_record_survives_the_folder(model, tmp_path):
    fold_in(model, news_of_interactions(table(block(range(20, 60), range(50), 10, 3))))
    model.save(tmp_path / "m")
    again = hr.load(tmp_path / "m")
    assert again.record_.level == model.record_.level is not None
    later = table(block(range(20, 60), range(50), 10, 4))
    now = model.record_.fitted_at
    assert should_refit(again, later, now=now) == should_refit(model, later, now=now)
