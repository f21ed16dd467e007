"""Partitions of a log, each read by a worker: files of a folder or URL, parts of large files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.readers import read_interactions
from hybridrec.errors import DataError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

SUFFIXES = (".parquet", ".parq", ".pq")
ROWS = 1 << 22  # of a partition: files with more are cut between their row groups
LARGE = 64 << 20  # bytes from which on a file is looked at for that


@dataclass(frozen=True)
class Log:
    """Where interactions are, and which columns hold what.

    Attributes
    ----------
    url : str
        A folder or a file, local or any URL of fsspec (``s3://bucket/events``).
    columns : mapping
        Column options of `hybridrec.read_interactions`.
    storage : mapping
        Options of the file system, such as credentials; see fsspec.
    """

    url: str
    columns: Mapping[str, Any]
    storage: Mapping[str, Any]

    def files(self) -> AbstractFileSystem:
        """Return the file system."""
        from fsspec.core import url_to_fs

        return url_to_fs(self.url, **self.storage)[0]


@dataclass(frozen=True)
class Partition:
    """What one task reads.

    Attributes
    ----------
    path : str
        In the file system of the log.
    groups : tuple of int, optional
        Row groups of a Parquet file, by default all.
    """

    path: str
    groups: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """The partition in messages."""
        if self.groups is None:
            return self.path
        return f"{self.path} row groups {self.groups[0]} to {self.groups[-1]}"


def partitions_of(log: Log) -> list[Partition]:
    """Return the partitions of a log, in the order of their names: that is the order of rows.

    A Parquet folder may have folders in it; names that begin with a dot or "_" are left out.

    Raises
    ------
    DataError
        If there is nothing to read.
    """
    from fsspec.core import url_to_fs

    try:
        files, path = url_to_fs(log.url, **log.storage)
        if not files.exists(path):
            raise DataError(f"there is no file or folder {log.url}")
        if not files.isdir(path):
            if path.endswith(SUFFIXES):
                return list(_parts_of(files, path))
            if "://" in log.url:
                raise DataError(f"{log.url}: only Parquet is read from a URL")
            return [Partition(path)]
        found = sorted(one for one in files.find(path) if _is_part(one, path))
    except (ImportError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{log.url} cannot be read: {error}") from error
    if not found:
        raise DataError(f"{log.url} holds no Parquet file ({', '.join(SUFFIXES)})")
    return [part for one in found for part in _parts_of(files, one)]


def read_partition(partition: Partition, log: Log) -> Interactions:
    """Read the rows of a partition, with ids of its own.

    Raises
    ------
    DataError
        Naming the partition, if it cannot be read or a row cannot be used.
    """
    if not partition.path.endswith(SUFFIXES):
        return read_interactions(log.url, **log.columns)  # names file and line itself
    with _named(partition):
        table = _table(log, partition)
        named = {name: one for name, one in log.columns.items() if name != "delimiter"}
        rows = Interactions.from_frame(table, **named)
    return replace(rows, context={})


def _table(log: Log, partition: Partition) -> Any:
    from pyarrow.parquet import ParquetFile

    files = log.files()  # some close what they opened when they go
    with files.open(partition.path, "rb") as stream:
        file = ParquetFile(stream)
        names = file.schema_arrow.names
        wanted = _wanted(names, log.columns)
        if partition.groups is None:
            return file.read(columns=wanted)
        return file.read_row_groups(list(partition.groups), columns=wanted)


def _wanted(names: Sequence[str], columns: Mapping[str, Any]) -> list[str]:
    """Return the columns that interactions are made of."""
    from hybridrec.dataset.frames import find_column

    roles = ("user", "item", "weight", "timestamp", "event")
    found = [
        find_column(names, role, columns.get(role), where="the file", required=role in roles[:2])
        for role in roles
    ]
    return list(dict.fromkeys(name for name in found if name is not None))


def _parts_of(files: AbstractFileSystem, path: str) -> Iterator[Partition]:
    """Cut a Parquet file if it is large."""
    if files.size(path) < LARGE:
        yield Partition(path)
        return
    from pyarrow.parquet import ParquetFile

    with _named(Partition(path)), files.open(path, "rb") as stream:
        metadata = ParquetFile(stream).metadata
        counts = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
    groups: list[int] = []
    rows = 0
    for at, count in enumerate(counts):
        if groups and rows + count > ROWS:
            yield Partition(path, tuple(groups))
            groups, rows = [], 0
        groups.append(at)
        rows += count
    yield Partition(path, tuple(groups) if groups else None)


def _is_part(path: str, folder: str) -> bool:
    inside = PurePosixPath(path.removeprefix(folder.rstrip("/") + "/"))
    hidden = any(part.startswith((".", "_")) for part in inside.parts)
    return path.endswith(SUFFIXES) and not hidden


@contextmanager
def _named(partition: Partition) -> Iterator[None]:
    """Name the partition in every error that it causes."""
    from pyarrow import ArrowException

    try:
        yield
    except DataError as error:
        raise DataError(f"partition {partition.name}: {error}") from None
    except (ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"partition {partition.name} cannot be read as Parquet: {reason}") from None
