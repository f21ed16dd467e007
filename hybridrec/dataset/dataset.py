"""Interactions, knowledge and item and user tables with their ids aligned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import find_column, to_pandas
from hybridrec.dataset.idmap import IdMap, as_ids
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.social import SocialGraph
from hybridrec.dataset.vectors import Vectors, check_vectors
from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

COLUMN_TYPES = ("category", "list", "number", "text")


@dataclass(frozen=True, eq=False)
class Dataset:
    """All that is known: interactions, and perhaps knowledge, tables and friends.

    Build one with `Dataset.build`; it aligns the ids. An item without any interaction is still
    an item: items of the table and of the link come after those of the interactions.

    Attributes
    ----------
    interactions : Interactions
        Their ``users`` and ``items`` maps hold every known user and item.
    knowledge : KnowledgeGraph or None
    item_table, user_table : pandas.DataFrame or None
        Row c belongs to code c; without the id column, missing values where a row was missing.
    name : str
    social : SocialGraph or None
        Edges between known users.
    vectors : tuple of Vectors
        Of items and users, made elsewhere; see `with_vectors`.
    column_types : mapping of column to {"category", "list", "number", "text"}
        Of the tables, as far as declared; see `with_column_types`.
    """

    interactions: Interactions
    knowledge: KnowledgeGraph | None = None
    item_table: pd.DataFrame | None = None
    user_table: pd.DataFrame | None = None
    name: str = "dataset"
    social: SocialGraph | None = None
    vectors: tuple[Vectors, ...] = ()
    column_types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        interactions: Any,
        knowledge: KnowledgeGraph | None = None,
        *,
        item_table: Any = None,
        user_table: Any = None,
        social: SocialGraph | None = None,
        item: str | None = None,
        user: str | None = None,
        name: str = "dataset",
    ) -> Dataset:
        """Align interactions, knowledge and tables.

        Parameters
        ----------
        interactions : Interactions or data frame
        knowledge : KnowledgeGraph, optional
        item_table, user_table : data frame, optional
            One row an id; further columns describe it.
        social : SocialGraph, optional
            Edges with users who are in neither the interactions nor the table are dropped.
        item, user : str, optional
            Id columns of the tables, recognised by name if not given.

        Raises
        ------
        DataError
            If an id repeats in a table, id types differ, a knowledge graph is given and no
            item is linked to it, or no social edge joins two known users.
        """
        if not isinstance(interactions, Interactions):
            interactions = Interactions.from_frame(interactions)
        users, items = interactions.users, interactions.items
        item_frame = user_frame = None
        if item_table is not None:
            item_frame, ids = _table_by_id(item_table, "item", item, items)
            items = items.extend(ids)
            item_frame = _aligned(item_frame, ids, items)
        if user_table is not None:
            user_frame, ids = _table_by_id(user_table, "user", user, users)
            users = users.extend(ids)
            user_frame = _aligned(user_frame, ids, users)
        if knowledge is not None and knowledge.link is not None:
            items = _with_linked_items(items, knowledge)
            item_frame = None if item_frame is None else item_frame.reindex(range(len(items)))
        interactions = replace(interactions, users=users, items=items)
        if knowledge is not None:
            _check_linked(knowledge, items)
        friends = None if social is None else social.among(users)
        return cls(interactions, knowledge, item_frame, user_frame, name, friends)

    @property
    def users(self) -> IdMap:
        """All known users."""
        return self.interactions.users

    @property
    def items(self) -> IdMap:
        """All known items, with or without interactions."""
        return self.interactions.items

    @property
    def matrix(self) -> csr_matrix:
        """Users x items, CSR float32."""
        return self.interactions.matrix

    @cached_property
    def item_entities(self) -> np.ndarray:
        """Entity code of every item, int32, -1 where it is not linked (or there is no graph)."""
        if self.knowledge is None:
            return np.full(len(self.items), -1, dtype=np.int32)
        return self.knowledge.entity_of(self.items)

    @property
    def titles(self) -> np.ndarray | None:
        """Title of every item (object array, None where unknown), or None without such a column."""
        return titles_of(self.item_table)

    def with_interactions(self, interactions: Interactions) -> Dataset:
        """Return the same knowledge and tables with other rows of interactions (same ids).

        Raises
        ------
        ParameterError
            If the id maps differ.
        """
        if interactions.items != self.items or interactions.users != self.users:
            raise ParameterError("with_interactions needs rows with the same id maps (use take)")
        return replace(self, interactions=interactions)

    def with_knowledge(self, knowledge: KnowledgeGraph | None) -> Dataset:
        """Return the dataset with another knowledge graph, or with none."""
        return replace(self, knowledge=knowledge)

    def with_vectors(self, *vectors: Vectors) -> Dataset:
        """Return the dataset with more vectors of its items or users: the blocks "vectors.NAME".

        Raises
        ------
        DataError
            If none of the ids is known here.
        ParameterError
            If a name repeats.
        """
        every = (*self.vectors, *vectors)
        check_vectors(every, {"item": self.items, "user": self.users})
        return replace(self, vectors=every)

    def with_column_types(self, types: Mapping[str, str]) -> Dataset:
        """Return the dataset with types declared of columns of its tables.

        Parameters
        ----------
        types : mapping of column to {"category", "list", "number", "text"}
            Columns of the item table or of the user table; the others are recognised.

        Raises
        ------
        ParameterError
            If there is no such column or type.
        """
        tables = (self.item_table, self.user_table)
        columns = [name for table in tables if table is not None for name in table.columns]
        for column, kind in types.items():
            if column not in columns:
                guess = did_you_mean(column, columns) or f" (there are {first_few(columns)})"
                raise ParameterError(f"no table has a column {column!r}{guess}")
            if kind not in COLUMN_TYPES:
                raise ParameterError(
                    f"column {column!r}: type must be one of {', '.join(COLUMN_TYPES)},"
                    f" got {kind!r}"
                )
        return replace(self, column_types={**self.column_types, **types})

    def __repr__(self) -> str:
        graph = "" if self.knowledge is None else f", {len(self.knowledge)} triples"
        return (
            f"Dataset({self.name!r}: {len(self.interactions)} interactions,"
            f" {len(self.users)} users, {len(self.items)} items{graph})"
        )


def titles_of(table: pd.DataFrame | None) -> np.ndarray | None:
    """Return the title of every row of an item table; see `Dataset.titles`."""
    if table is None:
        return None
    column = find_column(list(table.columns), "title", None, where="items", required=False)
    if column is None:
        return None
    values = table[column]
    titles: np.ndarray = values.astype(object).where(values.notna(), None).to_numpy()
    return titles


def _table_by_id(
    data: Any, role: str, given: str | None, known: IdMap
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table without its id column, and its checked ids in the type of ``known``."""
    table = to_pandas(data)
    column = str(find_column(list(table.columns), role, given, where=f"{role} table"))
    ids = as_ids(table.pop(column).to_numpy(), role)
    if len(known) and known.is_text and ids.dtype != object:
        ids = ids.astype(str).astype(object)
    IdMap(ids, f"{role} table")  # no duplicates
    return table, ids


def _aligned(table: pd.DataFrame, ids: np.ndarray, known: IdMap) -> pd.DataFrame:
    table.index = known.codes(ids)
    return table.reindex(range(len(known)))


def _with_linked_items(items: IdMap, knowledge: KnowledgeGraph) -> IdMap:
    assert knowledge.link is not None
    linked = knowledge.link[0]
    if items.is_text and linked.dtype != object:
        linked = linked.astype(str).astype(object)
    if not items.is_text and linked.dtype == object:
        return items  # other ids: _check_linked tells
    return items.extend(linked)


def _check_linked(knowledge: KnowledgeGraph, items: IdMap) -> None:
    """Refuse a knowledge graph that knows none of the items."""
    entities = knowledge.entity_of(items)
    in_triples = np.zeros(len(knowledge.entities) + 1, dtype=bool)  # last: not linked
    in_triples[knowledge.head] = in_triples[knowledge.tail] = True
    in_triples[-1] = False
    if in_triples[entities].any() or len(items) == 0:
        return
    ids = knowledge.entities.ids if knowledge.link is None else knowledge.link[0]
    space = "entities" if knowledge.link is None else "linked items"
    raise DataError(
        f"no item is linked to the knowledge graph: items look like {first_few(items.ids, 3)},"
        f" {space} like {first_few(ids, 3)}; give a link table (item, entity)"
    )
