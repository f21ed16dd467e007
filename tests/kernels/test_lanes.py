"""Comparisons of many lanes against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from hybridrec.kernels.lanes import LANES, first_set, reaching


@njit
def bits_of(row, start, bar):
    return reaching(row, start, bar)


@njit
def places_of(bits):
    places = []
    while bits:
        places.append(first_set(bits))
        bits &= bits - np.uint64(1)
    return places


@pytest.mark.parametrize("start", [0, 1, 7, 64])
@pytest.mark.parametrize("bar", [-np.inf, -1.0, 0.0, 0.5, np.inf])
def test_scores_that_reach_a_bar(start, bar):
    rng = np.random.default_rng(start)
    row = rng.choice([-np.inf, np.nan, -1.0, -0.0, 0.0, 0.5, np.inf], size=start + LANES)
    row = row.astype(np.float32)
    expected = np.flatnonzero(row[start:] >= bar).tolist()
    found = bits_of(row, start, np.float32(bar))
    assert list(places_of(np.uint64(found))) == expected


def test_every_bit_is_found():
    assert [first_bit(np.uint64(1) << np.uint64(bit)) for bit in range(64)] == list(range(64))
    assert first_bit(np.uint64(0)) == 64


@njit
def first_bit(bits):
    return first_set(bits)
