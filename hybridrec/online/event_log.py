"""A durable log of feedback in one SQLite file, shared by threads and processes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, NamedTuple

from hybridrec.errors import ParameterError
from hybridrec.online.event import Event, Row, checked_id, checked_key, checked_row
from hybridrec.online.log_file import (
    BUSY_SECONDS,
    EventLogError,
    check_format,
    checked_path,
    ensure_tables,
    set_journal,
    sync_folder,
    told_of,
)

__all__ = ["Event", "EventLog", "EventLogError", "Receipt"]

APPLICATION = 0x68796272  # "hybr": SQLite's application_id, which tells our files from others
SCHEMA_VERSION = 1
PAGE = 1000  # events read at a time, so that no reader holds up the clearing of the journal

# Columns without a type keep integers and text as they are, and apart from each other. The index
# by user holds all that a list needs to know of a user.
SCHEMA = f"""
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    user NOT NULL CHECK (typeof(user) IN ('integer', 'text')),
    item NOT NULL CHECK (typeof(item) IN ('integer', 'text')),
    weight REAL NOT NULL,
    timestamp REAL NOT NULL,
    kind TEXT,
    key TEXT,
    part INTEGER NOT NULL
);
CREATE INDEX events_by_user ON events (user, item, weight);
CREATE UNIQUE INDEX events_by_key ON events (key, part) WHERE key IS NOT NULL;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA_VERSION};
"""
INSERT = """
INSERT INTO events (user, item, weight, timestamp, kind, key, part) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
FIELDS = "user, item, weight, timestamp, kind"


class Receipt(NamedTuple):
    """What became of appended events."""

    stored: bool
    """False: events with this key were there already, and nothing was added."""
    ids: tuple[int, ...]
    """The number of each event in the log, growing from 1."""


class EventLog:
    """Events that users left, each on disk before `append` returns.

    SQLite in WAL mode with ``synchronous=FULL``: what was acknowledged survives the end of the
    process and of the machine's power, and readers never wait. Any number of threads and processes
    may use one file. Threads that append at the same time share one transaction: the first to
    come writes for all who wait behind it. Open the log after forking, not before.

    Parameters
    ----------
    path : str or Path
        The file; it is made if there is none, its folder is not.

    Raises
    ------
    EventLogError
        If the file cannot be opened, or is something else than a feedback log that this version
        reads.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = checked_path(path)
        self._closed = False
        self._waiting: deque[_Request] = deque()
        self._turn = Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: deque[sqlite3.Connection] = deque()
        with self._said("open"):
            self._writer = self._prepared()

    # ---- writing ----------------------------------------------------------------------------

    def append(self, events: Sequence[Event], key: str | None = None) -> Receipt:
        """Store events, all or none; they are on disk when this returns.

        Parameters
        ----------
        events : sequence of Event
            At least one. An event without a timestamp gets the time of now.
        key : str, optional
            Of the request that brought the events, chosen by the sender: sent again with the same
            key, after a lost answer or a crash, the events are not stored again.

        Raises
        ------
        DataError
            If an event has an id, a weight or a time that makes no sense.
        ParameterError
            If there is no event, or the key was used for other events.
        EventLogError
            If they cannot be stored now (the disk is full, the file locked or damaged); nothing
            was. The log goes on as soon as the cause is gone.
        """
        now = time.time()
        rows = [checked_row(event, now) for event in events]
        if not rows:
            raise ParameterError("there are no events to store")
        request = _Request(rows, None if key is None else checked_key(key))
        self._waiting.append(request)
        with self._turn:
            if not request.answered:
                self._write_waiting()
        if request.error is not None:
            raise request.error
        assert request.receipt is not None
        return request.receipt

    def _write_waiting(self) -> None:
        """Store all requests that wait, in one transaction."""
        batch = []
        while self._waiting:
            batch.append(self._waiting.popleft())
        try:
            with self._said("write to"):
                self._commit(batch)
        except EventLogError as error:
            for request in batch:
                request.error = EventLogError(*error.args)
        except BaseException:
            for request in batch:
                request.error = EventLogError(f"a write to {self.path} was broken off")
            raise
        finally:
            for request in batch:
                request.answered = True

    def _commit(self, batch: Sequence[_Request]) -> None:
        """Store requests in one transaction; a writer that failed is not used again."""
        connection, self._writer = self._writer or self._connected(), None
        try:
            connection.execute("BEGIN IMMEDIATE")
            for request in batch:
                request.store(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()  # which rolls back
            raise
        self._writer = connection

    def forget(self, users: Sequence[int | str]) -> int:
        """Remove all events of some users for good, and with them the keys they came under.

        Removed rows are overwritten, and the write-ahead journal is emptied, so that the file holds
        nothing of them; copies and backups are not reached.

        Returns
        -------
        int
            The number of events removed.

        Raises
        ------
        DataError
            If the id of a user is neither text nor a 64-bit integer.
        EventLogError
            If they cannot be removed now, or the journal cannot be emptied beside a reader.
        """
        named = [checked_id("user", user) for user in users]
        with self._turn, self._said("write to"):
            connection, self._writer = self._writer or self._connected(), None
            try:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("BEGIN IMMEDIATE")
                removed = sum(
                    connection.execute("DELETE FROM events WHERE user = ?", (user,)).rowcount
                    for user in named
                )
                connection.execute("COMMIT")
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except BaseException:
                connection.close()  # which rolls back
                raise
            self._writer = connection
            if busy:
                raise sqlite3.OperationalError(
                    "the events are removed, but a reader keeps the journal from being emptied;"
                    " forget again"
                )
        return removed

    # ---- reading ----------------------------------------------------------------------------

    def of_user(self, user: int | str) -> list[Event]:
        """Return the events of a user, the oldest first, whichever process stored them."""
        query = f"SELECT {FIELDS} FROM events WHERE user = ? ORDER BY id"
        return [Event(*row) for row in self._read(query, checked_id("user", user))]

    def weights_of(self, user: int | str) -> dict[int | str, float]:
        """Return the items of a user's events, each with the sum of its weights."""
        query = "SELECT item, sum(weight) FROM events WHERE user = ? GROUP BY item"
        return dict(self._read(query, checked_id("user", user)))

    def all(self, after: int = 0) -> Iterator[tuple[int, Event]]:
        """Yield the number and the event of all that come after a number, in order."""
        query = f"SELECT id, {FIELDS} FROM events WHERE id > ? ORDER BY id LIMIT {PAGE}"
        while rows := self._read(query, after):
            for number, *fields in rows:
                yield number, Event(*fields)
            after = rows[-1][0]

    def count(self, upto: int = 2**63 - 1) -> int:
        """Return how many events there are, up to a number."""
        return int(self._read("SELECT count(*) FROM events WHERE id <= ?", upto)[0][0])

    def _read(self, query: str, *values: int | str) -> list[tuple[Any, ...]]:
        with self._said("read"):
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = self._connected()
            try:
                rows: list[tuple[Any, ...]] = connection.execute(query, values).fetchall()
            except BaseException:
                connection.close()
                raise
            self._readers.append(connection)
            if self._closed:  # while this was reading
                self._close_readers()
            return rows

    # ---- connections ------------------------------------------------------------------------

    def close(self) -> None:
        """Wait for writes that are under way, and close the file."""
        with self._turn:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        self._close_readers()

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _close_readers(self) -> None:
        while self._readers:
            self._readers.pop().close()

    def _connected(self, mode: str = "rw") -> sqlite3.Connection:
        """Open the file; it is made in the mode "rwc" only, should it have gone meanwhile."""
        if self._closed:
            raise sqlite3.ProgrammingError("the log was closed")
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # transactions begin and end where this file says
            check_same_thread=False,  # each is used by one thread at a time
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _prepared(self) -> sqlite3.Connection:
        """Make the file if there is none, check what it is, and return a connection."""
        is_new = not self.path.exists()
        connection = self._connected("rwc")
        try:
            ensure_tables(connection, SCHEMA)
            check_format(connection, self.path, "feedback log", APPLICATION, SCHEMA_VERSION)
            set_journal(connection)
        except BaseException:
            connection.close()
            raise
        if is_new:
            sync_folder(self.path.parent)
        return connection

    def _said(self, doing: str) -> AbstractContextManager[None]:
        return told_of(doing, "feedback log", self.path)


class _Request:
    """Events on their way to the file, and the answer to who brought them."""

    def __init__(self, rows: Sequence[Row], key: str | None) -> None:
        self.rows, self.key = rows, key
        self.answered = False
        self.receipt: Receipt | None = None
        self.error: Exception | None = None

    def store(self, connection: sqlite3.Connection) -> None:
        """Store the events inside a transaction, unless those of the key are there."""
        known = self._known(connection)
        if known:
            self._answer_again(known)
            return
        ids = tuple(
            int(connection.execute(INSERT, (*row, self.key, part)).lastrowid or 0)
            for part, row in enumerate(self.rows)
        )
        self.receipt = Receipt(True, ids)

    def _known(self, connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
        if self.key is None:
            return []
        query = "SELECT id, user, item, weight, kind FROM events WHERE key = ? ORDER BY part"
        return connection.execute(query, (self.key,)).fetchall()

    def _answer_again(self, known: Sequence[tuple[Any, ...]]) -> None:
        """Answer as the first time; times are not compared, they may be those of arrival."""
        if [row[1:] for row in known] != [(*row[:3], row[4]) for row in self.rows]:
            self.error = ParameterError(
                f"the key {self.key!r} was used for other events; every request needs its own"
            )
        else:
            self.receipt = Receipt(False, tuple(row[0] for row in known))
