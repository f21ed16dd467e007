"""The accounting of Gaussian noise, against published and hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from hybridrec.errors import ParameterError
from hybridrec.privacy.accountant import PrivacyBudget, delta_of, epsilon_of, mu_of

BUDGETS = st.floats(0.01, 30.0), st.sampled_from([1e-3, 1e-5, 1e-8])


def test_noise_of_a_single_release_is_that_of_the_analytic_gaussian_mechanism():
    """Balle & Wang (2018), their published code: sensitivity 1, epsilon 1, delta 1e-5."""
    assert 1 / mu_of(1.0, 1e-5) == pytest.approx(3.730631634944469, rel=1e-8)


@pytest.mark.parametrize(
    ("mu", "delta", "by_zcdp"),
    [(1.0, 1e-5, 4.728386984943315), (0.2684, 1e-5, 1.0936996732736046), (3.0, 1e-6, 19.2295094)],
)
def test_epsilon_is_a_little_below_what_opendp_finds_by_zcdp(mu, delta, by_zcdp):
    """Its numbers: OpenDP 0.16, make_zCDP_to_approxDP over a Gaussian of scale 1 / mu."""
    assert 0.9 * by_zcdp < epsilon_of(mu, delta) < by_zcdp


@pytest.mark.parametrize(("epsilon", "mu"), [(0.5, 0.3), (1.0, 1.0), (4.0, 2.0)])
def test_delta_is_what_two_neighbours_can_differ_by(epsilon, mu):
    """The integral of the part of one density that is above e^epsilon times the other."""

    def above(x):
        return max(norm.pdf(x, mu) - np.exp(epsilon) * norm.pdf(x), 0.0)

    found, _ = quad(above, epsilon / mu + mu / 2, mu + 12)
    assert delta_of(epsilon, mu) == pytest.approx(found, rel=1e-6)


@given(*BUDGETS)
def test_epsilon_and_mu_are_inverse(epsilon, delta):
    assert epsilon_of(mu_of(epsilon, delta), delta) == pytest.approx(epsilon, rel=1e-5)


def test_without_delta_to_spare_nothing_is_spent():
    assert epsilon_of(1e-6, 1e-3) == 0.0
    assert mu_of(1e9, 0.5) > 1e3


def test_releases_add_up_to_the_budget_and_no_further():
    budget = PrivacyBudget(2.0, 1e-5, random_state=1)
    assert budget.epsilon == 0.0
    for share, sensitivity in ((0.2, 1.0), (0.5, 3.0), (0.3, 0.5)):
        budget.release("one", np.zeros(4), share, sensitivity)
    assert budget.epsilon == pytest.approx(2.0, rel=1e-6)
    assert budget.rho == pytest.approx(mu_of(2.0, 1e-5) ** 2 / 2)
    assert [one.name for one in budget.releases] == ["one"] * 3
    with pytest.raises(ParameterError, match="does not reach for the release of more"):
        budget.release("more", np.zeros(4), 0.01)


def test_noise_has_the_deviation_that_was_paid_for():
    budget = PrivacyBudget(1.0, 1e-5, random_state=3)
    values = np.arange(200_000.0)
    noise = budget.release("it", values, 0.25, sensitivity=2.0) - values
    deviation = budget.releases[0].deviation
    assert deviation == pytest.approx(2.0 / (mu_of(1.0, 1e-5) * 0.5))
    assert noise.std() == pytest.approx(deviation, rel=0.01)
    assert abs(noise.mean()) < 4 * deviation / np.sqrt(len(noise))


def test_what_is_released_lies_on_a_grid_fine_beside_the_noise():
    budget = PrivacyBudget(1.0, 1e-5, random_state=3)
    released = budget.release("it", np.random.default_rng(0).normal(size=1000), 1.0)
    deviation = budget.releases[0].deviation
    grid = 2.0 ** np.ceil(np.log2(deviation) - 20)
    assert grid < deviation * 2e-6
    np.testing.assert_array_equal(released / grid, np.rint(released / grid))


def test_secret_noise_is_never_the_same_and_seeded_noise_always():
    secret = [PrivacyBudget(1.0, 1e-5).release("x", np.zeros(5), 1.0) for _ in range(2)]
    assert (secret[0] != secret[1]).all()
    seeded = [PrivacyBudget(1.0, 1e-5, 0).release("x", np.zeros(5), 1.0) for _ in range(2)]
    np.testing.assert_array_equal(*seeded)


@pytest.mark.parametrize("epsilon", [0, -1.0, np.nan, np.inf, "much", None])
def test_an_epsilon_that_promises_nothing_is_refused(epsilon):
    with pytest.raises(ParameterError, match="epsilon must be a positive number"):
        PrivacyBudget(epsilon, 1e-5)


@pytest.mark.parametrize("delta", [0.0, 1.0, 2.0, -1e-5])
def test_a_delta_that_promises_nothing_is_refused(delta):
    with pytest.raises(ParameterError, match="delta must be"):
        PrivacyBudget(1.0, delta)
