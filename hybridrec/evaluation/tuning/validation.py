"""The part of a split to choose parameters on: never its test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hybridrec.errors import ParameterError, first_few
from hybridrec.evaluation.splits import SPLITS, Split, by_time, random_split, sliding_windows

_AS_BEFORE = ("random", "leave-last-n", "cold-items", "warm-and-cold", "cold-users")


def validation_split(split: Split) -> Split:
    """Return a split whose test is the validation part of ``split``.

    If it has none, its training rows are split again in the same way, a random split with the
    next ``random_state``:

    - "by-time": the newest ``test_fraction`` of the training rows;
    - "k-fold": as many of the training rows at random as a fold holds;
    - "sliding-windows": the window before;
    - "predefined": a fifth of every user's pairs at random, whatever the way of the test was.

    Items of the test stay in the catalogue, as other items do that nobody has.

    Raises
    ------
    ParameterError
        If the split is of no such kind.
    DataError
        If there are too few training rows.
    """
    if split.validation is not None:
        return split.on_validation()
    if split.name in _AS_BEFORE:
        seeding = {} if split.seed is None else {"random_state": split.seed + 1}
        return SPLITS[split.name](split.train, **{**split.params, **seeding})
    if split.name not in _OTHERWISE:
        raise ParameterError(
            f"split {split.name!r} has no validation part and is of no kind that can be split"
            f" again ({first_few([*_AS_BEFORE, *_OTHERWISE], 10)}); give it a validation part"
        )
    return _OTHERWISE[split.name](split)


def _newest(split: Split) -> Split:
    return by_time(split.train, test_fraction=split.params["test_fraction"])


def _as_a_fold(split: Split) -> Split:
    folds, by, seed = (split.params[name] for name in ("folds", "by", "random_state"))
    return random_split(split.train, test_fraction=1 / folds, by=by, random_state=seed + 1)


def _window_before(split: Split) -> Split:
    params: dict[str, Any] = {name: split.params[name] for name in ("days", "train_days")}
    return sliding_windows(split.train, windows=1, **params)[0]


def _share_of_every_user(split: Split) -> Split:
    return random_split(split.train, by="user")


_OTHERWISE: Mapping[str, Callable[[Split], Split]] = {
    "by-time": _newest,
    "k-fold": _as_a_fold,
    "sliding-windows": _window_before,
    "predefined": _share_of_every_user,
}
