"""DuckDB as the engine of reading: an empty database in memory, and its errors as ours."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrec.errors import DataError
from hybridrec.runtime import available_cpus

if TYPE_CHECKING:
    import duckdb

# What DuckDB may hold in memory before it spills to a temporary folder, at least; half the size
# of the file if that is more, because what cannot be spilled grows with the file.
MEMORY_BYTES = 2**29


@contextmanager
def database(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database to read ``path`` with: it spills to disk and stays offline.

    Raises
    ------
    DataError
        If DuckDB cannot read what it was given; names the file.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="hybridrec-") as folder:
        config: dict[str, Any] = {
            "memory_limit": f"{max(MEMORY_BYTES, path.stat().st_size // 2)}B",
            "temp_directory": folder,
            "threads": str(available_cpus()),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        }
        of_the_file = (
            duckdb.OperationalError,
            duckdb.DataError,
            duckdb.InvalidInputException,
            duckdb.NotImplementedException,
        )
        try:
            with duckdb.connect(config=config) as connection:
                yield connection
        except of_the_file as error:
            raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
        except RuntimeError as error:
            if "interrupted" in str(error):  # what DuckDB makes of Ctrl-C
                raise KeyboardInterrupt from error
            raise


def literal(text: str) -> str:
    """Write a text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def exact_path(path: Path) -> str:
    """Return the path as a pattern that matches this file alone (DuckDB takes paths as globs)."""
    return glob.escape(str(path.absolute()))


def identifier(name: str) -> str:
    """Write a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
