"""Asking for memory changes nothing."""

from __future__ import annotations

import numpy as np

from hybridrec.kernels.prefetch import prefetch_row


def test_nothing_changes():
    rows = np.arange(64, dtype=np.float32).reshape(2, 32)
    before = rows.copy()
    for row in (0, 1, np.int32(1)):
        prefetch_row(rows, row)
    np.testing.assert_array_equal(rows, before)
    prefetch_row(np.zeros((1, 0), dtype=np.float32), 0)
