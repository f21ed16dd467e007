"""Folding in, against the package and against dense equations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from hybridrec.models import factors as module
from hybridrec.models.factors import FixedSide, fold_in_rows
from hybridrec.models.implicit_factors import ALS
from hybridrec.runtime import threads


@pytest.fixture
def factors():
    return np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32)


@pytest.fixture
def history(dataset):
    matrix = dataset.matrix[:, :60].copy()
    matrix.data /= 3  # below and above the confidence 1 of absent entries
    return matrix


def test_the_package_gives_the_same(factors, history):
    with threads(1):  # or the package warns of BLAS
        model = AlternatingLeastSquares(factors=8, regularization=0.7, alpha=1.0, num_threads=1)
    model.item_factors, model.user_factors = factors, np.zeros((40, 8), dtype=np.float32)
    expected = model.recalculate_user(np.arange(40), history)
    found = fold_in_rows(history, factors, unobserved=1.0, ridge=0.7)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_ridge_and_unobserved_may_differ_by_row_and_column(factors, history):
    rng = np.random.default_rng(2)
    absent, ridge = rng.choice([0.0, 0.3], 60), rng.uniform(0.5, 2.0, 40)
    prior = rng.normal(size=(40, 8)).astype(np.float32)
    found = fold_in_rows(history, factors, unobserved=absent, ridge=ridge, pull=0.4, prior=prior)
    row, Y = 5, factors.astype(np.float64)
    dense = history[[row]].toarray()[0]
    c = np.where(dense > 0, dense, absent)
    A = (Y * c[:, None]).T @ Y + (ridge[row] + 0.4) * np.eye(8)
    expected = np.linalg.solve(A, Y.T @ dense + 0.4 * prior[row])
    np.testing.assert_allclose(found[row], expected, rtol=1e-4)


@pytest.mark.parametrize("value", [None, 0.5])
def test_neither_threads_nor_parts_change_a_bit(factors, history, monkeypatch, value):
    start = None if value is None else np.full((40, 8), value, dtype=np.float32)
    args = {"unobserved": 0.1, "ridge": 1.0, "start": start}
    whole = fold_in_rows(history, factors, num_threads=1, **args)
    monkeypatch.setattr(module, "ROWS", 3)
    parts = fold_in_rows(history, factors, num_threads=2, **args)
    np.testing.assert_array_equal(whole, parts)


def test_a_row_is_the_same_alone(factors, history):
    whole = fold_in_rows(history, factors, unobserved=0.1, ridge=1.0)
    alone = fold_in_rows(history[[7]], factors, unobserved=0.1, ridge=1.0)
    np.testing.assert_array_equal(alone[0], whole[7])


def test_from_a_start_it_comes_near_in_some_steps(factors, history, monkeypatch):
    args = {"unobserved": 0.1, "ridge": 2.0}
    exact = fold_in_rows(history, factors, **args)
    start = np.zeros((40, 8), dtype=np.float32)
    near = fold_in_rows(history, factors, start=start, **args)
    assert not start.any()
    apart = np.linalg.norm(near - exact)
    assert 1e-3 < apart < 0.3 * np.linalg.norm(exact)
    monkeypatch.setattr(module, "STEPS", 30)
    found = fold_in_rows(history, factors, start=start, **args)
    np.testing.assert_allclose(found, exact, rtol=1e-2, atol=1e-4)


def test_what_nothing_determines_is_0(history):
    """No ridge, and no factor says anything about the last two directions."""
    factors = np.zeros((60, 4), dtype=np.float32)
    factors[:, :2] = np.random.default_rng(0).normal(size=(60, 2))
    found = fold_in_rows(history, factors, unobserved=0.1, ridge=0.0)
    narrow = fold_in_rows(history, factors[:, :2].copy(), unobserved=0.1, ridge=0.0)
    np.testing.assert_allclose(found[:, :2], narrow, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found[:, 2:], 0.0, atol=1e-5)


def test_nobody(factors):
    empty = csr_matrix((0, 60), dtype=np.float32)
    assert fold_in_rows(empty, factors, unobserved=1.0, ridge=1.0).shape == (0, 8)


def test_read_only_arrays_and_unchanged_input(factors, history):
    before = history.copy()
    for one in (factors, history.data, history.indices, history.indptr):
        one.flags.writeable = False
    found = fold_in_rows(history, factors, unobserved=1.0, ridge=1.0)
    assert found.dtype == np.float32
    assert (before != history).nnz == 0


@pytest.mark.parametrize("n", [1, 40])
@pytest.mark.parametrize("weight", [3.0, 0.05])  # above and below what is absent
def test_a_side_prepared_once_gives_the_same_bits(factors, history, n, weight):
    args = {"ridge": 1.0, "pull": 0.3, "prior": np.ones((n, 8), dtype=np.float32)}
    rows = (history[:n] * weight).tocsr()
    expected = fold_in_rows(rows, factors, unobserved=0.1, num_threads=2, **args)
    side = FixedSide.of(factors, 0.1)
    for _ in range(2):
        np.testing.assert_array_equal(side.fold_in(rows, **args), expected)
    beside = side.fold_in(history[:n], confidence=rows.data, **args)
    np.testing.assert_array_equal(beside, expected)


def test_models_fold_in_as_fold_in_rows_does(dataset, history):
    """Bit by bit, with what they keep, and again after an update."""
    model = ALS(factors=8, iterations=2, num_threads=1).fit(dataset)
    for _ in range(2):
        items = model.scorer_.item_factors
        rows = model.history_[:5] * (model.alpha / float(model.mean_weight_))
        expected = fold_in_rows(rows, items, unobserved=1.0, ridge=model.regularization)
        found = model.scorer_for(np.arange(5), model.history_[:5])[0].user_factors
        np.testing.assert_array_equal(found, expected)
        model.update(pd.DataFrame({"user": [1, 2, 1], "item": [61, 61, 99]}))
