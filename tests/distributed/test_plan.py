"""The cost model: quantities that can be counted by hand, and what must follow from what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.distributed.calibration import Constants, row_work
from hybridrec.distributed.costs import Half, distinct, row_counts
from hybridrec.distributed.plan import Fleet, Job, plan
from hybridrec.errors import DataError, ParameterError

CONSTANTS = Constants(
    row=1e-7,
    turn=1e-10,
    entry=1e-8,
    gather=1e-9,
    few=2e-10,
    many=1e-10,
    solve=1e-9,
    prepare=1e-6,
    start=1.0,
    bandwidth=1e9,
    task=1e-3,
    process=2e8,
    machine="a machine",
)
JOB = Job(users=1e6, items=1e5, interactions=1e8, factors=64, iterations=10)
FLEET = Fleet(workers=4, memory=8e9)


def test_counted_by_hand():
    found = plan(JOB, FLEET, CONSTANTS)
    assert found.memory["factors of the other side"] == 1e6 * 64 * 4
    assert found.memory["interactions"] == 4 * 8 * 1e8 / 4
    assert found.must_fit == 2e8 + 2 * 1e6 * 64 * 4 + 2 * 8 * 1e8 / 24  # 24 blocks of 4 Mi
    received = 1.1e6 * 64 * 4 * 3 / 4
    assert found.network == pytest.approx(4 * received)
    assert found.seconds["network"] == pytest.approx(received / 1e9)
    assert found.seconds["scheduler"] == pytest.approx(2 * (2 * 24 + 24 / 7 + 3) * 1e-3)
    assert found.n_parts == {"users": 0, "items": 0}
    assert found.total == found.preparation + 10 * found.iteration + found.finish
    assert found.fits
    assert found.to_dict()["bottleneck"] == found.bottleneck == "compute"


def test_a_row_has_the_work_of_its_kernel():
    assert row_work(2, 8).tolist() == [1, 128, 2, 16, 2 * 2 * 8 / 2 + 8 / 6, 0, 0]
    assert row_work(8, 8).tolist() == [1, 128, 8, 64, 0, 8 * 8 * 8, 8**3 / 6]


@given(st.floats(0, 3), st.floats(1, 1e6))
def test_counts_have_the_mean(spread, mean):
    counts = row_counts(1e6, spread, mean * 1e6)
    assert counts.mean() == pytest.approx(mean)
    assert (np.diff(counts) >= 0).all()


def test_more_workers_compute_less_each_but_receive_as_much():
    few, many = (plan(JOB, replace(FLEET, workers=n), CONSTANTS) for n in (2, 32))
    assert many.seconds["compute"] < few.seconds["compute"]
    assert many.seconds["network"] > few.seconds["network"]
    assert many.in_memory < few.in_memory


def test_a_side_that_no_worker_holds_comes_by_name_in_rounds():
    found = plan(JOB, replace(FLEET, memory=8e8), CONSTANTS)
    assert found.fits
    # all users: 2 x 256 MB, more than half; all items are few
    at_work = 2 * 1e8 / 24 * 64 * 4
    assert found.n_parts == {"users": 0, "items": int(np.ceil(at_work / 2e8))}
    assert found.memory["factors of the other side"] < 2e8
    assert found.seconds["scheduler"] > 10 * plan(JOB, FLEET, CONSTANTS).seconds["scheduler"]


def test_rows_that_are_named_are_counted_by_hand():
    half = Half.of((10, 1e9), (0, 0), 1e9, 2, 4, 1e9)
    assert half.blocks == 239
    assert half.named == pytest.approx(1e9 * (1 - np.exp(-1 / half.blocks / half.n_parts)))
    assert half.received == pytest.approx(half.named * half.n_parts * 239 / 4 * 8 * 3 / 4)
    assert distinct(100, np.array([1.0]), 1.0) == pytest.approx(100 * (1 - np.exp(-1)))


def test_what_does_not_fit_is_said_with_what_would():
    found = plan(JOB, replace(FLEET, memory=2.5e8), CONSTANTS)
    assert not found.fits
    assert found.bottleneck == "memory"
    least = float(found.advice.split("give workers ")[1].split()[0]) * 1e9
    assert plan(JOB, replace(FLEET, memory=1.01 * least), CONSTANTS).fits
    assert not plan(JOB, replace(FLEET, memory=0.98 * least), CONSTANTS).fits


def test_the_largest_job_fits():
    job = Job(users=1e9, items=1e8, interactions=1e11, factors=128)
    found = plan(job, Fleet(workers=200, memory=64e9), CONSTANTS)
    assert found.fits
    assert min(found.n_parts.values()) > 1
    assert 0.3 < found.network / (2 * 2 * 1e11 * 512) < 1  # two ways, each interaction a row


def test_a_slow_network_is_the_bottleneck():
    found = plan(JOB, replace(FLEET, bandwidth=1e3), CONSTANTS)
    assert found.bottleneck == "network"
    assert "no faster" in found.advice


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"users": 0}, "users must be at least 1"),
        ({"items": float("nan")}, "items must be at least 1"),
        ({"users": 10, "items": 10}, "more than pairs"),
    ],
)
def test_impossible_jobs(change, message):
    with pytest.raises(ParameterError, match=message):
        replace(JOB, **change)


def test_impossible_fleets():
    with pytest.raises(ParameterError, match="memory must be above 0"):
        Fleet(workers=2, memory=0)


def test_constants_round_trip():
    assert Constants.from_dict(CONSTANTS.to_dict()) == CONSTANTS


@pytest.mark.parametrize(
    "change", [{"task": "soon"}, {"entry": -1.0}, {"bandwidth": 0.0}, {"other": 1.0}]
)
def test_constants_that_make_no_sense(change):
    with pytest.raises(DataError, match="constants"):
        Constants.from_dict(CONSTANTS.to_dict() | change)
