"""The map from features to weights against plain numpy, by hand, and against factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.features.blocks import FeatureBlock, Features, scale_rows
from hybridrec.graph import checks
from hybridrec.models.ease import EASE
from hybridrec.models.graph_filter import GraphFilter
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.kernel_ridge import KernelRidge
from hybridrec.ranking.scorer import HistoryScorer

KINDS = (
    EASE(regularization=5.0),
    GraphFilter(factors=3),
    GraphFilter(alpha=0.0),
)


def example(seed, items=9):
    """Return features of all items (one has none) and a scorer that knows all but the last."""
    rng = np.random.default_rng(seed)
    features = (rng.random((items, 5)) * (rng.random((items, 5)) < 0.7)).astype(np.float32)
    features[3] = 0
    features[[0, 1], 0] = 1
    weights = rng.normal(size=(items, items)).astype(np.float32)
    weights[-1] = weights[:, -1] = 0
    histories = (rng.random((12, items)) < 0.4).astype(np.float32)
    histories[0, 0] = 1
    histories[:, -1] = 0
    scorer = HistoryScorer(csr_matrix(histories), weights, over_items=True)
    unit = np.asarray(scale_rows(features))
    rows = np.array([item for item in range(items - 1) if unit[item].any()])
    return unit, rows, scorer


def shares(unit, rows, new, ridge):
    kernel = unit[rows] @ unit[rows].T + ridge * np.eye(len(rows))
    return np.linalg.solve(kernel.astype(np.float64), unit[rows] @ unit[new].T)


@given(st.integers(0, 2**32), st.sampled_from([0.1, 1.0, 10.0]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_weights_of_a_new_item_are_the_ridge_regression(seed, ridge, sparse):
    unit, rows, scorer = example(seed)
    B = scorer.weights.astype(np.float64)
    if sparse:
        scorer = HistoryScorer(scorer.profiles, csr_matrix(scorer.weights), over_items=True)
    known = KernelRidge(csr_matrix(unit[rows]), rows, ridge, gain=1.7)
    new = np.array([8])
    weights = known.place(scorer, new, csr_matrix(unit[new])).weights
    weights = weights.toarray() if sparse else weights
    expected = shares(unit, rows, new, ridge)[:, 0]
    np.testing.assert_allclose(weights[:8, 8], 1.7 * B[:8, rows] @ expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(weights[8, :8], B[rows, :8].T @ expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(weights[:8, :8], B[:8, :8].astype(np.float32))
    assert weights[8, 8] == 0


def test_by_hand():
    """With ridge 1, an item like x alone gets half of the weights of x: 1 / (1 + 1)."""
    weights = np.array([[0, 4, 0], [6, 0, 0], [0, 0, 0]], dtype=np.float32)
    scorer = HistoryScorer(csr_matrix(np.eye(3, dtype=np.float32)), weights, over_items=True)
    known = KernelRidge(csr_matrix(np.eye(2, dtype=np.float32)), np.array([0, 1]), 1.0, gain=5.0)
    placed = known.place(scorer, np.array([2]), csr_matrix([[1.0, 0.0]])).weights
    np.testing.assert_allclose(placed, [[0, 4, 0], [6, 0, 15], [0, 2, 0]], rtol=1e-6)


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_gain_is_that_of_items_left_out_one_by_one(seed):
    unit, rows, scorer = example(seed)
    known = KernelRidge(csr_matrix(unit[rows]), rows, 0.5)
    known.calibrate(scorer, 0.8)
    scores = scorer.profiles.toarray().astype(np.float64) @ scorer.weights
    alone = np.column_stack(
        [
            scores[:, rest] @ shares(unit, rest, row, 0.5)
            for row in rows
            for rest in [rows[rows != row]]
        ]
    )
    expected = 0.8 * np.sqrt(scores[:, rows].var(axis=1).mean() / alone.var(axis=1).mean())
    assert known.gain == pytest.approx(expected, rel=1e-3)


def test_nothing_is_learned_of_items_that_have_nothing_in_common():
    scorer = HistoryScorer(
        csr_matrix(np.eye(3, dtype=np.float32)), np.ones((3, 3), dtype=np.float32), over_items=True
    )
    known = KernelRidge(csr_matrix(np.eye(3, dtype=np.float32)), np.arange(3), 1.0)
    known.calibrate(scorer, 0.6)
    assert known.gain == 0.6


def data(items=30, users=60, seed=0):
    """Users like the items of one of three groups; every seventh item nobody has."""
    rng = np.random.default_rng(seed)
    group = np.arange(items) % 3
    likes = rng.random((users, items)) < np.where(
        group == rng.integers(0, 3, (users, 1)), 0.5, 0.05
    )
    likes[:, ::7] = False
    rows = pd.DataFrame(np.argwhere(likes), columns=["user", "item"])
    table = pd.DataFrame({"item": np.arange(items), "group": [f"g{one}" for one in group]})
    return Dataset.build(rows, item_table=table)


@pytest.mark.parametrize("model", KINDS, ids=repr)
class TestModels:
    def test_calibration_scales_new_items_only(self, model):
        fits = {
            level: type(model)(**{**model.get_params(), "calibration": level}).fit(data())
            for level in (0.5, 1.0)
        }
        one, two = (
            np.nan_to_num(fits[level].scorer_.block(np.arange(9)), neginf=0.0)
            for level in (0.5, 1.0)
        )
        new = fits[1.0].popularity_ == 0
        assert new.sum() == 5
        np.testing.assert_array_equal(one[:, ~new], two[:, ~new])
        np.testing.assert_allclose(2 * one[:, new], two[:, new], rtol=1e-5)
        assert np.abs(two[:, new]).max() > 0

    def test_full_calibration_gives_new_items_the_spread_of_the_others(self, model):
        """Group by group the items are alike, so what holds for the known holds for the new."""
        fitted = type(model)(**{**model.get_params(), "calibration": 1.0}).fit(data(items=90))
        scores = np.nan_to_num(fitted.scorer_.block(np.arange(60)), neginf=0.0)
        new = fitted.popularity_ == 0
        ratio = scores[:, new].std(axis=1).mean() / scores[:, ~new].std(axis=1).mean()
        assert 0.7 < ratio < 1.4

    def test_new_items_in_one_batch_or_two(self, model):
        fits = [type(model)(**model.get_params()).fit(data()) for _ in range(2)]
        table = pd.DataFrame({"item": [97, 98, 99], "group": ["g0", "g2", "g0"]})
        fits[0].add_items(table)
        fits[1].add_items(table.iloc[:1]).add_items(table.iloc[1:])
        weights = [fit.scorer_.weights for fit in fits]
        one, two = (np.asarray(w if isinstance(w, np.ndarray) else w.todense()) for w in weights)
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
        assert np.abs(one[30:, 30:]).max() > 0

    def test_without_users_or_features_an_item_is_not_reached(self, model):
        table = pd.DataFrame({"item": [98, 99], "group": [None, "unheard"]})
        fitted = type(model)(**model.get_params()).fit(data()).add_items(table)
        assert not set(fitted.recommend(k=40)["item"]) & {98, 99}

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"feature_regularization": 0}, "feature_regularization must be a positive number"),
            ({"calibration": -1}, "calibration must be a number of at least 0"),
        ],
    )
    def test_bad_parameters(self, model, params, message):
        with pytest.raises(ParameterError, match=message):
            type(model)(**{**model.get_params(), **params}).fit(data())


def test_a_matrix_that_is_too_large_is_refused(monkeypatch):
    """25 items have users; nothing else here is dense."""
    monkeypatch.setattr(checks, "_available_memory", lambda: 4 * 25**2 - 1)
    with pytest.raises(ParameterError, match=r"25 items .*; leave the features out"):
        GraphFilter(alpha=0.0).fit(data())
    GraphFilter(alpha=0.0).fit(data(), item_features=[])


def test_factors_without_a_pull_are_mapped_by_the_same_regression():
    """HybridALS with prior_share=0 is the factor map of Gantner et al.: plain iALS, then ridge."""
    one = data()
    plain = HybridALS(factors=4, prior_share=0.0).fit(one, item_features=[])
    mapped = HybridALS(factors=4, prior_share=0.0, calibration=1.0).fit(one)
    known = plain.popularity_ > 0
    before, after = plain.scorer_.item_factors, mapped.scorer_.item_factors
    np.testing.assert_allclose(after[known], before[known], rtol=1e-4, atol=1e-5)
    unit = np.asarray(scale_rows(mapped.item_pipeline_.transform(one).matrix()).todense())
    ridge = shares(unit, np.flatnonzero(known), np.flatnonzero(~known), 1.0).T @ before[known]
    ours = after[~known] - after[~known].mean(axis=0)
    theirs = ridge - ridge.mean(axis=0)
    np.testing.assert_allclose(
        ours / np.linalg.norm(ours), theirs / np.linalg.norm(theirs), rtol=0.05, atol=0.01
    )


def test_features_without_rows_of_known_items():
    block = FeatureBlock("own", np.zeros((30, 1), dtype=np.float32), np.array(["a"]))
    with_nothing = EASE().fit(data(), item_features=Features([block]))
    without = EASE().fit(data(), item_features=[])
    np.testing.assert_array_equal(with_nothing.scorer_.weights, without.scorer_.weights)


def test_features_of_a_new_item_sum_to_its_score(dataset):
    model = EASE(regularization=5.0).fit(dataset)
    for item in (60, 61):
        told = model.explain(0, item)
        parts = {part.name: part.value for part in told.features}
        assert {"block = b4", "group = even"} <= set(parts) or {"block = b5", "group = odd"} <= set(
            parts
        )
        named = sum(part.value for part in told.features if part.kind == "feature")
        assert named == pytest.approx(told.score, rel=1e-3)
    assert model.explain(0, 1).features == ()  # nothing but its weights is known of a warm item
