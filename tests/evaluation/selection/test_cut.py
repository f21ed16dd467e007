from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import DataError
from hybridrec.evaluation.selection import cut as module
from hybridrec.evaluation.selection.cut import ValidationCut


def pairs(rows) -> set[tuple[int, int]]:
    return set(zip(rows.user_codes.tolist(), rows.item_codes.tolist(), strict=True))


def test_the_views_are_parts_of_the_given_data(tastes):
    dataset = tastes(new=6)
    cut = ValidationCut.of(dataset)
    assert list(cut.views) == ["warm", "cold", "overall"]
    given, train = pairs(dataset.interactions), pairs(cut.train.interactions)
    held_out = {name: pairs(view.test) for name, view in cut.views.items()}
    assert held_out["warm"] | held_out["cold"] == held_out["overall"] == given - train
    assert not held_out["warm"] & held_out["cold"]
    known = {item for _, item in train}
    assert {item for _, item in held_out["warm"]} <= known
    assert not {item for _, item in held_out["cold"]} & known
    candidates = {name: view.candidates for name, view in cut.views.items()}
    assert set(np.flatnonzero(candidates["warm"])) == known
    assert set(np.flatnonzero(candidates["cold"])) == {item for _, item in held_out["cold"]}
    assert candidates["overall"] is None


def test_new_users_are_in_no_other_view(tastes):
    dataset = tastes()
    cut = ValidationCut.of(dataset, new_users=True)
    away = set(cut.views["new users"].test_users.tolist())
    assert len(away) == 15  # a tenth
    for name in ("warm", "cold", "overall"):
        assert not away & set(cut.views[name].test_users.tolist())
    assert not away & set(cut.train.interactions.user_codes.tolist())
    known = cut.train.matrix.getnnz(axis=0) > 0
    assert known[cut.views["new users"].test.item_codes].all()


def test_it_depends_on_the_seed_alone(tastes):
    prints = [
        [view.fingerprint for view in ValidationCut.of(tastes(), random_state=seed).views.values()]
        for seed in (0, 0, 1)
    ]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


def test_a_sample_of_many_users_is_measured(tastes, monkeypatch):
    whole = ValidationCut.of(tastes())
    monkeypatch.setattr(module, "MOST_USERS", 40)
    some = ValidationCut.of(tastes())
    assert pairs(some.train.interactions) == pairs(whole.train.interactions)
    for name, view in some.views.items():
        assert len(view.test_users) == 40
        assert pairs(view.test) < pairs(whole.views[name].test)


def test_too_little_data_is_refused(tastes):
    dataset = tastes()
    one = dataset.with_interactions(dataset.interactions.take(np.arange(1)))
    with pytest.raises(DataError):
        ValidationCut.of(one)
    with pytest.raises(DataError, match="1 users are too few"):
        ValidationCut.of(one, new_users=True)
