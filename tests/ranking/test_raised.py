"""Raised scores against the formula, written out."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.ranking.raised import RaisedScorer, raised
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer

USERS, ITEMS = 7, 12


@pytest.fixture
def lift():
    return np.random.default_rng(1).normal(size=ITEMS)


@pytest.fixture
def factors():
    rng = np.random.default_rng(0)
    sides = rng.normal(size=(USERS, 3)), rng.normal(size=(ITEMS, 3)), rng.normal(size=ITEMS)
    return FactorScorer(*(one.astype(np.float32) for one in sides))


def by_formula(scores, lift, measured):
    out = scores.astype(np.float64)
    for row in out:
        known = measured & np.isfinite(row)
        row += row[known].std() * lift
    return out


def test_factors_stay_factors(factors, lift):
    measured = np.arange(ITEMS) > 2
    found = raised(factors, lift, measured)
    assert isinstance(found, FactorScorer)
    every = np.arange(USERS)
    expected = by_formula(factors.block(every), lift, measured)
    np.testing.assert_allclose(found.block(every), expected, rtol=1e-4, atol=1e-5)


def test_other_users_share_the_items(factors, lift):
    measured = np.ones(ITEMS, dtype=bool)
    whole = raised(factors, lift, measured)
    few = raised(factors.for_users(factors.user_factors[3:5]), lift, measured, whole)
    assert few.item_factors is whole.item_factors
    np.testing.assert_array_equal(few.user_factors, whole.user_factors[3:5])


def test_histories_keep_what_they_do_not_reach(lift):
    rng = np.random.default_rng(2)
    profiles = csr_matrix(rng.random((USERS, ITEMS)) * (rng.random((USERS, ITEMS)) < 0.2))
    weights = csr_matrix(rng.random((ITEMS, ITEMS)) * (rng.random((ITEMS, ITEMS)) < 0.3))
    scorer = HistoryScorer(profiles.astype(np.float32), weights.astype(np.float32), True)
    measured = np.arange(ITEMS) < 9
    found = raised(scorer, lift, measured)
    assert isinstance(found, RaisedScorer)
    every = np.arange(USERS)
    plain = scorer.block(every)
    block = found.block(every)
    np.testing.assert_array_equal(np.isfinite(block), np.isfinite(plain))
    with np.errstate(invalid="ignore"):
        expected = by_formula(plain, lift, measured)
    reached = np.isfinite(plain)
    alone = np.array([row[measured & np.isfinite(row)].size > 0 for row in plain])
    np.testing.assert_allclose(
        block[alone][reached[alone]], expected[alone][reached[alone]], rtol=1e-5
    )
    chosen = found.chosen(every, np.tile(np.arange(ITEMS, dtype=np.int32), (USERS, 1)))
    np.testing.assert_array_equal(chosen, block)
    assert found.with_more_items(2).block(every).shape == (USERS, ITEMS + 2)
