"""Splits by time: what came before a moment predicts what came after, for all users alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.recency import SECONDS_PER_DAY
from hybridrec.dataset.timestamps import to_epoch_seconds
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits.pairs import Pairs, check_count, check_fraction, share_of
from hybridrec.evaluation.splits.split import Split


def by_time(
    dataset: Dataset, *, test_fraction: float = 0.2, at: float | str | None = None
) -> Split:
    """Hold out everything from one moment on.

    Nothing in training is newer than anything in the test. Pairs first seen from the moment on
    are the test; later rows of a pair that is known by then are in no part, nor are earlier rows
    of weight 0 of a test pair. Users and items may have no training row: they were new.

    Parameters
    ----------
    dataset : Dataset
        With timestamps.
    test_fraction : float, default 0.2
        Share of the interactions that are to lie after the moment; rows of equal time stay
        together, so it is met as nearly as they allow. Not used if ``at`` is given.
    at : float or str, optional
        The moment itself: epoch seconds, or a date and time as ISO 8601, UTC unless it says
        otherwise. The split's ``params`` hold the moment that was used.

    Raises
    ------
    ParameterError
        If a parameter makes no sense.
    DataError
        If there are no timestamps, or nothing on one side of the moment.
    """
    check_fraction("test_fraction", test_fraction)
    times = _times(dataset, "by-time")
    start = _quantile(dataset, test_fraction) if at is None else _moment(at)
    params = {"test_fraction": test_fraction, "at": _iso(start)}
    return _Cut(dataset, times).split("by-time", params, start)


def sliding_windows(
    dataset: Dataset, *, windows: int = 3, days: float = 30.0, train_days: float | None = None
) -> list[Split]:
    """Back-test: each of several consecutive windows of time is predicted from what was before.

    The last window ends with the newest interaction. Within a window, what `by_time` says holds.

    Parameters
    ----------
    dataset : Dataset
        With timestamps.
    windows : int, default 3
    days : float, default 30
        Length of a window.
    train_days : float, optional
        Length of the time before the window that is learned from; by default all of it.

    Returns
    -------
    list of Split
        The oldest window first; ``params["window"]`` counts from 1.

    Raises
    ------
    ParameterError
        If a parameter makes no sense.
    DataError
        If there are no timestamps, or nothing to learn from or to test in some window.
    """
    check_count("windows", windows, 1)
    _check_days("days", days)
    if train_days is not None:
        _check_days("train_days", train_days)
    times = _times(dataset, "sliding-windows")
    length = days * SECONDS_PER_DAY
    starts = times.max() - length * np.arange(windows, 0, -1)
    ends = [*starts[1:], np.inf]
    cut = _Cut(dataset, times)
    splits = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        since = -np.inf if train_days is None else start - train_days * SECONDS_PER_DAY
        params = {"windows": int(windows), "days": days, "train_days": train_days, "window": number}
        splits.append(cut.split("sliding-windows", params, start, end, since))
    return splits


class _Cut:
    """A data set that is cut at several moments."""

    def __init__(self, dataset: Dataset, times: np.ndarray) -> None:
        self._dataset, self._times = dataset, times
        self._pairs = Pairs.of(dataset.interactions)

    def split(
        self,
        name: str,
        params: Mapping[str, Any],
        start: float,
        end: float = np.inf,
        since: float = -np.inf,
    ) -> Split:
        """Learn from ``since <= time < start``, test on what is new in ``start <= time < end``."""
        interactions, times = self._dataset.interactions, self._times
        learned = (since <= times) & (times < start)
        asked = (start <= times) & (times < end)
        known = self._with_a_row(learned)
        tested = self._with_a_row(asked) & ~known
        train = learned & ~self._pairs.rows(tested)
        test = asked & self._pairs.rows(tested)
        for found, what in ((known, f"before {_iso(start)}"), (tested, _period(start, end))):
            if not found.any():
                raise DataError(
                    f"{name}: no new interaction {what}; times go from {_iso(times.min())} to"
                    f" {_iso(times.max())}"
                )
        return Split(
            name,
            params,
            self._dataset.with_interactions(interactions.take(train)),
            interactions.take(test),
            dropped_rows=len(times) - int(train.sum()) - int(test.sum()),
        )

    def _with_a_row(self, rows: np.ndarray) -> np.ndarray:
        """Mark the pairs that have a row of positive weight among some rows."""
        positive = rows & (self._dataset.interactions.weights > 0)
        found = np.zeros(len(self._pairs), dtype=bool)
        found[self._pairs.of_row[positive]] = True
        return found


def _times(dataset: Dataset, name: str) -> np.ndarray:
    times = dataset.interactions.timestamps
    if times is None:
        raise DataError(f"{name} needs interactions with a timestamp column")
    if len(times) == 0:
        raise DataError(f"{name}: there are no interactions")
    return times


def _quantile(dataset: Dataset, test_fraction: float) -> float:
    """Return the moment from which on about a share of the interactions lie, not all of them."""
    interactions = dataset.interactions
    assert interactions.timestamps is not None
    times = np.sort(interactions.timestamps[interactions.weights > 0])
    wanted = len(times) - share_of(len(times), test_fraction, "interactions")
    moment = times[wanted]
    first, after = np.searchsorted(times, [moment, np.nextafter(moment, np.inf)])
    if first == 0 or (after < len(times) and after - wanted < wanted - first):
        first = after
    if first == len(times):
        raise DataError("by-time: all interactions have the same time, there is no before")
    return float(times[first])


def _moment(at: float | str) -> float:
    """Return a moment in epoch seconds."""
    try:
        return float(to_epoch_seconds(np.array([_number(at)]), "at")[0])
    except DataError:
        raise ParameterError(
            f"at must be a time: epoch seconds, or ISO 8601 such as 2015-12-31, got {at!r}"
        ) from None


def _number(at: float | str) -> float | str:
    try:
        return float(at)
    except (TypeError, ValueError):
        return at


def _check_days(name: str, value: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value < np.inf:
        raise ParameterError(f"{name} must be a positive number of days, got {value!r}")


def _iso(seconds: float) -> str:
    """Write a moment as ISO 8601 in UTC, exact to the microsecond."""
    text = str(np.datetime64(round(seconds * 1e6), "us"))
    return text.removesuffix(".000000") + "Z"


def _period(start: float, end: float) -> str:
    return f"from {_iso(start)} on" if end == np.inf else f"from {_iso(start)} to {_iso(end)}"
