"""Lists of a policy <-> the log of impressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.errors import DataError, UnknownIdError, first_few
from hybridrec.online.exploration.lists import Slates
from hybridrec.online.impressions import Impression, Shown

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.idmap import IdMap
    from hybridrec.models.base import Recommender


class LoggedLists(NamedTuple):
    """Lists of a log, as codes of a model."""

    users: np.ndarray
    """int32 (n,): who saw each list."""
    slates: Slates


def impressions_of(
    slates: Slates, users: np.ndarray, items: IdMap, policy: str
) -> list[Impression]:
    """Return the lists of users (by id) as a log holds them; empty ones are left out."""
    found = []
    for row, user in enumerate(users.tolist()):
        there = slates.items[row] >= 0
        columns = (slates.relevance, slates.propensities, slates.exposures, slates.rewards)
        parts = zip(
            items.ids[slates.items[row][there]].tolist(),
            *(column[row][there].tolist() for column in columns),
            strict=True,
        )
        shown = tuple(
            Shown(item, relevance, min(propensity, 1.0), min(exposure, 1.0), _known(reward))
            for item, relevance, propensity, exposure, reward in parts
        )
        if shown:
            found.append(Impression(user, policy, shown))
    return found


def logged_lists(lists: Iterable[Impression], model: Recommender) -> LoggedLists:
    """Return logged lists as a model sees them.

    The history of a user at the time of a list is that of the model, with what was rewarded in
    earlier lists of the log. Lists of users that the model does not know count as those of
    somebody without any history.

    Parameters
    ----------
    lists : iterable of Impression
        In the order in which they were shown.
    model : Recommender

    Raises
    ------
    UnknownIdError
        If the model does not know an item.
    DataError
        If there is no list.
    """
    listed = list(lists)
    if not listed:
        raise DataError("the log holds no list")
    width = max(len(one.shown) for one in listed)
    users = _codes(model.users_, [one.user for one in listed])
    shown = [entry for one in listed for entry in one.shown]
    codes = _codes(model.items_, [entry.item for entry in shown])
    if (codes < 0).any():
        unknown = [entry.item for entry, code in zip(shown, codes, strict=True) if code < 0]
        raise UnknownIdError(
            f"the log has items that the model does not know: {first_few(dict.fromkeys(unknown))};"
            " add them to the model, or take the model that made these lists"
        )
    lengths = np.array([len(one.shown) for one in listed])
    rows = np.repeat(np.arange(len(listed)), lengths)
    slots = np.arange(len(shown)) - np.repeat(np.cumsum(lengths) - lengths, lengths)

    def filled(values: Iterable[float | None], empty: float) -> np.ndarray:
        table = np.full((len(listed), width), empty)
        table[rows, slots] = [np.nan if one is None else one for one in values]
        return table

    items = np.full((len(listed), width), -1, dtype=np.int32)
    items[rows, slots] = codes
    rewards = filled((entry.reward for entry in shown), np.nan)
    return LoggedLists(
        users,
        Slates(
            _histories(model, users, [one.user for one in listed], items, rewards),
            items,
            filled((entry.relevance for entry in shown), 0.0),
            filled((entry.propensity for entry in shown), 1.0),
            filled((entry.exposure for entry in shown), 1.0),
            rewards,
        ),
    )


def _codes(known: IdMap, ids: list[int | str]) -> np.ndarray:
    """Return codes, -1 for ids that are not known, of another type among them."""
    code_of = {one: code for code, one in enumerate(known.ids.tolist())}
    return np.array([code_of.get(one, -1) for one in ids], dtype=np.int32)


def _histories(
    model: Recommender,
    users: np.ndarray,
    ids: list[int | str],
    items: np.ndarray,
    rewards: np.ndarray,
) -> csr_matrix:
    """Return what users had before each list."""
    from scipy.sparse import csr_matrix

    gained: dict[int | str, list[int]] = {}
    rows: list[int] = []
    columns: list[int] = []
    liked = (items >= 0) & (np.nan_to_num(rewards) > 0)
    for row, user in enumerate(ids):
        own = gained.setdefault(user, [])
        rows += [row] * len(own)
        columns += own
        own += items[row][liked[row]].tolist()
    shape = (len(ids), model.history_.shape[1])
    new = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    known = np.flatnonzero(users >= 0)
    to_rows = csr_matrix(
        (np.ones(len(known), dtype=np.float32), (known, users[known])),
        shape=(len(ids), model.history_.shape[0]),
    )
    return (to_rows @ model.history_ + new).tocsr()


def _known(reward: float) -> float | None:
    return None if np.isnan(reward) else reward
