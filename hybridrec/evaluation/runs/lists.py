"""A run and a split -> lists of item codes, treated like those of our own models."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, UnknownIdError, first_few
from hybridrec.evaluation.metrics import tie_notes
from hybridrec.evaluation.runs.read import Run, open_run
from hybridrec.evaluation.splits.split import Split
from hybridrec.runtime import resolve_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class _Met(NamedTuple):
    """What `hybridrec.kernels.runs.fill_lists` counts."""

    repeated: int
    removed: int
    outside: int
    unknown: int
    tied: int


def lists_of_run(
    data: Any,
    split: Split,
    width: int,
    *,
    among: csr_matrix | None = None,
    num_threads: int = 0,
) -> tuple[np.ndarray, tuple[str, ...]]:
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
    among : csr_matrix, shape (test users, n_items), optional
        Stored entries are the candidates of each user; all others are removed.
    num_threads : int, default 0
        0 means all CPUs this process may use.

    Returns
    -------
    lists : ndarray of int32, shape (test users, width)
        Padded with -1. Items unknown to the split have codes of ``len(items)`` and above: they
        keep their place and are misses.
    notes : tuple of str
        What was removed or is unknown, and how many lists rest on the order of equal scores if
        that is 1 % or more (see `hybridrec.evaluation.metrics.tied_share`).

    Raises
    ------
    DataError
        If the run cannot be used (see `hybridrec.evaluation.runs.read_run`), or no item of it is
        known.
    UnknownIdError
        If a user is unknown to the split; names the first five.
    """
    from hybridrec.kernels.runs import fill_lists, rows_by_user

    run = open_run(data)
    starts, stops, order = rows_by_user(run.user_codes, len(run.users))
    list_of = _lists_of_users(run, split, stops > starts)
    code_of, codes = _codes_of_items(run, split)
    rows, (values, sign) = run.item_codes, run.order
    if among is not None:
        kept = _stored(among, list_of[run.user_codes], code_of[rows])
        values = np.where(kept, values, sign * np.inf)
    if len(order):
        rows, values = rows[order], values[order]
    lists = np.full((len(split.test_users), width), -1, dtype=np.int32)

    def fill(part: slice) -> tuple[int, ...]:
        met: tuple[int, ...] = fill_lists(
            *(
                starts[part],
                stops[part],
                rows,
                values,
                sign,
                list_of[part],
                code_of,
                codes.tie_order,
            ),
            *(split.test_users, split.seen.indptr, split.seen.indices),
            *(len(split.train.items), lists),
        )
        return met

    count = resolve_threads(num_threads)
    cuts = np.linspace(0, len(starts), count + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(count) as pool:
        parts = list(pool.map(fill, map(slice, cuts, cuts[1:])))
    met = _Met(*np.sum(parts, axis=0).tolist())
    if met.repeated:
        run.check_distinct()
    unknown = codes.ids[len(split.train.items) :]
    return lists, tuple(_notes(met, unknown, met.tied / len(lists)))


def _stored(among: csr_matrix, lists: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Tell of which rows a matrix stores the list and the item; -1 is no list."""
    from hybridrec.kernels.metrics import stored_pairs

    pairs = np.maximum(lists, 0), np.maximum(codes, ~codes)
    stored: np.ndarray = (lists >= 0) & stored_pairs(among.indptr, among.indices, *pairs)
    return stored


def _lists_of_users(run: Run, split: Split, listed: np.ndarray) -> np.ndarray:
    """Return the list of every user of a run, int32, -1 for users who are not tested.

    ``listed`` is a mask of the users who have rows.
    """
    known, ids = of_one_type(split.train.users, run.users)
    lists = np.full(len(known), -1, dtype=np.int32)
    lists[split.test_users] = np.arange(len(split.test_users))
    found = np.full(len(ids), -1, dtype=np.int32)
    try:
        found[listed] = lists[known.codes(ids[listed])]
    except UnknownIdError as error:
        raise UnknownIdError(f"{run.where}: {error}") from None
    return found


def _codes_of_items(run: Run, split: Split) -> tuple[np.ndarray, IdMap]:
    """Return the code of every item of a run, ``~code`` if it is no candidate, and the ids coded.

    Those begin with the items of the split; ids that only the rows of the run know follow.
    """
    known, ids = of_one_type(split.train.items, run.items)
    codes = known.codes(ids, unknown="skip")
    extended = known
    if (codes < 0).any():
        listed = np.zeros(len(ids), dtype=bool)
        listed[run.item_codes] = True
        new = listed & (codes < 0)
        if new.sum() == listed.sum() > 0:
            raise DataError(
                f"{run.where}: no item is known; the run has items like"
                f" {first_few(run.items.ids[new], 3)}, the split like"
                f" {first_few(split.train.items.ids, 3)}"
            )
        extended = known.extend(ids[new])
        codes[new] = np.arange(len(known), len(extended))
    if split.candidates is not None:
        outside = np.flatnonzero((codes >= 0) & (codes < len(known)))
        outside = outside[~split.candidates[codes[outside]]]
        codes[outside] = ~codes[outside]
    return codes, extended


def of_one_type(known: IdMap, found: IdMap) -> tuple[IdMap, np.ndarray]:
    """Return a map and ids to look up in it, both as text unless they are of one type."""
    if known.is_text == found.is_text or not len(found):
        return known, found.ids
    if found.is_text:
        return IdMap(known.ids.astype(str).astype(object), known.name), found.ids
    return known, found.ids.astype(str).astype(object)


def _notes(met: _Met, unknown: np.ndarray, tied: float) -> Iterator[str]:
    """Say what was removed, what is unknown, and how much rests on ties."""
    if met.removed:
        yield f"{met.removed} rows removed: the user is known to have the item"
    if met.outside:
        yield f"{met.outside} rows removed: the item is no candidate of the split"
    if met.unknown:
        yield (
            f"{met.unknown} rows name unknown items, which count as misses: {first_few(unknown)}"
        )
    yield from tie_notes(tied)
