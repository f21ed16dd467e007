"""Least-squares rows against the normal equations in numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.kernels.als import solve_rows


def sparse(rng, shape, density):
    values = np.where(rng.random(shape) < density, rng.random(shape), 0.0)
    return csr_matrix(values.astype(np.float32))


def solve_twin(confidence, factors, unobserved, ridge, pull, prior):
    """Return the minimum of the objective in the docstring, row by row, from dense matrices."""
    Y, out = factors.astype(np.float64), []
    for row, (strength, towards) in enumerate(zip(ridge, pull, strict=True)):
        dense = np.asarray(confidence[[row]].todense(), dtype=np.float64)[0]
        seen = np.zeros(len(Y), dtype=bool)
        seen[confidence[[row]].indices] = True
        c = np.where(seen, dense, unobserved)
        A = (Y * c[:, None]).T @ Y + (strength + towards) * np.eye(Y.shape[1])
        b = Y.T @ (c * seen) + towards * prior[row]
        out.append(np.linalg.solve(A, b))
    return np.array(out).reshape(len(ridge), Y.shape[1])


def run(confidence, factors, unobserved, ridge, pull, prior):
    out = np.empty((confidence.shape[0], factors.shape[1]), dtype=np.float32)
    wide = factors.astype(np.float64)
    gram = (wide * unobserved[:, None]).T @ wide
    parts = confidence.indptr, confidence.indices, confidence.data
    solve_rows(*parts, factors, gram, unobserved, ridge, pull, prior, out)
    return out


@given(st.integers(0, 2**32), st.integers(0, 6), st.integers(1, 9), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_solve_rows(seed, rows, m, d):
    rng = np.random.default_rng(seed)
    confidence = sparse(rng, (rows, m), 0.5)
    confidence.data[::2] *= 20  # below and above the confidence of absent entries
    factors = rng.normal(size=(m, d)).astype(np.float32)
    unobserved = rng.choice([0.0, 0.1, 1.0], size=m)
    ridge, pull = rng.uniform(0.1, 3.0, rows), rng.choice([0.0, 2.0], rows)
    prior = rng.normal(size=(rows, d)).astype(np.float32)
    args = confidence, factors, unobserved, ridge, pull, prior
    np.testing.assert_allclose(run(*args), solve_twin(*args), rtol=1e-4, atol=1e-5)


def test_row_without_entries_is_its_shrunk_prior():
    """Nothing seen, nothing unobserved: ridge and pull share the row between 0 and the prior."""
    prior = np.array([[1.0, -2.0]], dtype=np.float32)
    empty = csr_matrix((1, 3), dtype=np.float32)
    factors = np.ones((3, 2), dtype=np.float32)
    out = run(empty, factors, np.zeros(3), np.array([1.0]), np.array([3.0]), prior)
    np.testing.assert_allclose(out, 0.75 * prior, rtol=1e-6)


def test_a_part_of_the_rows_is_a_part_of_the_arrays():
    rng = np.random.default_rng(0)
    confidence = sparse(rng, (6, 5), 0.5)
    factors = rng.normal(size=(5, 3)).astype(np.float32)
    args = np.ones(5), np.ones(6), np.zeros(6), np.zeros((6, 3), dtype=np.float32)
    whole = run(confidence, factors, *args)
    part = np.empty((2, 3), dtype=np.float32)
    gram = factors.astype(np.float64).T @ factors
    solve_rows(
        *(confidence.indptr[2:5], confidence.indices, confidence.data),
        *(factors, gram, args[0], args[1][2:4], args[2][2:4], args[3][2:4], part),
    )
    np.testing.assert_array_equal(part, whole[2:4])


def test_unseen_directions_stay_finite_without_any_ridge():
    """The equations are singular where factors span less than all directions."""
    confidence = csr_matrix(np.array([[1.0, 0.0]], dtype=np.float32))
    factors = np.array([[1.0, 0.0], [2.0, 0.0]], dtype=np.float32)
    args = np.full(2, 0.1), np.zeros(1), np.zeros(1), np.zeros((1, 2), dtype=np.float32)
    out = run(confidence, factors, *args)
    assert np.isfinite(out).all()
