"""Distances of distributions, beside those of scipy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from hybridrec.online.distance import jensen_shannon


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_the_distance_is_that_of_scipy(seed, width):
    p, q = np.random.default_rng(seed).dirichlet(np.ones(width), (2, 5))
    q[0] = p[0]
    found = jensen_shannon(p, q)
    np.testing.assert_allclose(found, jensenshannon(p, q, base=2, axis=1), atol=1e-6)
    assert ((found >= 0) & (found <= 1)).all()
