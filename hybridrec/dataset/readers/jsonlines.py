"""JSON lines: one object a line, plain or gzip."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from hybridrec.dataset.readers.database import exact_path, identifier, literal
from hybridrec.dataset.readers.head import FileHead, open_text
from hybridrec.dataset.readers.source import SHOWN, FileSource, bad_lines
from hybridrec.errors import DataError

if TYPE_CHECKING:
    import duckdb

HEAD_LINES = 1000  # whose keys are the columns


class JsonLinesSource(FileSource):
    """A file of JSON objects, one a line; the keys of its first 1,000 lines are the columns."""

    def __init__(self, head: FileHead) -> None:
        self._head = head
        keys: dict[str, None] = {}
        first = [line for line in head.lines if line.strip()][:HEAD_LINES]
        for line in first:
            record = _record(line)
            keys.update(dict.fromkeys(record or {}))
        super().__init__(head.path, list(keys))
        if not keys:
            self._refuse_bad_lines()
            raise DataError(f"{head.path}: no object has a key")

    def load(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        """Read the values of some keys, a column of one kind of value with its type."""
        import duckdb

        keys = ", ".join(f"{literal(name)}: 'JSON'" for name in names)
        columns = ", ".join(f"{identifier(name)} as f{at}" for at, name in enumerate(names))
        try:
            connection.execute(
                f"create temp table loaded as select {columns} from read_json(?,"
                f" format = 'newline_delimited', columns = {{{keys}}}, hive_partitioning = false,"
                f" compression = {literal(self._head.compression)})",
                [exact_path(self.path)],
            )
        except duckdb.InvalidInputException:
            self._refuse_bad_lines()
            raise
        casts = [_cast(connection, f"f{at}") for at in range(len(names))]
        fields = ", ".join(f"{cast} as c{at}" for at, cast in enumerate(casts))
        connection.execute(f"create view entries as select rowid as entry, {fields} from loaded")

    def lines(self, rows: Sequence[int]) -> list[tuple[str, str]]:
        """Return the line number and text of rows."""
        wanted = set(rows)
        found = (
            (f"{self.where}:{line}", text)
            for at, (line, text) in enumerate(self._texts())
            if at in wanted
        )
        return list(islice(found, len(rows)))

    def _texts(self) -> Iterator[tuple[int, str]]:
        """Go through the lines that are not empty."""
        with open_text(self.path, is_gzip=self._head.is_gzip) as handle:
            yield from ((line, text) for line, text in enumerate(handle, 1) if text.strip())

    def _refuse_bad_lines(self) -> None:
        """Refuse lines that hold no object."""
        bad = [line for line in self._texts() if _record(line[1]) is None]
        if bad:
            problem = "not a JSON object on one line"
            shown = [(f"{self.where}:{line}", problem, text) for line, text in bad[:SHOWN]]
            raise bad_lines(self.where, shown, len(bad))


def _record(line: str) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _cast(connection: duckdb.DuckDBPyConnection, field: str) -> str:
    """Return the SQL that turns a JSON column into its type; mixed columns become text."""
    query = f"select distinct json_type({field}) from loaded where {field} is not null"
    kinds = {kind for (kind,) in connection.execute(query).fetchall()}
    if not kinds:
        return "null::VARCHAR"
    if kinds <= {"BIGINT", "UBIGINT"}:
        return f"{field}::BIGINT"
    if kinds <= {"BIGINT", "UBIGINT", "DOUBLE"}:
        return f"{field}::DOUBLE"
    if kinds == {"BOOLEAN"}:
        return f"{field}::BOOLEAN"
    if kinds == {"ARRAY"}:
        return f"from_json({field}, '[\"VARCHAR\"]')"
    return f"{field}->>'$'"
