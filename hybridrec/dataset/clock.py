"""Times -> what a clock and a calendar say: parts of the day, weekdays, seasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

DAYPARTS = ("night", "morning", "afternoon", "evening")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SEASONS = ("winter", "spring", "summer", "autumn")
TIME_COLUMNS = ("daypart", "hour", "weekday", "weekend", "month", "season")


def time_context(times: Any, names: Sequence[str], timezone: str = "UTC") -> dict[str, np.ndarray]:
    """Return what times tell: the columns of `TIME_COLUMNS`.

    - daypart: night (from 0 h), morning (6), afternoon (12), evening (18)
    - hour: 0 to 23
    - weekday: monday to sunday; weekend: true on Saturday and Sunday
    - month: 1 to 12; season: winter (December to February), spring, summer, autumn, as in the
      northern half of the world

    Parameters
    ----------
    times : array-like of float
        Seconds since 1970-01-01 UTC.
    names : sequence of str
    timezone : str, default "UTC"
        Where the clock hangs: a zone such as "Europe/Berlin", or an offset such as "+02:00".

    Raises
    ------
    ParameterError
        If a name or the timezone is unknown.
    """
    local = _local(np.asarray(times, dtype=np.float64).ravel(), timezone)
    hour, weekday, month = (
        getattr(local, one).to_numpy() for one in ("hour", "day_of_week", "month")
    )
    made = {
        "daypart": lambda: np.array(DAYPARTS, dtype=object)[hour // 6],
        "hour": lambda: hour,
        "weekday": lambda: np.array(WEEKDAYS, dtype=object)[weekday],
        "weekend": lambda: weekday >= 5,
        "month": lambda: month,
        "season": lambda: np.array(SEASONS, dtype=object)[month % 12 // 3],
    }
    for name in names:
        if name not in made:
            raise ParameterError(
                f"times do not tell {name!r}{did_you_mean(name, TIME_COLUMNS)} (they tell"
                f" {', '.join(TIME_COLUMNS)})"
            )
    return {name: made[name]() for name in names}


def _local(times: np.ndarray, timezone: str) -> pd.DatetimeIndex:
    import pandas as pd

    try:
        return pd.to_datetime(times, unit="s", utc=True).tz_convert(timezone)
    except (KeyError, ValueError, TypeError, OSError):
        raise ParameterError(
            f"unknown timezone {timezone!r}; give a zone such as Europe/Berlin, or an offset such"
            " as +02:00"
        ) from None
