"""Trials in a file, an SQLite database: written as they run, taken up where they ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrec.errors import DataError, OutputError, ParameterError
from hybridrec.evaluation.tuning.ranges import Point
from hybridrec.evaluation.tuning.trials import Trial

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_OURS = 0x68727431  # application id of the file: "hrt1", the format and its version
_LONGEST = 60  # characters of a difference that are shown


class TrialStore:
    """The trials of one search, in memory and, with a path, in a file.

    The file is locked until the store is closed, and is whole after a crash at any moment.

    Parameters
    ----------
    path : Path, optional
        A file, made if there is none.

    Raises
    ------
    DataError
        If the file is something else.
    ParameterError
        If another process works with it.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._database = _open(path)
        try:
            self.trials, self.about = self._read()
        except (sqlite3.Error, ValueError, TypeError) as error:
            self._database.close()
            raise DataError(f"{path} is damaged ({error}); choose another file") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def _read(self) -> tuple[list[Trial], dict[str, Any]]:
        """Return the trials so far, and what the search is about; empty for a new one."""
        rows = self._database.execute("select * from trials order by number").fetchall()
        trials = [_from_row(row) for row in rows]
        if [trial.number for trial in trials] != list(range(len(trials))):
            raise ValueError("trials are missing")
        about = self._database.execute("select name, value from about").fetchall()
        return trials, {name: json.loads(value) for name, value in about}

    def claim(self, about: Mapping[str, Any]) -> None:
        """Say what the search is about, or make sure that it is the same as before.

        Raises
        ------
        ParameterError
            If the file holds another search; says what differs.
        """
        now = json.loads(json.dumps(about))
        if self.about:
            self._check_same(self.about, now)
            return
        rows = [(name, json.dumps(value)) for name, value in about.items()]
        self.about = now
        self._database.execute("begin")
        self._database.executemany("insert into about values (?, ?)", rows)
        self._database.execute("commit")

    def begin(self, point: Point) -> Trial:
        """Add a trial."""
        trial = Trial(len(self.trials), point)
        self.trials.append(trial)
        return self.change(trial)

    def change(self, trial: Trial, **changes: Any) -> Trial:
        """Replace a trial by one with some fields changed, and return it."""
        changed = replace(trial, **changes)
        number, point, values, *rest = astuple(changed)
        row = (number, json.dumps(point), json.dumps(values), *rest)
        with _told(self.path):
            self._database.execute("replace into trials values (?, ?, ?, ?, ?, ?)", row)
        self.trials[number] = changed
        return changed

    def _check_same(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        differing = [
            f"{name} is {_short(before.get(name))} there, {_short(now.get(name))} here"
            for name in dict.fromkeys([*now, *before])
            if before.get(name) != now.get(name)
        ]
        if differing:
            raise ParameterError(
                f"{self.path} holds another search: {'; '.join(differing)}; choose another file"
                " for this one"
            )


def _open(path: Path | None) -> sqlite3.Connection:
    """Open a database, locked, with our tables."""
    with _told(path):
        database = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None)
    try:
        with _told(path):
            _prepare(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path | None) -> None:
    database.execute("pragma locking_mode = exclusive")
    database.execute("begin exclusive")
    if not database.execute("select 1 from sqlite_master").fetchone():
        _make_tables(database)
    (mark,) = database.execute("pragma application_id").fetchone()
    database.execute("commit")
    if mark != _OURS:
        raise DataError(_not_ours(path))


@contextmanager
def _told(path: Path | None) -> Iterator[None]:
    """Turn errors of the database into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise ParameterError(f"{path} is in use by another search") from error
        raise OutputError(f"cannot write {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DataError(_not_ours(path)) from error


def _make_tables(database: sqlite3.Connection) -> None:
    database.execute(f"pragma application_id = {_OURS}")
    database.execute("create table about (name text primary key, value text)")
    database.execute(
        "create table trials (number integer primary key, point text, steps text, seconds real,"
        " state text, error text)"
    )


def _not_ours(path: Path | None) -> str:
    return f"{path} is no storage of a search for parameters; choose another file"


def _from_row(row: tuple[Any, ...]) -> Trial:
    number, point, values, *rest = row
    return Trial(number, json.loads(point), tuple(json.loads(values)), *rest)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
