from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.evaluation.metrics import Context, Judgement


def rows_of(sets, n_items) -> csr_matrix:
    """Make a matrix of ones from sets of item codes."""
    indptr = np.cumsum([0, *map(len, sets)])
    indices = np.array([item for one in sets for item in sorted(one)], dtype=np.int32)
    return csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(sets), n_items))


@pytest.fixture(scope="session")
def sets():
    return rows_of


@pytest.fixture(scope="session")
def judge():
    """Make a judgement from plain lists and sets of item codes."""

    def make(lists, tests, k, n_items=10, candidates=None, **context) -> Judgement:
        array = np.full((len(lists), max([1, *map(len, lists)])), -1, dtype=np.int32)
        for row, one in enumerate(lists):
            array[row, : len(one)] = one
        if candidates is None:
            candidates = np.ones(n_items, dtype=bool)
        known = {
            name: rows_of(value, n_items) if name in ("train", "seen") else value
            for name, value in context.items()
        }
        users = np.arange(len(lists), dtype=np.int32)
        test = rows_of(tests, n_items)
        return Judgement(users, array, test, tuple(k), candidates, Context(**known))

    return make
