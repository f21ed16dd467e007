"""A fitted model takes in new items, users and interactions; all other rows stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import column_values, find_column, open_frame, to_pandas
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError, first_few
from hybridrec.models.base import Recommender
from hybridrec.models.frames import MODEL, POPULAR
from hybridrec.models.tables import plain_table
from hybridrec.ranking.scorer import FactorScorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def add_items(
    model: Recommender,
    table: Any,
    knowledge: KnowledgeGraph | None = None,
    item: str | None = None,
) -> None:
    """Add items that have features but no interaction yet.

    Parameters
    ----------
    model : Recommender
        Fitted with item features by name or pipeline; changed in place.
    table : data frame
        One row a new item: its id and the columns the model was fitted with, as far as known.
    knowledge : KnowledgeGraph, optional
        Facts of the new items, in the relations and entities the model knows. What the model's
        own graph says about their entities counts in any case.
    item : str, optional
        The id column, recognised by name if not given.

    Raises
    ------
    ParameterError
        If the model has no features to place new items by.
    DataError
        If an item is already known or appears twice, or the graph is about none of them.
    """
    if model.item_pipeline_ is None:
        raise ParameterError(
            f"this {model.model_name} was fitted without item features, or with a ready-made"
            " matrix of them, so it cannot place new items; fit a hybrid with features by name, or"
            " use update with interactions"
        )
    frame, _ = open_frame(table)
    column = str(find_column(frame.columns, "item", item, where="new items"))
    new = IdMap(column_values(frame, column), "item")
    items = model.items_.extend(new.ids)
    known = new.ids[model.items_.codes(new.ids, unknown="skip") >= 0]
    if known.size:
        raise DataError(f"items {first_few(known)} are already known")
    if len(new) == 0:
        return
    nothing = np.zeros(0, dtype=np.int32)
    rows = Interactions(
        IdMap(nothing, "user"), new, nothing, nothing, np.zeros(0, dtype=np.float32)
    )
    facts = None if knowledge is None else _linked_to(knowledge, new)
    dataset = Dataset.build(rows, facts, item_table=table, item=column)
    features = model.item_pipeline_.transform(dataset).matrix()
    placed = np.diff(features.indptr) > 0
    codes = np.arange(len(model.items_), len(items))
    _grow_items(model, items)
    if model.item_table_ is not None:
        model.item_table_ = _with_rows(model.item_table_, codes, to_pandas(table))
    scorable = model.scorable_.copy()
    scorable[codes] = placed & model._place_items(codes, features)
    model.scorable_ = scorable


def update_model(model: Recommender, interactions: Any) -> None:
    """Fold new interactions in, without a refit.

    Users with new interactions are folded in again from their whole history; one whose items are
    all new to the model is served the popular items. New items get factors from their users where
    the model can do that (the ALS family and the baselines); elsewhere they are kept, and
    recommended after the next fit. All other rows stay as they are, bit for bit.

    Parameters
    ----------
    model : Recommender
        Fitted; changed in place.
    interactions : data frame or Interactions
        New events of old and new users and items; weights of known pairs are added up. Where the
        model was fitted with a `Recency`, events with timestamps are weighted among themselves;
        what is known already does not age before the next fit.
    """
    if not isinstance(interactions, Interactions):
        interactions = Interactions.from_frame(interactions)
    if model.recency_ is not None and interactions.timestamps is not None:
        interactions = interactions.weighted_by(model.recency_)
    users = model.users_.extend(interactions.users.ids)
    _grow_items(model, model.items_.extend(interactions.items.ids))
    n_users = len(users)
    rows = users.codes(interactions.users.ids)[interactions.user_codes]
    columns = model.items_.codes(interactions.items.ids)[interactions.item_codes]
    fresh = _counts(rows, columns, interactions.learned_weights, (n_users, len(model.items_)))
    history = model.history_.copy()
    history.resize(fresh.shape)
    sources = np.pad(model.user_sources_, (0, n_users - len(model.users_)), constant_values=POPULAR)
    model._set_history((history + fresh).tocsr())
    _place_from_users(model)
    touched = np.flatnonzero((np.diff(fresh.indptr) > 0) & model._tell_something(model.history_))
    sources[touched] = MODEL
    for one in _family(model):
        one.users_, one.user_sources_ = users, sources
    folded, _, _ = model.scorer_for(touched, model.history_[touched])
    model.scorer_ = model.scorer_.with_users_of(folded, touched, n_users)


def _linked_to(knowledge: KnowledgeGraph, items: IdMap) -> KnowledgeGraph:
    """Return the graph with the links of some items only."""
    if knowledge.link is None:
        return knowledge
    ids, entities = knowledge.link
    ours = np.isin(ids.astype(str), items.ids.astype(str))
    if not ours.any():
        raise DataError(
            f"no new item is linked to the knowledge graph: they are {first_few(items.ids, 3)},"
            f" linked are {first_few(ids, 3)}"
        )
    return replace(knowledge, link=(ids[ours], entities[ours]))


def _place_from_users(model: Recommender) -> None:
    """Give items that had nothing to be scored by, and now have users, their factors."""
    if model.members_:
        for member in model.members_:
            _place_from_users(member)
        model.scorable_ = np.any([member.scorable_ for member in model.members_], axis=0)
        return
    new = np.flatnonzero(~model.scorable_ & (model.popularity_ > 0))
    n_trained = model.scorer_.n_users
    histories = model.history_[:n_trained, new].T.tocsr()
    known = np.diff(histories.indptr) > 0  # at least one user with factors
    if not isinstance(model.scorer_, FactorScorer) or not known.any():
        return
    rows = model._fold_in_items(histories[known])
    if rows is None:
        return
    model.scorer_ = model.scorer_.with_items(new[known], *rows)
    scorable = model.scorable_.copy()
    scorable[new[known]] = True
    model.scorable_ = scorable


def _grow_items(model: Recommender, items: IdMap) -> None:
    """Widen everything to a longer item map; new items start empty."""
    extra = len(items) - len(model.items_)
    if extra == 0:
        return
    model.scorer_ = model.scorer_.with_more_items(extra)
    history = model.history_.copy()
    history.resize(history.shape[0], len(items))
    model._set_history(history)
    for one in _family(model):
        one.items_ = items
        one.scorable_ = np.pad(one.scorable_, (0, extra))
    if model.item_table_ is not None:
        model.item_table_ = model.item_table_.reindex(range(len(items)))


def _family(model: Recommender) -> Iterator[Recommender]:
    """Yield a model and the models it is made of."""
    yield model
    for member in model.members_:
        yield from _family(member)


def _with_rows(table: Any, codes: np.ndarray, new: Any) -> Any:
    """Return the item table with the columns it has in common with ``new`` filled in."""
    grown = table.astype(object)
    new.index = codes
    for name in new.columns.intersection(grown.columns):
        grown.loc[codes, name] = new[name]
    return plain_table(grown)


def _counts(
    rows: np.ndarray, columns: np.ndarray, weights: np.ndarray, shape: tuple[int, int]
) -> csr_matrix:
    from scipy.sparse import csr_matrix

    matrix = csr_matrix((weights, (rows, columns)), shape=shape, dtype=np.float32)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix
