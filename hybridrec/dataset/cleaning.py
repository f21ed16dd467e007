"""Cleaning: repeated pairs, weights that mean nothing, users and items with too few rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, did_you_mean

DUPLICATE_POLICIES = ("last", "first", "sum", "max")


@dataclass(frozen=True)
class CleaningReport:
    """What cleaning dropped and why.

    Attributes
    ----------
    rows_before, rows_after : int
    dropped : dict of str to int
        Rows dropped for each reason, in the order of the steps.
    users_before, users_after, items_before, items_after : int
        Known ids, with or without rows.
    """

    rows_before: int
    rows_after: int
    dropped: dict[str, int]
    users_before: int
    users_after: int
    items_before: int
    items_after: int

    @property
    def density(self) -> float:
        """Share of all pairs of known users and items that have a row after cleaning."""
        return self.rows_after / max(1, self.users_after * self.items_after)

    def to_dict(self) -> dict[str, Any]:
        """Return all values as a dictionary for JSON."""
        return {**asdict(self), "density": self.density}

    def __str__(self) -> str:
        table = [("", "before", "after")]
        for what in ("rows", "users", "items"):
            before, after = (getattr(self, f"{what}_{when}") for when in ("before", "after"))
            table.append((what, f"{before:,}", f"{after:,}"))
        table.append(("density", "", f"{self.density:.3%}"))
        table.append(("rows dropped", "", f"{self.rows_before - self.rows_after:,}"))
        table += [(f"  {reason}", "", f"{count:,}") for reason, count in self.dropped.items()]
        first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
        return "\n".join(
            f"{name:<{first}}  {before:>{others[0]}}  {after:>{others[1]}}"
            for name, before, after in table
        )


def clean(
    interactions: Interactions,
    *,
    duplicates: str = "last",
    min_weight: float | None = None,
    min_user_interactions: int = 0,
    min_item_interactions: int = 0,
    keep_negatives: bool = False,
    within: str | None = None,
) -> tuple[Interactions, CleaningReport]:
    """Drop rows that a model should not see, and say which and why.

    The steps, in this order: of rows with the same user and item one is kept; rows of weight 0
    go (in labelled data, such as KGCN's, they say "not interacted"), unless asked for; rows below
    ``min_weight`` go; users and items with too few rows go, again and again until none is left
    (the k-core).

    Parameters
    ----------
    interactions : Interactions
        Not changed.
    duplicates : {"last", "first", "sum", "max"}, default "last"
        What becomes of rows with the same user and item: the last or first counts (by timestamp,
        then by order of rows), or the last with the sum or the largest of their weights.
    min_weight : float, optional
        Least weight that counts as an interaction, such as 4 of 5 stars.
    min_user_interactions, min_item_interactions : int, default 0
        Least number of rows of a user and of an item. Ids without them leave the id maps; ids
        that had no row before this step stay known.
    keep_negatives : bool, default False
        Keep rows of weight 0 and count them, for `hybridrec.evaluation.labelled_pairs`.
    within : str, optional
        Column of the context, such as the scenario; rows that differ there are no repeats.

    Returns
    -------
    (Interactions, CleaningReport)
        Rows in the order they were in.

    Raises
    ------
    ParameterError
        If a parameter has a value that makes no sense.
    DataError
        If no row is left.
    """
    check_cleaning(duplicates, min_weight, min_user_interactions, min_item_interactions)
    keep, weights, dropped = rows_that_count(
        interactions, duplicates, min_weight, keep_negatives=keep_negatives, within=within
    )
    sides = (
        _Side("user", interactions.users, interactions.user_codes, min_user_interactions),
        _Side("item", interactions.items, interactions.item_codes, min_item_interactions),
    )
    users_stay, items_stay = _reduce_to_core(sides, keep, dropped)
    if len(keep) and not keep.any():
        raise DataError(f"cleaning leaves no interaction; rows dropped: {dropped}")

    cleaned = replace(interactions, weights=weights).take(keep)
    users, user_codes = _without_others(interactions.users, users_stay, cleaned.user_codes)
    items, item_codes = _without_others(interactions.items, items_stay, cleaned.item_codes)
    cleaned = replace(
        cleaned, users=users, items=items, user_codes=user_codes, item_codes=item_codes
    )
    report = CleaningReport(
        rows_before=len(interactions),
        rows_after=len(cleaned),
        dropped=dropped,
        users_before=len(interactions.users),
        users_after=len(users),
        items_before=len(interactions.items),
        items_after=len(items),
    )
    return cleaned, report


def check_cleaning(
    duplicates: str, min_weight: float | None, min_user_rows: int, min_item_rows: int
) -> None:
    """Refuse parameters of `clean` that make no sense."""
    if duplicates not in DUPLICATE_POLICIES:
        guess = did_you_mean(duplicates, DUPLICATE_POLICIES)
        raise ParameterError(
            f"duplicates must be one of {', '.join(DUPLICATE_POLICIES)}, got {duplicates!r}{guess}"
        )
    if min_weight is not None and not np.isfinite(min_weight):
        raise ParameterError(f"min_weight must be a finite number, got {min_weight}")
    least = {"min_user_interactions": min_user_rows, "min_item_interactions": min_item_rows}
    for name, value in least.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 0:
            raise ParameterError(f"{name} must be a whole number of at least 0, got {value!r}")


def rows_that_count(
    interactions: Interactions,
    duplicates: str,
    min_weight: float | None,
    *,
    keep_negatives: bool = False,
    within: str | None = None,
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Return which rows stay whatever becomes of others' users and items; see `clean`.

    Returns
    -------
    keep : ndarray of bool, shape (rows,)
    weights : ndarray of float32, shape (rows,)
        With the weights of rows that are gone put together as ``duplicates`` says.
    dropped : dict of str to int
        Rows dropped for each reason.
    """
    keep, weights = _one_row_a_pair(interactions, duplicates, within)
    dropped = {f"same user and item ({duplicates})": len(keep) - int(np.count_nonzero(keep))}
    if not keep_negatives:
        dropped["weight 0"] = _drop(keep, weights == 0)
    if min_weight is not None:
        dropped[f"weight below {min_weight:g}"] = _drop(keep, weights < min_weight)
    return keep, weights, dropped


def _one_row_a_pair(
    interactions: Interactions, policy: str, within: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return a mask that keeps one row of each pair of user and item, and the weights."""
    pair = interactions.user_codes.astype(np.int64)
    pair *= len(interactions.items)
    pair += interactions.item_codes
    if within is not None:
        import pandas as pd

        values, kinds = pd.factorize(np.asarray(interactions.context[within]))
        pair *= len(kinds) + 1  # missing values are a kind of their own
        pair += values + 1
    order = np.argsort(pair)  # not stable, and so twice as fast: few rows are repeated
    begins = _begins(pair[order])
    alone = begins & np.roll(begins, -1)  # the next row begins too; the first follows the last
    repeated = np.sort(order[~alone])
    keep = np.ones(len(interactions), dtype=bool)
    weights = interactions.weights
    if len(repeated) == 0:
        return keep, weights

    if interactions.timestamps is not None:
        repeated = repeated[np.argsort(interactions.timestamps[repeated], kind="stable")]
    repeated = repeated[np.argsort(pair[repeated], kind="stable")]
    first = np.flatnonzero(_begins(pair[repeated]))
    last = np.append(first[1:], len(repeated)) - 1
    kept = repeated[first if policy == "first" else last]
    keep[repeated] = False
    keep[kept] = True
    if policy in ("sum", "max"):
        combine = np.add if policy == "sum" else np.maximum
        weights = weights.copy()
        weights[kept] = combine.reduceat(weights[repeated].astype(np.float64), first)
    return keep, weights


def _begins(ordered: np.ndarray) -> np.ndarray:
    """Return a mask of the values that differ from the one before."""
    begins = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return begins


def _drop(keep: np.ndarray, bad: np.ndarray) -> int:
    """Take bad rows out of the mask of kept ones, and return how many of them were in it."""
    before = np.count_nonzero(keep)
    keep &= ~bad
    return int(before - np.count_nonzero(keep))


@dataclass(frozen=True)
class _Side:
    """The users or the items: their ids, the code of every row, and the least rows of each."""

    role: str
    ids: IdMap
    codes: np.ndarray
    least: int

    def rows(self, keep: np.ndarray) -> np.ndarray:
        return np.bincount(self.codes[keep], minlength=len(self.ids))


def _reduce_to_core(
    sides: Sequence[_Side], keep: np.ndarray, dropped: dict[str, int]
) -> list[np.ndarray]:
    """Drop rows of ids with too few until none is left; return a mask of the ids that stay."""
    asked = [side for side in sides if side.least > 1]
    reasons = [f"{side.role} with fewer than {side.least} rows" for side in asked]
    dropped.update(dict.fromkeys(reasons, 0))
    before = [side.rows(keep) for side in sides]
    gone = -1
    while gone:
        gone = 0
        for side, reason in zip(asked, reasons, strict=True):
            count = _drop(keep, (side.rows(keep) < side.least)[side.codes])
            dropped[reason] += count
            gone += count
    return [
        (start == 0) | (side.rows(keep) >= side.least)
        for side, start in zip(sides, before, strict=True)
    ]


def _without_others(ids: IdMap, stay: np.ndarray, codes: np.ndarray) -> tuple[IdMap, np.ndarray]:
    """Return the map of the ids that stay, and the codes of rows (all of which stay) in it."""
    if stay.all():
        return ids, codes
    shifted = np.cumsum(stay, dtype=np.int32) - 1
    return IdMap(ids.ids[stay], ids.name), shifted[codes].astype(np.int32)
