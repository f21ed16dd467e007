"""Read interactions, knowledge and tables from files of any recognised format."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrec.dataset.columns import Source
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import as_source, find_column, make_frame
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph, read_link
from hybridrec.dataset.readers.folders import FolderParts, find_parts
from hybridrec.dataset.readers.graphs import is_graph, read_graph
from hybridrec.dataset.readers.head import read_head
from hybridrec.dataset.readers.integer import ItemListsSource
from hybridrec.dataset.readers.recognise import open_file, source_of
from hybridrec.dataset.social import SocialGraph
from hybridrec.errors import ParameterError, did_you_mean, first_few

if TYPE_CHECKING:
    import pandas as pd

_INTERACTION_OPTIONS = (
    "user", "item", "weight", "timestamp", "event", "event_weights", "context", "timezone",
    "delimiter",
)  # fmt: skip
_KNOWLEDGE_OPTIONS = ("head", "relation", "tail", "link_item", "link_entity")


def read_interactions(
    path: str | os.PathLike[str],
    *,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    timestamp: str | None = None,
    event: str | None = None,
    event_weights: Mapping[str, float] | None = None,
    context: Sequence[str] = (),
    timezone: str = "UTC",
    delimiter: str | None = None,
) -> Interactions:
    """Read interactions from a file.

    Parameters
    ----------
    path : path
        Recognised by content: Parquet; JSON lines; RecBole ``.inter``; KGCN ``ratings_final.txt``
        ("user item label"); KGAT ``train.txt`` ("user item item ..."); CSV, TSV and other
        delimited text with a header line. Text is UTF-8 and may be packed with gzip.
    user, item, weight, timestamp, event, event_weights, context, timezone
        As in `Interactions.from_frame`. Ids of a text file are integers if all of them are written
        as integers ("007" is not), else text; Parquet and JSON ids keep their type.
    delimiter : str, optional
        Of delimited text, one character; by default tab, comma, semicolon or bar.

    Returns
    -------
    Interactions
        About 20 bytes a row; reading takes a few times that.

    Raises
    ------
    DataError
        If there is no such file, a column is missing, or a row cannot be used; names the file,
        the first lines and their text.
    """
    return Interactions.from_frame(
        open_file(path, "interactions", delimiter=delimiter),
        user=user,
        item=item,
        weight=weight,
        timestamp=timestamp,
        event=event,
        event_weights=event_weights,
        context=context,
        timezone=timezone,
    )


def read_knowledge(
    path: str | os.PathLike[str],
    *,
    head: str | None = None,
    relation: str | None = None,
    tail: str | None = None,
    link: str | os.PathLike[str] | None = None,
    link_item: str | None = None,
    link_entity: str | None = None,
    name: str | None = None,
) -> KnowledgeGraph:
    """Read a knowledge graph from a file of triples.

    Parameters
    ----------
    path : path
        Recognised by content: Parquet, JSON lines, CSV and the like with columns head, relation
        and tail; RecBole ``.kg``; KGCN and KGAT ``kg_final.txt``; GraphML; ``.edgelist``.
    head, relation, tail : str, optional
        Columns, recognised by name by default; of a graph file, ``relation`` is the edge attribute.
    link : path, optional
        A file that tells which item is which entity; by default their ids are the same.
    link_item, link_entity : str, optional
        Its columns.
    name : str, optional
        Name of the source, by default that of the file.

    Raises
    ------
    DataError
        If there is no such file, a column is missing, a row cannot be used, or an item is linked
        twice; names the file, the first lines and their text.
    """
    name = Path(path).name.split(".")[0] if name is None else name
    links = None if link is None else _opened(link, "link")
    start = read_head(path)
    if is_graph(start):
        pair = None if links is None else read_link(links, link_item, link_entity)
        return read_graph(start, relation=relation, link=pair, name=name)
    return KnowledgeGraph.from_frame(
        source_of(start, "knowledge"),
        head=head,
        relation=relation,
        tail=tail,
        link=links,
        link_item=link_item,
        link_entity=link_entity,
        name=name,
    )


def read_items(path: str | os.PathLike[str], *, item: str | None = None) -> pd.DataFrame:
    """Read an item table: one row an item.

    Parameters
    ----------
    path : path
        Parquet, JSON lines, RecBole ``.item``, CSV and the like.
    item : str, optional
        The id column, recognised by name by default.

    Returns
    -------
    pandas.DataFrame
        All columns as they are named; those of a text file are numbers where all values are.

    Raises
    ------
    DataError
        If there is no such file, or ids are missing or repeat; names ids, lines and their text.
    """
    return _read_table(open_file(path, "items"), "item", item)


def read_users(path: str | os.PathLike[str], *, user: str | None = None) -> pd.DataFrame:
    """Read a user table: one row a user; see `read_items`."""
    return _read_table(open_file(path, "users"), "user", user)


def read_dataset(
    interactions: Any,
    *,
    knowledge: Any = None,
    link: Any = None,
    items: Any = None,
    users: Any = None,
    social: Any = None,
    **columns: Any,
) -> Dataset:
    """Read all parts of a data set, from files or data frames, and align their ids.

    Parameters
    ----------
    interactions : path, data frame or Interactions
        A folder in the layout of RecBole (``NAME.inter`` and its companions), KGCN
        (``ratings_final.txt``, ``kg_final.txt``) or KGAT (``train.txt``, ``test.txt``,
        ``kg_final.txt``) gives all parts; of KGAT's files each row knows its file as the context
        column ``part``.
    knowledge : path, data frame or KnowledgeGraph, optional
    link, items, users : path or data frame, optional
    social : path, data frame or SocialGraph, optional
        Edges between users: user, friend and perhaps weight (RecBole ``.net``).
    **columns
        The column options of `read_interactions` and `read_knowledge`, and ``friend``. ``item``
        and ``user`` name the id columns of the tables too, where these have such a column.

    Raises
    ------
    DataError
        See `read_interactions`, `read_knowledge`, `read_items` and `Dataset.build`.
    ParameterError
        If an option is unknown, or ``link`` is given without ``knowledge``.
    """
    known = (*_INTERACTION_OPTIONS, *_KNOWLEDGE_OPTIONS, "friend")
    unknown = [option for option in columns if option not in known]
    if unknown:
        guess = did_you_mean(unknown[0], known)
        raise ParameterError(f"unknown option {unknown[0]!r}{guess} (there are {first_few(known)})")
    given = {"knowledge": knowledge, "link": link, "items": items, "users": users}
    given["social"] = social
    name = Path(interactions).name.split(".")[0] if _is_path(interactions) else "dataset"
    if _is_path(interactions) and Path(interactions).is_dir():
        parts = find_parts(Path(interactions))
        interactions = _interactions_of(parts)
        given = {
            part: getattr(parts, part) if value is None else value for part, value in given.items()
        }
    graph = _knowledge(
        given["knowledge"],
        given["link"],
        {option: columns.get(option) for option in _KNOWLEDGE_OPTIONS},
    )
    rows = _interactions(
        interactions, {one: columns[one] for one in _INTERACTION_OPTIONS if one in columns}
    )
    item_table, item_column = _table(given["items"], "item", columns.get("item"))
    user_table, user_column = _table(given["users"], "user", columns.get("user"))
    return Dataset.build(
        rows,
        graph,
        item_table=item_table,
        user_table=user_table,
        social=_social(given["social"], columns.get("user"), columns.get("friend")),
        item=item_column,
        user=user_column,
        name=name,
    )


def _is_path(one: Any) -> bool:
    return isinstance(one, str | os.PathLike)


def _opened(one: Any, kind: str, delimiter: str | None = None) -> Source:
    """Return a path or a data frame as a source of columns."""
    return open_file(one, kind, delimiter=delimiter) if _is_path(one) else as_source(one, kind)


def _interactions_of(parts: FolderParts) -> Any:
    if len(parts.interactions) == 1:
        return parts.interactions[0]
    return ItemListsSource([read_head(path) for path in parts.interactions])


def _interactions(given: Any, options: dict[str, Any]) -> Interactions:
    if isinstance(given, Interactions):
        return given
    if isinstance(given, ItemListsSource):
        options = options | {"context": [*options.get("context", ()), "part"]}
    delimiter = options.pop("delimiter", None)
    return Interactions.from_frame(_opened(given, "interactions", delimiter), **options)


def _knowledge(given: Any, link: Any, options: dict[str, Any]) -> KnowledgeGraph | None:
    if given is None and link is not None:
        raise ParameterError("a link needs a knowledge graph; give knowledge=... too")
    if given is None or isinstance(given, KnowledgeGraph):
        return given
    if _is_path(given):
        return read_knowledge(given, link=link, **options)
    links = None if link is None else _opened(link, "link")
    return KnowledgeGraph.from_frame(given, link=links, **options)


def _social(given: Any, user: str | None, friend: str | None) -> SocialGraph | None:
    if given is None or isinstance(given, SocialGraph):
        return given
    source = _opened(given, "social edges")
    named = user if user in source.names else None
    return SocialGraph.from_frame(source, user=named, friend=friend)


def _table(given: Any, role: str, column: str | None) -> tuple[Any, str | None]:
    """Return a table and its id column: the named one if it is there, else as recognised."""
    if given is None:
        return None, None
    source = _opened(given, f"{role}s")
    named = column if column in source.names else None
    found = str(find_column(source.names, role, named, where=source.where))
    return (_read_table(source, role, found) if _is_path(given) else given), found


def _read_table(source: Source, role: str, given: str | None) -> pd.DataFrame:
    column = str(find_column(source.names, role, given, where=source.where))
    with source.read(source.names) as columns:
        ids = columns.ids(column, role, distinct=True)
        values = {name: ids if name == column else columns.values(name) for name in source.names}
    return make_frame(values)
