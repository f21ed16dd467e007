from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec import HybridALS
from hybridrec.errors import DataError, ModelFolderError, NotFittedError, ParameterError
from hybridrec.online.exploration import (
    POLICIES,
    EpsilonGreedy,
    LinUCB,
    QLearning,
    ThompsonSampling,
    candidates_of,
    load_policy,
    parse_policy,
)
from hybridrec.online.exploration.policy import ranks_of
from hybridrec.online.exploration.q_learning import after

SMALL = {
    "epsilon-greedy": "",
    "thompson": ":dimensions=3,draws=40",
    "lin-ucb": ":dimensions=3",
    "q-learning": ":dimensions=3,states=2,actions=3",
}


@pytest.fixture(params=list(POLICIES))
def policy(request, model):
    return parse_policy(request.param + SMALL[request.param]).prepare(model)


def rewarded(slates, seed=0):
    rewards = np.random.default_rng(seed).integers(0, 2, slates.items.shape).astype(float)
    return slates._replace(rewards=rewards)


def test_lists_hold_candidates_once_and_nothing_that_is_known(policy, model, candidates):
    slates = policy.choose(candidates, 6)
    for row in range(40):
        assert len(set(slates.items[row])) == 6
        assert set(slates.items[row]) <= set(candidates.items[row])
        assert not set(slates.items[row]) & set(model.history_[row].indices)
    assert (slates.propensities > 0).all()
    assert (slates.propensities <= 1).all()
    assert np.isnan(slates.rewards).all()


def test_the_model_orders_where_nothing_is_learned_and_nothing_explored(model, candidates):
    for text in ("epsilon-greedy:epsilon=0", "lin-ucb:alpha=0,epsilon=0", "q-learning:epsilon=0"):
        slates = parse_policy(text).prepare(model).choose(candidates, 5)
        np.testing.assert_array_equal(slates.items, candidates.items[:, :5])
        np.testing.assert_allclose(slates.propensities, 1)


def test_a_list_depends_on_its_number_alone(policy, candidates):
    policy.learn(rewarded(policy.choose(candidates, 6)))
    whole = policy.choose(candidates, 6, request=100)
    part = policy.choose(candidates.rows(slice(10, 13)), 6, request=110)
    np.testing.assert_array_equal(whole.items[10:13], part.items)
    np.testing.assert_allclose(whole.propensities[10:13], part.propensities)
    assert (policy.choose(candidates, 6, request=500).items != whole.items).any()


def test_propensities_are_frequencies(policy, candidates):
    policy.learn(rewarded(policy.choose(candidates, 6)))
    if isinstance(policy, ThompsonSampling):
        policy.draws = 1  # lists do not depend on it
    items = policy.choose(candidates.rows(np.full(3000, 4)), 4).items
    if isinstance(policy, ThompsonSampling):
        policy.draws = 2000
    exposure = policy.exposure(candidates.rows(slice(4, 5)), 4)[0]
    found = (items[:, None, :] == candidates.items[4][None, :, None]).mean(axis=0)
    np.testing.assert_allclose(exposure, found, atol=0.05)
    np.testing.assert_allclose(exposure.sum(axis=0), 1)


def test_chosen_propensities_are_those_of_the_exposure(policy, candidates):
    slates = policy.choose(candidates, 6)
    exposure = policy.exposure(candidates, 6)
    looks = 1 / np.log2(np.arange(2, 8))
    for row in (0, 17):
        at = [list(candidates.items[row]).index(item) for item in slates.items[row]]
        np.testing.assert_allclose(slates.propensities[row], exposure[row, at, range(6)])
        np.testing.assert_allclose(slates.exposures[row], exposure[row, at] @ looks)


def test_short_lists_are_not_padded(policy, model):
    full = model.history_[:1].copy().toarray()
    full[0, :59] = 1  # three items are left
    ready = candidates_of(model, np.array([0]), 20, history=csr_matrix(full), num_threads=1)
    slates = policy.choose(ready, 6)
    assert (slates.items[0] >= 0).sum() == 3
    assert (slates.items[0, 3:] == -1).all()
    np.testing.assert_array_equal(slates.propensities[0, 3:], 1)
    policy.learn(rewarded(slates))


def test_learning_does_not_depend_on_the_order(policy, model, candidates):
    slates = rewarded(policy.choose(candidates, 6))
    again = type(policy)(**policy.get_params()).prepare(model)
    policy.learn(slates)
    again.learn(slates.rows(np.arange(40)[::-1]))
    for name, value in policy._state().items():
        np.testing.assert_allclose(value, again._state()[name], atol=1e-10)


def test_unknown_rewards_teach_nothing(policy, candidates):
    before = {name: value.copy() for name, value in policy._state().items()}
    policy.learn(policy.choose(candidates, 6))
    for name, value in policy._state().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("text", ["lin-ucb:dimensions=4", "thompson:dimensions=4", "q-learning"])
def test_what_is_rewarded_comes_to_the_front(text, model, candidates):
    policy = parse_policy(text).set_params(epsilon=0.5).prepare(model)
    for number in range(30):
        slates = policy.choose(candidates, 6, request=40 * number)
        policy.learn(slates._replace(rewards=(slates.items % 2 == 0).astype(float)))
    policy.epsilon = 0.0
    even = (policy.choose(candidates, 3, request=5000).items % 2 == 0).mean()
    assert even > (candidates.items[:, :3] % 2 == 0).mean() + 0.15


def test_linucb_orders_by_the_upper_bound(model, candidates):
    policy = LinUCB(dimensions=3, alpha=0.7, prior=0.2, regularization=2.0).prepare(model)
    slates = rewarded(policy.choose(candidates, 4))
    policy.learn(slates)
    looks = 1 / np.log2(np.arange(2, 6))
    seen = policy.space_.contexts(slates.histories, slates.items, slates.relevance)
    X = (seen * looks[:, None]).reshape(-1, seen.shape[2])
    A = 2 * np.eye(X.shape[1]) + X.T @ X
    prior = np.zeros(X.shape[1])
    prior[1] = 0.2
    weights = np.linalg.solve(A, 2 * prior + X.T @ slates.rewards.ravel())
    ahead = policy.space_.contexts(*candidates)
    bound = ahead @ weights + 0.7 * np.sqrt(
        np.einsum("nmi,ij,nmj->nm", ahead, np.linalg.inv(A), ahead)
    )
    np.testing.assert_allclose(policy._values(candidates), bound)


def test_one_step_of_q_learning_is_the_textbook_one(model, candidates):
    policy = QLearning(dimensions=3, states=2, actions=3, learning_rate=0.3, gamma=0.6)
    policy.prepare(model)
    policy.q_ = np.arange(policy.q_.size, dtype=float).reshape(policy.q_.shape)
    before = policy.q_.copy()
    slates = policy.choose(candidates.rows(slice(0, 1)), 1)._replace(rewards=np.ones((1, 1)))
    policy.learn(slates)
    state, kind = policy.states_of(slates.histories)[0], policy.actions_of(slates.items)[0, 0]
    later = policy.states_of(after(slates))[0]
    expected = before.copy()
    expected[state, kind] += 0.3 * (1 + 0.6 * before[later].max() - before[state, kind])
    np.testing.assert_allclose(policy.q_, expected)


def test_rewards_join_the_history(candidates, model):
    slates = EpsilonGreedy(epsilon=0).prepare(model).choose(candidates.rows(slice(0, 2)), 2)
    slates = slates._replace(rewards=np.array([[1.0, 0.0], [np.nan, 2.0]]))
    new = after(slates) - slates.histories
    assert new[0, slates.items[0, 0]] == 1
    assert new[1, slates.items[1, 1]] == 1
    assert new.sum() == 2


def test_saved_and_loaded(policy, model, candidates, tmp_path):
    policy.learn(rewarded(policy.choose(candidates, 6)))
    policy.save(tmp_path / "policy")
    loaded = load_policy(tmp_path / "policy", model)
    assert loaded.get_params() == policy.get_params()
    one, other = (each.choose(candidates, 6, request=9) for each in (policy, loaded))
    np.testing.assert_array_equal(one.items, other.items)
    np.testing.assert_array_equal(one.propensities, other.propensities)
    loaded.learn(rewarded(one))  # what was read is not read-only
    (tmp_path / "policy" / "arrays.safetensors").write_bytes(b"something")
    with pytest.raises(ModelFolderError, match="arrays"):
        load_policy(tmp_path / "policy")


def test_a_policy_is_of_its_catalogue(policy, model, data, tmp_path):
    policy.save(tmp_path / "policy")
    grown = HybridALS(factors=8, num_threads=1).fit(data)
    table = data.item_table.iloc[:1].assign(item=99)
    grown.add_items(table)
    assert len(load_policy(tmp_path / "policy", grown).space_.vectors) == 63
    moved = HybridALS(factors=8, num_threads=1).fit(data, item_features=[])
    moved.item_pipeline_, moved.item_table_ = None, None
    moved._kept = {}
    with pytest.raises(ParameterError, match="start a new policy"):
        load_policy(tmp_path / "policy", moved)
    model.save(tmp_path / "model")
    with pytest.raises(ModelFolderError, match="not a saved policy"):
        load_policy(tmp_path / "model")


def test_ranks():
    values = np.array([[1.0, 3.0, 3.0, -np.inf]])
    np.testing.assert_array_equal(ranks_of(values), [[2, 0, 1, 3]])


def test_hidden_items_do_not_come_out(model):
    plain = candidates_of(model, np.array([0, 1]), 10, num_threads=1)
    gone = csr_matrix(([True, True], ([0, 0], plain.items[0, [0, 2]])), shape=(2, 62))
    found = candidates_of(model, np.array([0, 1]), 10, hidden=gone, num_threads=1)
    kept = np.delete(plain.items[0], [0, 2])
    np.testing.assert_array_equal(found.items[0, :8], kept)
    assert (found.items[0] >= 0).all()
    np.testing.assert_array_equal(found.items[1], plain.items[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lin-ubc", "unknown policy 'lin-ubc'; did you mean 'lin-ucb'"),
        ("lin-ucb:alhpa=1", "no parameter 'alhpa'; did you mean 'alpha'"),
        ("lin-ucb:alpha=x", "alpha must be a number, got 'x'"),
        ("lin-ucb:alpha=-1", "alpha must be a number of at least 0"),
        ("lin-ucb:regularization=0", "regularization must be a positive number"),
        ("epsilon-greedy:epsilon=1.5", "epsilon must be a number from 0 to 1, got 1.5"),
        ("epsilon-greedy:epsilon=-0.1", "epsilon must be a number of at least 0"),
        ("epsilon-greedy:epsilon=nan", "epsilon must be a number of at least 0"),
        ("epsilon-greedy:candidates=0", "candidates must be a whole number of at least 1"),
        ("epsilon-greedy:candidates=5000", "candidates must be at most 1000"),
        ("thompson:draws=0", "draws must be a whole number of at least 1"),
        ("q-learning:gamma=1", "gamma below 1"),
        ("q-learning:learning_rate=0", "learning_rate must be a positive number"),
        ("thompson:random_state=-1", "random_state must be at least 0"),
    ],
)
def test_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        parse_policy(text)


def test_not_ready_and_wrong_lists(model, candidates):
    with pytest.raises(NotFittedError, match="call prepare first"):
        EpsilonGreedy().choose(candidates)
    policy = EpsilonGreedy().prepare(model)
    slates = rewarded(policy.choose(candidates, 3))
    with pytest.raises(DataError, match="must have one shape"):
        policy.learn(slates._replace(rewards=np.ones((40, 2))))
    with pytest.raises(DataError, match="40 x 62, got 39 x 62"):
        policy.learn(slates._replace(histories=slates.histories[:39]))
    with pytest.raises(DataError, match="beyond the 62"):
        policy.learn(slates._replace(items=slates.items + 60))
    with pytest.raises(DataError, match="finite"):
        policy.learn(slates._replace(rewards=np.full((40, 3), np.inf)))
