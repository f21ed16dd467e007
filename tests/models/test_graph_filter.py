"""The filter against the dense formula of its paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, issparse

from hybridrec.errors import ParameterError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.models import graph_filter, item_item
from hybridrec.models.graph_filter import GraphFilter


def example(seed, users=20, items=9, width=4):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 6, (users, items)) * (rng.random((users, items)) < 0.4)
    matrix[0, 0] = 1
    features = rng.random((items, width)) * (rng.random((items, width)) < 0.6)
    return matrix.astype(np.float32), features.astype(np.float32)


def fitted(matrix, features, **params):
    model = GraphFilter(**params)
    model.scorer_ = model._fit(csr_matrix(matrix), csr_matrix(features), None)
    return model


def root(degrees, power):
    return np.diag(np.where(degrees > 0, np.maximum(degrees, 1e-30) ** power, 0.0))


def gf_cf(matrix, features, factors, alpha, weight):
    """Return ``R'R + alpha D^-1/2 V V' D^1/2``, entities being further users."""
    users = matrix / matrix[matrix != 0].mean()
    length = np.linalg.norm(features, axis=1, keepdims=True)
    links = np.vstack([users, weight * (features / np.where(length > 0, length, 1)).T])
    degrees = links.sum(axis=0)
    R = root(links.sum(axis=1), -0.5) @ links @ root(degrees, -0.5)
    _, values, vectors = np.linalg.svd(R)
    kept = vectors[: len(values)][values > 1e-6][:factors]
    low_pass = root(degrees, -0.5) @ kept.T @ kept @ root(degrees, 0.5)
    return R.T @ R + alpha * low_pass


@given(
    st.integers(0, 2**32),
    st.sampled_from([1, 3, 100]),
    st.sampled_from([0.0, 0.3, 2.0]),
    st.sampled_from([0.0, 0.5, 3.0]),
)
@settings(max_examples=60, deadline=None)
def test_weights_are_the_dense_formula(seed, factors, alpha, weight):
    matrix, features = example(seed)
    model = fitted(matrix, features, factors=factors, alpha=alpha, feature_weight=weight)
    weights = model.scorer_.weights
    assert issparse(weights) == (alpha == 0)
    weights = weights.toarray() if issparse(weights) else weights
    expected = gf_cf(matrix, features, factors, alpha, weight)
    np.testing.assert_allclose(weights, expected, rtol=1e-3, atol=1e-5)


def light_gcn(matrix, features, weight, steps):
    """Propagate one-hot embeddings of users, entities and items on their joint graph.

    As LightGCN does: ``E(k+1) = D^-1/2 A D^-1/2 E(k)``, here all layers up to ``steps``.
    """
    length = np.linalg.norm(features, axis=1, keepdims=True)
    links = [
        matrix / matrix[matrix != 0].mean(),
        weight * (features / np.where(length, length, 1)).T,
    ]
    links = np.vstack(links)
    n_others, n_items = links.shape
    adjacency = np.zeros((n_others + n_items, n_others + n_items))
    adjacency[:n_others, n_others:] = links
    adjacency[n_others:, :n_others] = links.T
    scaling = root(adjacency.sum(axis=1), -0.5)
    layers = [np.eye(len(adjacency))]
    for _ in range(steps):
        layers.append(scaling @ adjacency @ scaling @ layers[-1])
    return [layer[n_others:, n_others:] for layer in layers], layers


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_weights_are_the_averaged_layers_of_lightgcn_on_the_joint_graph(layers, weight, alpha):
    """Of an even number of steps: an odd one leads from an item to users and entities."""
    matrix, features = example(3)
    found = fitted(matrix, features, layers=layers, alpha=alpha, feature_weight=weight)
    without = fitted(matrix, features, alpha=alpha, feature_weight=weight)
    weights, once = found.scorer_.weights, without.scorer_.weights
    if alpha == 0:
        weights, once = weights.toarray(), once.toarray()
    among_items, _ = light_gcn(matrix, features, weight, 2 * layers)
    np.testing.assert_array_equal(among_items[1], 0.0)
    expected = np.mean(among_items[2::2], axis=0)
    low_pass = once - among_items[2]  # of the ideal filter, which layers do not change
    np.testing.assert_allclose(weights, expected + (low_pass if alpha else 0), atol=1e-5)


def test_a_users_scores_are_lightgcns_odd_layers():
    """But for the history: GF-CF takes it as it is, LightGCN over the root of items' degrees."""
    matrix, features = example(5)
    weights = fitted(matrix, features, layers=2, alpha=0.0, feature_weight=0.0).scorer_.weights
    _, layers = light_gcn(matrix, features, 0.0, 5)
    n_users, others = len(matrix), len(layers[0]) - matrix.shape[1]
    expected = (layers[3] + layers[5])[:n_users, others:] / 2
    links = matrix / matrix[matrix != 0].mean()
    scaled = root(links.sum(axis=1), -0.5) @ links @ root(links.sum(axis=0), -0.5)
    np.testing.assert_allclose(scaled @ weights.toarray(), expected, atol=1e-6)


def test_iterations_find_the_singular_vectors_of_the_dense_decomposition(monkeypatch):
    monkeypatch.setattr(graph_filter, "SMALL", 0)
    monkeypatch.setattr(item_item, "rows_of_a_block", lambda _: 7)
    matrix, features = example(1, users=60, items=38)
    weights = fitted(matrix, features, factors=5).scorer_.weights
    np.testing.assert_allclose(weights, gf_cf(matrix, features, 5, 0.5, 0.3), rtol=1e-3, atol=1e-5)
    again = fitted(matrix, features, factors=5).scorer_.weights
    np.testing.assert_array_equal(weights, again)


def test_by_hand():
    """R has rows (1/2, 1/sqrt 2) and (1/sqrt 2, 0): both users have x, one has y."""
    rows = pd.DataFrame({"user": list("aab"), "item": list("xyx")})
    weights = GraphFilter(alpha=0.0).fit(rows).scorer_.weights.toarray()
    np.testing.assert_allclose(weights, [[3 / 4, 1 / np.sqrt(8)], [1 / np.sqrt(8), 1 / 2]])


def test_parts_that_no_path_joins_do_not_reach_each_other():
    rows = pd.DataFrame({"user": list("aabbcc"), "item": list("wxwxyz")})
    model = GraphFilter(factors=2).fit(rows)
    weights = model.scorer_.weights
    np.testing.assert_array_equal(weights[:2, 2:], 0.0)
    np.testing.assert_array_equal(weights[2:, :2], 0.0)
    assert (weights[:2, :2] > 0).all()


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_items_that_nobody_has_change_nothing_between_the_others(alpha):
    """They have no link to features either; the map places them afterwards."""
    matrix, features = example(1)
    matrix[:, [2, 8]] = 0
    known = np.setdiff1d(np.arange(9), [2, 8])
    weights = fitted(matrix, features, alpha=alpha).scorer_.weights
    weights = weights.toarray() if issparse(weights) else weights
    expected = gf_cf(matrix[:, known], features[known], 128, alpha, 0.3)
    np.testing.assert_allclose(weights[np.ix_(known, known)], expected, rtol=1e-3, atol=1e-5)
    assert np.abs(weights[:, 8]).max() > 0


def test_negative_features_are_refused(dataset):
    values = np.ones((62, 2), dtype=np.float32)
    values[3, 1] = -0.5
    block = FeatureBlock("own", values, np.array(["a", "b"]))
    with pytest.raises(ParameterError, match="cannot be negative: choose others"):
        GraphFilter().fit(dataset, item_features=Features([block]))
    GraphFilter(feature_weight=0).fit(dataset, item_features=Features([block]))


def test_a_catalogue_that_is_too_large_is_refused(monkeypatch, dataset):
    from hybridrec.graph import checks

    monkeypatch.setattr(checks, "_available_memory", lambda: 10.0)
    with pytest.raises(ParameterError, match=r"62 items would take .*; set alpha=0"):
        GraphFilter().fit(dataset)
    GraphFilter(alpha=0.0).fit(dataset, item_features=[])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"factors": 0}, "factors must be a whole number"),
        ({"layers": 0}, "layers must be a whole number"),
        ({"alpha": -1}, "alpha must be a number of at least 0"),
        ({"feature_weight": -1}, "feature_weight must be a number of at least 0"),
    ],
)
def test_bad_parameters(params, message, dataset):
    with pytest.raises(ParameterError, match=message):
        GraphFilter(**params).fit(dataset)
