"""A run and a split -> lists of item codes, treated like those of our own models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, UnknownIdError, first_few
from hybridrec.evaluation.runs.read import Run, take_run
from hybridrec.evaluation.splits.split import Split


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
    are passed over. Ids are compared as text where the split has text and the run integers, or
    the reverse.

    Parameters
    ----------
    data : data frame or path
        Columns for user and item, and ``rank`` or ``score``; or a file of such a table or of a
        TREC run, see `hybridrec.evaluation.runs.read_run`.
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
        If the run cannot be used (see `hybridrec.evaluation.runs.read_run`), or no item of it is
        known.
    UnknownIdError
        If a user is unknown to the split; names the first five.
    """
    from hybridrec.kernels.metrics import lists_of_rows

    rows = _coded(take_run(data), split)
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


def _coded(run: Run, split: Split) -> _Rows:
    """Return the rows of a run in the codes of the split."""
    known_users, users = _one_type(split.train.users, run.users)
    try:
        user_codes = known_users.codes(users)[run.user_codes]
    except UnknownIdError as error:
        raise UnknownIdError(f"{run.where}: {error}") from None
    known, items = _one_type(split.train.items, run.items)
    if len(items) and (known.codes(items, unknown="skip") < 0).all():
        raise DataError(
            f"{run.where}: no item is known; the run has items like {first_few(run.items.ids, 3)},"
            f" the split like {first_few(split.train.items.ids, 3)}"
        )
    item_map = known.extend(items)
    return _Rows(user_codes, item_map.codes(items)[run.item_codes], run.keys, item_map)


def _one_type(known: IdMap, found: IdMap) -> tuple[IdMap, np.ndarray]:
    """Return a map and ids to look up in it, both as text unless they are of one type."""
    if known.is_text == found.is_text or not len(found):
        return known, found.ids
    if found.is_text:
        return IdMap(known.ids.astype(str).astype(object), known.name), found.ids
    return known, found.ids.astype(str).astype(object)


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
