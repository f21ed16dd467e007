"""Least-squares rows against the normal equations in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.kernels import als
from hybridrec.kernels.als import solve_rows
from hybridrec.kernels.als_cg import improve_rows


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


def kernel_args(confidence, factors, unobserved, ridge, pull, prior):
    wide = factors.astype(np.float64)
    spectrum, basis = np.linalg.eigh((wide * unobserved[:, None]).T @ wide)
    parts = confidence.indptr, confidence.indices, confidence.data
    arrays = wide @ basis, unobserved, np.maximum(spectrum, 1e-8), basis, ridge, pull, prior
    return *parts, *(np.ascontiguousarray(one, dtype=np.float32) for one in arrays)


def run(confidence, factors, *args, start=None, steps=0):
    out = np.zeros((confidence.shape[0], factors.shape[1]), dtype=np.float32)
    given = kernel_args(confidence, factors, *args)
    if start is None:
        solve_rows(*given, out)
    else:
        out += start
        improve_rows(*given, out, steps)
    return out


def case(seed, rows, m, d):
    """Return arguments of `solve_twin`, with confidence below and above that of absent entries."""
    rng = np.random.default_rng(seed)
    confidence = sparse(rng, (rows, m), 0.5)
    confidence.data[::2] *= 20
    factors = rng.normal(size=(m, d)).astype(np.float32)
    unobserved = rng.choice([0.0, 0.1, 1.0], size=m)
    ridge, pull = rng.uniform(0.1, 3.0, rows), rng.choice([0.0, 2.0], rows)
    prior = rng.normal(size=(rows, d)).astype(np.float32)
    return confidence, factors, unobserved, ridge, pull, prior


# Fewer and more entries than factors, and rows of more than one panel of the decomposition.
CASES = given(st.integers(0, 2**32), st.integers(0, 6), st.integers(1, 30), st.integers(1, 14))


@CASES
@settings(max_examples=100, deadline=None)
def test_solve_rows(seed, rows, m, d):
    args = case(seed, rows, m, d)
    np.testing.assert_allclose(run(*args), solve_twin(*args), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("n", [1, als.CHUNK, als.CHUNK + 1, 3 * als.CHUNK + 7])
def test_rows_of_several_chunks(n):
    """All entries have one confidence, above that of the only absent one."""
    rng = np.random.default_rng(n)
    confidence = csr_matrix(np.r_[np.full(n, 2.0), 0.0][None].astype(np.float32))
    factors = rng.normal(size=(n + 1, 8)).astype(np.float32)
    args = np.full(n + 1, 0.1), np.ones(1), np.ones(1), rng.normal(size=(1, 8)).astype(np.float32)
    found, expected = (solve(confidence, factors, *args) for solve in (run, solve_twin))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_row_without_entries_is_its_shrunk_prior():
    """Nothing seen, nothing unobserved: ridge and pull share the row between 0 and the prior."""
    prior = np.array([[1.0, -2.0]], dtype=np.float32)
    empty = csr_matrix((1, 3), dtype=np.float32)
    factors = np.ones((3, 2), dtype=np.float32)
    args = empty, factors, np.zeros(3), np.array([1.0]), np.array([3.0]), prior
    np.testing.assert_allclose(run(*args), 0.75 * prior, rtol=1e-6)
    np.testing.assert_allclose(run(*args, start=9 * prior, steps=1), 0.75 * prior, rtol=1e-5)


@pytest.mark.parametrize("solve", [solve_rows, lambda *args: improve_rows(*args, 2)])
def test_a_part_of_the_rows_is_a_part_of_the_arrays(solve):
    args = case(0, 6, 15, 8)
    indptr, indices, confidence, *shared, ridge, pull, prior = kernel_args(*args)
    whole = np.ones((6, 8), dtype=np.float32)
    solve(indptr, indices, confidence, *shared, ridge, pull, prior, whole)
    part = np.ones((2, 8), dtype=np.float32)
    rows = slice(2, 4)
    solve(indptr[2:5], indices, confidence, *shared, ridge[rows], pull[rows], prior[rows], part)
    np.testing.assert_array_equal(part, whole[rows])


class TestConjugateGradients:
    @CASES
    @settings(max_examples=50, deadline=None)
    def test_enough_steps_solve(self, seed, rows, m, d):
        args = case(seed, rows, m, d)
        start = np.random.default_rng(seed).normal(size=(rows, d)).astype(np.float32)
        found = run(*args, start=start, steps=4 * d)
        np.testing.assert_allclose(found, solve_twin(*args), rtol=2e-2, atol=2e-3)

    def test_every_step_comes_nearer(self):
        args = case(1, 20, 30, 12)
        exact, start = solve_twin(*args), np.zeros((20, 12), dtype=np.float32)
        apart = [np.linalg.norm(run(*args, start=start, steps=n) - exact) for n in range(8)]
        assert (np.diff(apart) < 0).all()
        assert apart[5] < 0.3 * apart[0]

    def test_the_solution_stays(self):
        args = case(2, 6, 20, 5)
        exact = solve_twin(*args).astype(np.float32)
        np.testing.assert_allclose(run(*args, start=exact, steps=3), exact, rtol=1e-3, atol=1e-4)

    def test_no_step_is_no_change(self):
        args = case(3, 6, 20, 5)
        start = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
        np.testing.assert_allclose(run(*args, start=start), start, rtol=1e-4, atol=1e-5)
