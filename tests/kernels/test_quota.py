"""Kernels of quotas and pins; lists made of them are in tests/ranking/test_choose.py."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.kernels.quota import place_pins, room_left, within_quota

# items 0, 1 have value 0; item 2 has values 0 and 1; item 3 has value 1; item 4 has none
VALUES = csr_matrix(np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 0]]))


def kept(items, limits, k=5, taken=None):
    items = np.array(items, dtype=np.int32)
    taken = np.array(taken or [[]] * len(items), dtype=np.int32).reshape(len(items), -1)
    places = np.empty((len(items), k), dtype=np.int32)
    limits = np.array(limits, dtype=np.int32)
    within_quota(items, VALUES.indptr, VALUES.indices, limits, taken, places)
    return places.tolist()


def test_within_quota_counts_every_value_and_starts_anew_for_each_row():
    walk = [0, 1, 2, 3, 4]
    assert kept([walk, walk], [1, 1]) == [[0, 3, 4, -1, -1]] * 2
    assert kept([walk], [2, 1]) == [[0, 1, 3, 4, -1]]
    assert kept([walk], [9, 9]) == [[0, 1, 2, 3, 4]]
    assert kept([walk], [0, 0]) == [[4, -1, -1, -1, -1]]
    assert kept([[2, 0, 3, 4, 1]], [1, 1]) == [[0, 3, -1, -1, -1]]


def test_within_quota_stops_at_k_and_passes_over_gaps():
    assert kept([[0, -1, 3, 4, -1]], [1, 1], k=2) == [[0, 2]]
    assert kept([[0, 1, 3]], [9, 9], k=1) == [[0]]


def test_within_quota_counts_what_is_taken():
    assert kept([[0, 3, 4]] * 2, [1, 1], k=3, taken=[[1, -1], [-1, -1]]) == [[1, 2, -1], [0, 1, 2]]


@pytest.mark.parametrize(
    ("lists", "limits", "candidates", "excluded", "expected"),
    [
        ([[0, 3]], [1, 1], [0, 1, 2, 3], [[]], [False]),
        ([[0, 3]], [1, 1], [0, 1, 2, 3, 4], [[]], [True]),
        ([[0, 3]], [1, 1], [0, 1, 2, 3, 4], [[4]], [False]),
        ([[0, 4]], [2, 0], [0, 4], [[]], [False]),
        ([[-1, -1], [0, 1]], [2, 0], [0, 1], [[], []], [True, False]),
        ([[4, -1]], [0, 0], [0, 1, 2, 3, 4], [[]], [False]),
    ],
)
def test_room_left(lists, limits, candidates, excluded, expected):
    found = np.empty(len(lists), dtype=np.bool_)
    indptr = np.cumsum([0, *map(len, excluded)])
    room_left(
        np.array(lists, dtype=np.int32),
        *(VALUES.indptr, VALUES.indices, np.array(limits, dtype=np.int32)),
        np.array(candidates, dtype=np.int32),
        *(indptr, np.array([i for one in excluded for i in one], dtype=np.int32), found),
    )
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("items", "pins", "ranks", "expected", "pinned"),
    [
        ([1, 2, 3], [7], [1], [7, 1, 2], [True, False, False]),
        ([1, 2, 3], [7], [3], [1, 2, 7], [False, False, True]),
        ([1, 2, 3], [7], [4], [1, 2, 3], [False] * 3),
        ([1, -1, -1], [7, 8], [5, 9], [1, 7, 8], [False, True, True]),
        ([-1, -1, -1], [7], [2], [7, -1, -1], [True, False, False]),
        ([1, 2, 3], [-1, 8], [1, 2], [1, 8, 2], [False, True, False]),
        ([1, 2, 3], [7, 8], [2, 3], [1, 7, 8], [False, True, True]),
        ([1, 2, 3], [], [], [1, 2, 3], [False] * 3),
    ],
)
def test_place_pins(items, pins, ranks, expected, pinned):
    items = np.array([items], dtype=np.int32)
    scores = np.where(items >= 0, 10 - items, -np.inf).astype(np.float32)
    pins = np.array(pins, dtype=np.int32).reshape(1, -1)
    pin_scores = (100 - pins).astype(np.float32)
    placed, own = np.empty_like(items), np.empty_like(scores)
    marked = np.empty(items.shape, dtype=np.bool_)
    place_pins(
        items, scores, pins, pin_scores, np.array(ranks, dtype=np.int64), placed, own, marked
    )
    assert placed[0].tolist() == expected
    assert marked[0].tolist() == pinned
    twin = [
        -np.inf if i < 0 else (100 if p else 10) - i for i, p in zip(expected, pinned, strict=True)
    ]
    assert own[0].tolist() == twin
