"""Delimited text with a header line: CSV, TSV and the like, plain or gzip."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, TYPE_CHECKING

from hybridrec.dataset.readers.database import exact_path, literal
from hybridrec.dataset.readers.head import NOT_UTF8, FileHead, open_bytes, open_text
from hybridrec.dataset.readers.source import SHOWN, FileSource, bad_lines
from hybridrec.errors import DataError, ParameterError, first_few

if TYPE_CHECKING:
    import duckdb

DELIMITERS = "\t,;|"
MOST_REJECTS = 100_000  # errors that are counted
MOST_LINE_BYTES = 2**21  # of a line that DuckDB takes
BLOCK_BYTES = 2**24


class DelimitedSource(FileSource):
    """A file of delimited text.

    Parameters
    ----------
    head : FileHead
    names : sequence of str
        One for each column of the file.
    delimiter : str
        One character.
    quote : str, default '"'
        Empty if the format has no quotes.
    header : bool, default True
        Whether the first line holds the names.
    types : mapping of str to str, optional
        DuckDB types of columns that are not to be inferred; "VARCHAR[]" and "DOUBLE[]" are lists
        separated by spaces.
    """

    def __init__(
        self,
        head: FileHead,
        names: Sequence[str],
        delimiter: str,
        *,
        quote: str = '"',
        header: bool = True,
        types: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(head.path, names, infers=True)
        self._head = head
        self._delimiter = delimiter
        self._quote = quote
        self._header = header
        self._types = types or {}

    def load(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        """Read the columns, as text unless a type is given, and refuse lines that do not fit."""
        import duckdb

        fields = [f"f{self.names.index(name)}" for name in names]
        read = ", ".join(dict.fromkeys(fields))
        options = ", ".join(f"{option} = {value}" for option, value in self._options().items())
        try:
            connection.execute(
                f"create temp table loaded as select {read} from read_csv(?, {options})",
                [exact_path(self.path)],
            )
        except duckdb.InvalidInputException as error:
            self._check_line_ends(error)
            raise
        self._refuse_rejects(connection)
        casts = [self._cast(field, name) for field, name in zip(fields, names, strict=True)]
        columns = ", ".join(f"{cast} as c{at}" for at, cast in enumerate(casts))
        connection.execute(f"create view entries as select rowid as entry, {columns} from loaded")

    def _options(self) -> dict[str, str]:
        """Return the options of ``read_csv`` as SQL; column number n is called fn."""
        types = [self._types.get(name, "VARCHAR") for name in self.names]
        stored = ["VARCHAR" if kind.endswith("[]") else kind for kind in types]
        columns = ", ".join(f"'f{at}': '{kind}'" for at, kind in enumerate(stored))
        return {
            "auto_detect": "false",
            "header": str(self._header).lower(),
            "delim": literal(self._delimiter),
            "quote": literal(self._quote),
            "escape": literal(self._quote),
            "compression": literal(self._head.compression),
            "columns": f"{{{columns}}}",
            "nullstr": "''",
            "hive_partitioning": "false",
            "store_rejects": "true",
            "rejects_limit": str(MOST_REJECTS),
        }

    def lines(self, rows: Sequence[int]) -> list[tuple[str, str]]:
        """Return the line number and text of rows, nothing if lines cannot be told apart."""
        before = csv.field_size_limit(MOST_LINE_BYTES)
        try:
            with open_text(self.path, is_gzip=self._head.is_gzip) as handle:
                found = islice(self._records(handle, set(rows)), len(rows))
                return [(f"{self.where}:{line}", text) for line, text in found]
        except csv.Error:  # lines end in "\r", say: there are no line numbers
            return []
        finally:
            csv.field_size_limit(before)

    def _records(self, handle: IO[str], rows: set[int]) -> Iterator[tuple[int, str]]:
        """Go through the records as DuckDB counts them; yield line number and text of some."""
        taken: list[str] = []
        reader = csv.reader(
            _noted(handle, taken),
            delimiter=self._delimiter,
            quotechar=self._quote or None,
            quoting=csv.QUOTE_MINIMAL if self._quote else csv.QUOTE_NONE,
        )
        at = -1 if self._header else 0
        for fields in reader:
            if fields or len(self.names) == 1:  # else DuckDB takes the empty line for no row
                if at in rows:
                    yield reader.line_num - len(taken) + 1, "".join(taken)
                at += 1
            taken.clear()

    def _cast(self, field: str, name: str) -> str:
        kind = self._types.get(name, "")
        return f"string_split({field}, ' ')::{kind}" if kind.endswith("[]") else field

    def _refuse_rejects(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Refuse the lines that DuckDB could not take."""
        query = "select count(*), count(distinct line_byte_position) from reject_errors"
        ((errors, lines),) = connection.execute(query).fetchall()
        if errors == 0:
            return
        first = connection.execute(
            "select distinct on (line_byte_position) line_byte_position, error_type::VARCHAR,"
            " column_name, csv_line from reject_errors"
            f" order by line_byte_position, byte_position limit {SHOWN}"
        ).fetchall()
        numbers = self._line_numbers([position for position, *_ in first])
        shown = [
            (f"{self.where}:{number}", self._problem(kind, field), text or "")
            for number, (_, kind, field, text) in zip(numbers, first, strict=True)
        ]
        raise bad_lines(self.where, shown, lines, counted=errors < MOST_REJECTS)

    def _problem(self, kind: str, field: str | None) -> str:
        if kind == "CAST":
            name = self.names[int(str(field)[1:])]
            number = "whole number" if self._types[name] == "BIGINT" else "number"
            return f"column {name!r} holds no {number}"
        expected = f"{len(self.names)} expected"
        return {
            "MISSING COLUMNS": f"too few fields, {expected}",
            "TOO MANY COLUMNS": f"too many fields, {expected}",
            "UNQUOTED VALUE": "a quote is not closed, or not at the end of its field",
            "LINE SIZE OVER MAXIMUM": "line too long",
            "INVALID ENCODING": NOT_UTF8,
            "INVALID UNICODE": NOT_UTF8,
        }.get(kind, kind.lower())

    def _line_numbers(self, positions: Sequence[int]) -> list[int]:
        """Return the line of each byte position, given in ascending order (DuckDB's are 1-based).

        DuckDB itself counts records, of which one may span several lines.
        """
        numbers, line, passed = [], 1, 0
        with open_bytes(self.path, is_gzip=self._head.is_gzip) as handle:
            for position in positions:
                while passed < position:
                    block = handle.read(min(position - passed, BLOCK_BYTES))
                    line += block.count(b"\n")
                    passed += len(block)
                numbers.append(line)
        return numbers

    def _check_line_ends(self, cause: Exception) -> None:
        """Refuse a file of several line ends, which DuckDB cannot read."""
        with open_bytes(self.path, is_gzip=self._head.is_gzip) as handle:
            ends = {line[-2:] == b"\r\n" for line in handle if line.endswith(b"\n")}
        if len(ends) > 1:
            raise DataError(
                f"{self.where} mixes line ends (CRLF and LF); convert it, such as with dos2unix"
            ) from cause


def _noted(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    """Pass lines on, and note each in ``taken``."""
    for line in lines:
        taken.append(line)
        yield line


def open_delimited(head: FileHead, delimiter: str | None) -> DelimitedSource:
    """Open a file of delimited text with a header line.

    Parameters
    ----------
    head : FileHead
    delimiter : str or None
        One character; None takes the one of tab, comma, semicolon and bar that splits the header
        into most names.

    Raises
    ------
    DataError
        If the first line cannot be a header: empty, numbers, or repeated names.
    ParameterError
        If the delimiter is not one character.
    """
    if delimiter is not None:
        delimiter = "\t" if delimiter == "\\t" else delimiter  # as a shell passes it
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ParameterError(f"delimiter must be one character, got {delimiter!r}")
    records = {one: _first_record(head, one) for one in delimiter or DELIMITERS}
    best = max(records, key=lambda one: len(records[one]))
    return DelimitedSource(head, check_names(head, records[best]), best)


def check_names(head: FileHead, fields: Sequence[str]) -> list[str]:
    """Return the column names of a header.

    Raises
    ------
    DataError
        If there are none, they are numbers, or some repeat.
    """
    names = [field.strip() for field in fields]
    if not any(names):
        raise DataError(f"{head.path}:1: the first line must hold the column names, it is empty")
    if all(is_number(name) for name in names):
        raise DataError(
            f"{head.path}:1: the first line must hold the column names, not numbers:"
            f" {first_few(names)}; add a line such as: user,item,weight"
        )
    repeated = {name for name in names if name and names.count(name) > 1}
    if repeated:
        raise DataError(f"{head.path}:1: repeated column names: {first_few(sorted(repeated))}")
    return names


def _first_record(head: FileHead, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(head.text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise DataError(f"{head.path}:1: no column names can be read: {error}") from error


def is_number(text: str) -> bool:
    """Tell whether a text can be read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
