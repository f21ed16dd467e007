"""Parquet files, read in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybridrec.dataset.readers.database import database, exact_path, identifier, literal
from hybridrec.dataset.readers.head import FileHead
from hybridrec.dataset.readers.source import FileSource

if TYPE_CHECKING:
    import duckdb


class ParquetSource(FileSource):
    """A Parquet file; its types are taken as they are."""

    def __init__(self, head: FileHead) -> None:
        options = "file_row_number = true, hive_partitioning = false"
        self._table = f"read_parquet({literal(exact_path(head.path))}, {options})"
        with database(head.path) as connection:
            described = connection.execute(f"describe select * from {self._table}").fetchall()
        names = [name for name, *_ in described if name != "file_row_number"]
        super().__init__(head.path, names)

    def load(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
        """Make a view of the columns; every column fetched is read from the file."""
        columns = ", ".join(f"{identifier(name)} as c{at}" for at, name in enumerate(names))
        connection.execute(
            f"create view entries as select file_row_number as entry, {columns} from {self._table}"
        )

    def lines(self, rows: Sequence[int]) -> list[tuple[str, str]]:
        """Return the number (from 0) and values of rows."""
        listed = ", ".join(map(str, rows))
        with database(self.path) as connection:
            found = connection.execute(
                f"select * exclude (file_row_number) from {self._table}"
                f" where file_row_number in ({listed}) order by file_row_number"
            ).fetchall()
        texts = [
            ", ".join(f"{name}={value}" for name, value in zip(self.names, values, strict=True))
            for values in found
        ]
        return [(f"{self.where} row {row}", text) for row, text in zip(rows, texts, strict=True)]
