"""Blocks of codes, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.distributed.blocks import LEAST, Rows, block_starts, by_block, in_blocks, shard_of


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(1, 40))
def test_blocks_cover_all_codes_and_none_is_empty(counts, rows):
    starts = block_starts(np.array(counts), rows)
    assert starts[0] == 0
    assert starts[-1] == len(counts)
    assert (np.diff(starts) > 0).all()
    assert len(starts) - 1 <= max(LEAST, -(-sum(counts) // rows))


def test_blocks_have_about_as_many_rows():
    counts = np.random.default_rng(0).integers(0, 100, 10_000)
    starts = block_starts(counts, rows=20_000)
    sums = np.add.reduceat(counts, starts[:-1])
    assert len(sums) == -(-counts.sum() // 20_000)
    assert sums.max() - sums.min() < 400


def test_no_code_makes_no_block():
    assert block_starts(np.zeros(0, dtype=int)).tolist() == [0]


def test_rows_go_to_their_blocks_in_order():
    found = by_block(np.array([5, 0, 3, 5, 2]), np.array([0, 3, 5, 6]))
    assert [one.tolist() for one in found] == [[1, 4], [2], [0, 3]]
    assert [one.tolist() for one in in_blocks(np.arange(6), np.array([0, 3, 5, 6]))] == [
        [0, 1, 2],
        [3, 4],
        [5],
    ]


@pytest.mark.parametrize("timed", [True, False])
def test_a_shard_is_sorted_and_keeps_times_beside(timed):
    times = np.array([10.0, 20.0, 30.0]) if timed else None
    ids = np.array([1, 0, 1], dtype=np.int32), np.array([2, 1, 0], dtype=np.int32)
    shard = shard_of(Rows(*ids, np.array([1, 2, 3], dtype=np.float32), times), (3, 4))
    assert shard.matrix.toarray().tolist() == [[0, 2, 0, 0], [3, 0, 1, 0], [0, 0, 0, 0]]
    assert (None if shard.times is None else shard.times.tolist()) == (
        [20.0, 30.0, 10.0] if timed else None
    )
