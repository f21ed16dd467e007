"""A file as a source of columns: loaded into DuckDB, checked there, fetched in small chunks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.columns import BadRowsError, Source, check_weights
from hybridrec.dataset.frames import DEFAULT_BACKEND
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.readers.database import database
from hybridrec.dataset.readers.head import shortened
from hybridrec.dataset.timestamps import to_epoch_seconds
from hybridrec.errors import DataError

if TYPE_CHECKING:
    import duckdb

SHOWN = 5  # bad lines in a message
CHUNK = 64  # DuckDB vectors of 2,048 rows that are in Python at a time
_NUMBERS = ("FLOAT", "DOUBLE", "DECIMAL", "HUGEINT", "UHUGEINT")  # and how types of time begin
_TIMES = ("TIMESTAMP", "DATE")
INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
)


class FileSource(Source):
    """One file, of which some columns can be read.

    Parameters
    ----------
    path : Path
    names : sequence of str
        The columns there are.
    infers : bool, default False
        Whether the format knows only text, so that a column of numbers becomes numbers.
    """

    backend = DEFAULT_BACKEND

    def __init__(self, path: Path, names: Sequence[str], *, infers: bool = False) -> None:
        self.path = path
        self.where = str(path)
        self.names = names
        self.infers = infers

    @contextmanager
    def read(self, names: Sequence[str]) -> Iterator[FileColumns]:
        """Read some of the columns."""
        with database(self.path) as connection:
            self.load(connection, names)
            yield FileColumns(connection, self, names)

    @abstractmethod
    def load(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        """Make ``entries`` of entry (the row, from 0) and c0, c1, ... (each of ``names``)."""

    @abstractmethod
    def lines(self, rows: Sequence[int]) -> list[tuple[str, str]]:
        """Return place ("file:line") and text of rows, given in order; nothing if unknown."""

    def located(self, bad: BadRowsError) -> DataError:
        """Return the error with file and line in place of row numbers."""
        rows = np.sort(bad.rows)
        lines = self.lines(rows[:SHOWN].tolist())
        if not lines:
            return DataError(f"{self.where}: {bad}")
        return bad_lines(
            self.where, [(place, bad.problem, text) for place, text in lines], len(rows)
        )


def bad_lines(
    where: str, lines: Sequence[tuple[str, str, str]], total: int, *, counted: bool = True
) -> DataError:
    """Return the error for bad lines.

    Parameters
    ----------
    where : str
        The file.
    lines : sequence of (place, problem, text)
        The first of them.
    total : int
        How many there are.
    counted : bool, default True
        Whether there are no more than that.
    """
    (place, problem, text), *others = lines
    if total == 1:
        return DataError(f"{place}: {problem}: {shortened(text)}")
    same = all(other[1] == problem for other in others)
    number = f"{total}{'' if counted else ' or more'}"
    title = f"{where}: {problem} ({number} rows)" if same else f"{where}: {number} bad rows"
    listed = [
        f"{place}: {shortened(text)}" if same else f"{place}: {problem}: {shortened(text)}"
        for place, problem, text in lines
    ]
    more = [f"and {total - len(lines)} more"] if total > len(lines) else []
    return DataError("\n  ".join([title, *listed, *more]))


class FileColumns:
    """Columns of a file; see `hybridrec.dataset.columns.Columns`.

    Ids are coded inside DuckDB, so that millions of texts never become Python objects; the rows
    of a result may come in any order, each with its number.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, source: FileSource, names: Sequence[str]
    ) -> None:
        self._connection = connection
        self._source = source
        self._length = int(self._one("select count(*) from entries")[0])
        if self._length == 0:
            raise DataError(f"{source.where} has no rows below the column names")
        columns = [f"c{at}" for at in range(len(names))]
        asked = ", ".join(f"typeof({column})" for column in columns)
        types = self._one(f"select {asked} from entries limit 1")
        self._columns = {
            name: (column, str(kind))
            for name, column, kind in zip(names, columns, types, strict=True)
        }

    def __len__(self) -> int:
        return self._length

    def ids(self, name: str, role: str, *, distinct: bool = False) -> np.ndarray:
        """Return a checked column of ids."""
        known, codes = self.coded_ids(name, role)
        ids = known.ids[codes]
        with self._located():
            return IdMap(ids, role).ids if distinct else ids

    def coded_ids(self, name: str, role: str) -> tuple[IdMap, np.ndarray]:
        """Return the distinct ids of a column and the code of every row."""
        column, kind = self._columns[name]
        with self._located():
            if kind != "VARCHAR" and kind not in INTEGERS:
                return IdMap.from_values(self.values(name), role)
            self._refuse(f"{column} is null", f"{role} id missing")
            self._collect(column)
            if kind == "VARCHAR" and self._source.infers and self._all_found(_IS_INTEGER):
                kind = "BIGINT"
            distinct, codes = self._coded(column, whole=kind != "VARCHAR")
            return IdMap(distinct, role), codes

    def weights(self, name: str) -> np.ndarray:
        """Return a checked column of weights."""
        column, kind = self._columns[name]
        number = f"try_cast({column} as DOUBLE)"
        with self._located():
            if kind == "VARCHAR":
                missing = f"{column} is not null and {number} is null"
                self._refuse(missing, f"column {name!r} holds no number")
            weights = self._fetch(f"try_cast({number} as FLOAT)", np.float32)
            return check_weights(weights, name)

    def times(self, name: str) -> np.ndarray:
        """Return a column of times as seconds."""
        column, kind = self._columns[name]
        convert = partial(to_epoch_seconds, column=name)
        with self._located():
            if kind == "VARCHAR":
                counts = f"select count(try_cast({column} as DOUBLE)), count({column}) from entries"
                numbers, texts = self._one(counts)
                if 2 * numbers < texts:
                    return self._fetch(column, np.float64, convert)
            elif kind.startswith(_TIMES):
                column = f"epoch({column})"
            return convert(self._fetch(f"try_cast({column} as DOUBLE)", np.float64))

    def values(self, name: str) -> np.ndarray:
        """Return a column as it is, texts that are all numbers as numbers."""
        column, kind = self._columns[name]
        if kind == "VARCHAR":
            self._collect(column)
            kind = self._inferred()
        if kind == "VARCHAR":
            distinct, codes = self._coded(column, whole=False)
            texts: np.ndarray = np.append(distinct, [None])[codes]  # -1: missing
            return texts
        gaps = self._one(f"select count(*) > count({column}) from entries")[0]
        expression, dtype = _as_numpy(column, kind, gaps=gaps)
        return self._fetch(expression, dtype, _plain if dtype is object else None)

    def _inferred(self) -> str:
        """Return the type that fits all texts collected from a column."""
        if not self._source.infers or not self._all_found(_IS_NUMBER):
            return "VARCHAR"
        return "BIGINT" if self._all_found(_IS_INTEGER) else "DOUBLE"

    def _collect(self, column: str) -> None:
        """Make ``found``: the distinct values of a column."""
        self._connection.execute(
            f"create or replace temp table found as"
            f" select distinct {column} as id from entries where {column} is not null"
        )

    def _all_found(self, condition: str) -> bool:
        return bool(self._one(f"select coalesce(bool_and({condition}), false) from found")[0])

    def _coded(self, column: str, *, whole: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return what was collected, sorted, and the code of every row, -1 where it is missing.

        Texts sort by their bytes, which is Python's order; DuckDB 1.2 has its own.
        """
        key, order = ("id::BIGINT", "key") if whole else ("id", "encode(id)")
        self._connection.execute(
            f"create or replace temp table codes as"
            f" select id, {key} as key from found order by {order}"
        )
        found = self._connection.execute("select key from codes").fetchnumpy()
        joined = f"entries left join codes on {column} = id"
        return found["key"], self._fetch("coalesce(codes.rowid, -1)", np.int32, table=joined)

    def _refuse(self, condition: str, problem: str) -> None:
        query = f"select entry from entries where {condition}"
        rows = self._connection.execute(query).fetchnumpy()["entry"]
        if len(rows):
            raise BadRowsError(problem, rows)

    def _one(self, query: str) -> tuple[Any, ...]:
        (row,) = self._connection.execute(query).fetchall()
        return tuple(row)

    def _fetch(
        self,
        expression: str,
        dtype: Any,
        convert: Callable[[np.ndarray], np.ndarray] | None = None,
        *,
        table: str = "entries",
    ) -> np.ndarray:
        """Fetch one value a row, in chunks, each converted as it comes."""
        fetched = np.empty(len(self), dtype=dtype)
        refused: list[np.ndarray] = []
        problem = ""
        self._connection.execute(f"select entry, {expression} as value from {table}")
        while len(chunk := self._connection.fetch_df_chunk(CHUNK)):
            rows, values = chunk["entry"].to_numpy(), chunk["value"].to_numpy()
            try:
                fetched[rows] = values if convert is None else convert(values)
            except BadRowsError as bad:
                problem = bad.problem
                refused.append(rows[bad.rows])
        if refused:
            raise BadRowsError(problem, np.concatenate(refused))
        return fetched

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Turn the row numbers of an error into lines of the file."""
        try:
            yield
        except BadRowsError as bad:
            raise self._source.located(bad) from None


# Whole numbers as Python writes them: "007", "1.0" and "+1" are none; "007" is no number at all.
_IS_INTEGER = "try_cast(id as BIGINT)::VARCHAR is not distinct from id"
_IS_NUMBER = "try_cast(id as DOUBLE) is not null and not regexp_matches(id, '^[+-]?0[0-9]')"


def _as_numpy(column: str, kind: str, *, gaps: bool) -> tuple[str, Any]:
    """Return the SQL that casts a column and the numpy type that holds it."""
    if kind in INTEGERS and not gaps:
        return f"{column}::BIGINT", np.int64
    if kind == "BOOLEAN" and not gaps:
        return column, bool
    if kind.endswith("]"):
        return column, object
    if kind in INTEGERS or kind.startswith(_NUMBERS):
        return f"{column}::DOUBLE", np.float64
    if kind.startswith(_TIMES):
        return f"make_timestamp(epoch_us({column}))", "datetime64[us]"
    return column, object


def _plain(values: np.ndarray) -> np.ndarray:
    """Turn DuckDB's arrays into lists and its missing values into None."""
    import pandas as pd

    plain = np.empty(len(values), dtype=object)
    for at, one in enumerate(values):
        plain[at] = one.tolist() if isinstance(one, np.ndarray) else one
    plain[pd.isna(values)] = None
    return plain
