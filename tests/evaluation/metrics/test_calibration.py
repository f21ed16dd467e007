from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.errors import DataError
from hybridrec.evaluation.metrics import miscalibration

CATEGORIES = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 2], [0, 0, 0]])


def twin(history, shown, categories):
    """Steck's divergence as his paper writes it."""

    def mix(items):
        rows = [categories[item] / categories[item].sum() for item in items]
        total = sum(rows, np.zeros(categories.shape[1]))
        return total / total.sum() if total.sum() else total

    p, q = (mix([i for i in items if categories[i].sum()]) for items in (history, shown))
    return sum(a * log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sets(st.integers(0, 4), max_size=4),
            st.lists(st.integers(0, 4), unique=True, max_size=5),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_equals_its_twin(judge, users):
    judged = judge(
        [shown for _, shown in users],
        [{0}] * len(users),
        (1, 3),
        n_items=5,
        seen=[history for history, _ in users],
        categories=CATEGORIES,
    )
    found = miscalibration(judged)
    for user, (history, shown) in enumerate(users):
        for at, k in enumerate((1, 3)):
            expected = twin(sorted(history), shown[:k], CATEGORIES)
            assert found[user, at] == pytest.approx(expected, abs=1e-12)


def test_the_extremes(judge):
    judged = judge(
        [[0, 1], [3], [], [0], [0]],
        [{0}] * 5,
        (2,),
        n_items=5,
        seen=[{2}, {0}, {0, 1}, {4}, set()],
        categories=CATEGORIES,
    )
    assert miscalibration(judged)[:, 0] == pytest.approx(np.array([0, log(100), log(100), 0, 0]))


def test_negative_categories(judge):
    judged = judge([[0]], [{1}], (1,), n_items=2, seen=[{1}], categories=np.array([[1.0], [-1.0]]))
    with pytest.raises(DataError, match="at least 0"):
        miscalibration(judged)
