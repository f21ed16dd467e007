"""A durable log of what was shown to whom, how probable it was, and what came of it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from hybridrec.errors import DataError, ParameterError
from hybridrec.online.event import Event, checked_id, checked_number
from hybridrec.online.log_file import (
    BUSY_SECONDS,
    check_format,
    checked_path,
    ensure_tables,
    set_journal,
    sync_folder,
    told_of,
)

APPLICATION = 0x68796269  # "hybi": SQLite's application_id, which tells our files from others
SCHEMA_VERSION = 1
PAGE = 1000  # lists read at a time

SCHEMA = f"""
CREATE TABLE lists (
    id INTEGER PRIMARY KEY,
    user NOT NULL CHECK (typeof(user) IN ('integer', 'text')),
    policy TEXT NOT NULL,
    timestamp REAL NOT NULL
);
CREATE INDEX lists_by_user ON lists (user, timestamp);
CREATE TABLE shown (
    list INTEGER NOT NULL REFERENCES lists (id),
    rank INTEGER NOT NULL,
    item NOT NULL CHECK (typeof(item) IN ('integer', 'text')),
    relevance REAL NOT NULL,
    propensity REAL NOT NULL CHECK (propensity > 0 AND propensity <= 1.000001),
    exposure REAL NOT NULL CHECK (exposure > 0 AND exposure <= 1.000001),
    reward REAL,
    PRIMARY KEY (list, rank)
) WITHOUT ROWID;
CREATE INDEX shown_by_item ON shown (item, list);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA_VERSION};
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """An item in a list.

    Attributes
    ----------
    item : int or str
    relevance : float
        Its score by the model beside the other candidates of the user (`Candidates.relevance`).
    propensity : float
        How probable it was at its rank; above 0, at most 1.
    exposure : float
        How probable it was that the user would look at it (`Slates.exposures`).
    reward : float, optional
        What came of it; None: not known yet.
    """

    item: int | str
    relevance: float
    propensity: float
    exposure: float
    reward: float | None = None


@dataclass(frozen=True, slots=True)
class Impression:
    """A list that a user was shown.

    Attributes
    ----------
    user : int or str
    policy : str
        Which policy made it, such as "epsilon-greedy:epsilon=0.1".
    shown : tuple of Shown
        By rank.
    timestamp : float, optional
        Seconds since 1970-01-01 UTC; the log fills in the time of now.
    """

    user: int | str
    policy: str
    shown: tuple[Shown, ...] = field(default=())
    timestamp: float | None = None


class ImpressionLog:
    """Lists that were shown, in one SQLite file; each on disk before `append` returns.

    It is as durable as the `EventLog`, and as that can be used by any number of threads and
    processes. The number of a list is the number of its request: `Policy.choose` with
    ``request=log.next_number()`` never draws the same chance twice.

    Parameters
    ----------
    path : str or Path
        The file; it is made if there is none, its folder is not.

    Raises
    ------
    EventLogError
        If the file cannot be opened, or is something else than a log of impressions.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = checked_path(path)
        self._turn = Lock()
        with self._said("open"):
            self._connection = self._prepared()

    # ---- writing ----------------------------------------------------------------------------

    def append(self, lists: Sequence[Impression]) -> list[int]:
        """Store lists, all or none.

        Returns
        -------
        list of int
            The number of each list, growing from 1.

        Raises
        ------
        DataError
            If a list has an id or a number that makes no sense.
        EventLogError
            If they cannot be stored now; nothing was.
        """
        now = time.time()
        rows = [_checked(one, now) for one in lists]
        numbers = []
        with self._writing() as connection:
            for head, shown in rows:
                number = int(
                    connection.execute(
                        "INSERT INTO lists (user, policy, timestamp) VALUES (?, ?, ?)", head
                    ).lastrowid
                    or 0
                )
                numbers.append(number)
                connection.executemany(
                    "INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(number, rank, *one) for rank, one in enumerate(shown, start=1)],
                )
        return numbers

    def reward(self, number: int, rewards: dict[Any, float], *, others: float | None = 0.0) -> None:
        """Tell what came of a list; what is said later counts.

        Parameters
        ----------
        number : int
            Of the list.
        rewards : dict of item to float
        others : float or None, default 0
            The reward of the list's other items; None leaves them as they are.

        Raises
        ------
        DataError
            If there is no such list, or an item was not in it.
        """
        given = {
            checked_id("item", item): checked_number("reward", one) for item, one in rewards.items()
        }
        with self._writing() as connection:
            query = "SELECT item FROM shown WHERE list = ?"
            there = {row[0] for row in connection.execute(query, (number,))}
            unknown = [item for item in given if item not in there]
            if not there or unknown:
                what = f"item {unknown[0]!r} was not in list" if there else "there is no list"
                raise DataError(f"{what} {number} of {self.path}")
            if others is not None:
                given = {**dict.fromkeys(there, checked_number("reward", others)), **given}
            connection.executemany(
                "UPDATE shown SET reward = ? WHERE list = ? AND item = ?",
                [(reward, number, item) for item, reward in given.items()],
            )

    def credit(self, events: Iterable[Event], within: float = 86400.0) -> int:
        """Give the rewards that feedback tells of, and 0 to all that was passed over.

        An event is the reward (1 if its weight is above 0, else 0) of its item in the last list
        before it that showed the item to that user, at most ``within`` seconds before. An item
        that an event rewards keeps that; those without a reward get 0.

        Parameters
        ----------
        events : iterable of Event
            Such as all of an `EventLog`.
        within : float, default 86400
            Seconds: a day.

        Returns
        -------
        int
            The number of items that an event was about.
        """
        if not within > 0:
            raise ParameterError(f"within must be a positive number of seconds, got {within!r}")
        find = (
            "SELECT list, rank FROM shown JOIN lists ON lists.id = list WHERE user = ? AND item = ?"
            " AND timestamp <= ? AND timestamp >= ? ORDER BY timestamp DESC, list DESC LIMIT 1"
        )
        told = set()
        with self._writing() as connection:
            for event in events:
                when = time.time() if event.timestamp is None else event.timestamp
                found = connection.execute(
                    find, (event.user, event.item, when, when - within)
                ).fetchone()
                if found is not None:
                    told.add(found)
                    connection.execute(
                        "UPDATE shown SET reward = max(coalesce(reward, 0), ?)"
                        " WHERE list = ? AND rank = ?",
                        (float(event.weight > 0), *found),
                    )
            connection.execute("UPDATE shown SET reward = 0 WHERE reward IS NULL")
        return len(told)

    def forget(self, users: Sequence[int | str]) -> int:
        """Remove all lists of some users for good; the file holds nothing of them.

        Returns
        -------
        int
            The number of lists removed.
        """
        named = [(checked_id("user", user),) for user in users]
        with self._turn, self._said("write to"):
            connection = self._connection
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            try:
                gone = "SELECT id FROM lists WHERE user = ?"
                connection.executemany(f"DELETE FROM shown WHERE list IN ({gone})", named)
                cursor = connection.executemany("DELETE FROM lists WHERE user = ?", named)
                removed = cursor.rowcount
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise sqlite3.OperationalError(
                    "the lists are removed, but a reader keeps the journal from being emptied;"
                    " forget again"
                )
        return int(removed)

    # ---- reading ----------------------------------------------------------------------------

    def all(self, after: int = 0) -> Iterator[tuple[int, Impression]]:
        """Yield the number and the content of all lists that come after a number, in order."""
        query = "SELECT id, user, policy, timestamp FROM lists WHERE id > ? ORDER BY id LIMIT ?"
        while heads := self._read(query, after, PAGE):
            shown: dict[int, list[Shown]] = {head[0]: [] for head in heads}
            for number, *one in self._read(
                "SELECT list, item, relevance, propensity, exposure, reward FROM shown"
                " WHERE list BETWEEN ? AND ? ORDER BY list, rank",
                *(heads[0][0], heads[-1][0]),
            ):
                if number in shown:  # not one that was stored between the two reads
                    shown[number].append(Shown(*one))
            for number, user, policy, timestamp in heads:
                yield number, Impression(user, policy, tuple(shown[number]), timestamp)
            after = heads[-1][0]

    def count(self) -> int:
        """Return the number of lists."""
        return int(self._read("SELECT count(*) FROM lists")[0][0])

    def next_number(self) -> int:
        """Return the number that the next list will have, if nobody else stores one before."""
        return int(self._read("SELECT coalesce(max(id), 0) + 1 FROM lists")[0][0])

    # ---- the file ---------------------------------------------------------------------------

    def close(self) -> None:
        """Wait for a write that is under way, and close the file."""
        with self._turn:
            self._connection.close()

    def __enter__(self) -> ImpressionLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, query: str, *values: int | str) -> list[tuple[Any, ...]]:
        with self._turn, self._said("read"):
            rows: list[tuple[Any, ...]] = self._connection.execute(query, values).fetchall()
            return rows

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one transaction."""
        with self._turn, self._said("write to"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def _prepared(self) -> sqlite3.Connection:
        """Make the file if there is none, check what it is, and return a connection."""
        is_new = not self.path.exists()
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            ensure_tables(connection, SCHEMA)
            check_format(connection, self.path, "log of impressions", APPLICATION, SCHEMA_VERSION)
            set_journal(connection)
        except BaseException:
            connection.close()
            raise
        if is_new:
            sync_folder(self.path.parent)
        return connection

    def _said(self, doing: str) -> AbstractContextManager[None]:
        return told_of(doing, "log", self.path)


Row = tuple["tuple[int | str, str, float]", "list[tuple[Any, ...]]"]


def _checked(one: Impression, now: float) -> Row:
    """Return a list as SQLite can hold it.

    Raises
    ------
    DataError
        If something makes no sense.
    """
    if not one.policy or not isinstance(one.policy, str):
        raise DataError(f"a list needs the name of the policy that made it, got {one.policy!r}")
    if not one.shown:
        raise DataError(f"the list of user {one.user!r} is empty; there is nothing to log")
    timestamp = now if one.timestamp is None else checked_number("timestamp", one.timestamp)
    shown = []
    for entry in one.shown:
        shares = [checked_number(name, getattr(entry, name)) for name in ("propensity", "exposure")]
        if not all(0 < share <= 1 + 1e-9 for share in shares):
            raise DataError(
                f"propensity and exposure of item {entry.item!r} must be above 0 and at most 1,"
                f" got {shares[0]:g} and {shares[1]:g}"
            )
        reward = None if entry.reward is None else checked_number("reward", entry.reward)
        relevance = checked_number("relevance", entry.relevance)
        shown.append((checked_id("item", entry.item), relevance, *shares, reward))
    if len({entry[0] for entry in shown}) < len(shown):
        raise DataError(f"the list of user {one.user!r} has an item twice")
    return (checked_id("user", one.user), one.policy, timestamp), shown
