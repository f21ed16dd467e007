"""A durable SQLite file: what the logs of feedback and of what was shown have in common."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hybridrec.errors import HybridRecError

BUSY_SECONDS = 5.0  # that a write waits for those of other processes


class EventLogError(HybridRecError, OSError):
    """A log cannot be read or written now: nothing was stored."""


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return where a log is, or is to be made.

    Raises
    ------
    EventLogError
        If it cannot be there.
    """
    where = Path(path).absolute()
    if not where.parent.is_dir():
        raise EventLogError(f"{where.parent} is not a folder; make it first")
    if where.exists() and not where.is_file():
        raise EventLogError(f"{where} is not a file; choose another name for the log")
    return where


@contextmanager
def told_of(doing: str, what: str, path: Path) -> Iterator[None]:
    """Say which file it was that SQLite has trouble with."""
    try:
        yield
    except sqlite3.Error as error:
        raise EventLogError(f"cannot {doing} the {what} {path}: {error}") from error


def ensure_tables(connection: sqlite3.Connection, schema: str) -> None:
    """Make the tables of a file in which nothing was ever stored."""
    if not _is_empty(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    if _is_empty(connection):  # another process may have been first
        for statement in filter(str.strip, schema.split(";")):
            connection.execute(statement)
    connection.execute("COMMIT")


def check_format(
    connection: sqlite3.Connection, path: Path, what: str, application: int, version: int
) -> None:
    """Refuse a file that is something else, or that another version wrote.

    Raises
    ------
    EventLogError
    """
    found, written = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    if found != application:
        raise EventLogError(f"{path} is not a {what} but of another program; choose another file")
    if written != version:
        raise EventLogError(
            f"{path} has the format {written} of a {what}, this version of hybridrec reads"
            f" {version}; upgrade with pip install --upgrade hybridrec"
        )


def set_journal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; SQLite does not wait by itself for others here."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise sqlite3.OperationalError("the file system does not do write-ahead logging")


def sync_folder(folder: Path) -> None:
    """Make sure that the name of a new file survives a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether nothing was ever stored in a database."""
    empty: bool = connection.execute("PRAGMA schema_version").fetchone()[0] == 0
    return empty
