from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.kernels.walk_tables import (
    alias_tables,
    edge_filter,
    edge_hash,
    find,
    may_have,
    row_means,
    toss,
)
from tests.kernels.walk_twin import graphs

WEIGHTS = st.lists(st.floats(2.0**-20, 2.0**20, width=32), min_size=1, max_size=30)


def hashed(source, target, symmetric):
    return np.uint64(edge_hash(source, target, symmetric))


@settings(deadline=None)
@given(st.lists(WEIGHTS, min_size=1, max_size=4))
def test_alias_tables_share_out_the_weights(rows):
    indptr = np.cumsum([0, 0] + [len(row) for row in rows])
    weights = np.array([w for row in rows for w in row], np.float32)
    alias = alias_tables(indptr, weights)
    for low, high in pairwise(indptr):
        size = high - low
        shares = np.zeros(size)
        for slot, entry in enumerate(alias[low:high].tolist()):
            assert entry % 2**32 < size
            shares[slot] += (entry >> 32) / 2**32
            shares[entry % 2**32] += 1 - (entry >> 32) / 2**32
        expected = weights[low:high] / weights[low:high].sum(dtype=float) * size
        np.testing.assert_allclose(shares, expected, atol=size * 2.0**-31, rtol=1e-9)


def test_a_toss_stays_or_leaves_by_the_threshold():
    entry = np.uint64((2**30 << 32) | 7)  # stays with probability 1 / 4
    assert toss(entry, 3, 0.2499) == 3
    assert toss(entry, 3, 0.25) == 7


@settings(deadline=None)
@given(graphs())
def test_edges_are_found_and_the_filter_misses_none(graph):
    indptr, indices = graph.graph.indptr, graph.graph.indices
    words = edge_filter(indptr, indices, not graph.directed)
    for a, b in product(range(graph.size), repeat=2):
        edge = find(indptr, indices, a, b)
        assert (edge >= 0) == (b in graph.rows[a])
        if edge >= 0:
            assert indptr[a] <= edge < indptr[a + 1]
            assert indices[edge] == b
            assert may_have(words, hashed(a, b, not graph.directed))
        assert may_have(words[:0], hashed(a, b, True))


def test_the_filter_rules_out_nearly_everything():
    rng = np.random.default_rng(0)
    targets = np.sort(rng.choice(100_000, (500, 8), replace=True), axis=1).astype(np.int32)
    words = edge_filter(np.arange(0, 4001, 8), targets.ravel(), False)
    assert words.size == 4000 * 16 // 64 + 1
    wrong = sum(
        may_have(words, hashed(a, 100_000 + b, False)) for a in range(100) for b in range(100)
    )
    assert wrong < 400


def test_row_means_and_deviations():
    indptr, weights = np.array([0, 2, 2, 5]), np.array([1, 3, 3, 4, 8], np.float32)
    np.testing.assert_allclose(row_means(indptr, weights, 0.0), [2, 0, 5])
    np.testing.assert_allclose(row_means(indptr, weights, 2.0), [4, 0, 5 + 2 * (14 / 3) ** 0.5])
