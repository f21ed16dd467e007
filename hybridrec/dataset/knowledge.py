"""What is known about the items: triples (head, relation, tail) and the item-entity link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybridrec.dataset.columns import Source
from hybridrec.dataset.frames import as_source, column_values, find_column, open_frame
from hybridrec.dataset.idmap import IdMap, as_ids
from hybridrec.dataset.labels import Labels, code_labels, labels_by_code
from hybridrec.dataset.same_items import entities_of_same_items, renamed
from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """A knowledge graph: triples of codes, and which item is which entity.

    Build one with `from_triples`, `from_frame`, `from_networkx`, `from_item_table` or
    `hybridrec.read_knowledge`.

    Attributes
    ----------
    entities, relations : IdMap
    head, relation, tail : ndarray of int32, shape (triples,)
        Codes into ``entities``, ``relations`` and ``entities``.
    source : ndarray of int16, shape (triples,)
        Position in ``sources`` of the graph each triple came from.
    link : tuple of (ndarray, ndarray) or None
        Item ids and the int32 codes of their entities; None means that an item's entity is the
        one with the same id.
    after_release : frozenset
        Relations whose facts appear after an item succeeds (awards, say) and so tell its
        popularity; see `without_after_release`.
    sources : tuple of str
    labels : tuple of (ndarray, ndarray) or None
        Codes of entities, ascending, and their texts; see `with_labels`.
    """

    entities: IdMap
    relations: IdMap
    head: np.ndarray
    relation: np.ndarray
    tail: np.ndarray
    source: np.ndarray
    link: tuple[np.ndarray, np.ndarray] | None = None
    after_release: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ("knowledge",)
    labels: Labels | None = None

    @classmethod
    def from_triples(
        cls,
        head: Any,
        relation: Any,
        tail: Any,
        *,
        link: tuple[Any, Any] | None = None,
        after_release: Iterable[str] = (),
        name: str = "knowledge",
    ) -> KnowledgeGraph:
        """Build a graph from three equally long columns of ids.

        Parameters
        ----------
        head, relation, tail : sequence of int or str
            Where integers and text are mixed between head and tail, all become text. Repeated
            triples are kept once.
        link : (item ids, entity ids), optional
            Which item is which entity; by default the ids are the same.
        after_release : iterable of relation, optional
            Relations that are known only after an item succeeds.
        name : str
            Name of the source.

        Raises
        ------
        DataError
            If columns differ in length, ids are missing, or an item is linked twice.
        """
        columns = [as_ids(head, "head"), as_ids(relation, "relation"), as_ids(tail, "tail")]
        if len({len(column) for column in columns}) != 1:
            lengths = [len(column) for column in columns]
            raise DataError(f"head, relation and tail differ in length: {lengths}")
        pair = None if link is None else (as_ids(link[0], "item"), as_ids(link[1], "entity"))
        source = np.zeros(len(columns[0]), dtype=np.int16)
        return _build(columns, pair, source, (name,), frozenset(after_release))

    @classmethod
    def from_frame(
        cls,
        data: Any,
        *,
        head: str | None = None,
        relation: str | None = None,
        tail: str | None = None,
        link: Any = None,
        link_item: str | None = None,
        link_entity: str | None = None,
        after_release: Iterable[str] = (),
        name: str = "knowledge",
    ) -> KnowledgeGraph:
        """Build a graph from a data frame of triples and, optionally, one of links.

        Columns are recognised by their usual names unless named; see `from_triples`. ``data``
        and ``link`` may be a `Source` instead; `hybridrec.read_knowledge` reads files.

        Raises
        ------
        DataError
            If a column is missing, an id is missing, or an item is linked twice.
        """
        source = as_source(data, name)
        if len(source.names) < 3:
            raise DataError(
                f"{source.where} has {len(source.names)} columns, a triple needs head, relation,"
                f" tail (columns: {first_few(source.names)})"
            )
        named = {"head": head, "relation": relation, "tail": tail}
        triples = _read_ids(source, named)
        pair = None if link is None else read_link(link, link_item, link_entity)
        return cls.from_triples(*triples, link=pair, after_release=after_release, name=name)

    @classmethod
    def from_networkx(
        cls,
        graph: Any,
        *,
        relation: str = "relation",
        link: tuple[Any, Any] | None = None,
        name: str = "knowledge",
    ) -> KnowledgeGraph:
        """Build a graph from a NetworkX graph.

        Every edge is a triple; its relation is the edge attribute ``relation`` (for multigraphs
        without it the edge key, else "related").
        """
        rows = []
        keyed = graph.is_multigraph()
        edges = graph.edges(keys=True, data=True) if keyed else graph.edges(data=True)
        for head, tail, *key, data in edges:
            named = key[0] if key and isinstance(key[0], str) else "related"
            rows.append((head, str(data.get(relation, named)), tail))
        if not rows:
            raise DataError(f"{name}: the graph has no edge")
        head, kind, tail = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
        return cls.from_triples(head, kind, tail, link=link, name=name)

    @classmethod
    def from_item_table(
        cls,
        data: Any,
        relations: Mapping[str, str],
        *,
        item: str | None = None,
        name: str = "items",
    ) -> KnowledgeGraph:
        """Make facts of the columns of an item table.

        Parameters
        ----------
        data : data frame
            One row an item.
        relations : mapping of relation to column
            Such as ``{"genre": "genres"}``; list columns give a triple per element. The tails
            are entities "genre:Comedy", shared by all items of that value; an item's own entity
            is "item:ID".
        item : str, optional
            The id column.
        """
        frame, _ = open_frame(data)
        id_column = str(find_column(frame.columns, "item", item, where=name))
        ids = as_ids(column_values(frame, id_column), "item")
        own = np.array([f"item:{one}" for one in ids.tolist()], dtype=object)
        rows = []
        for relation, column in relations.items():
            find_column(frame.columns, relation, column, where=name)
            values = frame.get_column(column).to_list()
            for entity, value in zip(own, values, strict=True):
                rows += [(entity, relation, f"{relation}:{one}") for one in as_list(value)]
        if not rows:
            raise DataError(f"{name}: no value in columns {first_few(relations.values())}")
        head, kind, tail = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
        return cls.from_triples(head, kind, tail, link=(ids, own), name=name)

    def __len__(self) -> int:
        return len(self.head)

    def __repr__(self) -> str:
        return (
            f"KnowledgeGraph({len(self)} triples, {len(self.entities)} entities,"
            f" {len(self.relations)} relations)"
        )

    def entity_of(self, items: IdMap) -> np.ndarray:
        """Return the int32 entity code of every item of a map, -1 where it is not linked."""
        if self.link is not None:
            linked, wanted = _one_type(self.link[0], items.ids)
            position = IdMap(linked, "item").codes(wanted, unknown="skip")
            return np.where(position >= 0, self.link[1][position], -1).astype(np.int32)
        known, wanted = _one_type(self.entities.ids, items.ids)
        entities = self.entities if known is self.entities.ids else IdMap(known, "entity")
        return entities.codes(wanted, unknown="skip")

    def with_labels(self, labels: Mapping[Any, str]) -> KnowledgeGraph:
        """Return the graph with texts for some entities, which explanations show.

        Parameters
        ----------
        labels : mapping of entity to str
            Entities that the graph does not have are passed over; those that had a text before
            get the new one.

        Raises
        ------
        DataError
            If the graph has none of the entities.
        """
        return replace(self, labels=code_labels(self.entities, labels, self.labels))

    def relation_counts(self) -> dict[Any, int]:
        """Return the number of triples of each relation, most frequent first."""
        counts = np.bincount(self.relation, minlength=len(self.relations))
        order = np.lexsort((np.arange(len(counts)), -counts))
        return {self.relations.ids[code]: int(counts[code]) for code in order.tolist()}

    def without_relations(self, names: Iterable[Any]) -> KnowledgeGraph:
        """Return the graph without the triples of some relations (entities stay).

        Raises
        ------
        ParameterError
            If a relation is not in the graph.
        """
        listed = list(names)
        for one in listed:
            if one not in self.relations:
                guess = did_you_mean(one, self.relations.ids)
                raise ParameterError(
                    f"unknown relation {one!r}{guess} (there are {first_few(self.relations.ids)})"
                )
        if not listed:
            return self
        keep = ~np.isin(self.relation, self.relations.codes(listed))
        return self.take(keep)

    def without_after_release(self) -> KnowledgeGraph:
        """Return the graph without the relations that tell popularity after release."""
        return self.without_relations(sorted(self.after_release))

    def take(self, rows: np.ndarray) -> KnowledgeGraph:
        """Return the graph of some triples, given by positions or as a mask; ids stay the same."""
        return replace(
            self,
            head=self.head[rows],
            relation=self.relation[rows],
            tail=self.tail[rows],
            source=self.source[rows],
        )

    def merge(self, other: KnowledgeGraph) -> KnowledgeGraph:
        """Return both graphs in one; equal entity and relation ids are the same thing.

        Each triple keeps the name of the source it is in (the first, where it is in both). Where
        both graphs know an item, this graph's entity stands for it and the other's is renamed.
        """
        rename = entities_of_same_items(self, other)
        mine, theirs = self._columns(), other._columns()
        theirs[0], theirs[2] = renamed(theirs[0], rename), renamed(theirs[2], rename)
        link = None
        if self.link is not None:
            extra = other.link if other.link is not None else (self.link[0][:0], self.link[1][:0])
            ids = np.concatenate(_one_type(self.link[0], extra[0]))
            ends = [self.entities.ids[self.link[1]], renamed(other.entities.ids[extra[1]], rename)]
            ends_joined = np.concatenate(_one_type(*ends))
            first = np.unique(np.array([str(one) for one in ids]), return_index=True)[1]
            link = ids[np.sort(first)], ends_joined[np.sort(first)]
        offset = len(self.sources)
        joined = _build(
            [np.concatenate(_one_type(a, b)) for a, b in zip(mine, theirs, strict=True)],
            link,
            np.concatenate([self.source, other.source + offset]).astype(np.int16),
            self.sources + other.sources,
            self.after_release | other.after_release,
        )
        texts = other._texts(rename) | self._texts({})
        return joined.with_labels(texts) if texts else joined

    def _texts(self, rename: Mapping[str, Any]) -> dict[Any, str]:
        """Return the labels by the ids of entities."""
        ids = renamed(self.entities.ids, rename)
        return {ids[code]: text for code, text in labels_by_code(self.labels).items()}

    def _columns(self) -> list[np.ndarray]:
        entity, relation = self.entities.ids, self.relations.ids
        return [entity[self.head], relation[self.relation], entity[self.tail]]


def read_link(
    data: Any, item: str | None = None, entity: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the item ids and entity ids of a link table, a data frame or a `Source`.

    Raises
    ------
    DataError
        If a column is missing, an id is missing, or an item is linked twice.
    """
    ends = {"item": item, "entity": entity}
    items, entities = _read_ids(as_source(data, "link"), ends, distinct="item")
    return items, entities


def _read_ids(
    source: Source, named: Mapping[str, str | None], distinct: str | None = None
) -> list[np.ndarray]:
    """Read the id column of each role; the ids of the role ``distinct`` may not repeat."""
    where = source.where
    found = {
        role: str(find_column(source.names, role, given, where=where))
        for role, given in named.items()
    }
    with source.read(list(dict.fromkeys(found.values()))) as columns:
        return [columns.ids(name, role, distinct=role == distinct) for role, name in found.items()]


def as_list(value: Any) -> list[Any]:
    """Return the elements of a list-like cell, none of a missing one, the value of any other."""
    if isinstance(value, list | tuple | set | np.ndarray):
        return [one for one in value if not _is_missing(one)]
    is_false = isinstance(value, bool | np.bool_) and not value
    return [] if is_false or _is_missing(value) else [value]


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _build(
    columns: list[np.ndarray],
    link: tuple[np.ndarray, np.ndarray] | None,
    source: np.ndarray,
    sources: tuple[str, ...],
    after_release: frozenset[str],
) -> KnowledgeGraph:
    """Code the id columns and keep each triple once, with its first source."""
    heads, relations, tails = columns
    ends = link[1] if link is not None else heads[:0]
    entities, codes = IdMap.from_values(np.concatenate(_one_type(heads, tails, ends)), "entity")
    relation_map, relation_codes = IdMap.from_values(relations, "relation")
    n = len(heads)
    triples = np.stack([codes[:n], relation_codes, codes[n : 2 * n]])
    order = np.lexsort((np.arange(n), *triples[::-1]))
    ordered = triples[:, order]
    first = np.ones(n, dtype=bool)
    first[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    rows = order[first]
    head, relation, tail = triples[:, rows]
    checked = None if link is None else _check_link(link[0], codes[2 * n :])
    return KnowledgeGraph(
        entities, relation_map, head, relation, tail, source[rows], checked, after_release, sources
    )


def _check_link(items: np.ndarray, entities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        IdMap(items, "item")
    except DataError as error:
        raise DataError(f"link: an item can be only one entity; {error}") from None
    return items, entities


def _one_type(*columns: np.ndarray) -> list[np.ndarray]:
    """Return id columns of one type: all integers, or all text where any is text."""
    if any(column.dtype == object for column in columns):
        return [_as_text(column) for column in columns]
    return list(columns)


def _as_text(ids: np.ndarray) -> np.ndarray:
    return ids if ids.dtype == object else ids.astype(str).astype(object)
