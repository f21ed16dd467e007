from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.recency import LEAST, SECONDS_PER_DAY, Recency
from hybridrec.errors import DataError, ParameterError

DAY = SECONDS_PER_DAY


def twin(recency, users, times):
    """Return the factors row by row, as the docstring says."""
    factors = np.ones(len(users))
    for user in set(users.tolist()):
        rows = [int(row) for row in np.argsort(times, kind="stable") if users[row] == user]
        sessions = [[rows[0]]]
        for before, row in pairwise(rows):
            gap = recency.session_gap_minutes
            if gap is not None and times[row] - times[before] <= 60 * gap:
                sessions[-1].append(row)
            else:
                sessions.append([row])
        newest = times[rows[-1]] if recency.now is None else recency.now
        for session in sessions:
            for row in session:
                if recency.session_gap_minutes is not None:
                    total = sum(len(one) ** 0.5 for one in sessions)  # len ** 1 / len ** 0.5
                    factors[row] *= len(rows) / total / len(session) ** 0.5
                if recency.half_life_days is not None:
                    age = max(newest - times[session[-1]], 0.0) / DAY
                    factors[row] *= max(0.5 ** (age / recency.half_life_days), LEAST)
    return factors


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_factors_are_the_plain_loop(data):
    n = data.draw(st.integers(1, 30))
    users = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    ages = st.lists(st.sampled_from([0, 60, 1800, 1801, 40_000, 900_000]), min_size=n, max_size=n)
    times = np.cumsum(data.draw(ages)).astype(np.float64)
    times = times[np.random.default_rng(n).permutation(n)]
    half_life = data.draw(st.sampled_from([None, 0.5, 30.0]))
    gap = data.draw(st.sampled_from([30.0] if half_life is None else [None, 30.0]))
    now = data.draw(st.sampled_from([None, 100_000.0])) if half_life else None
    recency = Recency(half_life, gap, now)
    found = recency.factors(users, times)
    np.testing.assert_allclose(found, twin(recency, users, times), rtol=1e-12)


def test_by_hand():
    """One user: two sessions, of one and of three interactions, eight days apart."""
    times = np.array([8 * DAY, 0.0, 8 * DAY + 600, 8 * DAY + 1200])
    users = np.zeros(4, dtype=np.int32)
    np.testing.assert_allclose(
        Recency(half_life_days=4).factors(users, times + np.array([0, 1200, -600, -1200])),
        [1, 0.25 * 2 ** (1200 / DAY / 4), 1, 1],
    )
    votes = Recency(session_gap_minutes=15).factors(users, times)
    mean = (1 + 3 / np.sqrt(3)) / 4
    np.testing.assert_allclose(votes * mean, [3**-0.5, 1, 3**-0.5, 3**-0.5])
    aged = Recency(4, 15, now=10 * DAY).factors(users, times)
    ends = np.array([8 * DAY + 1200, 0, 8 * DAY + 1200, 8 * DAY + 1200])
    np.testing.assert_allclose(aged, votes * 0.5 ** ((10 * DAY - ends) / DAY / 4))


def test_one_user_does_not_depend_on_another():
    rng = np.random.default_rng(0)
    users, times = rng.integers(0, 5, 60), rng.random(60) * 90 * DAY
    recency = Recency(10, 60 * 24)
    both = recency.factors(users, times)
    for user in range(5):
        own = users == user
        np.testing.assert_array_equal(both[own], recency.factors(users[own], times[own]))


def rows(**columns):
    table = {"user": list("aaab"), "item": list("xyzx"), "time": [0, 4 * DAY, 8 * DAY, 8 * DAY]}
    return Interactions.from_frame(pd.DataFrame(table | columns))


def test_models_learn_weights_that_the_column_does_not_show():
    plain = rows(weight=[4.0, 4.0, 2.0, 3.0])
    weighted = plain.weighted_by(Recency(half_life_days=4))
    np.testing.assert_array_equal(weighted.weights, plain.weights)
    np.testing.assert_allclose(weighted.matrix.toarray(), [[1, 2, 2], [3, 0, 0]])
    np.testing.assert_array_equal(
        weighted.weighted_by(None).matrix.toarray(), plain.matrix.toarray()
    )


def test_ages_count_among_the_rows_at_hand():
    """So the training part of a split knows nothing of what came later."""
    weighted = rows().weighted_by(Recency(half_life_days=4))
    np.testing.assert_allclose(weighted.take(np.array([0, 1])).matrix.toarray()[0], [0.5, 1, 0])


def test_what_is_very_old_is_still_known():
    weighted = rows().weighted_by(Recency(half_life_days=0.001))
    assert weighted.matrix.nnz == 4
    assert weighted.matrix.data.min() == np.float32(LEAST)


def test_without_times_there_is_no_age():
    plain = Interactions.from_frame(pd.DataFrame({"user": [1], "item": [2]}))
    with pytest.raises(DataError, match="half-life and sessions need a timestamp column"):
        plain.weighted_by(Recency(half_life_days=4))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "half_life_days, session_gap_minutes or both"),
        ({"half_life_days": 0}, "half_life_days must be a positive number, got 0"),
        ({"half_life_days": float("nan")}, "half_life_days must be a positive number"),
        ({"half_life_days": "30d"}, "half_life_days must be a positive number, got '30d'"),
        ({"session_gap_minutes": -3}, "session_gap_minutes must be a positive number"),
        ({"session_gap_minutes": 30, "now": 5.0}, "now is the time"),
        ({"half_life_days": 30, "now": float("inf")}, "now is the time"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ParameterError, match=message):
        Recency(**params)


def test_it_can_be_written_as_json():
    for recency in (Recency(30), Recency(None, 25.5), Recency(30, 60, 1.5e9)):
        assert Recency(**recency.to_dict()) == recency


def test_no_rows():
    nothing = np.zeros(0)
    assert len(Recency(30, 60).factors(nothing.astype(np.int32), nothing)) == 0
