"""Histories in and lists out: between the caller's frames and a model's codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.frames import Backend, make_frame
from hybridrec.dataset.idmap import IdMap, as_ids
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.recency import Recency
from hybridrec.errors import DataError, first_few

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


SOURCES = np.array(["model", "fold-in", "features", "popular", "pinned"], dtype=object)
MODEL, FOLD_IN, FEATURES, POPULAR, PINNED = range(5)


class Lists(NamedTuple):
    """Ranked lists as arrays of codes."""

    items: np.ndarray
    """int32 (users, width), best first, -1 after the end of a shorter list."""
    scores: np.ndarray
    """float32, same shape, minus infinity there."""
    sources: np.ndarray
    """int8 (users,), position in `SOURCES`: how each user was served."""
    pinned: np.ndarray | None = None
    """bool (users, width): entries that a rule has placed; their score may be NaN."""


def source_names(lists: Lists, popularity: np.ndarray) -> np.ndarray:
    """Return how every entry was found: items nobody has come by their features."""
    sources = np.broadcast_to(lists.sources[:, None], lists.items.shape)
    cold = (popularity[lists.items] == 0) & (sources != POPULAR)
    sources = np.where(cold, FEATURES, sources)
    if lists.pinned is not None:
        sources = np.where(lists.pinned, PINNED, sources)
    names: np.ndarray = SOURCES[sources]
    return names


def distinct_ids(values: Any, name: str) -> np.ndarray:
    """Return ids in the order of their first mention, each once."""
    import pandas as pd

    ids: np.ndarray = pd.unique(as_ids(values, name))
    return ids


def history_rows(
    history: Any, users: Any, items: IdMap, unknown: str, recency: Recency | None = None
) -> tuple[np.ndarray, csr_matrix]:
    """Return user ids and their histories as rows over the model's items.

    Parameters
    ----------
    history : data frame or Interactions
    users : sequence of ids or None
        The users wanted, each given once; None means all of the history.
    items : IdMap
        Items of the model.
    unknown : {"raise", "skip"}
        What to do with items that are not known.
    recency : Recency, optional
        What age and sessions do to the weights, if the history has timestamps.

    Raises
    ------
    DataError
        If users are integers here and text there.
    """
    from scipy.sparse import csr_matrix

    if not isinstance(history, Interactions):
        history = Interactions.from_frame(history)
    if recency is not None and history.timestamps is not None:
        history = history.weighted_by(recency)
    ids = history.users
    if users is not None:
        ids = IdMap(distinct_ids(users, "user"), "user")
    if len(ids) and len(history.users) and ids.is_text != history.users.is_text:
        raise DataError(
            f"users are asked for by ids like {first_few(ids.ids, 3)}, the history has ids like"
            f" {first_few(history.users.ids, 3)}; give all as text or all as integers"
        )
    rows = ids.codes(history.users.ids, unknown="skip")[history.user_codes]
    columns = items.codes(history.items.ids, unknown=unknown)[history.item_codes]
    kept = (rows >= 0) & (columns >= 0)
    matrix = csr_matrix(
        (history.learned_weights[kept], (rows[kept], columns[kept])),
        shape=(len(ids), len(items)),
        dtype=np.float32,
    )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return ids.ids, matrix


def ranked_frame(
    key: str,
    key_ids: np.ndarray,
    value: str,
    value_ids: np.ndarray,
    lists: np.ndarray,
    scores: np.ndarray,
    backend: Backend,
    sources: np.ndarray | None = None,
) -> Any:
    """Return padded lists as a frame: one row an entry, rank from 1.

    Parameters
    ----------
    key, value : str
        Column names of the left ids (one a list) and of the ids in the lists.
    key_ids, value_ids : ndarray
        Ids of the lists, and ids by code.
    lists, scores : ndarray, shape (n, width)
        -1 marks the end of a shorter list.
    sources : ndarray of str, shape (n, width), optional
        A last column "source".
    """
    row, rank = np.nonzero(lists >= 0)
    columns = {
        key: key_ids[row],
        value: value_ids[lists[row, rank]],
        "score": scores[row, rank],
        "rank": (rank + 1).astype(np.int32),
    }
    if sources is not None:
        columns["source"] = sources[row, rank]
    return make_frame(columns, backend)
