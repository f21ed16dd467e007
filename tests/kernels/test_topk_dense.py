"""Candidates of tiles against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.kernels.lanes import LANES
from hybridrec.kernels.topk_dense import LOWEST, TOO_MANY, place_seen, scan_tile, shrink


@given(st.integers(0, 2**32), st.sampled_from([1, 3, 8]))
@settings(max_examples=30, deadline=None)
def test_seen_items_are_grouped_by_tile(seed, width):
    rng = np.random.default_rng(seed)
    seen = csr_matrix(rng.random((6, 20)) < 0.3, dtype=np.float32)
    place = np.full(20, -1, dtype=np.int32)
    order = rng.permutation(20)[:14]
    place[order] = np.arange(14)
    n_tiles = -(-14 // width)
    starts, rows, columns = place_seen(
        *(seen.indptr[2:].astype(np.int64), seen.indices, place, width, n_tiles)
    )
    found = {
        (row, tile * width + column)
        for tile in range(n_tiles)
        for row, column in zip(
            rows[starts[tile] : starts[tile + 1]],
            columns[starts[tile] : starts[tile + 1]],
            strict=True,
        )
    }
    rest = seen[2:].tocoo()
    pairs = zip(rest.row, place[rest.col], strict=True)
    assert found == {(row, at) for row, at in pairs if at >= 0}
    assert starts[-1] == len(found) == len(rows)


@given(st.integers(0, 2**32), st.integers(1, 20), st.sampled_from([0.0, 0.01]))
@settings(max_examples=60, deadline=None)
def test_candidates_hold_all_that_can_be_among_the_best(seed, k, error):
    rng = np.random.default_rng(seed)
    n, rows, room = 150, 3, 2 * k + 32
    block = rng.normal(size=(rows, n)).astype(np.float32)
    allowed, hidden = rng.random(n) < 0.8, rng.random((rows, n)) < 0.1
    order = rng.permutation(n).astype(np.int32)
    state = (
        np.full(rows, error),
        np.full(rows, LOWEST),
        np.empty((rows, room), dtype=np.int32),
        np.empty((rows, room), dtype=np.float32),
        np.zeros(rows, dtype=np.int64),
    )
    live = np.array([2, 0])
    for first in range(0, n, LANES):
        own = order[first : first + LANES]
        tile = np.zeros((2, LANES), dtype=np.float32)
        tile[:, : len(own)] = block[live][:, own]
        seen_rows, seen_columns = np.nonzero(hidden[:, own])
        seen = seen_rows.astype(np.int32), seen_columns.astype(np.int32)
        scan_tile(tile, live, own, allowed, *seen, k, *state)
    _, low, items, scores, sizes = state
    assert sizes[1] == 0
    for row in live:
        scored = np.where(allowed & ~hidden[row], block[row], -np.inf)
        needed = np.flatnonzero(scored >= np.sort(scored)[-k] - 2 * error)
        kept = items[row, : sizes[row]]
        assert set(needed) <= set(kept.tolist())
        np.testing.assert_array_equal(scores[row, : sizes[row]], block[row, kept])
        assert (scored[kept] > -np.inf).all()
        assert low[row] <= np.sort(scored)[-k]


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1.0])
def test_scores_that_nearly_tie_do_not_fit(spread):
    items = np.arange(72, dtype=np.int32)
    scores = np.linspace(1, 1 + spread, 72).astype(np.float32)
    size, low = shrink(items, scores, 72, 20, 1e-6)
    if spread < 1:
        assert (size, low) == (TOO_MANY, np.inf)
    else:
        assert 20 <= size <= 23
        assert items[:size].tolist() == list(range(72 - size, 72))


@given(
    st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=30, max_size=72), st.integers(1, 20)
)
@settings(max_examples=100, deadline=None)
def test_shrinking_keeps_the_best_k(scores, k):
    values = np.array(scores, dtype=np.float32)
    kept_items, kept = np.arange(len(values), dtype=np.int32), values.copy()
    size, low = shrink(kept_items, kept, len(values), k, 0.0)
    assert size == TOO_MANY or set(np.flatnonzero(values >= low)) == set(kept_items[:size])
    assert size == TOO_MANY or (values >= low).sum() >= k
