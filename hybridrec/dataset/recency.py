"""How much what users did counts by when they did it: half-life and sessions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hybridrec.errors import ParameterError

SECONDS_PER_DAY = 86_400.0
LEAST = 2.0**-20  # a seen item stays a seen one, however old it is


@dataclass(frozen=True)
class Recency:
    """Weights of interactions by their age and by the session they are part of.

    A weight halves with every ``half_life_days`` of age (Ding & Li, "Time weight collaborative
    filtering", CIKM 2005), down to about a millionth. With ``session_gap_minutes`` a user's
    interactions fall into sessions, a new one after every longer pause (Catledge & Pitkow 1995
    took 25.5 minutes). All of a session have the age of its end, as in SLIST (Choi et al., WWW
    2021), and the more there are, the less each tells, as what is watched on one evening by
    momentum does (Hu, Koren & Volinsky 2008): weights are divided by the root of their number, so
    that sessions have equal sums of squares, by which items are found alike. A user's weights stay
    the same on average before they age.

    What one user's interactions weigh depends on no other user, so that a history given later
    is weighted as it would have been in the fit.

    Parameters
    ----------
    half_life_days : float, optional
        No ageing if not given.
    session_gap_minutes : float, optional
        No sessions if not given.
    now : float, optional
        Seconds since 1970-01-01 UTC from which ages count; what came later counts in full. By
        default the newest interaction of each user.

    Raises
    ------
    ParameterError
        If neither is given, or one is no positive number.
    """

    half_life_days: float | None = None
    session_gap_minutes: float | None = None
    now: float | None = None

    def __post_init__(self) -> None:
        for name in ("half_life_days", "session_gap_minutes"):
            value = getattr(self, name)
            if value is not None and not _is_positive(value):
                raise ParameterError(f"{name} must be a positive number, got {value!r}")
        if self.half_life_days is None and self.session_gap_minutes is None:
            raise ParameterError("recency needs half_life_days, session_gap_minutes or both")
        if self.now is not None and (self.half_life_days is None or not _is_finite(self.now)):
            raise ParameterError(
                "now is the time, in seconds since 1970, from which half_life_days counts; got"
                f" now={self.now!r} and half_life_days={self.half_life_days!r}"
            )

    def factors(self, users: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
        """Return what the weight of every row is to be multiplied by, float64 (rows,).

        Parameters
        ----------
        users : ndarray of int, shape (rows,)
            Codes.
        timestamps : ndarray of float64, shape (rows,)
            Seconds since 1970-01-01 UTC.
        """
        order = np.lexsort((timestamps, users))
        owners, times = users[order], timestamps[order]
        factors = np.ones(len(order))
        if self.session_gap_minutes is not None and len(order):
            sessions = _sessions(owners, times, 60.0 * self.session_gap_minutes)
            factors = _momentum(owners, sessions)
            times = times[np.searchsorted(sessions, sessions, side="right") - 1]  # of its end
        if self.half_life_days is not None:
            newest: Any = self.now
            if newest is None:
                newest = times[np.searchsorted(owners, owners, side="right") - 1]
            ages = np.maximum(newest - times, 0.0) / SECONDS_PER_DAY
            factors *= np.maximum(np.exp2(-ages / self.half_life_days), LEAST)
        found = np.empty(len(order))
        found[order] = factors
        return found

    def to_dict(self) -> dict[str, float]:
        """Return what `Recency` takes to make the same again, for JSON."""
        return {name: float(value) for name, value in asdict(self).items() if value is not None}


def _sessions(owners: np.ndarray, times: np.ndarray, gap: float) -> np.ndarray:
    """Return the number of the session of rows that are ordered by user, then time."""
    begins = np.diff(times, prepend=times[0]) > gap
    begins[1:] |= owners[1:] != owners[:-1]
    numbers: np.ndarray = np.cumsum(begins)
    return numbers


def _momentum(owners: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    """Return one over the root of the session's size; 1 on average over a user's rows."""
    _, user = np.unique(owners, return_inverse=True)
    told = np.bincount(sessions)[sessions] ** -0.5
    means = np.bincount(user, told) / np.bincount(user)
    factors: np.ndarray = told / means[user]
    return factors


def _is_finite(value: Any) -> bool:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return number and bool(np.isfinite(value))


def _is_positive(value: Any) -> bool:
    return _is_finite(value) and value > 0
