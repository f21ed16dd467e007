"""The sides of HybridALS by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.errors import ParameterError
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.hybrid_als_sides import (
    Side,
    density,
    penalties,
    shrunk,
    with_empty_rows,
    with_pseudo_users,
)


def matrix(rows):
    return csr_matrix(np.array(rows, dtype=np.float32))


def test_density_is_of_those_who_take_part():
    assert density(matrix([[1, 2, 0, 0], [0, 3, 0, 0], [0, 0, 0, 0]])) == 3 / 4


def test_pseudo_users_stand_below():
    rows, features = matrix([[1, 0, 2]]), matrix([[1, 0], [0.5, 0.5], [0, 0]])
    found = with_pseudo_users(rows, features, 4.0)
    assert found.toarray().tolist() == [[1, 0, 2], [4, 2, 0], [0, 2, 0]]
    assert found.dtype == np.float32
    with pytest.raises(ParameterError, match="negative interest"):
        with_pseudo_users(rows, -features, 4.0)


def test_features_of_pseudo_users_are_empty():
    features = matrix([[1, 2]])
    assert with_empty_rows(features, 3).toarray().tolist() == [[1, 2], [0, 0], [0, 0]]
    assert features.shape == (1, 2)
    assert with_empty_rows(features, 1) is features
    assert with_empty_rows(None, 3) is None


def test_penalties():
    model = HybridALS(regularization=2.0, frequency_exponent=0.5, prior_share=0.25)
    cases = (
        (True, [1.5, 3.0], [0.5, 0.5]),
        (False, [2.0, 4.0], [0.0, 0.0]),
        (np.array([True, False]), [1.5, 4.0], [0.5, 0.0]),
    )
    for pulled, *expected in cases:
        ridge, pull = penalties(model, np.array([1, 4]), pulled)
        assert [ridge.tolist(), pull.tolist()] == expected


def test_a_pull_to_two_points_is_one_to_a_point_between():
    told = np.array([[1.0, 0.0], [4.0, 4.0], [2.0, 2.0]], dtype=np.float32)
    mean, pull = np.array([0.0, 8.0], dtype=np.float32), np.array([3.0, 0.0, 0.0])
    total, towards = shrunk(told, pull, mean, np.array([1.0, 2.0, 0.0]))
    assert total.tolist() == [4.0, 2.0, 0.0]
    assert towards.tolist() == [[0.75, 2.0], [0.0, 8.0], [2.0, 2.0]]
    assert shrunk(None, pull, mean, np.array([1.0, 2.0, 0.0]))[1].tolist()[1] == [0.0, 8.0]


def test_users_with_little_pull_the_mean():
    side = Side(matrix([[1, 1, 1], [1, 0, 0]]), None, HybridALS(factors=2), shrinkage=3.0)
    assert side.shrinkage.tolist() == [1.0, 3.0]
    side.factors[:] = [[0, 4], [4, 8]]
    assert side.mean.tolist() == [3.0, 7.0]


def test_pseudo_users_are_no_evidence():
    """The second item has only one, the first has one beside a user: one interaction counts."""
    model = HybridALS(factors=2, regularization=3.0)
    side = Side(matrix([[1, 1], [0, 1], [0, 0]]), None, model, n_real=1)
    assert side.active.tolist() == [0]
    assert side.ridge.tolist() == [3.0]
    side.factors[:] = 7
    assert side.everyone().tolist() == [[7, 7], [0, 0], [0, 0]]
