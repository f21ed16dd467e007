"""A fitted model takes in new events; the rows of users without new events stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.cleaning import DUPLICATE_POLICIES
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.base import Recommender
from hybridrec.models.frames import MODEL, POPULAR
from hybridrec.models.growth import family, grow_items
from hybridrec.models.record import Record
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Updated(NamedTuple):
    """What an update did.

    Attributes
    ----------
    users, new_users : int
        Users who were folded in, and how many of them were new.
    new_items : int
        Items that were not known before.
    placed, waiting : int
        Items without a user at the fit, in these events: those that can be recommended now, and
        those that wait for the next fit.
    hidden : int
        Pairs of a user and an item that is not to be recommended to them again.
    """

    users: int
    new_users: int
    new_items: int
    placed: int
    waiting: int
    hidden: int


def update_model(
    model: Recommender,
    interactions: Any,
    *,
    duplicates: str = "sum",
    hidden: Interactions | None = None,
) -> Updated:
    """Fold new interactions in, without a refit.

    Users whose history changes are folded in again from all of it; one whose items are all new to
    the model is served the popular items. Items that had no user at the fit get factors from their
    users where the model can do that (the ALS family and the baselines), again with every update
    that brings them more; one that is placed by its features stays there; elsewhere they are
    kept, and recommended after the next fit. All other rows stay as they are, bit for bit. If
    anything is refused, so does the model.

    Parameters
    ----------
    model : Recommender
        Fitted; changed in place.
    interactions : data frame or Interactions
        New events of old and new users and items; weight 0 tells nothing. Where the model was
        fitted with a `Recency`, events with timestamps are weighted among themselves; what is
        known already does not age before the next fit.
    duplicates : {"sum", "last", "first", "max"}, default "sum"
        The weight of a pair with several rows, or that the model knows already: all together, the
        newest (by timestamp, then by order), the oldest, or the largest.
    hidden : Interactions, optional
        Pairs that leave the history, and are not recommended again; weights do not matter.

    Raises
    ------
    DataError
        If ids are integers here and text there, or weights are out of range.
    ParameterError
        If ``duplicates`` is something else.
    """
    if duplicates not in DUPLICATE_POLICIES:
        raise ParameterError(
            f"duplicates must be one of {', '.join(DUPLICATE_POLICIES)}, got {duplicates!r}"
            f"{did_you_mean(str(duplicates), DUPLICATE_POLICIES)}"
        )
    if not isinstance(interactions, Interactions):
        interactions = Interactions.from_frame(interactions)
    if model.recency_ is not None and interactions.timestamps is not None:
        interactions = interactions.weighted_by(model.recency_)
    with _all_or_nothing(model):
        return _update(model, interactions, duplicates, hidden)


def _update(
    model: Recommender, news: Interactions, duplicates: str, hidden: Interactions | None
) -> Updated:
    known_users, known_items = len(model.users_), len(model.items_)
    users, items = model.users_.extend(news.users.ids), model.items_.extend(news.items.ids)
    if hidden is not None:
        users, items = users.extend(hidden.users.ids), items.extend(hidden.items.ids)
    grow_items(model, items)
    shape = len(users), len(items)
    before = _of_shape(model.history_, shape)
    fresh = _placed(_one_entry_a_pair(news, duplicates), news, users, items)
    history = merged(before, fresh, duplicates)
    if hidden is not None:
        barred = _placed(hidden.matrix, hidden, users, items)
        history = _without(history, barred)
        model.hidden_ = _now_hidden(model.hidden_, barred, history)
    elif model.hidden_ is not None:
        nothing = _placed(news.matrix[:0], news, users, items)
        model.hidden_ = _now_hidden(model.hidden_, nothing, history)
    changed = np.flatnonzero((history != before).getnnz(axis=1))
    sharing = [one for one in family(model) if _shares_history(one)]
    record = model.record_ or Record.of(model)
    sources = np.pad(model.user_sources_, (0, shape[0] - known_users), constant_values=POPULAR)
    _fold_in(model, history, changed, users, sources)
    untrained = ~record.trained_items(shape[1])
    touched = np.unique(history[changed].indices)
    touched = touched[untrained[touched]]
    found = _place_from_users(model, touched, sources == MODEL)
    again = changed[history[changed][:, found].getnnz(axis=1) > 0]
    _fold_in(model, history, again, users, sources)
    for one in sharing:  # a history is kept once
        assert isinstance(one.scorer_, HistoryScorer)
        one.scorer_ = replace(one.scorer_, profiles=one.history_)
    model.record_ = record.with_folded(changed, shape[0])
    ready = int(np.count_nonzero(model.scorable_[touched]))
    return Updated(
        len(changed),
        shape[0] - known_users,
        shape[1] - known_items,
        ready,
        len(touched) - ready,
        0 if hidden is None else int(barred.nnz),
    )


@contextmanager
def _all_or_nothing(model: Recommender) -> Iterator[None]:
    """Put a model back as it was if anything goes wrong: its parts are replaced, never changed."""
    before = [(one, dict(vars(one))) for one in family(model)]
    try:
        yield
    except BaseException:
        for one, attributes in before:
            vars(one).clear()
            vars(one).update(attributes)
        raise


# ---- rows -------------------------------------------------------------------------------------


def _fold_in(
    model: Recommender, history: csr_matrix, rows: np.ndarray, users: IdMap, sources: np.ndarray
) -> None:
    """Give a model a history, and the users at ``rows`` their rows from it."""
    if history is not model.history_:
        model._set_history(history)
    told = model._tell_something(history[rows])
    sources[rows] = np.where(told, MODEL, POPULAR)
    rows = rows[told]
    for one in family(model):
        one.users_, one.user_sources_ = users, sources
    folded, _, _ = model.scorer_for(rows, history[rows])
    model.scorer_ = model.scorer_.with_users_of(folded, rows, len(users))


def _place_from_users(model: Recommender, items: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Give items without a user at the fit their factors from users who have some.

    Parameters
    ----------
    model : Recommender
    items : ndarray of int
    usable : ndarray of bool, shape (n_users,)
        Users whose row tells what they like.

    Returns
    -------
    ndarray of int
        The items that were given factors.
    """
    if model.members_:
        found = [_place_from_users(member, items, usable) for member in model.members_]
        model.scorable_ = np.any([member.scorable_ for member in model.members_], axis=0)
        return np.unique(np.concatenate(found))
    n_items = len(model.scorable_)
    placed = np.zeros(n_items, dtype=np.bool_)
    if model.from_users_ is not None:
        placed[: len(model.from_users_)] = model.from_users_
    items = items[~model.scorable_[items] | placed[items]]  # others stand by their features
    histories = model.history_[:, items].T.tocsr()
    if not model.items_of_anybody:
        histories.data *= usable[histories.indices]
        histories.eliminate_zeros()
    known = np.diff(histories.indptr) > 0
    nobody = items[:0]
    if not isinstance(model.scorer_, FactorScorer) or not known.any():
        return nobody
    rows = model._fold_in_items(histories[known])
    if rows is None:
        return nobody
    found_items: np.ndarray = items[known]
    model.scorer_ = model.scorer_.with_items(found_items, *rows)
    scorable = model.scorable_.copy()
    scorable[found_items] = placed[found_items] = True
    model.scorable_, model.from_users_ = scorable, placed
    return found_items


def _shares_history(model: Recommender) -> bool:
    """Tell whether the profiles of a model's users are their histories, kept once for both."""
    scorer = None if model.members_ else model.scorer_
    return isinstance(scorer, HistoryScorer) and scorer.profiles is model.history_


# ---- histories --------------------------------------------------------------------------------


def _one_entry_a_pair(news: Interactions, duplicates: str) -> csr_matrix:
    """Return the events as a matrix, with one weight for every pair."""
    from hybridrec.dataset.cleaning import clean

    if duplicates == "sum" or not news.weights.any():
        return news.matrix
    one_each, _ = clean(news, duplicates=duplicates)
    matrix = one_each.matrix
    matrix.resize(len(news.users), len(news.items))
    return matrix


def merged(known: csr_matrix, fresh: csr_matrix, duplicates: str) -> csr_matrix:
    """Return histories with fresh events in them; ``duplicates`` as in `update_model`."""
    if duplicates == "sum":
        return (known + fresh).tocsr()
    if duplicates == "max":
        return known.maximum(fresh).tocsr()
    over, under = (fresh, known) if duplicates == "last" else (known, fresh)
    merged = (_without(under, over) + over).tocsr()
    merged.sort_indices()
    return merged


def _without(matrix: csr_matrix, pairs: csr_matrix) -> csr_matrix:
    """Return a matrix without the entries of some pairs."""
    left = (matrix - matrix.multiply(pairs != 0)).tocsr()
    left.eliminate_zeros()
    return left


def _now_hidden(
    known: csr_matrix | None, fresh: csr_matrix, history: csr_matrix
) -> csr_matrix | None:
    """Return the hidden pairs: old and new ones, but for those that are in a history again."""
    hidden = fresh if known is None else fresh + _of_shape(known, fresh.shape)
    hidden = _without(hidden.tocsr(), history)
    hidden.data = np.ones(hidden.nnz, dtype=np.float32)
    return hidden if hidden.nnz else None


def _of_shape(matrix: csr_matrix, shape: tuple[int, int]) -> csr_matrix:
    grown = matrix.copy()
    grown.resize(shape)
    return grown


def _placed(matrix: csr_matrix, rows: Interactions, users: IdMap, items: IdMap) -> csr_matrix:
    """Return a matrix over the ids of some interactions as one over longer lists of ids."""
    from scipy.sparse import csr_matrix

    entries = matrix.tocoo()
    where = users.codes(rows.users.ids)[entries.row], items.codes(rows.items.ids)[entries.col]
    placed = csr_matrix((entries.data, where), shape=(len(users), len(items)), dtype=np.float32)
    placed.sort_indices()
    return placed
