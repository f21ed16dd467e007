"""The circumstances of interactions: columns of theirs, or what their times tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from hybridrec.dataset.clock import TIME_COLUMNS, time_context
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few

MOST_NUMBERS = 50  # different numbers of a column that are still taken as kinds of something


class ContextColumn(NamedTuple):
    """A context column, coded.

    Attributes
    ----------
    name : str
    values : tuple of str
        The different values as text, sorted.
    codes : ndarray of int32, shape (rows,)
        Position of each row's value, -1 where it is missing.
    """

    name: str
    values: tuple[str, ...]
    codes: np.ndarray


def context_columns(
    interactions: Interactions, names: Sequence[str], timezone: str = "UTC"
) -> list[ContextColumn]:
    """Return context columns of interactions, coded.

    Parameters
    ----------
    interactions : Interactions
    names : sequence of str
        Columns of ``interactions.context`` or, where there is none of that name, one of
        `TIME_COLUMNS`, made of the timestamps; see `hybridrec.dataset.clock.time_context`.
    timezone : str, default "UTC"
        For the times: a zone such as "Europe/Berlin", or an offset such as "+02:00".

    Raises
    ------
    DataError
        If there is no such column and nothing to make it of, or it holds numbers that are no kinds
        of anything.
    ParameterError
        If a name is there twice, or the timezone is unknown.
    """
    if isinstance(names, str):
        raise ParameterError(f"context must be a sequence of columns, got {names!r}")
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise ParameterError(f"the context {twice[0]!r} is named twice")
    found = with_context(interactions, names, timezone).context
    return [coded_context(name, found[name]) for name in names]


def with_context(
    interactions: Interactions, names: Sequence[str], timezone: str = "UTC"
) -> Interactions:
    """Return interactions that have these context columns; see `context_columns`.

    Raises
    ------
    DataError, ParameterError
    """
    context, times = dict(interactions.context), interactions.timestamps
    missing = [name for name in names if name not in context]
    for name in missing:
        if name not in TIME_COLUMNS:
            known = (*context, *TIME_COLUMNS)
            raise DataError(
                f"no context column {name!r}{did_you_mean(name, known)} (columns:"
                f" {first_few(context, 10) or 'none'}; from timestamps: {', '.join(TIME_COLUMNS)})"
            )
        if times is None:
            raise DataError(f"the context {name!r} needs a timestamp column; there is none")
    if times is not None and missing:
        context |= time_context(times, missing, timezone)
    return replace(interactions, context=context)


def coded_context(name: str, values: np.ndarray) -> ContextColumn:
    """Return a column of values as codes.

    Raises
    ------
    DataError
        If it holds numbers that are measures, not kinds: fractions, or many different ones.
    """
    import pandas as pd

    codes, distinct = pd.factorize(np.asarray(values), use_na_sentinel=True)
    measures = [one for one in distinct if isinstance(one, (float, np.floating)) and one % 1]
    numbers = [one for one in distinct if isinstance(one, (int, float, np.number))]
    if measures or len(numbers) > MOST_NUMBERS:
        raise DataError(
            f"the context {name!r} holds numbers such as {first_few(measures or numbers, 3)}: cut"
            " it into a few ranges first, such as with pandas.cut(column, 4).astype(str)"
        )
    labels = np.array([context_label(name, one) for one in distinct], dtype=object)
    ordered, place = np.unique(labels.astype(str), return_inverse=True)
    rows = np.append(place, -1)[codes].astype(np.int32)
    return ContextColumn(name, tuple(ordered.tolist()), rows)


def context_label(name: str, value: Any) -> str:
    """Return a value as the text by which it is known: 5, 5.0 and "5" are the same.

    Raises
    ------
    ParameterError
        If it is no text, number or boolean.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (str, int, float)):
        return str(value)
    if hasattr(value, "isoformat"):  # a date
        return str(value)
    raise ParameterError(f"the context {name!r} must be a text, number or boolean, got {value!r}")
