from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.evaluation.metrics import diversity


def test_by_hand(judge):
    features = np.array([[1, 0], [2, 0], [0, 3], [0, 0]])
    lists = [[0, 1, 2], [0, 2], [3, 0], [2, 3, 0], [], [99, 0, 1]]
    judged = judge(lists, [{5}] * 6, (2, 3), n_items=4, features=features)
    expected = [[0, 2 / 3], [1, 1], [0, 0], [0, 1], [0, 0], [0, 0]]
    assert diversity(judged) == pytest.approx(np.array(expected))


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    lists=st.lists(st.lists(st.integers(0, 7), unique=True, max_size=6), min_size=1, max_size=5),
    sparse=st.booleans(),
)
def test_equals_its_twin(judge, seed, lists, sparse):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((8, 3)) * (rng.random((8, 1)) < 0.8)
    given_as = csr_matrix(features) if sparse else features
    before = features.copy()
    judged = judge(lists, [{0}] * len(lists), (2, 5), n_items=8, features=given_as)
    found = diversity(judged)
    assert np.array_equal(features, before)
    for user, one in enumerate(lists):
        for at, k in enumerate((2, 5)):
            known = [features[item] for item in one[:k] if features[item].any()]
            distances = [
                1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in combinations(known, 2)
            ]
            expected = np.mean(distances) if distances else 0
            assert found[user, at] == pytest.approx(expected, abs=1e-9)
