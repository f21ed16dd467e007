from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import BayesianRidge

from hybridrec.online.exploration.posterior import LinearPosterior


@pytest.fixture
def seen():
    rng = np.random.default_rng(0)
    contexts = rng.normal(size=(200, 4))
    return contexts, contexts @ [0.5, -1.0, 0.0, 2.0] + 0.1 * rng.normal(size=200)


def test_two_steps_by_hand():
    belief = LinearPosterior(np.array([1.0, 0.0]), 2.0)
    np.testing.assert_allclose(belief.mean, [1, 0])
    belief.add(np.array([[1.0, 0.0]]), np.array([4.0]))
    np.testing.assert_allclose(belief.mean, [2, 0])  # (2 * 1 + 4) / 3
    np.testing.assert_allclose(belief.widths(np.eye(2)), [3**-0.5, 2**-0.5])


def test_it_is_bayesian_ridge_with_known_precisions(seen):
    contexts, rewards = seen
    belief = LinearPosterior(np.zeros(4), 3.0)
    belief.add(contexts[:50], rewards[:50])
    belief.add(contexts[50:], rewards[50:])
    known = {"alpha_init": 1.0, "lambda_init": 3.0, "max_iter": 1}
    ridge = BayesianRidge(fit_intercept=False, **known).fit(contexts, rewards)
    dense = np.linalg.inv(contexts.T @ contexts + 3 * np.eye(4))
    np.testing.assert_allclose(belief.mean, dense @ contexts.T @ rewards)
    # scikit-learn goes on to choose the precisions: near, not the same
    np.testing.assert_allclose(belief.mean, ridge.coef_, atol=0.03)
    new = np.random.default_rng(1).normal(size=(5, 3, 4))
    widths = np.sqrt(np.einsum("abi,ij,abj->ab", new, dense, new))
    np.testing.assert_allclose(belief.widths(new), widths)


def test_draws_have_its_mean_and_covariance(seen):
    belief = LinearPosterior(np.zeros(4), 3.0)
    belief.add(seen[0][:5], seen[1][:5])
    drawn = belief.drawn(np.random.default_rng(2).normal(size=(200_000, 4)), 0.5)
    np.testing.assert_allclose(drawn.mean(axis=0), belief.mean, atol=0.005)
    np.testing.assert_allclose(np.cov(drawn.T), 0.25 * np.linalg.inv(belief.precision), atol=0.002)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_mabwiser_with_all_items_as_one_arm_gives_the_same(seen, alpha):
    mab = pytest.importorskip("mabwiser.mab")
    policy = mab.LearningPolicy.LinUCB(alpha=alpha, l2_lambda=3.0)
    theirs = mab.MAB(["item"], policy)
    theirs.fit(["item"] * 200, seen[1], seen[0])
    new = np.random.default_rng(1).normal(size=(6, 4))
    found = [one["item"] for one in theirs.predict_expectations(new)]
    belief = LinearPosterior(np.zeros(4), 3.0)
    belief.add(*seen)
    np.testing.assert_allclose(new @ belief.mean + alpha * belief.widths(new), found)
