"""Confidence intervals of the means of all models of a comparison, in one go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.results import Comparison, by_user
from hybridrec.evaluation.significance import bootstrap_interval

CONFIDENCE = 0.95
Bounds: TypeAlias = tuple[float, float]


def intervals(
    comparison: Comparison, columns: Sequence[Column], on: str, *, over_seeds: bool = True
) -> Mapping[tuple[str, Column], Bounds]:
    """Return an interval of the mean of every model and column that have one.

    Bootstrap intervals over users where there are values per user: a user tested with several
    seeds is one user. With ``over_seeds``, for other columns the mean less and plus its standard
    deviation over the seeds, if there are several.
    """
    sampled = [column for column in columns if column in comparison.evaluations[0].user_columns]
    found = _over_users(comparison, sampled, on) if sampled else {}
    for model in comparison.by_model:
        for column in columns:
            spread = comparison.spread(model, *column, on)
            if over_seeds and column not in sampled and not math.isnan(spread):
                mean = comparison.mean(model, *column, on)
                found[model, column] = (mean - spread, mean + spread)
    return found


def _over_users(
    comparison: Comparison, columns: Sequence[Column], on: str
) -> dict[tuple[str, Column], Bounds]:
    if len(comparison.evaluations[0].slices[on].users) < 2:
        return {}
    values = [np.hstack([one.matrix(columns, on) for one in parts]) for parts in comparison.by_seed]
    centred = [some - some.mean(axis=0) for some in values]
    low, high = bootstrap_interval(by_user(centred, comparison.by_seed, on), confidence=CONFIDENCE)
    mean = np.mean([some.mean(axis=0) for some in values], axis=0)
    keys = [(model, column) for model in comparison.by_model for column in columns]
    bounds = zip((mean + low).tolist(), (mean + high).tolist(), strict=True)
    return dict(zip(keys, bounds, strict=True))
