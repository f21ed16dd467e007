"""GraphML files and edge lists, through NetworkX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybridrec.dataset.frames import find_column
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.readers.delimited import is_number
from hybridrec.dataset.readers.head import FileHead, open_bytes, open_text
from hybridrec.dataset.readers.source import SHOWN, bad_lines
from hybridrec.errors import DataError

if TYPE_CHECKING:
    import networkx as nx

_EDGE_LISTS = (".edgelist", ".edges")


def is_graph(head: FileHead) -> bool:
    """Tell whether a file is GraphML (by content) or an edge list (by suffix)."""
    return head.text.lstrip().startswith("<") or head.plain_name.endswith(_EDGE_LISTS)


def read_graph(
    head: FileHead, *, relation: str | None, link: tuple[Any, Any] | None, name: str
) -> KnowledgeGraph:
    """Read a graph whose edges are triples.

    Parameters
    ----------
    head : FileHead
    relation : str or None
        The edge attribute that names the relation; None recognises the usual names. The third
        word of a line of an edge list is the relation, unless it is a number. Without attributes
        all edges are "related".
    link : (item ids, entity ids) or None
        Which item is which entity; by default the ids are the same.
    name : str
        Name of the source.

    Raises
    ------
    DataError
        If the file is no such graph, has no edge, or has edge attributes of which none is the
        relation.
    """
    graph = _edge_list(head) if head.plain_name.endswith(_EDGE_LISTS) else _graphml(head)
    attributes = sorted({key for *_, data in graph.edges(data=True) for key in data})
    where = str(head.path)
    column = find_column(attributes, "relation", relation, where=where, required=bool(attributes))
    column = column or "relation"
    for *_, data in graph.edges(data=True):
        data.setdefault(column, "related")
    return KnowledgeGraph.from_networkx(graph, relation=column, link=link, name=name)


def _graphml(head: FileHead) -> nx.Graph:
    from xml.etree.ElementTree import ParseError

    import networkx as nx

    try:
        with open_bytes(head.path, is_gzip=head.is_gzip) as handle:
            return nx.read_graphml(handle)
    except (ParseError, nx.NetworkXError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"{head.path} is no GraphML that can be read: {error}") from error


def _edge_list(head: FileHead) -> nx.Graph:
    """Read lines "head tail", "head tail relation" or "head tail {attributes}"."""
    import networkx as nx

    with open_text(head.path, is_gzip=head.is_gzip) as handle:
        numbered = enumerate(handle, 1)
        # Not NetworkX's own comments: it would cut ids such as "http://example.org/a#b".
        lines = [(at, line) for at, line in numbered if line.strip() and not line.startswith("#")]
    words = [line.split(None, 2) for _, line in lines]
    width = max(2, len(words[0])) if words else 2
    expected = "head tail" if width == 2 else "head tail relation (as on the first line)"
    bad = [
        (f"{head.path}:{at}", f"not an edge of the form: {expected}", line)
        for (at, line), found in zip(lines, words, strict=True)
        if len(found) != width
    ]
    if bad:
        raise bad_lines(str(head.path), bad[:SHOWN], len(bad))
    data: Any = True  # a literal dictionary, or nothing
    if width == 3 and not words[0][2].startswith("{"):
        data = False if is_number(words[0][2]) else (("relation", str),)
    try:
        texts = (line for _, line in lines)
        return nx.parse_edgelist(texts, comments=None, create_using=nx.MultiDiGraph, data=data)
    except (TypeError, IndexError) as error:
        raise DataError(f"{head.path} is no edge list that can be read: {error}") from error
