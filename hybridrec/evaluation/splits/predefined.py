"""Splits that others made: a column that names the part of every row, or files for each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.readers import read_dataset
from hybridrec.errors import DataError, did_you_mean, first_few
from hybridrec.evaluation.splits.split import Split


def predefined(
    dataset: Dataset,
    *,
    column: str = "part",
    train: str = "train",
    test: str = "test",
    validation: str = "valid",
) -> Split:
    """Cut a data set by a column that says which part every row belongs to.

    Parameters
    ----------
    dataset : Dataset
        With that column in the context of its interactions, as ``hybridrec.read_dataset`` gives
        of a folder with KGAT's ``train.txt`` and ``test.txt``.
    column : str, default "part"
    train, test, validation : str, default "train", "test", "valid"
        What the column holds; there need not be validation rows.

    Raises
    ------
    DataError
        If there is no such column, it holds something else, nothing is tested, or a pair is in
        two parts.
    """
    context = dataset.interactions.context
    if column not in context:
        raise DataError(
            f"predefined: the interactions have no context column {column!r}"
            f"{did_you_mean(column, context)} (there are {first_few(context) or 'none'}); name it"
            f" when reading, with context=[{column!r}]"
        )
    values = context[column].astype(str)
    known = (train, test, validation)
    other = np.unique(values[~np.isin(values, known)])
    if other.size:
        raise DataError(
            f"predefined: column {column!r} holds {first_few(other)}, which is none of"
            f" {first_few(known)}; say what it means with train=..., test=..., validation=..."
        )
    parts = {one: dataset.interactions.take(values == one) for one in known}
    return Split(
        "predefined",
        {"column": column, "train": train, "test": test, "validation": validation},
        dataset.with_interactions(parts[train]),
        parts[test],
        validation=parts[validation] if len(parts[validation]) else None,
    )


def read_predefined(
    train: Any,
    test: Any,
    *,
    validation: Any = None,
    knowledge: Any = None,
    link: Any = None,
    items: Any = None,
    users: Any = None,
    **columns: Any,
) -> Split:
    """Read the parts of a split from files or data frames.

    Parameters
    ----------
    train, test, validation : path, data frame or Interactions
        Rows of every part, in any format of ``hybridrec.read_interactions``. Users and items
        that only some parts know are known to all.
    knowledge, link, items, users, **columns
        As in ``hybridrec.read_dataset``; columns have the same names in all parts.

    Raises
    ------
    DataError
        If a file cannot be used (names file and line), only some parts have timestamps, nothing
        is tested, or a pair is in two parts.
    """
    given = {"train": train, "test": test, "valid": validation}
    sources = {name: rows for name, rows in given.items() if rows is not None}
    side = {"knowledge": knowledge, "link": link, "items": items, "users": users}
    return predefined(read_parts(sources, **side, **columns))


def read_parts(
    sources: Mapping[str, Any],
    *,
    knowledge: Any = None,
    link: Any = None,
    items: Any = None,
    users: Any = None,
    social: Any = None,
    **columns: Any,
) -> Dataset:
    """Read files or frames as one data set whose rows tell which they are from.

    Parameters
    ----------
    sources : mapping of str to path, data frame or Interactions
        By the name of the part, which becomes the value of the context column "part".
    knowledge, link, items, users, social, **columns
        As in ``hybridrec.read_dataset``.

    Raises
    ------
    DataError
        If a file cannot be used, or only some parts have timestamps.
    """
    parts = {name: _interactions(rows, columns) for name, rows in sources.items()}
    side = {"knowledge": knowledge, "link": link, "items": items, "users": users}
    return read_dataset(_joined(parts), **side, social=social, **columns)


def _interactions(rows: Any, columns: dict[str, Any]) -> Interactions:
    if isinstance(rows, Interactions):
        return rows
    return read_dataset(rows, **columns).interactions


def _joined(parts: dict[str, Interactions]) -> Interactions:
    """Put all rows in one table, with a context column that names the part."""
    rows = list(parts.values())
    users, user_codes = _joined_ids([one.users for one in rows], [one.user_codes for one in rows])
    items, item_codes = _joined_ids([one.items for one in rows], [one.item_codes for one in rows])
    timed = [name for name, one in parts.items() if one.timestamps is not None]
    if timed and len(timed) < len(parts):
        raise DataError(f"only {' and '.join(timed)} have timestamps; all parts must, or none")
    return replace(
        rows[0],
        users=users,
        items=items,
        user_codes=user_codes,
        item_codes=item_codes,
        weights=np.concatenate([one.weights for one in rows]),
        timestamps=np.concatenate([one.timestamps for one in rows]) if timed else None,
        context={"part": np.repeat(list(parts), [len(one) for one in rows])},
    )


def _joined_ids(maps: list[IdMap], codes: list[np.ndarray]) -> tuple[IdMap, np.ndarray]:
    """Return one map of all ids, and all codes in it; text where any ids are text."""
    ids = [one.ids for one in maps]
    if any(one.is_text for one in maps):
        ids = [one if one.dtype == object else one.astype(str).astype(object) for one in ids]
    joined = IdMap(np.unique(np.concatenate(ids)), maps[0].name)
    return joined, np.concatenate(
        [joined.codes(own)[rows] for own, rows in zip(ids, codes, strict=True)]
    )
