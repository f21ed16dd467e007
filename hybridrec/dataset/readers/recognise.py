"""Which format a file has, by its content first and its name second."""

from __future__ import annotations

import os

from hybridrec.dataset.readers.delimited import open_delimited
from hybridrec.dataset.readers.graphs import is_graph
from hybridrec.dataset.readers.head import FileHead, read_head
from hybridrec.dataset.readers.integer import is_integer_text, open_integer_text
from hybridrec.dataset.readers.jsonlines import JsonLinesSource
from hybridrec.dataset.readers.parquet import ParquetSource
from hybridrec.dataset.readers.recbole import is_recbole, open_recbole
from hybridrec.dataset.readers.source import FileSource
from hybridrec.errors import DataError


def open_file(
    path: str | os.PathLike[str], kind: str, *, delimiter: str | None = None
) -> FileSource:
    """Open a file as a source of columns.

    Parameters
    ----------
    path : path
        Parquet, JSON lines, RecBole atomic file, KGCN or KGAT integer text, or delimited text
        with a header line; text may be packed with gzip.
    kind : {"interactions", "knowledge", "link", "items", "users", "social edges"}
        What the file is to hold; tells the columns of files without a header.
    delimiter : str, optional
        Of delimited text; recognised by default.

    Raises
    ------
    DataError
        If there is no such file, or it is of no such format.
    """
    return source_of(read_head(path), kind, delimiter)


def source_of(head: FileHead, kind: str, delimiter: str | None = None) -> FileSource:
    """Open a file whose beginning has been read; see `open_file`."""
    if head.start.startswith(b"PAR1"):
        return ParquetSource(head)
    if b"\0" in head.start:
        raise DataError(f"{head.path} is no text file, and no Parquet file either")
    if delimiter is not None:
        return open_delimited(head, delimiter)
    first = head.text.lstrip()[:1]
    if first == "{":
        return JsonLinesSource(head)
    if first == "[":
        raise DataError(f"{head.path} is a JSON array; write one object a line (JSON lines)")
    if is_graph(head):
        raise DataError(f"{head.path} is a graph, but {kind} must be a table")
    if is_recbole(head):
        return open_recbole(head)
    if is_integer_text(head):
        return open_integer_text(head, kind)
    return open_delimited(head, None)
