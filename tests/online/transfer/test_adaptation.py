"""The closed forms against plain normal equations, and alpha between them."""

from __future__ import annotations

import numpy as np
import pytest

from hybridrec import ALS, BPR, HybridALS, Interactions
from hybridrec.errors import ParameterError
from hybridrec.online.transfer.adaptation import PULL, SHRINKAGE, Adaptation, Alpha, Solver
from hybridrec.online.transfer.rows import histories_of

BASES = [
    HybridALS(factors=3, iterations=3, num_threads=1),
    ALS(factors=3, iterations=3, regularization=2.0, num_threads=1),
]


@pytest.fixture(params=BASES, ids=["hybrid-als", "als"])
def fitted(request, shop):
    rows = Interactions.from_frame(shop, context=["scenario"])
    base = type(request.param)(**request.param.get_params()).fit(rows)
    return base, histories_of(rows, "scenario")["buy"]


def solved(has, confidence, others, absent, ridge, pull, prior):
    """One row by the book: ``sum c (p - x.y)^2 + ridge |x|^2 + pull |x - prior|^2``."""
    weights = np.where(has, confidence, absent)
    left = (others.T * weights) @ others + (ridge + pull) * np.eye(others.shape[1])
    return np.linalg.solve(left, others.T @ (weights * has) + pull * prior)


def test_items_are_solved_for_the_users_of_the_scenario(fitted):
    base, buy = fitted
    users, items = base.scorer_.user_factors, base.scorer_.item_factors
    dense, solver = buy.toarray(), Solver.of(base)
    found = Adaptation.fit(base, buy)
    active = dense.any(axis=1)
    assert not active.all() or len(found.items) < dense.shape[1]
    assert found.items.tolist() == np.flatnonzero(dense.any(axis=0)).tolist()
    for item, delta in list(zip(found.items, found.delta, strict=True))[::3]:
        has = dense[:, item] > 0
        pull = PULL * solver.ridge(np.array([has.sum()]))[0]
        expected = solved(
            *(has, solver.scale * dense[:, item], users, solver.absent * active),
            *(0.0, pull, items[item]),
        )
        np.testing.assert_allclose(items[item] + delta, expected, rtol=2e-3, atol=2e-4)


def test_users_are_solved_by_what_they_have_there(fitted):
    base, buy = fitted
    items, dense, solver = base.scorer_.item_factors, buy.toarray(), Solver.of(base)
    found = Adaptation.fit(base, buy)
    mean = base.scorer_.user_factors[dense.any(axis=1)].mean(axis=0)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-5)
    points = found.user_points(base, found.user_side(base), buy)
    active = dense.any(axis=0)
    for user in range(0, len(dense), 7):
        has = dense[user] > 0
        expected = mean
        if has.any():
            count = np.array([has.sum()])
            expected = solved(
                *(has, solver.scale * dense[user], items, solver.absent * active),
                *(solver.ridge(count)[0], SHRINKAGE * solver.unit / count[0], mean),
            )
        np.testing.assert_allclose(points[user], expected, rtol=2e-3, atol=2e-4)


def test_alpha_lies_between_shared_and_own(fitted):
    base, buy = fitted
    shared, items = base.scorer_.user_factors, base.scorer_.item_factors
    found = Adaptation.fit(base, buy)
    side = found.user_side(base)
    points = found.user_points(base, side, buy)

    def at(alpha):
        one = Adaptation(alpha, found.mean, found.items, found.delta)
        return one.user_factors(base, side, shared, buy), one.item_factors(items)

    users, moved = at(Alpha(0.0, 0.0, 0.0))
    assert users is shared
    assert moved is items
    users, moved = at(Alpha(0.5, 0.0, 1.0))
    has = np.diff(buy.indptr) > 0
    np.testing.assert_allclose(users[has], (shared + points)[has] / 2, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(users[~has], shared[~has])
    np.testing.assert_allclose(moved[found.items], items[found.items] + found.delta)
    others = np.setdiff1d(np.arange(len(items)), found.items)
    np.testing.assert_array_equal(moved[others], items[others])
    users, _ = at(Alpha(0.0, 1.0, 0.0))
    np.testing.assert_allclose(users[~has], points[~has], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(users[has], shared[has])


def test_other_models_are_refused(shop):
    model = BPR(factors=2, iterations=1).fit(shop)
    with pytest.raises(ParameterError, match=r"hybrid-als or als.*not bpr"):
        Solver.of(model)
