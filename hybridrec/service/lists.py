"""Requests of one moment -> lists: those that can go together in one call of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError, UnknownIdError
from hybridrec.models.frames import source_names
from hybridrec.models.lists import lists_of_codes, wish
from hybridrec.service.taste import Recommendation, Request, Taste

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender
    from hybridrec.models.lists import Wish
    from hybridrec.service.snapshot import Snapshot


def answer(
    snapshot: Snapshot, requests: Sequence[Request], tastes: Sequence[Taste]
) -> list[list[Recommendation]]:
    """Return the list of every request."""
    groups: dict[Any, list[int]] = {}
    for number, (request, taste) in enumerate(zip(requests, tastes, strict=True)):
        asked = (request.k, id(request.rules), id(request.rerank), _circumstances(request))
        groups.setdefault((*asked, *_way(taste, number)), []).append(number)
    answers: list[list[Recommendation]] = [[] for _ in requests]
    for members in groups.values():
        found = _lists(
            snapshot, [requests[one] for one in members], [tastes[one] for one in members]
        )
        for number, one in zip(members, found, strict=True):
            answers[number] = one
    return answers


def entries(
    snapshot: Snapshot, items: np.ndarray, scores: np.ndarray, sources: Sequence[str]
) -> list[Recommendation]:
    """Return a list of codes, padded with -1, as ids."""
    ids = snapshot.model.items_.ids[items[items >= 0]].tolist()
    ranks = range(1, len(ids) + 1)
    return list(map(Recommendation, ids, scores.tolist(), ranks, sources))


def model_for(snapshot: Snapshot, request: Request) -> Recommender:
    """Return the model under the circumstances of a request."""
    return snapshot.model.in_context(request.context) if request.context else snapshot.model


def _circumstances(request: Request) -> tuple[tuple[str, str], ...]:
    """Return what is the same for requests in the same context."""
    return tuple(sorted((name, repr(value)) for name, value in (request.context or {}).items()))


def _way(taste: Taste, number: int) -> tuple[Any, ...]:
    """Return what must be equal for users that one call of the model serves."""
    alone = number if len(taste.hidden) else -1  # a mask of items holds for all of a call
    if taste.history is None:
        return (alone, "as fitted")
    return (alone, "folded in", taste.features is None, len(taste.history[0]) == 0)


def _lists(
    snapshot: Snapshot, requests: Sequence[Request], tastes: Sequence[Taste]
) -> list[list[Recommendation]]:
    """Return the lists of users that one call of the model serves."""
    model, first = model_for(snapshot, requests[0]), requests[0]
    asked = wish(first.k, rerank=first.rerank, num_threads=1)
    codes = np.array([taste.user for taste in tastes], dtype=np.int32)
    asked, rule_rows = _with_rules(asked, snapshot, requests)
    if len(tastes[0].hidden):
        visible = np.ones(len(model.items_), dtype=np.bool_)
        visible[tastes[0].hidden] = False
        asked = replace(asked, items=visible)
    history = features = None
    if tastes[0].history is not None:
        history, features = histories_of(tastes, snapshot), _features(tastes)
    found = lists_of_codes(model, codes, history, asked, rule_rows, features)
    sources = source_names(found, model.popularity_)
    return [
        entries(snapshot, items, scores, names.tolist())
        for items, scores, names in zip(found.items, found.scores, sources, strict=True)
    ]


def _with_rules(
    asked: Wish, snapshot: Snapshot, requests: Sequence[Request]
) -> tuple[Wish, np.ndarray]:
    """Return a wish with compiled rules, and the users' rows in them.

    What is allowed or denied may be newer than the model: such items are passed over.
    """
    model, rules = snapshot.model, requests[0].rules
    nobody = np.full(len(requests), -1, dtype=np.int32)
    if rules is None:
        return asked, nobody
    users = None
    if rules.user_deny is not None:
        known = [one.user for one in requests if snapshot.is_user_id(one.user)]
        users = IdMap(list(dict.fromkeys(known)), "user")
        row_of = {one: row for row, one in enumerate(users.ids.tolist())}
        nobody[:] = [row_of.get(one.user, -1) for one in requests]
    try:
        compiled = rules.known_to(model.items_).compile(
            model.items_, model.item_table_, users, groups=model.catalogue.groups
        )
    except UnknownIdError as error:  # of a pin: not what the request asks for, but a wrong rule
        raise ParameterError(str(error)) from None
    return replace(asked, rules=compiled), nobody


def histories_of(tastes: Sequence[Taste], snapshot: Snapshot) -> csr_matrix:
    """Return the histories of users as rows."""
    from scipy.sparse import csr_matrix

    n_items = len(snapshot.model.items_)
    parts = [taste.history for taste in tastes if taste.history is not None]
    indptr = np.zeros(len(parts) + 1, dtype=np.int32)
    np.cumsum([len(items) for items, _ in parts], out=indptr[1:])
    items, weights = (np.concatenate(one) for one in zip(*parts, strict=True))
    return csr_matrix((weights, items, indptr), shape=(len(parts), n_items))


def _features(tastes: Sequence[Taste]) -> csr_matrix | None:
    """Return the features of users as rows; all of them have some, or none has."""
    from scipy.sparse import vstack

    rows = [taste.features for taste in tastes if taste.features is not None]
    if not rows:
        return None
    return rows[0] if len(rows) == 1 else vstack(rows, format="csr")
