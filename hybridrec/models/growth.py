"""A fitted model takes in new items by their features; all other rows stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import column_values, find_column, open_frame, to_pandas
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError, first_few
from hybridrec.models.base import Recommender
from hybridrec.models.tables import plain_table


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
    grow_items(model, items)
    if model.item_table_ is not None:
        model.item_table_ = _with_rows(model.item_table_, codes, to_pandas(table))
    scorable = model.scorable_.copy()
    scorable[codes] = placed & model._place_items(codes, features)
    model.scorable_ = scorable


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


def grow_items(model: Recommender, items: IdMap) -> None:
    """Widen everything to a longer item map; new items start empty."""
    extra = len(items) - len(model.items_)
    if extra == 0:
        return
    model.scorer_ = model.scorer_.with_more_items(extra)
    history = model.history_.copy()
    history.resize(history.shape[0], len(items))
    model._set_history(history)
    if model.hidden_ is not None:
        hidden = model.hidden_.copy()
        hidden.resize(history.shape)
        model.hidden_ = hidden
    for one in family(model):
        one.items_ = items
        one.scorable_ = np.pad(one.scorable_, (0, extra))
    if model.item_table_ is not None:
        model.item_table_ = model.item_table_.reindex(range(len(items)))


def family(model: Recommender) -> Iterator[Recommender]:
    """Yield a model and the models it is made of."""
    yield model
    for member in model.members_:
        yield from family(member)


def _with_rows(table: Any, codes: np.ndarray, new: Any) -> Any:
    """Return the item table with the columns it has in common with ``new`` filled in."""
    grown = table.astype(object)
    new.index = codes
    for name in new.columns.intersection(grown.columns):
        grown.loc[codes, name] = new[name]
    return plain_table(grown)
