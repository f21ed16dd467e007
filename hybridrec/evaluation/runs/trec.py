"""The files of TREC: runs and judgements (qrels), as trec_eval and its relatives take them.

A run has lines "topic Q0 document rank score tag", qrels have lines "topic iteration document
relevance", with any blanks between the fields and no header. A topic is a user here, a document
an item. As in trec_eval the order of a run is that of its scores; the rank is not read.

Format: https://github.com/usnistgov/trec_eval
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from hybridrec.dataset.readers.database import exact_path, literal
from hybridrec.dataset.readers.head import FileHead, open_text
from hybridrec.dataset.readers.source import SHOWN, FileSource, bad_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

RUN = ("user", None, "item", None, "score", None)
QRELS = ("user", None, "item", "relevance")
_RUN_LINE = re.compile(rb"\S+\s+Q0\s+\S+\s+-?\d+\s+[-+.\w]+\s+\S+\s*", re.IGNORECASE)


def is_trec_run(head: FileHead) -> bool:
    """Tell whether the first line is one of a TREC run."""
    first, *_ = head.start.lstrip().split(b"\n", 1)
    return _RUN_LINE.fullmatch(first) is not None


class TrecSource(FileSource):
    """A TREC file as a source of columns.

    Parameters
    ----------
    head : FileHead
    layout : sequence of str or None
        Names of the fields of a line; None for a field that is not read.
    """

    def __init__(self, head: FileHead, layout: Sequence[str | None]) -> None:
        super().__init__(head.path, [name for name in layout if name is not None], infers=True)
        self._head, self._layout = head, list(layout)

    def load(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        """Split the lines at blanks; refuse those with another number of fields."""
        connection.execute(
            "create temp table loaded as select string_split_regex(trim(line, ' \t\r'), '[ \t]+')"
            " as fields from read_csv(?, header = false, auto_detect = false,"
            " columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '',"
            f" compression = {literal(self._head.compression)}, hive_partitioning = false)"
            " where trim(line, ' \t\r') <> ''",
            [exact_path(self.path)],
        )
        wrong = connection.execute(
            "select rowid from loaded where len(fields) <> ? order by rowid", [len(self._layout)]
        ).fetchall()
        if wrong:
            problem = f"{len(self._layout)} fields expected"
            shown = self.lines([row for (row,) in wrong[:SHOWN]])
            listed = [(place, problem, text) for place, text in shown]
            raise bad_lines(self.where, listed, len(wrong))
        fields = ", ".join(
            f"fields[{self._layout.index(name) + 1}] as c{at}" for at, name in enumerate(names)
        )
        connection.execute(
            f"create temp table entries as select rowid as entry, {fields} from loaded"
        )
        connection.execute("drop table loaded")

    def lines(self, rows: Sequence[int]) -> list[tuple[str, str]]:
        """Return the line number and text of rows."""
        wanted = set(rows)
        found = (one for at, one in enumerate(self._texts()) if at in wanted)
        return list(islice(found, len(rows)))

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Go through the lines that are not empty."""
        with open_text(self.path, is_gzip=self._head.is_gzip) as handle:
            for number, text in enumerate(handle, 1):
                if text.strip(" \t\r\n"):
                    yield f"{self.where}:{number}", text
