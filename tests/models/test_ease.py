"""Closed form against plain numpy, and against the regressions it stands for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.graph import checks
from hybridrec.models import item_item
from hybridrec.models.ease import EASE


def stacked(matrix, features, weight):
    """Return users' rows of average entry 1 above the features of length 1."""
    users = matrix / matrix[matrix != 0].mean()
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.vstack([users, weight * (features / np.where(length > 0, length, 1)).T])


def closed_form(rows, regularization):
    inverse = np.linalg.inv(rows.T @ rows + regularization * np.eye(rows.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


def example(seed, users=20, items=9, width=4):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 6, (users, items)) * (rng.random((users, items)) < 0.4)
    matrix[0] += matrix.sum(axis=0) == 0  # everything has a user
    features = rng.normal(size=(items, width)) * (rng.random((items, width)) < 0.6)
    return matrix.astype(np.float32), features.astype(np.float32)


def fitted(matrix, features, **params):
    model = EASE(**params)
    model.scorer_ = model._fit(csr_matrix(matrix), csr_matrix(features), None)
    return model


@given(st.integers(0, 2**32), st.sampled_from([0.5, 5.0, 200.0]), st.sampled_from([0.0, 1.0, 3.0]))
@settings(max_examples=40, deadline=None)
def test_weights_are_the_closed_form(seed, regularization, weight):
    matrix, features = example(seed)
    model = fitted(matrix, features, regularization=regularization, feature_weight=weight)
    expected = closed_form(stacked(matrix, features, weight), regularization)
    np.testing.assert_allclose(model.scorer_.weights, expected, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_a_column_is_the_ridge_regression_of_the_item_on_the_others(weight):
    matrix, features = example(3)
    weights = fitted(matrix, features, regularization=4.0, feature_weight=weight).scorer_.weights
    rows = stacked(matrix, features, weight)
    others = np.delete(np.arange(9), 5)
    ridge = np.vstack([rows[:, others], 2.0 * np.eye(8)])  # its square is the regularization
    solution, *_ = np.linalg.lstsq(ridge, np.concatenate([rows[:, 5], np.zeros(8)]), rcond=None)
    np.testing.assert_allclose(weights[others, 5], solution, rtol=1e-4, atol=1e-6)
    assert (np.diag(weights) == 0).all()


def test_larger_than_a_block(monkeypatch):
    """The inverse is put together from blocks of rows, the last one shorter."""
    monkeypatch.setattr(item_item, "rows_of_a_block", lambda _: 7)
    matrix, features = example(4, users=60, items=38)
    weights = fitted(matrix, features, regularization=3.0).scorer_.weights
    expected = closed_form(stacked(matrix, features, 1.0), 3.0)
    np.testing.assert_allclose(weights, expected, rtol=2e-4, atol=1e-5)


def test_scores_are_history_times_weights(dataset):
    model = EASE().fit(dataset)
    scores = model.scorer_.block(np.arange(40))
    expected = dataset.matrix.toarray() @ model.scorer_.weights
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)


def test_items_that_nobody_has_change_nothing_between_the_others():
    """To the fit they are no zeros but unknown; the map places them afterwards."""
    matrix, features = example(6)
    matrix[:, [2, 8]] = 0
    known = np.setdiff1d(np.arange(9), [2, 8])
    weights = fitted(matrix, features, regularization=3.0).scorer_.weights
    expected = closed_form(stacked(matrix[:, known], features[known], 1.0), 3.0)
    np.testing.assert_allclose(weights[np.ix_(known, known)], expected, rtol=2e-4, atol=1e-5)
    assert np.abs(weights[:, 8]).max() > 0


def test_without_a_feature_weight_known_items_have_the_weights_without_features(dataset):
    model = EASE().fit(dataset, item_features=[])
    with pytest.raises(ParameterError, match="without item features"):
        model.add_items(pd.DataFrame({"item": [99], "group": ["odd"]}))
    mapped = EASE(feature_weight=0.0).fit(dataset)
    known = np.ix_(mapped.popularity_ > 0, mapped.popularity_ > 0)
    np.testing.assert_array_equal(mapped.scorer_.weights[known], model.scorer_.weights[known])
    mapped.add_items(pd.DataFrame({"item": [99], "group": ["odd"]}))
    assert 99 in set(mapped.recommend(k=100)["item"])


def test_a_catalogue_that_is_too_large_is_refused(monkeypatch, dataset):
    monkeypatch.setattr(checks, "_available_memory", lambda: 4 * 62**2 - 1)
    message = r"dense weights between 62 items would take 0\.0 GiB, .*; drop items of few users .*"
    with pytest.raises(ParameterError, match=message + "rp3-beta or item-knn"):
        EASE().fit(dataset)
    monkeypatch.setattr(checks, "_available_memory", lambda: 4 * 62**2)
    EASE().fit(dataset)


def test_items_that_are_all_alike():
    """In float32, 1e6 and 1e6 + 1e-6 are one number."""
    rows = csr_matrix(np.ones((1000, 3), dtype=np.float32))
    block = FeatureBlock("same", np.ones((3, 1), dtype=np.float32), np.array(["one"]))
    data = Dataset.build(pd.DataFrame(np.argwhere(rows.toarray()), columns=["user", "item"]))
    with pytest.raises(ParameterError, match="raise the regularization"):
        EASE(regularization=1e-6).fit(data, item_features=Features([block]))
    EASE(regularization=1.0).fit(data)


def test_inverse_in_place():
    values = np.random.default_rng(0).normal(size=(30, 12)).astype(np.float32)
    matrix = values.T @ values
    expected = np.linalg.inv(matrix.astype(np.float64))
    item_item.invert(matrix, "it")
    np.testing.assert_allclose(matrix, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"regularization": 0}, "regularization must be a positive number"),
        ({"feature_weight": -1}, "feature_weight must be a number of at least 0"),
    ],
)
def test_bad_parameters(params, message, dataset):
    with pytest.raises(ParameterError, match=message):
        EASE(**params).fit(dataset)
