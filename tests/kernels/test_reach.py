from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.graph.reach import arrays_of, ends
from hybridrec.kernels.reach import LANES, add_round_trip, reach_block


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_items=st.integers(1, 40),
    n_nodes=st.integers(1, 30),
    steps=st.integers(1, 5),
    restart=st.floats(0.05, 0.95),
)
def test_like_powers_of_the_transition_matrix(seed, n_items, n_nodes, steps, restart):
    rng = np.random.default_rng(seed)
    away = rng.random((n_nodes, n_items)) * (rng.random((n_nodes, n_items)) < 0.3)
    back = rng.random((n_items, n_nodes)) * (rng.random((n_items, n_nodes)) < 0.3)
    away, back = csr_matrix(away.astype(np.float32)), csr_matrix(back.astype(np.float32))
    starts = rng.integers(0, n_items, LANES + 3)
    out = np.full((len(starts), n_items), np.nan, dtype=np.float32)
    graph = [arrays_of(one) for one in (away, back)]
    reach_block(starts, *graph, ends(restart, steps, np.float32), out)
    transition = (back @ away).toarray().astype(np.float64)
    expected, here = np.zeros((n_items, len(starts))), np.eye(n_items)[:, starts]
    for step in range(steps):
        expected += restart * (1 - restart) ** step * here
        here = transition @ here
    expected += (1 - restart) ** steps * here
    np.testing.assert_allclose(out, expected.T, rtol=1e-4, atol=1e-6)


def test_a_start_does_not_depend_on_those_beside_it():
    rng = np.random.default_rng(0)
    away = csr_matrix((rng.random((20, 30)) * (rng.random((20, 30)) < 0.3)).astype(np.float32))
    back = csr_matrix((rng.random((30, 20)) * (rng.random((30, 20)) < 0.3)).astype(np.float32))
    graph = [arrays_of(one) for one in (away, back)]
    shares = ends(0.3, 4, np.float32)
    together, alone = np.empty((30, 30), np.float32), np.empty((1, 30), np.float32)
    reach_block(np.arange(30), *graph, shares, together)
    for start in range(30):
        reach_block(np.array([start]), *graph, shares, alone)
        assert np.array_equal(alone[0], together[start])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_blocks_of_nodes_one_after_the_other_are_the_whole(seed, cuts, dtype):
    rng = np.random.default_rng(seed)
    away = csr_matrix((rng.random((30, 20)) * (rng.random((30, 20)) < 0.4)).astype(np.float32))
    back = csr_matrix((rng.random((20, 30)) * (rng.random((20, 30)) < 0.4)).astype(np.float32))
    here = rng.random((2, 20, LANES)).astype(dtype)
    whole, by_blocks = np.zeros_like(here), np.zeros_like(here)
    add_round_trip(here, arrays_of(away), arrays_of(back), whole)
    for begin, end in pairwise([0, *sorted(cuts), 30]):
        block = arrays_of(away[begin:end]), arrays_of(back[:, begin:end])
        add_round_trip(here, *block, by_blocks)
    assert np.array_equal(by_blocks, whole)
    expected = back.toarray() @ (away.toarray() @ here.astype(np.float64))
    np.testing.assert_allclose(whole, expected, rtol=1e-5)
