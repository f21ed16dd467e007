"""Tables of named columns <-> Parquet files, through DuckDB."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, ModelFolderError, OutputError, first_few

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = frozenset("?bBhHiIlLqQfd")  # dtype.char: bool, 8 to 64 bit integers, float32, float64
_TEXT, _LISTS = "::VARCHAR", "::VARCHAR[]"
_ALLOWED = "a column holds numbers, text or lists of text, with None for a missing text or list"


def write_table(path: str | os.PathLike[str], columns: Mapping[str, Any]) -> None:
    """Write columns of equal length to a Parquet file; an existing file is replaced.

    Parameters
    ----------
    path : str or path
        The file to write.
    columns : mapping of str to array, shape (rows,)
        Numbers (bool, integers, float32, float64; NaN allowed), text (numpy str, or object with
        None for missing), or lists of text (object array of lists; None for a missing list or a
        missing element). Names may not be empty or differ only in case.

    Raises
    ------
    DataError
        If a name, a type, a text or the lengths do not fit.
    OutputError
        If the file cannot be written.
    """
    import duckdb

    _check_names(columns)
    checked = {name: _checked(name, values) for name, values in columns.items()}
    lengths = {name: len(values) for name, (values, _) in checked.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns of a table must have equal lengths, got {lengths}")

    # Positional names inside DuckDB; the real ones are given, quoted, on the way out.
    source = {f"c{at}": values for at, (values, _) in enumerate(checked.values())}
    picked = ", ".join(
        f"c{at}{cast} as {_quoted(name)}" for at, (name, (_, cast)) in enumerate(checked.items())
    )
    # DuckDB guesses the type of an object column from a sample, and a sample of empty lists
    # tells it nothing: look at every row where there are lists, and take text as it is.
    lists = any(cast == _LISTS for _, cast in checked.values())
    sample = max(lengths.values()) if lists else 0
    target = str(Path(path).absolute())
    try:
        with _database() as database:
            database.execute(f"set pandas_analyze_sample = {sample}")
            database.register("source", source)
            database.sql(f"select {picked} from source").write_parquet(target)
    except duckdb.Error as error:
        raise OutputError(f"cannot write {target}: {error}") from error


def read_table(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read back a file of :func:`write_table`.

    Returns
    -------
    dict of str to array, shape (rows,)
        Numbers in their dtype; text as object arrays of str; lists as object arrays of Python
        lists; missing texts and lists are None.

    Raises
    ------
    ModelFolderError
        If the file is missing, is no Parquet file, or has missing values among whole numbers.
    """
    import duckdb

    # A folder named "a=1" above the file is no column of it.
    query = "select * from read_parquet(?, hive_partitioning = false)"
    literal = glob.escape(str(Path(path).absolute()))  # a name, not a pattern
    try:
        with _database() as database:
            found = database.execute(query, [literal]).fetchnumpy()
    except duckdb.Error as error:
        raise ModelFolderError(f"{os.fspath(path)} cannot be read as a table: {error}") from error
    return {name: _restored(path, name, column) for name, column in found.items()}


@contextmanager
def _database() -> Iterator[Any]:
    """Open an empty database in memory; Ctrl-C inside a query stays a KeyboardInterrupt."""
    import duckdb

    try:
        with duckdb.connect() as database:
            yield database
    except RuntimeError as error:
        if "interrupted" in str(error):  # what DuckDB makes of Ctrl-C
            raise KeyboardInterrupt from error
        raise


def _check_names(columns: Mapping[str, Any]) -> None:
    """Refuse names that SQL, blind to case, cannot tell apart or hold."""
    if not columns:
        raise DataError("a table needs at least one column")
    seen: dict[str, str] = {}
    for name in columns:
        if not isinstance(name, str) or not name or "\0" in name:
            raise DataError(f"a column name must be a text that is not empty, got {name!r}")
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise DataError(f"columns {other!r} and {name!r} differ only in case; rename one")


def _checked(name: str, values: Any) -> tuple[NDArray[Any], str]:
    """Return a column as DuckDB can take it, and the SQL cast that fixes its type."""
    column = np.asarray(values)
    if column.ndim != 1:
        raise DataError(f"column {name!r} must have one dimension, got shape {column.shape}")
    if column.dtype.char in _NUMBERS:
        native = column.astype(column.dtype.newbyteorder("="), copy=False)
        return np.ascontiguousarray(native), ""
    if column.dtype.kind in "UT":
        column = column.astype(object)
    if column.dtype != object:
        raise DataError(f"column {name!r} has type {column.dtype}; {_ALLOWED}")

    present = [value for value in column if value is not None]
    lists = bool(present) and all(isinstance(value, list) for value in present)
    _check_texts(name, chain.from_iterable(present) if lists else iter(present))
    return column, _LISTS if lists else _TEXT


def _check_texts(name: str, texts: Iterator[Any]) -> None:
    """Refuse what is not text, and text that has no UTF-8 form (lone surrogates)."""
    for text in texts:
        if text is None:
            continue
        try:
            str.encode(text)
        except TypeError:
            raise DataError(f"column {name!r} holds {first_few([text])}; {_ALLOWED}") from None
        except UnicodeEncodeError as error:
            raise DataError(f"column {name!r} holds {text!r}: {error}") from None


def _quoted(name: str) -> str:
    """Write a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _restored(path: str | os.PathLike[str], name: str, column: NDArray[Any]) -> NDArray[Any]:
    """Turn DuckDB's masked column into a plain one, and its inner arrays into lists."""
    values, missing = np.ma.getdata(column), np.ma.getmaskarray(column)
    if values.dtype == object:
        values[missing] = None
        for at, value in enumerate(values):
            if isinstance(value, np.ndarray):
                values[at] = value.tolist()
    elif values.dtype.kind == "f":
        values[missing] = np.nan
    elif missing.any():
        raise ModelFolderError(f"{os.fspath(path)}: column {name!r} has missing values")
    return values
