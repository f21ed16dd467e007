"""Private item sides: how far one user can move them, and what is kept of users."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, vstack

import hybridrec as hr
from hybridrec.errors import ParameterError
from hybridrec.models.registry import make_model
from hybridrec.privacy import PrivacyBudget, PrivateALS, PrivateParty, forget, over_items
from hybridrec.privacy.private_als import (
    ItemStatistics,
    _isometric,
    _symmetric,
    private_item_side,
    solve_items,
    unit_rows,
)
from hybridrec.testing.contract import checkerboard


class Told(PrivacyBudget):
    """A budget that keeps what is to be released, and adds nothing to it."""

    def __init__(self):
        super().__init__(1.0, 1e-5, 0)
        self.sums = {}

    def release(self, name, values, share, sensitivity=1.0):
        super().release(name, values, share, sensitivity)
        self.sums[name] = values
        return values


def random_matrix(seed: int, users: int = 12, items: int = 9) -> csr_matrix:
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 6, size=(users, items)) * (rng.random((users, items)) < 0.4)
    matrix = csr_matrix(dense.astype(np.float32))
    matrix.eliminate_zeros()
    return matrix


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 9))
def test_a_user_moves_every_sum_by_one_at_most(seed, choices):
    """Also one who has everything, and whatever the weights."""
    model = PrivateALS(factors=3, num_threads=1)
    matrix = random_matrix(seed)
    stranger = np.zeros((1, 9), dtype=np.float32)
    stranger[0, : choices + 0] = 7.0
    more = vstack([matrix, csr_matrix(stranger)], format="csr", dtype=np.float32)
    factors = np.random.default_rng(seed).normal(size=(9, 4)).astype(np.float32)
    found = []
    for one in (matrix, more):
        told = Told()
        party = PrivateParty(model, one, told)
        party.counts()
        party.statistics(factors)
        found.append(told)
    moved = {
        name: np.linalg.norm(found[1].sums[name] - found[0].sums[name])
        for name in ("counts", "gram", "cross")
    }
    assert all(distance <= 1 + 1e-6 for distance in moved.values()), moved
    if choices:
        assert moved["counts"] == pytest.approx(1.0)
        assert moved["cross"] == pytest.approx(1.0, abs=1e-5)
    assert {one.sensitivity for one in found[0].releases} == {1.0}


def test_all_iterations_together_spend_the_budget_and_no_more():
    model = PrivateALS(epsilon=3.0, delta=1e-6, factors=2, iterations=4, noise="seeded")
    model.fit(checkerboard())
    assert model.budget_.epsilon == pytest.approx(3.0, rel=1e-5)
    assert model.budget_.delta == 1e-6
    assert len(model.budget_.releases) == 1 + 2 * 4
    counts = PrivateALS(epsilon=3.0, factors=0, noise="seeded").fit(checkerboard())
    assert counts.budget_.epsilon == pytest.approx(3.0, rel=1e-5)
    assert [one.name for one in counts.budget_.releases] == ["counts"]


def test_unit_rows_by_hand():
    rows = unit_rows(csr_matrix(np.array([[5, 0, 2, 1, 1], [0, 3, 0, 0, 0]], dtype=np.float32)))
    np.testing.assert_allclose(rows.toarray(), [[0.5, 0, 0.5, 0.5, 0.5], [0, 1, 0, 0, 0]])


def test_a_triangle_keeps_the_length_of_its_matrix():
    matrix = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
    assert np.linalg.norm(_isometric(matrix)) == pytest.approx(np.linalg.norm(matrix))
    np.testing.assert_allclose(_symmetric(_isometric(matrix)), matrix)


def test_items_are_solved_by_hand():
    """Two users of direction (1, 0), one of (0, 1): second moments 2 and 1, ridge .3 * 3 / 2."""
    told = ItemStatistics(np.diag([2.0, 1.0]), np.array([[2.0, 0.0], [0.0, 1.0]]), 0.0)
    expected = 3 * np.array([[2 / 2.45, 0], [0, 1 / 1.45]])
    np.testing.assert_allclose(solve_items(told), expected)
    shrunk = solve_items(told._replace(variance=0.5))  # of lengths 4 and 1, noise has 1
    np.testing.assert_allclose(shrunk, expected * [[0.75], [0.0]])


def test_fits_draw_other_noise_each_time_unless_seeded():
    def factors(**params):
        return PrivateALS(epsilon=5.0, factors=2, **params).fit(checkerboard()).scorer_.item_factors

    assert not np.array_equal(factors(), factors())
    assert not np.array_equal(factors(random_state=1), factors(random_state=1))
    np.testing.assert_array_equal(factors(noise="seeded"), factors(noise="seeded"))
    assert not np.array_equal(factors(noise="seeded"), factors(noise="seeded", random_state=1))


def test_popularity_is_the_noisy_one_everywhere(tmp_path):
    model = PrivateALS(epsilon=1.0, factors=2, noise="seeded").fit(checkerboard())
    true = model.history_.getnnz(axis=0)
    noisy = model.popularity_.copy()
    assert not np.allclose(noisy, true)
    np.testing.assert_array_equal(model.scorable_, noisy > 0)
    model.save(tmp_path / "m")
    loaded = hr.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.popularity_, noisy)
    loaded.update(pd.DataFrame({"user": ["u0", "new"], "item": ["i0", "fresh"]}))
    np.testing.assert_array_equal(loaded.popularity_, np.append(noisy, 0))
    np.testing.assert_array_equal(loaded.scorer_.item_factors[:-1], model.scorer_.item_factors)
    fewer = forget(model, ["u0", "u1"])
    np.testing.assert_array_equal(fewer.popularity_, noisy)


def test_a_model_to_give_away_holds_no_user_and_serves_strangers(tmp_path):
    model = PrivateALS(epsilon=1e6, factors=2, noise="seeded").fit(checkerboard())
    bare = forget(model, model.users_.ids)
    bare.save(tmp_path / "bare")
    loaded = hr.load(tmp_path / "bare")
    assert len(loaded.users_) == loaded.history_.nnz == len(loaded.scorer_.user_factors) == 0
    history = pd.DataFrame({"user": ["new"] * 3, "item": ["i0", "i2", "i4"]})
    lists = loaded.recommend(history=history, k=5)
    pd.testing.assert_frame_equal(lists, model.recommend(history=history, k=5))
    assert all(int(item[1:]) % 2 == 0 for item in lists["item"])


def test_without_factors_the_lists_are_those_of_popularity():
    frame = pd.DataFrame({"user": [1, 2, 3, 4, 1, 2, 3, 1], "item": [*"aaaa", *"bbb", "c"]})
    model = PrivateALS(epsilon=1e6, factors=0, noise="seeded").fit(frame)
    assert model.recommend([4], k=3)["item"].tolist() == ["b", "c"]
    stranger = pd.DataFrame({"user": ["x"], "item": ["c"]})
    assert model.recommend(history=stranger, k=3)["item"].tolist() == ["a", "b"]


def test_re_ranking_finds_vectors_of_items_in_no_history():
    """Without factors, other models would take them from the histories of all."""
    model = PrivateALS(epsilon=1e6, factors=0, noise="seeded").fit(checkerboard())
    assert set(np.unique(np.linalg.norm(model.catalogue.vectors(None), axis=1).round(5))) <= {0, 1}
    before = model.recommend(["u1"], k=5, rerank="mmr")
    model.history_.data[:] = 0  # whatever is there
    model.__dict__["_kept"].pop("catalogue")
    pd.testing.assert_frame_equal(model.recommend(["u1"], k=5, rerank="mmr"), before)


def test_parties_together_train_what_one_trains():
    """With noise too small to matter, the sum of three messages is the message of all."""
    frame = checkerboard()
    data = hr.Dataset.build(frame)
    model = PrivateALS(epsilon=1e8, factors=2, noise="seeded")
    groups = [frame[frame["user"].str[1:].astype(int) % 3 == one] for one in range(3)]
    rows = [over_items(group, data.items) for group in groups]
    parties = [PrivateParty(model, one.matrix, PrivacyBudget(1e8, 1e-5, 0)) for one in rows]
    side = private_item_side(model, parties)
    whole = model.fit(data)
    np.testing.assert_allclose(side.factors, whole.scorer_.item_factors, atol=0.02)
    own = model.with_users(rows[1], side)
    assert set(own.users_.ids) == set(groups[1]["user"])
    assert own.recommend(["u1"], k=1)["item"].tolist() == ["i1"]
    assert not hasattr(own, "budget_")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"epsilon": 0}, "epsilon must be a positive number, got 0"),
        ({"epsilon": -1.0}, "epsilon must be a positive number"),
        ({"delta": 1.0}, "delta must be between 0 and 1"),
        ({"factors": -1}, "factors must be"),
        ({"iterations": 0}, "iterations must be"),
        ({"unobserved": 1.5}, "unobserved must be at most 1"),
        ({"noise": "seded"}, "did you mean 'seeded'"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ParameterError, match=message):
        make_model("private-als", **params).fit(checkerboard())
