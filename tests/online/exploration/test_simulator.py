from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.errors import DataError, ParameterError
from hybridrec.online.exploration import EpsilonGreedy, LinUCB, Simulator


@pytest.fixture
def held_out(model):
    """Three items that each of the users 0 to 9 does not have."""
    rows, columns = [], []
    for user in range(10):
        free = np.setdiff1d(np.arange(60), model.history_[user].indices)
        rows += [user] * 3
        columns += free[:3].tolist()
    return csr_matrix((np.ones(30), (rows, columns)), shape=model.history_.shape)


def simulator(model, held_out, **options):
    return Simulator.from_held_out(model, held_out, k=5, num_threads=1, **options)


def test_who_comes_and_what_they_click_on(model, held_out):
    users = simulator(model, held_out, position_bias=0)
    np.testing.assert_array_equal(users.users, np.arange(10))
    policy = EpsilonGreedy(epsilon=1, candidates=60).prepare(model)
    clicked = np.zeros((10, 62))
    for one in users.rounds(policy, 40):
        rows, slots = np.nonzero(one.slates.rewards > 0)
        np.add.at(clicked, (rows, one.slates.items[rows, slots]), 1)
        assert one.reward == one.slates.rewards.sum()  # nobody overlooks anything
        assert one.best == (held_out[:10] - one.slates.histories[:10].minimum(held_out[:10])).sum()
    assert (clicked <= held_out[:10].toarray()).all()  # each at most once: they have it then
    assert clicked.sum() > 20


def test_the_same_seed_gives_the_same_rounds(model, held_out):
    def played(seed):
        policy = LinUCB(dimensions=3).prepare(model)
        users = simulator(model, held_out, random_state=seed)
        return [one.slates for one in users.rounds(policy, 3)]

    one, same, other = played(0), played(0), played(1)
    for left, right in zip(one, same, strict=True):
        np.testing.assert_array_equal(left.items, right.items)
        np.testing.assert_array_equal(left.rewards, right.rewards)
    assert any(
        (left.rewards != right.rewards).any() for left, right in zip(one, other, strict=True)
    )


def test_patience_ends(model, held_out):
    policy = EpsilonGreedy(epsilon=0, candidates=8).prepare(model)
    shown = [one.slates.items for one in simulator(model, held_out, patience=2).rounds(policy, 3)]
    unclicked = shown[0][0, -1]
    assert unclicked in shown[1][0]
    assert unclicked not in shown[2][0]


def test_value_is_what_lists_earn_on_average(model, held_out):
    users = simulator(model, held_out)
    policy = EpsilonGreedy(epsilon=0.5, candidates=10).prepare(model)
    ready = users.candidates(policy, model.history_[users.users])
    earned = []
    for number in range(400):
        items = policy.choose(ready, 5, request=10 * number).items
        earned.append(users.clicks(np.arange(10), items, number).sum() / 10)
    error = np.std(earned) / 20
    assert abs(np.mean(earned) - users.value(policy)) < 4 * error


def test_tastes_of_another_model(model, other):
    users = Simulator.from_model(model, other, np.array([3, 5]), k=5, num_threads=1)
    expected = np.clip(other.scorer_.user_factors[[3, 5]] @ other.scorer_.item_factors.T, 0, 1)
    np.testing.assert_allclose(users.attraction, expected, atol=1e-5)
    one = next(iter(users.rounds(EpsilonGreedy(epsilon=0).prepare(model), 1)))
    tastes = np.take_along_axis(users.attraction, one.slates.items.astype(int), axis=1)
    assert one.reward == pytest.approx((tastes / np.arange(1, 6)).sum())
    free = np.where(model.history_[[3, 5]].toarray() > 0, 0, users.attraction)
    best = -np.sort(-free, axis=1)[:, :5]
    assert one.best == pytest.approx((best / np.arange(1, 6)).sum())


def test_refused(model, held_out, data):
    with pytest.raises(DataError, match="nobody would come"):
        simulator(model, csr_matrix(model.history_.shape))
    with pytest.raises(DataError, match="must have the shape"):
        Simulator(model, np.arange(3), np.zeros((3, 5)))
    with pytest.raises(DataError, match="from 0 to 1"):
        Simulator(model, np.arange(3), np.full((3, 62), 2.0))
    with pytest.raises(ParameterError, match="patience"):
        simulator(model, held_out, patience=0)
    with pytest.raises(ParameterError, match="position_bias"):
        simulator(model, held_out, position_bias=-1)
