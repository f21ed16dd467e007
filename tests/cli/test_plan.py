"""``hybridrec plan``."""

from __future__ import annotations

import json

import pytest

JOB = ("--users", "1e9", "--items", "1e8", "--interactions", "1e11", "--workers", "200")


def test_a_plan(done):
    text = done("plan", *JOB, "--memory", "64GB")
    assert "must fit at one time" in text
    assert "every block of items gets those that it names, in" in text
    assert "Network:" in text
    text = done("plan", *JOB, "--memory", "2GB")
    assert "Bottleneck: memory: one task needs more than a worker has: give workers" in text


def test_for_machines(done):
    size = ("--memory", "2TB", "--factors", 32)
    found = json.loads(done("plan", *JOB, *size, "--format", "json"))
    assert found["fits"]
    assert found["memory"]["factors of the other side"] == 1e9 * 32 * 4
    assert found["constants"]["bandwidth"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--users", "1e9"), "give --users, --items and --interactions"),
        ((*JOB, "--memory", "64 apples"), "no size"),
        ((*JOB, "--constants", "missing.json"), "make it with --calibrate"),
    ],
)
def test_bad_input(refused, arguments, message):
    assert message in refused("plan", *arguments)


def test_a_file_that_is_no_calibration(refused, files):
    file = files / "constants.json"
    file.write_text('{"task": 1}')
    assert "these are no constants" in refused("plan", *JOB, "--constants", str(file))
