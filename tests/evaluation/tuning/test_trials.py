from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybridrec.evaluation.tuning.trials import Trial, best_of, goes_on

VALUES = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=3).map(tuple)


@given(VALUES, st.lists(VALUES, max_size=12), st.booleans())
def test_the_best_third_of_those_who_came_so_far_goes_on(own, others, lower):
    trial = Trial(len(others), {}, own)
    before = [Trial(number, {}, values) for number, values in enumerate(others)]
    step = len(own) - 1
    reached = sorted([v[step] for v in others if len(v) > step] + [own[-1]], reverse=not lower)
    places = -(-len(reached) // 3)
    assert goes_on(trial, before, lower=lower) == (own[-1] in reached[:places])


def test_the_first_always_goes_on():
    assert goes_on(Trial(0, {}, (0.0,)), [], lower=False)


def test_the_best_is_complete_and_the_earlier_of_equals():
    trials = [
        Trial(0, {}, (0.1, 0.5), state="complete"),
        Trial(1, {}, (0.9,), state="stopped"),
        Trial(2, {}, (0.1, 0.7), state="complete"),
        Trial(3, {}, (0.2, 0.7), state="complete"),
        Trial(4, {}, (), state="failed"),
    ]
    assert [one.number for one in best_of(trials, lower=False)] == [2, 3, 0]
    assert [one.number for one in best_of(trials, lower=True)] == [0, 2, 3]
    assert [one.value for one in trials] == [0.5, None, 0.7, 0.7, None]
