from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.metrics import sample_candidates

KNOWN = [{1, 3}, set(), {0, 1, 2, 3, 4, 5, 6, 7}]


def drawn(sets, known=KNOWN, users=(5, 6, 7), size=4, **options):
    with pytest.warns(UserWarning, match="Krichene & Rendle"):
        return sample_candidates(sets(known, 10), size, users=np.array(users), **options)


def test_draws_what_is_open(sets):
    candidates = np.arange(10) != 9
    found = drawn(sets, candidates=candidates)
    assert found.dtype == np.int32
    assert found[2].tolist() == [8, -1, -1, -1]
    for known, row in zip(KNOWN[:2], found, strict=False):
        assert len(set(row.tolist())) == 4
        assert not set(row.tolist()) & (known | {9, -1})


def test_a_user_gets_the_same_whoever_else_is_asked_for(sets):
    all_users = drawn(sets)
    assert np.array_equal(all_users, drawn(sets))
    assert np.array_equal(all_users[1:2], drawn(sets, KNOWN[1:2], users=(6,)))
    assert not np.array_equal(all_users, drawn(sets, random_state=1))
    assert not np.array_equal(drawn(sets, [set()] * 2, users=(0, 1))[0], drawn(sets)[1])


def test_nothing_to_draw(sets):
    with pytest.raises(ParameterError, match="at least 1, got 0"):
        sample_candidates(sets(KNOWN, 10), 0, users=np.arange(3))
