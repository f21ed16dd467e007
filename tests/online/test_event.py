from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import DataError, ParameterError
from hybridrec.online.event import Event, checked_key, checked_row


def test_a_row_holds_plain_numbers_and_text():
    event = Event(np.int64(7), "x", np.float32(0.5), np.int32(3), "buy")
    row = checked_row(event, now=9.0)
    assert row == (7, "x", 0.5, 3.0, "buy")
    assert [type(one) for one in row] == [int, str, float, float, str]


def test_the_time_of_arrival_fills_in():
    assert checked_row(Event(1, 2), now=9.0) == (1, 2, 1.0, 9.0, None)


@pytest.mark.parametrize(
    "event",
    [
        Event(None, 1),
        Event(1.0, 1),
        Event(True, 1),
        Event(2**63, 1),
        Event("", 1),
        Event("\ud800", 1),
        Event(1, b"x"),
        Event(1, 1, float("nan")),
        Event(1, 1, float("inf")),
        Event(1, 1, 10**400),
        Event(1, 1, "3"),
        Event(1, 1, -1.1e9),
        Event(1, 1, True),
        Event(1, 1, 1.0, float("-inf")),
        Event(1, 1, kind=""),
        Event(1, 1, kind=3),
        (1, 1),
    ],
)
def test_what_makes_no_sense_is_refused(event):
    with pytest.raises(DataError):
        checked_row(event, now=0.0)


@pytest.mark.parametrize("key", ["", "x" * 256, 3, "\udfff"])
def test_keys_are_short_texts(key):
    with pytest.raises(ParameterError, match="key"):
        checked_key(key)
    assert checked_key("x" * 255) == "x" * 255
