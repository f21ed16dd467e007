import numpy as np
import pytest

from hybridrec.dataset.clock import TIME_COLUMNS, time_context
from hybridrec.errors import ParameterError

# Friday 2021-01-01 23:30, Saturday 2021-07-03 06:00, in UTC
TIMES = np.array([1609543800.0, 1625292000.0])


def test_what_times_tell():
    told = time_context(TIMES, TIME_COLUMNS)
    assert {name: values.tolist() for name, values in told.items()} == {
        "daypart": ["evening", "morning"],
        "hour": [23, 6],
        "weekday": ["friday", "saturday"],
        "weekend": [False, True],
        "month": [1, 7],
        "season": ["winter", "summer"],
    }


@pytest.mark.parametrize("timezone", ["Europe/Berlin", "+01:00"])
def test_the_clock_hangs_where_it_is_said(timezone):
    told = time_context(TIMES[:1], ["daypart", "weekday", "hour"], timezone)
    assert {name: values[0] for name, values in told.items()} == {
        "daypart": "night",
        "weekday": "saturday",
        "hour": 0,
    }


def test_unknown_names_and_timezones():
    with pytest.raises(ParameterError, match="do not tell 'dayprt'; did you mean 'daypart'"):
        time_context(TIMES, ["dayprt"])
    with pytest.raises(ParameterError, match="unknown timezone 'Berln'"):
        time_context(TIMES, ["hour"], "Berln")
