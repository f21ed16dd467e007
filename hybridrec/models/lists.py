"""Lists of a fitted model: who asks, what may come out, in what order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError
from hybridrec.models.frames import (
    POPULAR,
    Lists,
    distinct_ids,
    history_rows,
    ranked_frame,
    source_names,
)
from hybridrec.ranking.choose import Order, choose
from hybridrec.ranking.pins import Pins
from hybridrec.ranking.rules import CompiledRules, Rules
from hybridrec.ranking.topk import check_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender
    from hybridrec.ranking.rerank import Reranker
    from hybridrec.ranking.scorer import Scorer


class Asked(NamedTuple):
    """Users who ask for lists."""

    ids: np.ndarray
    codes: np.ndarray
    """int32 (n,), -1 for users whom the model does not know."""
    history: csr_matrix | None
    """(n, n_items) to fold in; None means that of the model."""


@dataclass(frozen=True, eq=False)
class Wish:
    """What lists are asked for.

    Attributes
    ----------
    k : int
    items : ndarray of bool, shape (n_items,), optional
        Items that may come out.
    rules : CompiledRules, optional
    rerank : Reranker, optional
    num_threads : int, default 0
    """

    k: int
    items: np.ndarray | None = None
    rules: CompiledRules | None = None
    rerank: Reranker | None = None
    num_threads: int = 0


def wish(k: int, *, rerank: Reranker | str | None, num_threads: int) -> Wish:
    """Return a checked wish without rules."""
    if isinstance(rerank, str):
        from hybridrec.ranking.rerank import parse_reranker

        rerank = parse_reranker(rerank)
    return Wish(check_k(k), rerank=rerank, num_threads=num_threads)


def recommend(model: Recommender, asked: Asked, rules: Rules | None, wish: Wish) -> Any:
    """Recommend items to users; see `Recommender.recommend`."""
    lists = lists_of_users(model, asked, with_rules(wish, model, asked, rules or None))
    return ranked_frame(
        *("user", asked.ids, "item", model.items_.ids),
        *(lists.items, lists.scores, model.backend_),
        source_names(lists, model.popularity_),
    )


def asked_users(model: Recommender, users: Any, history: Any, unknown: str) -> Asked:
    """Return who is asked for: every user of the history, or of the model, if none are named."""
    if history is not None:
        ids, rows = history_rows(history, users, model.items_, unknown, model.recency_)
        return Asked(ids, model.users_.codes(ids, unknown="skip"), rows)
    if users is None:
        codes = np.arange(len(model.users_), dtype=np.int32)
    else:
        codes = model.users_.codes(distinct_ids(users, "user"), unknown=unknown)
        codes = codes[codes >= 0]
    return Asked(model.users_.ids[codes], codes, None)


def with_rules(wish: Wish, model: Recommender, asked: Asked, rules: Rules | None) -> Wish:
    """Return a wish with rules, compiled for the users who ask: their rows, not their codes."""
    if rules is None:
        return wish
    if not isinstance(rules, Rules):
        raise ParameterError(f"rules must be a hybridrec.Rules, got {rules!r}")
    users = IdMap(asked.ids, "user") if rules.user_deny is not None else None
    groups = model.catalogue.groups
    compiled = rules.compile(model.items_, model.item_table_, users, groups=groups)
    return replace(wish, rules=compiled)


def lists_of_users(model: Recommender, asked: Asked, wish: Wish) -> Lists:
    """Return lists of users; ``wish.rules`` are compiled for just them."""
    every = np.arange(len(asked.ids))
    if asked.history is None:
        return lists_of_codes(model, asked.codes, None, wish, every)
    lists = lists_of_codes(model, asked.codes, asked.history, wish, every)
    stored = np.flatnonzero((asked.codes >= 0) & (np.diff(asked.history.indptr) == 0))
    if stored.size:
        own = lists_of_codes(model, asked.codes[stored], None, wish, stored)
        for ours, theirs in zip(lists, own, strict=True):
            if ours is not None:
                ours[stored] = theirs
    return lists


def lists_of_codes(
    model: Recommender,
    codes: np.ndarray,
    history: csr_matrix | None,
    wish: Wish,
    rule_rows: np.ndarray,
    features: csr_matrix | None = None,
) -> Lists:
    """Return lists of users by their codes; see `Recommender.recommend_codes`.

    Parameters
    ----------
    model : Recommender
    codes : ndarray of int, shape (n,)
        Ignored where ``history`` is given.
    history : csr_matrix, shape (n, n_items), optional
    wish : Wish
    rule_rows : ndarray of int, shape (n,)
        The users' rows in the rules, -1 for none.
    features : csr_matrix, shape (n, width), optional
        Of new users, beside their histories.
    """
    rules = wish.rules
    passing = _both(wish.items, None if rules is None else rules.allowed)
    scorer, rows, sources = model.scorer_for(codes, history, features)
    seen = _rows(model.history_, codes) if history is None else history
    barred = seen
    if model.hidden_ is not None:
        barred = union(barred, _hidden(model.hidden_, codes))
    if rules is not None and rules.denied is not None:
        barred = union(barred, rules.denied[rule_rows])
    pins = Pins.of(rules, barred, passing) if rules is not None and len(rules.pin_items) else None
    allowed = model.scorable_ if passing is None else model.scorable_ & passing
    order = Order(
        allowed if pins is None else pins.without(allowed),
        model.items_.tie_order,
        rules,
        None if wish.rerank is None else wish.rerank.prepared(model.catalogue),
        0 if wish.rerank is None else wish.rerank.candidates,
        wish.num_threads,
    )
    shape = (len(rows), min(wish.k, len(model.items_)))
    best = np.full(shape, -1, dtype=np.int32)
    scores = np.full(shape, -np.inf, dtype=np.float32)

    def serve(part: np.ndarray, scorer: Scorer, part_rows: np.ndarray) -> None:
        own = seen if len(part) == len(rows) else seen[part]
        best[part], scores[part] = choose(
            order,
            scorer,
            part_rows,
            wish.k,
            histories=own,
            exclude=own if barred is seen else barred[part],
            pins=None if pins is None else pins.items[part],
        )
        if pins is not None:
            pins.score(part, scorer, part_rows, model.scorable_)

    personal = np.flatnonzero(sources != POPULAR)
    serve(personal, scorer, rows[personal])
    left = np.flatnonzero(best[:, 0] < 0) if shape[1] else personal[:0]
    sources[left] = POPULAR  # the last resort: nobody is left without a list
    if left.size:
        serve(left, model.popular_scorer, np.zeros(len(left), dtype=np.int64))
    if pins is None:
        return Lists(best, scores, sources)
    best, scores, pinned = pins.placed(best, scores)
    return Lists(best, scores, sources, pinned)


def _rows(matrix: csr_matrix, rows: np.ndarray) -> csr_matrix:
    """Return some rows of a matrix: a single one, as a service asks for, in a third of the time."""
    if len(rows) != 1:
        return matrix[rows]
    from scipy.sparse import csr_matrix

    begin, end = matrix.indptr[rows[0]], matrix.indptr[rows[0] + 1]
    starts = np.array([0, end - begin], dtype=matrix.indptr.dtype)
    parts = matrix.data[begin:end], matrix.indices[begin:end], starts
    return csr_matrix(parts, shape=(1, matrix.shape[1]))


def _hidden(hidden: csr_matrix, codes: np.ndarray) -> csr_matrix:
    """Return what is hidden from users by their codes, nothing from new users (-1)."""
    known = codes >= 0
    rows = hidden[np.where(known, codes, 0)]
    rows.data = rows.data * np.repeat(known, np.diff(rows.indptr))
    rows.eliminate_zeros()
    return rows


def _both(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """Return the items of two masks, None standing for all items."""
    if one is None:
        return other
    both: np.ndarray = one if other is None else one & other
    return both


def union(one: csr_matrix, other: csr_matrix) -> csr_matrix:
    """Return a matrix with the stored entries of both."""
    shape = [one.copy(), other.copy()]
    for each in shape:
        each.data = np.ones(each.nnz, dtype=np.bool_)
    return shape[0] + shape[1]
