from __future__ import annotations

import sys

import pytest

from hybridrec.errors import MissingExtraError, ParameterError
from hybridrec.evaluation.tuning.ranges import Choice, Range, contains
from hybridrec.evaluation.tuning.samplers import RandomSampler, make_sampler, resolve_sampler
from hybridrec.evaluation.tuning.trials import Trial

SPACE = {
    "x": Range(0.1, 100.0, log=True),
    "n": Range(1, 50),
    "kind": Choice(("a", "b", "c")),
}
DEFAULT = {"x": 1.0, "n": 7, "kind": "a"}


def _search(name, space, default, trials, value, random_state=0):
    """Run a search without steps, and return its trials."""
    sampler = make_sampler(name, space, default, random_state, lower=False)
    found = [Trial(0, default, (value(default),), state="complete")]
    for number in range(1, trials):
        point = sampler.suggest(number, found)
        found.append(Trial(number, point, (value(point),), state="complete"))
    return found


def _close(point):
    return -((point["n"] - 30) ** 2) - 1000 * (point["kind"] != "c")


@pytest.mark.parametrize("name", ["random", "optuna"])
def test_settings_are_in_the_space_and_new(name):
    found = _search(name, SPACE, DEFAULT, 25, _close)
    points = [trial.point for trial in found]
    assert all(contains(SPACE, point) for point in points)
    assert all(list(point) == list(SPACE) for point in points)
    assert all(point not in points[:at] for at, point in enumerate(points))
    assert {point["kind"] for point in points} == {"a", "b", "c"}


@pytest.mark.parametrize("name", ["random", "optuna"])
def test_a_sampler_knows_nothing_but_what_it_is_told(name):
    found = _search(name, SPACE, DEFAULT, 16, _close)
    for number in (1, 8, 12, 15):
        fresh = make_sampler(name, SPACE, DEFAULT, 0, lower=False)
        assert fresh.suggest(number, found[:number]) == found[number].point
    other = make_sampler(name, SPACE, DEFAULT, 1, lower=False)
    assert other.suggest(12, found[:12]) != found[12].point


def test_random_settings_differ_from_the_defaults_in_one_to_all_parameters():
    sampler = RandomSampler(SPACE, DEFAULT, 0)
    differing = [
        sum(sampler.suggest(number, [])[name] != DEFAULT[name] for name in SPACE)
        for number in range(1, 400)
    ]
    # A drawn value may be the default itself: kind in a third of the draws.
    assert set(differing) == {0, 1, 2, 3}
    assert 399 * 0.2 < differing.count(3) < 399 * 0.34


def test_a_default_beyond_the_space_is_not_used():
    space = {"n": Range(1, 50), "m": Range(1, 50)}
    sampler = RandomSampler(space, {"n": 99, "m": 3}, 0)
    assert all(sampler.suggest(number, [])["n"] <= 50 for number in range(50))
    found = _search("optuna", space, {"n": 99, "m": 3}, 14, lambda point: float(point["n"]))
    assert all(contains(space, trial.point) for trial in found[1:])


def test_a_small_space_is_gone_through_whole():
    space = {"a": Choice((1, 2, 3)), "b": Choice((False, True))}
    for name in ("random", "optuna"):
        found = _search(name, space, {"a": 1, "b": False}, 6, lambda point: float(point["a"]))
        assert len({tuple(trial.point.values()) for trial in found}) == 6


def test_optuna_learns_from_the_trials():
    found = _search("optuna", SPACE, DEFAULT, 40, _close)
    late = found[25:]
    assert sum(trial.point["kind"] == "c" for trial in late) > len(late) * 0.6
    assert max(trial.values[0] for trial in found) >= -4


def test_optuna_is_told_of_stopped_and_failed_trials():
    found = [
        Trial(0, DEFAULT, (0.1, 0.2), state="complete"),
        *(Trial(n, DEFAULT | {"n": n}, (0.1,), state="stopped") for n in range(1, 8)),
        *(Trial(n, DEFAULT | {"n": n}, (), state="failed", error="x") for n in range(8, 12)),
    ]
    sampler = make_sampler("optuna", SPACE, DEFAULT, 0, lower=True)
    assert contains(SPACE, sampler.suggest(12, found))


def test_the_host_keeps_its_logging():
    import optuna

    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    _search("optuna", SPACE, DEFAULT, 13, _close)
    assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    optuna.logging.set_verbosity(optuna.logging.INFO)


def test_optuna_is_taken_where_it_is(monkeypatch):
    assert resolve_sampler("auto", None) == "optuna"
    assert resolve_sampler("auto", "random") == "random"
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert resolve_sampler("auto", None) == "random"
    with pytest.raises(MissingExtraError, match=r"pip install 'hybridrec\[tune\]'"):
        make_sampler("optuna", SPACE, DEFAULT, 0, lower=False)
    with pytest.raises(ParameterError, match="did you mean 'random'"):
        resolve_sampler("randm", None)
