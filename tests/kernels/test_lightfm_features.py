"""Products with sparse features, against dense ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import random as random_sparse

from hybridrec.kernels.lightfm_features import add_product, add_transposed_product


@given(seed=st.integers(0, 1000), density=st.sampled_from([0.0, 0.1, 0.6, 1.0]))
@settings(deadline=None)
def test_products(seed, density):
    rng = np.random.default_rng(seed)
    features = random_sparse(9, 7, density, format="csr", dtype=np.float32, random_state=seed)
    parts = features.indptr, features.indices, features.data
    factors = rng.normal(size=(7, 5)).astype(np.float32)
    rows = rng.normal(size=(9, 5)).astype(np.float32)
    rows[rng.random(9) < 0.5] = 0
    out, back = rows.copy(), factors.copy()
    add_product(*parts, factors, out)
    np.testing.assert_allclose(out, rows + features.toarray() @ factors, rtol=1e-4, atol=1e-5)
    add_transposed_product(*parts, rows, back)
    np.testing.assert_allclose(back, factors + features.toarray().T @ rows, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_types_of_indices(index):
    out = np.zeros((1, 2), dtype=np.float32)
    add_product(
        np.array([0, 2], index),
        np.array([0, 1], index),
        np.array([1, 2], np.float32),
        np.array([[1, 10], [100, 1000]], np.float32),
        out,
    )
    assert out.tolist() == [[201, 2010]]
