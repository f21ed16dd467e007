"""Walks against explicit products of transition matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.errors import ParameterError
from hybridrec.models.rp3_beta import RP3Beta


def interactions(seed, users=8, items=7):
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 6, (users, items)) * (rng.random((users, items)) < 0.4)
    weights[0, 0] = 1
    rows, columns = np.nonzero(weights)
    frame = pd.DataFrame({"user": rows, "item": columns, "weight": weights[rows, columns]})
    known, codes = np.unique(columns, return_inverse=True)
    matrix = np.zeros((len(np.unique(rows)), len(known)))
    matrix[np.unique(rows, return_inverse=True)[1], codes] = weights[rows, columns]
    return frame, matrix


def walks(matrix, alpha, beta):
    to_items = matrix / matrix.sum(axis=1, keepdims=True)
    to_users = (matrix / matrix.sum(axis=0)).T
    weights = to_users**alpha @ to_items**alpha / matrix.sum(axis=0) ** beta
    np.fill_diagonal(weights, 0.0)
    return weights


@given(st.integers(0, 2**32), st.sampled_from([0.4, 1.0, 1.7]), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=40, deadline=None)
def test_weights_are_those_of_the_walks(seed, alpha, beta):
    frame, matrix = interactions(seed)
    model = RP3Beta(alpha=alpha, beta=beta).fit(frame)
    np.testing.assert_array_equal(model.history_.toarray(), matrix)
    weights = model.scorer_.weights.toarray()
    np.testing.assert_allclose(weights, walks(matrix, alpha, beta), rtol=1e-6)


@given(st.integers(0, 2**32), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_the_largest_weights_are_kept(seed, neighbors):
    frame, matrix = interactions(seed)
    weights = RP3Beta(neighbors=neighbors).fit(frame).scorer_.weights
    every = walks(matrix, 0.5, 0.3)
    largest = -np.sort(-every, axis=1)[:, :neighbors]
    kept = -np.sort(-weights.toarray(), axis=1)[:, :neighbors]
    np.testing.assert_allclose(kept, largest, rtol=1e-6)
    assert weights.nnz == np.count_nonzero(largest)


def test_walks_by_hand():
    """From x over a (1/2) or b (1/2); a goes on to y with 1/2, b with 1/3."""
    rows = pd.DataFrame({"user": list("aabbb"), "item": list("xyxyz")})
    weights = RP3Beta(alpha=1.0, beta=0.0).fit(rows).scorer_.weights.toarray()
    np.testing.assert_allclose(weights[0], [0.0, 1 / 4 + 1 / 6, 1 / 6], rtol=1e-6)
    damped = RP3Beta(alpha=1.0, beta=1.0).fit(rows)
    np.testing.assert_allclose(damped.scorer_.weights.toarray()[0, 1:], [5 / 24, 1 / 6], rtol=1e-6)
    lists = damped.recommend(["a"])
    assert lists["item"].tolist() == ["z"]
    assert lists["score"][0] == pytest.approx(1 / 6 + 1 / 6)


def test_the_same_at_any_thread_count(dataset):
    one, two = (RP3Beta(num_threads=count).fit(dataset).scorer_.weights for count in (1, 2))
    assert (one != two).nnz == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"neighbors": 0}, "neighbors must be a whole number"),
        ({"alpha": 0}, "alpha must be a positive number"),
        ({"beta": -0.1}, "beta must be a number of at least 0"),
        ({"num_threads": -1}, "num_threads must be"),
    ],
)
def test_bad_parameters(params, message, dataset):
    with pytest.raises(ParameterError, match=message):
        RP3Beta(**params).fit(dataset)
