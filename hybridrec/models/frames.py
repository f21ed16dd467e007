"""Histories in and lists out: between the caller's frames and a model's codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import Backend, make_frame
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def history_rows(
    history: Any, users: Any, items: IdMap, unknown: str
) -> tuple[np.ndarray, csr_matrix]:
    """Return user ids and their histories as rows over the model's items.

    Parameters
    ----------
    history : data frame or Interactions
    users : sequence of ids or None
        The users wanted; None means all of the history.
    items : IdMap
        Items of the model.
    unknown : {"raise", "skip"}
        What to do with items that are not known.
    """
    from scipy.sparse import csr_matrix

    if not isinstance(history, Interactions):
        history = Interactions.from_frame(history)
    ids = IdMap(history.users.ids if users is None else users, "user")
    rows = ids.codes(history.users.ids, unknown="skip")[history.user_codes]
    columns = items.codes(history.items.ids, unknown=unknown)[history.item_codes]
    kept = (rows >= 0) & (columns >= 0)
    matrix = csr_matrix(
        (history.weights[kept], (rows[kept], columns[kept])),
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
