"""Foreign runs: recommendations that any other system wrote, as a table of user and item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import column_values, find_column, open_frame
from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, UnknownIdError, first_few
from hybridrec.evaluation.splits.split import Split

if TYPE_CHECKING:
    import narwhals as nw


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a run: codes, and the key that orders the items of a user, smallest first.

    ``items`` begins with the items of the split; ids that only the run knows follow.
    """

    users: np.ndarray
    items: np.ndarray
    keys: np.ndarray
    item_map: IdMap

    def __len__(self) -> int:
        return len(self.users)

    def take(self, mask: np.ndarray) -> _Rows:
        return replace(self, users=self.users[mask], items=self.items[mask], keys=self.keys[mask])


def lists_of_run(data: Any, split: Split, width: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn a run into the lists of the test users.

    A run gets the treatment of our own models: items the user is already known to have, and
    items outside the candidates, are removed before ranking. Rows are ordered by rank if there
    is such a column, else by score (highest first), equal scores by the fixed hash order of the
    item ids. A score of minus infinity means "not recommended". Rows of users who are not tested
    are passed over.

    Parameters
    ----------
    data : data frame
        Columns for user and item, and ``rank`` or ``score``.
    split : Split
    width : int
        Length of the lists.

    Returns
    -------
    lists : ndarray of int32, shape (test users, width)
        Padded with -1. Items unknown to the split have codes of ``len(items)`` and above: they
        keep their place and are misses.
    notes : tuple of str
        What was removed or is unknown.

    Raises
    ------
    DataError
        If a column is missing, a score or rank is not a number, a (user, item) pair or a rank
        occurs twice for a user, or no item of the run is known.
    UnknownIdError
        If a user is unknown to the split; names the first five.
    """
    from hybridrec.kernels.metrics import lists_of_rows

    rows = _read(data, split)
    position = np.full(len(split.train.users), -1, dtype=np.int32)
    position[split.test_users] = np.arange(len(split.test_users))
    rows = rows.take(position[rows.users] >= 0)
    rows, notes = _admissible(rows, split)
    tie = rows.item_map.tie_order
    users = position[rows.users]
    lists: np.ndarray = lists_of_rows(
        users, rows.items, rows.keys, tie, len(split.test_users), width
    )
    return lists, notes


def _read(data: Any, split: Split) -> _Rows:
    frame, _ = open_frame(data)
    user_column = find_column(frame.columns, "user", None, where="run")
    item_column = find_column(frame.columns, "item", None, where="run")
    keys, order = _keys(frame)
    users, user_codes = IdMap.from_values(column_values(frame, str(user_column)), "user")
    items, item_codes = IdMap.from_values(column_values(frame, str(item_column)), "item")
    try:
        user_codes = split.train.users.codes(users.ids)[user_codes]
    except UnknownIdError as error:
        raise UnknownIdError(f"run: {error}") from None
    known = split.train.items
    if len(items) and (known.codes(items.ids, unknown="skip") < 0).all():
        raise DataError(
            f"run: no item is known; the run has items like {first_few(items.ids, 3)},"
            f" the split like {first_few(known.ids, 3)}"
        )
    item_map = known.extend(items.ids)
    rows = _Rows(user_codes, item_map.codes(items.ids)[item_codes], keys, item_map)
    _check_distinct(rows, rows.items, "the items of a user must be distinct", split.train.users)
    if order == "rank":
        _, ranks = np.unique(keys, return_inverse=True)
        _check_distinct(rows, ranks, "the ranks of a user must be distinct", split.train.users)
    return rows.take(keys < np.inf)


def _keys(frame: nw.DataFrame[Any]) -> tuple[np.ndarray, str]:
    """Return what orders a user's rows, smallest first, and the column it comes from."""
    named = {name.lower(): name for name in frame.columns}
    order = next((role for role in ("rank", "score") if role in named), None)
    if order is None:
        raise DataError(
            "run: no column 'rank' or 'score' to order the items by"
            f" (columns: {first_few(frame.columns, 10)})"
        )
    try:
        values = column_values(frame, named[order]).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"run: column {named[order]!r} must hold numbers: {error}") from error
    bad = np.flatnonzero(np.isnan(values))
    if bad.size:
        raise DataError(
            f"run: column {named[order]!r} has no number in rows {first_few(bad)}"
            " (rows count from 0)"
        )
    return (values if order == "rank" else -values), order


def _check_distinct(rows: _Rows, values: np.ndarray, rule: str, users: IdMap) -> None:
    """Refuse a run in which a user has one of ``values`` twice."""
    import pandas as pd

    pairs = rows.users.astype(np.int64) * (int(values.max(initial=0)) + 1) + values
    repeated = pd.Series(pairs).duplicated().to_numpy()
    if repeated.any():
        again = rows.take(repeated)
        listed = zip(users.ids[again.users], again.item_map.ids[again.items], strict=True)
        named = [f"({user}, {item})" for user, item in dict.fromkeys(listed)]
        raise DataError(f"run: {rule}; repeated at (user, item) {first_few(named)}")


def _admissible(rows: _Rows, split: Split) -> tuple[_Rows, tuple[str, ...]]:
    """Drop seen items and items that are no candidates; say so, and what is unknown."""
    from hybridrec.kernels.metrics import stored_pairs

    notes = []
    seen = stored_pairs(split.seen.indptr, split.seen.indices, rows.users, rows.items)
    if seen.any():
        notes.append(f"{seen.sum()} rows removed: the user is known to have the item")
        rows = rows.take(~seen)
    unknown = rows.items >= len(split.train.items)
    if split.candidates is not None:
        allowed = np.ones(len(rows.item_map), dtype=bool)
        allowed[: len(split.candidates)] = split.candidates
        outside = ~allowed[rows.items]
        if outside.any():
            notes.append(f"{outside.sum()} rows removed: the item is no candidate of the split")
            rows = rows.take(~outside)
    if unknown.any():
        ids = rows.item_map.ids[len(split.train.items) :]
        notes.append(
            f"{unknown.sum()} rows name unknown items, which count as misses: {first_few(ids)}"
        )
    return rows, tuple(notes)
