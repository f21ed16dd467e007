from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.evaluation.metrics import Judgement


@pytest.fixture(scope="session")
def judge():
    """Make a judgement from plain lists and sets of item codes."""

    def make(lists, tests, k, n_items=10, candidates=None) -> Judgement:
        array = np.full((len(lists), max([1, *map(len, lists)])), -1, dtype=np.int32)
        for row, one in enumerate(lists):
            array[row, : len(one)] = one
        indptr = np.cumsum([0, *map(len, tests)])
        indices = np.array([item for test in tests for item in sorted(test)], dtype=np.int32)
        matrix = csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(tests), n_items))
        if candidates is None:
            candidates = np.ones(n_items, dtype=bool)
        users = np.arange(len(lists), dtype=np.int32)
        return Judgement(users, array, matrix, tuple(k), candidates)

    return make
