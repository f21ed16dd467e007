"""The map from features to factors, and how it is calibrated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.models import prior
from hybridrec.models.prior import Calibration, FeaturePrior, Kernel, Primal, calibrate


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def sparse(rng, rows, width, density=0.3):
    dense = np.where(rng.random((rows, width)) < density, rng.random((rows, width)), 0.0)
    return csr_matrix(dense.astype(np.float32))


def ridge_twin(features, factors, ridge):
    F, Y = features.toarray().astype(np.float64), factors.astype(np.float64)
    return np.linalg.solve(F.T @ F + ridge * np.eye(F.shape[1]), F.T @ Y)


@pytest.mark.parametrize("kind", [Primal, Kernel])
@pytest.mark.parametrize("density", [0.1, 0.9])  # kept sparse, and not
class TestBothForms:
    @pytest.mark.parametrize(("rows", "width"), [(30, 8), (8, 30), (1, 5), (5, 1)])
    @pytest.mark.parametrize("ridge", [0.1, 1.0, 50.0])
    def test_dense_ridge(self, rng, monkeypatch, kind, density, rows, width, ridge):
        monkeypatch.setattr(prior, "TOLERANCE", 1e-6)
        features = sparse(rng, rows, width, density)
        factors = rng.normal(size=(rows, 4)).astype(np.float32)
        weights = kind(features, ridge).fit(factors, steps=200)
        assert weights.dtype == np.float32
        expected = ridge_twin(features, factors, ridge)
        np.testing.assert_allclose(weights, expected, rtol=1e-3, atol=1e-4)

    def test_other_factors_of_another_width(self, rng, monkeypatch, kind, density):
        monkeypatch.setattr(prior, "TOLERANCE", 1e-6)
        features = sparse(rng, 20, 6, density)
        one = kind(features, 1.0)
        one.fit(rng.normal(size=(20, 3)).astype(np.float32))
        factors = rng.normal(size=(20, 5)).astype(np.float32)
        found = one.fit(factors, steps=200)
        np.testing.assert_allclose(found, ridge_twin(features, factors, 1.0), rtol=1e-3, atol=1e-4)

    def test_nothing_to_fit(self, kind, density):
        ones = np.ones((4, 2), dtype=np.float32)
        assert kind(csr_matrix((4, 0), dtype=np.float32), 1.0).fit(ones).shape == (0, 2)
        assert not kind(csr_matrix((4, 3), dtype=np.float32), 1.0).fit(ones).any()

    def test_nothing_is_changed(self, rng, kind, density):
        features, factors = sparse(rng, 20, 6, density), rng.normal(size=(20, 3))
        before = features.copy(), factors.copy()
        kind(features, 1.0).fit(factors.astype(np.float32))
        assert (features != before[0]).nnz == 0
        np.testing.assert_array_equal(factors, before[1])


class TestKernel:
    def test_close_enough_as_it_is_used(self, rng):
        features, factors = sparse(rng, 200, 50), rng.normal(size=(200, 8)).astype(np.float32)
        weights = Kernel(features, 1.0).fit(factors, prior.FINAL_STEPS)
        expected = ridge_twin(features, factors, 1.0)
        assert np.linalg.norm(weights - expected) < 0.03 * np.linalg.norm(expected)

    def test_each_fit_goes_on_from_the_last(self, rng, monkeypatch):
        monkeypatch.setattr(prior, "TOLERANCE", 1e-6)
        features, factors = sparse(rng, 60, 40), rng.normal(size=(60, 3)).astype(np.float32)
        used, fresh = Kernel(features, 0.5), Kernel(features, 0.5)
        used.fit(factors, steps=200)
        moved = factors + 0.01 * rng.normal(size=(60, 3)).astype(np.float32)
        expected = ridge_twin(features, moved, 0.5)
        apart = [np.abs(one.fit(moved, steps=3) - expected).max() for one in (used, fresh)]
        assert apart[0] < 0.1 * apart[1]


def test_features_of_large_numbers_need_more_than_single_precision(rng):
    dense = 1e5 * rng.random((300, 5)).astype(np.float32)
    dense[:, 4] = dense[:, 3]  # only the ridge tells them apart
    features, factors = csr_matrix(dense), rng.normal(size=(300, 2)).astype(np.float32)
    weights = Primal(features, 1.0).fit(factors)
    np.testing.assert_allclose(weights, ridge_twin(features, factors, 1.0), rtol=1e-2, atol=1e-9)


def test_the_width_decides_the_form(monkeypatch):
    monkeypatch.setattr(prior, "WIDTH", 3)
    narrow, wide = csr_matrix((9, 3), dtype=np.float32), csr_matrix((9, 4), dtype=np.float32)
    assert isinstance(FeaturePrior.of(narrow, 1.0), Primal)
    assert isinstance(FeaturePrior.of(wide, 1.0), Kernel)


class TestCalibrate:
    @pytest.fixture
    def case(self, rng):
        features = sparse(rng, 120, 30)
        taste = rng.normal(size=(30, 6))
        factors = features @ taste + rng.normal(size=(120, 6)) + 2.0
        others = rng.normal(size=(50, 6)) + 0.5
        return features, factors.astype(np.float32), others.astype(np.float32)

    def predicted(self, features, factors, ridge):
        """Predict each fold from the others, as the docstring says."""
        fold = prior.random_stream(0, prior.FOLD_STREAM).permutation(len(factors)) % prior.FOLDS
        out = np.zeros_like(factors)
        for part in range(prior.FOLDS):
            weights = ridge_twin(features[fold != part], factors[fold != part], ridge)
            out[fold == part] = features[fold == part] @ weights
        return out

    def test_mean_and_average_variance_of_scores_become_equal(self, case, monkeypatch):
        monkeypatch.setattr(prior, "TOLERANCE", 1e-6)
        features, factors, others = case
        found = calibrate(features, factors, others, 2.0, 0)
        guess = self.predicted(features, factors, 2.0)
        trained, plain = others @ factors.T, others @ guess.T
        scores = others @ found.apply(guess).T
        np.testing.assert_allclose(scores.mean(axis=1), trained.mean(axis=1), rtol=1e-3, atol=1e-3)
        spread = trained.var(axis=1).mean()
        assert scores.var(axis=1).mean() == pytest.approx(spread, rel=1e-2)
        assert plain.var(axis=1).mean() < 0.9 * spread  # there was something to undo

    def test_order_among_items_stays(self, case):
        features, factors, others = case
        found = calibrate(features, factors, others, 2.0, 0)
        new = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
        before, after = others @ new.T, others @ found.apply(new).T
        np.testing.assert_array_equal(np.argsort(before, axis=1), np.argsort(after, axis=1))

    def test_level(self, case):
        found = calibrate(*case, 2.0, 0)
        new = np.ones((3, 6), dtype=np.float32)
        half = found.scaled(0.5).apply(new)
        np.testing.assert_allclose(half, 0.5 * found.apply(new), rtol=1e-5)
        assert half.dtype == np.float32

    @pytest.mark.parametrize("n", [1, 2])
    def test_hardly_any_item(self, n):
        features = csr_matrix(np.ones((n, 1), dtype=np.float32))
        factors = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
        found = calibrate(features, factors, np.ones((2, 3), dtype=np.float32), 1.0, 0)
        assert np.isfinite(found.apply(factors)).all()

    def test_features_that_tell_nothing(self):
        features = csr_matrix((10, 4), dtype=np.float32)
        factors = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
        found = calibrate(features, factors, np.ones((2, 3), dtype=np.float32), 1.0, 0)
        assert found.gain == 1.0
        np.testing.assert_allclose(found.apply(np.zeros((1, 3))), [factors.mean(axis=0)], rtol=1e-5)

    def test_apply_by_hand(self):
        found = Calibration(np.float32([1.0, 2.0]), np.float32([10.0, 20.0]), 3.0)
        assert found.apply(np.float32([[2.0, 0.0]])).tolist() == [[13.0, 14.0]]
