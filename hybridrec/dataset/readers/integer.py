"""The integer text files of the knowledge graph literature, without a header.

KGCN and its followers: ``ratings_final.txt`` of lines "user item label" (1: liked, 0: sampled as
not liked) and ``kg_final.txt`` of "head relation tail". KGAT and its followers: ``train.txt`` and
``test.txt`` of "user item item ...". In both an item is the entity with the same number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from hybridrec.dataset.readers.database import exact_path, literal
from hybridrec.dataset.readers.delimited import DelimitedSource
from hybridrec.dataset.readers.head import FileHead, open_text
from hybridrec.dataset.readers.source import SHOWN, FileSource, bad_lines
from hybridrec.errors import DataError

if TYPE_CHECKING:
    import duckdb

# The columns of a line, by what the file is asked for.
LAYOUTS = {
    "interactions": ("user", "item", "label"),
    "knowledge": ("head", "relation", "tail"),
    "link": ("item", "entity"),
    "social edges": ("user", "friend"),
}
_NAMES = {
    "interactions": "a labelled row",
    "knowledge": "a triple",
    "link": "a link",
    "social edges": "a social edge",
}
_ITEM_LISTS = ("train", "test", "valid")  # names of files of item lists begin so, of
_LABELLED = "ratings"  # files of labelled rows so
_INTEGERS = re.compile(r"\s*-?\d+(\s+-?\d+)*\s*")


def is_integer_text(head: FileHead) -> bool:
    """Tell whether the first line is integers between tabs or spaces."""
    return _INTEGERS.fullmatch(head.lines[0]) is not None


def open_integer_text(head: FileHead, kind: str) -> FileSource:
    """Open a file of integers, asked for as ``kind``.

    Raises
    ------
    DataError
        If its lines have another number of integers, or a table is asked for.
    """
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise DataError(f"{head.path}:1: a table needs a first line with the column names")
    width = _usual_width(head)
    if kind == "interactions" and _holds_lists(head.plain_name, width):
        return ItemListsSource([head])
    if width not in (None, len(layout)):
        raise DataError(
            f"{head.path} has {width} columns, {_NAMES[kind]} needs {', '.join(layout)};"
            " or name the columns in a first line"
        )
    delimiter = "\t" if "\t" in head.lines[0] else " "
    types = dict.fromkeys(layout, "BIGINT")
    return DelimitedSource(head, layout, delimiter, quote="", header=False, types=types)


def _usual_width(head: FileHead) -> int | None:
    """Return the number of integers that most lines have, None if they differ more than that."""
    widths = Counter(len(line.split()) for line in head.lines if line.strip())
    width, count = widths.most_common(1)[0]
    return width if 2 * count > widths.total() else None


def _holds_lists(name: str, width: int | None) -> bool:
    return name.startswith(_ITEM_LISTS) or (width in (None, 2) and not name.startswith(_LABELLED))


class ItemListsSource(FileSource):
    """Files of lines "user item item ...", in one table with the name of the file as ``part``."""

    def __init__(self, heads: Sequence[FileHead]) -> None:
        super().__init__(heads[0].path, ("user", "item", "part"))
        self._heads = heads

    def load(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        """Read the lists, one row an item."""
        line = f"trim(line, {literal(' ' + chr(9) + chr(13))})"
        connection.execute('create temp table loaded ("user" BIGINT, item BIGINT, part VARCHAR)')
        for head in self._heads:
            part = literal(head.plain_name.removesuffix(".txt"))
            connection.execute(
                "create or replace temp table lists as select * from read_csv(?, header = false,"
                " auto_detect = false, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '',"
                f" escape = '', compression = {literal(head.compression)},"
                " hive_partitioning = false)",
                [exact_path(head.path)],
            )
            self._refuse_other_lines(connection, head)
            connection.execute(
                f"insert into loaded select numbers[1], unnest(numbers[2:]), {part} from"
                f" (select string_split_regex({line}, '\\s+')::BIGINT[] as numbers"
                f" from lists where {line} <> '')"
            )
        columns = ", ".join(f'"{name}" as c{at}' for at, name in enumerate(names))
        connection.execute(f"create view entries as select rowid as entry, {columns} from loaded")

    def lines(self, rows: Sequence[int]) -> list[tuple[str, str]]:
        """Return nothing: what can be wrong with a line is refused as it is read."""
        return []

    def _refuse_other_lines(self, connection: duckdb.DuckDBPyConnection, head: FileHead) -> None:
        query = (
            "select rowid from lists where not"
            " regexp_full_match(line, '\\s*(-?\\d+(\\s+-?\\d+)*)?\\s*') order by rowid"
        )
        bad = [row for (row,) in connection.execute(query).fetchall()]
        if bad:
            wanted = set(bad[:SHOWN])
            problem = "not a user and its items as integers"
            with open_text(head.path, is_gzip=head.is_gzip) as handle:
                lines = (line for line in enumerate(handle) if line[0] in wanted)
                shown = [
                    (f"{head.path}:{at + 1}", problem, text)
                    for at, text in islice(lines, len(wanted))
                ]
            raise bad_lines(str(head.path), shown, len(bad))
