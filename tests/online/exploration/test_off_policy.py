from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.errors import DataError, ParameterError
from hybridrec.online.exploration import EpsilonGreedy, Simulator, Slates, off_policy, parse_policy
from hybridrec.online.exploration.lists import Candidates

REWARDS = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0.0]])
LOGGED = np.array(
    [
        *([0.41, 0.5, 0.22], [0.29, 0.67, 0.65], [0.63, 0.47, 0.9]),
        *([0.89, 0.68, 0.66], [0.68, 0.47, 0.29], [0.71, 0.57, 0.42]),
    ]
)
OTHER = np.array(
    [
        *([0.49, 0.89, 0.93], [0.36, 0.57, 0.32], [0.59, 0.34, 0.39]),
        *([0.89, 0.23, 0.62], [0.08, 0.83, 0.79], [0.24, 0.88, 0.06]),
    ]
)


class Given:
    """A policy of given propensities, whose contexts say nothing."""

    space_ = SimpleNamespace(
        width=1, contexts=lambda _histories, items, _relevance: np.zeros((*items.shape, 1))
    )

    def __init__(self, shares):
        self.shares = shares

    def _check_ready(self):
        pass

    def propensities(self, candidates, _positions):
        chosen = self.shares[candidates.relevance[:, 0].astype(int)]
        return chosen, chosen

    def exposure(self, candidates, k):
        return np.zeros((*candidates.items.shape, k))


def logged(rewards=REWARDS, propensities=LOGGED):
    n = len(rewards)
    items = np.tile(np.arange(3, dtype=np.int32), (n, 1))
    nothing = csr_matrix((n, 3))
    slates = Slates(nothing, items, np.zeros((n, 3)), propensities, propensities, rewards)
    return slates, Candidates(nothing, items, np.arange(n, dtype=float)[:, None] + np.zeros(3))


def estimates(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {one.method: one for one in off_policy(*arguments, **options)}


@pytest.mark.parametrize("assumption", ["item-position", "position-based"])
def test_the_values_of_obp(assumption):
    """Those of obp 0.5.7: SlateIndependentIPS, SelfNormalizedSlateIndependentIPS."""
    found = estimates(Given(OTHER), *logged(), assumption=assumption)
    assert found["ips"].value == pytest.approx(1.7153385988056815)
    assert found["snips"].value == pytest.approx(1.410176331624606)
    assert found["dr"].value == pytest.approx(found["ips"].value)  # a model that says nothing


def test_what_is_told_of_the_weights():
    weights = OTHER / LOGGED
    one = estimates(Given(OTHER), *logged())["ips"]
    assert one.covered == pytest.approx(weights.mean())
    kish = weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)
    assert one.effective == pytest.approx(kish.mean())
    sums = (weights * REWARDS).sum(axis=1)
    assert one.high - one.value == pytest.approx(1.96 * sums.std() / 6**0.5, rel=1e-4)
    clipped = estimates(Given(OTHER), *logged(), clip=1.0)["ips"]
    assert clipped.value == pytest.approx((np.minimum(weights, 1) * REWARDS).sum(axis=1).mean())


def test_lists_of_one_user_are_not_independent():
    slates, candidates = logged()
    twice = np.repeat(np.arange(6), 2)
    doubled = slates.rows(twice), candidates.rows(twice)
    own = estimates(Given(OTHER), slates, candidates)
    for method, one in estimates(Given(OTHER), *doubled, users=twice).items():
        assert one.value == pytest.approx(own[method].value)
        assert one.high == pytest.approx(own[method].high)
    assert estimates(Given(OTHER), *doubled)["ips"].high < own["ips"].high


def test_the_same_policy_gives_the_mean():
    for one in estimates(Given(LOGGED), *logged()).values():
        assert one.value == pytest.approx(REWARDS.sum(axis=1).mean())
        assert one.effective == pytest.approx(6)
        assert one.covered == pytest.approx(1)


def test_lists_without_all_rewards_do_not_count():
    rewards = REWARDS.copy()
    rewards[2, 1] = np.nan
    rest = np.array([0, 1, 3, 4, 5])
    slates, candidates = logged(rewards)
    found = estimates(Given(OTHER), slates, candidates)
    expected = estimates(Given(OTHER), slates.rows(rest), candidates.rows(rest))
    assert found == expected
    with pytest.raises(DataError, match="no list of the log has all its rewards"):
        off_policy(Given(OTHER), *logged(np.full((6, 3), np.nan)))


@pytest.fixture(scope="module")
def world(model, other):
    return Simulator.from_model(model, other, np.arange(40), k=4, position_bias=0.6, num_threads=1)


@pytest.mark.parametrize("text", ["lin-ucb:dimensions=3", "epsilon-greedy:epsilon=0.9"])
@pytest.mark.parametrize("assumption", ["item-position", "position-based"])
def test_true_values_are_found(world, model, text, assumption):
    """Within four standard errors (and 5 %, as looks are not quite as assumed), from a log."""
    logging = EpsilonGreedy(epsilon=0.7, candidates=15).prepare(model)
    users = np.tile(np.arange(40), 100)
    ready = world.candidates(logging, model.history_[:40]).rows(users)
    slates = logging.choose(ready, 4)
    slates = slates._replace(rewards=world.clicks(users, slates.items, 0))
    policy = parse_policy(text).set_params(candidates=15).prepare(model)
    policy.learn(slates.rows(slice(0, 200)))
    true = world.value(policy)
    found = estimates(policy, slates, ready, assumption=assumption)
    for one in found.values():
        assert abs(one.value - true) < 2 * (one.high - one.value) + 0.05 * true
        assert one.covered == pytest.approx(1, abs=0.1)
    widths = {method: one.high - one.low for method, one in found.items()}
    assert widths["dr"] < 1.1 * widths["ips"]


def test_items_that_are_no_candidates_count_nothing(model, candidates):
    policy = EpsilonGreedy(epsilon=0.2).prepare(model)
    slates = policy.choose(candidates, 3)._replace(rewards=np.ones((40, 3)))
    fewer = candidates._replace(items=np.where(candidates.items % 2, candidates.items, -1))
    order = np.argsort(fewer.items < 0, axis=1, kind="stable")
    fewer = candidates._replace(
        items=np.take_along_axis(fewer.items, order, axis=1),
        relevance=np.take_along_axis(candidates.relevance, order, axis=1),
    )
    found = estimates(policy, slates, fewer)["ips"]
    assert np.isfinite(found.value)
    assert found.covered != pytest.approx(1, abs=0.05)


def test_little_to_go_by_is_told():
    with pytest.warns(UserWarning, match="too few to judge it"):
        off_policy(Given(OTHER), *logged())


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.5, np.nan])
def test_impossible_propensities_are_refused(wrong):
    propensities = LOGGED.copy()
    propensities[4, 1] = wrong
    with pytest.raises(DataError, match="propensity of rank 2 of list 4 is"):
        off_policy(Given(OTHER), *logged(propensities=propensities))


def test_wrong_options():
    with pytest.raises(ParameterError, match="did you mean 'item-position'"):
        off_policy(Given(OTHER), *logged(), assumption="item-positon")
    with pytest.raises(ParameterError, match="clip must be a positive number"):
        off_policy(Given(OTHER), *logged(), clip=0.0)
