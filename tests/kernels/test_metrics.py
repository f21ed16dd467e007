"""Kernels of evaluation against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.kernels.metrics import (
    best_ranks,
    lists_of_rows,
    popular_places,
    rank_statistics,
    sample_columns,
    stored_pairs,
    stream_keys,
)

N_ITEMS = 12

lists_and_tests = st.lists(
    st.tuples(
        st.lists(st.integers(0, N_ITEMS + 2), unique=True, max_size=6),
        st.sets(st.integers(0, N_ITEMS - 1), max_size=6),
    ),
    min_size=1,
    max_size=6,
)


def padded(lists: list[list[int]], width: int = 7) -> np.ndarray:
    array = np.full((len(lists), width), -1, dtype=np.int32)
    for row, one in enumerate(lists):
        array[row, : len(one)] = one
    return array


def csr(rows: list[set[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    return indptr, np.array([item for row in rows for item in sorted(row)], dtype=np.int32)


@settings(deadline=None, max_examples=60)
@given(lists_and_tests)
def test_rank_statistics_equals_its_twin(cases):
    lists, tests = [one for one, _ in cases], [two for _, two in cases]
    cutoffs = np.array([1, 3, 5, 40])
    discounts = 1 / np.log2(np.arange(2, 42))
    hits, gains, precisions, first = rank_statistics(padded(lists), *csr(tests), cutoffs, discounts)
    for user, (one, test) in enumerate(cases):
        found = [rank for rank, item in enumerate(one, start=1) if item in test]
        assert first[user] == (found[0] if found else 0)
        for cut, k in enumerate(cutoffs):
            within = [rank for rank in found if rank <= k]
            assert hits[user, cut] == len(within)
            assert np.isclose(gains[user, cut], sum(1 / np.log2(rank + 1) for rank in within))
            assert np.isclose(
                precisions[user, cut],
                sum(sum(other <= rank for other in found) / rank for rank in within),
            )


@settings(deadline=None, max_examples=40)
@given(lists_and_tests)
def test_best_ranks_equals_its_twin(cases):
    lists = [one for one, _ in cases]
    expected = [
        min((one.index(item) + 1 for one in lists if item in one), default=0)
        for item in range(N_ITEMS)
    ]
    assert best_ranks(padded(lists), N_ITEMS).tolist() == expected


def test_stored_pairs():
    indptr, indices = csr([{1, 4}, set(), {0}])
    rows = np.array([0, 0, 0, 1, 2, 2], dtype=np.int32)
    columns = np.array([1, 2, 4, 1, 0, 5], dtype=np.int32)
    assert stored_pairs(indptr, indices, rows, columns).tolist() == [
        *(True, False, True, False, True, False)
    ]


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, N_ITEMS - 1)),
        st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]),
        max_size=30,
    ),
    st.permutations(range(N_ITEMS)),
    st.integers(1, 6),
)
def test_lists_of_rows_sorts_by_key_then_tie(rows, tie, width):
    users = np.array([user for user, _ in rows], dtype=np.int32)
    items = np.array([item for _, item in rows], dtype=np.int32)
    keys = np.array(list(rows.values()), dtype=np.float64)
    found = lists_of_rows(users, items, keys, np.array(tie, dtype=np.int32), 4, width)
    for user in range(4):
        own = sorted((key, tie[item], item) for (one, item), key in rows.items() if one == user)
        best = [item for _, _, item in own[:width]]
        assert found[user].tolist() == best + [-1] * (width - len(best))


def test_popular_places():
    ranks = np.array([1, 2, 3, 4, 5], dtype=np.int32)
    indptr, seen = csr([{0, 3}, set()])
    lists = np.array([[1, 2, 4, -1], [4, 9, 0, 1]], dtype=np.int32)
    users = np.array([0, 1], dtype=np.int32)
    places = popular_places(lists, users, indptr, seen, ranks)
    assert places.tolist() == [[1, 2, 3, 0], [5, 0, 1, 2]]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sets(st.integers(0, N_ITEMS - 1)), min_size=1, max_size=4),
    st.integers(1, N_ITEMS + 2),
    st.integers(0, 2**32),
)
def test_samples_are_distinct_open_columns(known, size, seed):
    keys = stream_keys(np.uint64(seed), np.arange(len(known)))
    for one, drawn in zip(known, sample_columns(*csr(known), keys, N_ITEMS, size), strict=True):
        open_to = set(range(N_ITEMS)) - one
        count = min(size, len(open_to))
        assert drawn[:count].tolist() == sorted(set(drawn[:count].tolist()))
        assert set(drawn[:count].tolist()) <= open_to
        assert (drawn[count:] == -1).all()


def test_all_samples_are_equally_likely():
    n_rows = 20_000
    indptr = np.arange(n_rows + 1, dtype=np.int32) * 2
    known = np.tile(np.array([1, 4], dtype=np.int32), n_rows)
    keys = stream_keys(np.uint64(0), np.arange(n_rows))
    drawn = sample_columns(indptr, known, keys, 6, 2)
    sets, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(sets) == 6  # pairs of the 4 open columns
    # five standard deviations of a count
    assert np.abs(counts - n_rows / 6).max() < 5 * np.sqrt(n_rows * (1 / 6) * (5 / 6))
