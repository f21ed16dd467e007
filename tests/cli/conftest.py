"""Small files, and the command line run in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hybridrec.cli.main import main

ITEMS = "abcdefgh"


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys) -> Callable[..., Result]:
    """Run a command and return exit code and output."""

    def run(*arguments: Any) -> Result:
        with pytest.raises(SystemExit) as left:
            main([str(one) for one in arguments])
        return Result(left.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def done(run) -> Callable[..., str]:
    """Run a command that must succeed and return its standard output."""

    def done(*arguments: Any) -> str:
        result = run(*arguments)
        assert result.code == 0, result.err
        return result.out

    return done


@pytest.fixture
def refused(run, files) -> Callable[..., str]:
    """Run a command that must be refused: one line on standard error, nothing written."""

    def listing() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}

    def refused(*arguments: Any) -> str:
        before = listing()
        result = run(*arguments)
        assert result.code == 2, result
        assert result.err.startswith("Error: ")
        assert result.err.count("\n") == 1
        assert listing() == before
        return result.err

    return refused


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """A folder, the current one, with interactions, triples, tables and lists of ids.

    Users 1 to 8 and items a to h are a checkerboard: odd users have a, c, e, g, even users the
    others, each without one of them. Item "new" is one of the first kind but has no interaction.
    """
    return _write_files(tmp_path, monkeypatch)


def _write_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    rows = [
        f"{user},{item},{100 * user + at}"
        for user in range(1, 9)
        for at, item in enumerate(ITEMS)
        if (user + at) % 2 and (user - 1) != at
    ]
    _lines(folder / "events.csv", "user,item,time", *rows)
    kinds = {item: "odd" if at % 2 else "even" for at, item in enumerate(ITEMS)} | {"new": "even"}
    _lines(
        folder / "facts.tsv", "head\trelation\ttail", *(f"{i}\tis\t{k}" for i, k in kinds.items())
    )
    rows = [f"{item},Film {item} [x],{2000 + at}" for at, item in enumerate(kinds)]
    _lines(folder / "items.csv", "item,title,year", *rows)
    return folder


def _lines(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _fit(folder: Path, name: str, *options: str) -> Path:
    """Fit a model on these files, in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        _write_files(folder, patch)
        with pytest.raises(SystemExit) as left:
            main(["fit", "events.csv", *options, "-o", name])
        assert left.value.code == 0
    return folder / name


@pytest.fixture(scope="session")
def fitted(tmp_path_factory) -> Path:
    """A model folder fitted on these files, for reading only."""
    options = ["--kg", "facts.tsv", "--items", "items.csv", "--set", "factors=4"]
    return _fit(tmp_path_factory.mktemp("fitted"), "films.model", *options)


@pytest.fixture
def model(fitted, files) -> Path:
    """The model folder, with the small files in the current folder."""
    return fitted


@pytest.fixture(scope="session")
def fitted_als(tmp_path_factory) -> Path:
    """A model that knows no features, for reading only."""
    options = ["--model", "als", "--set", "factors=2"]
    return _fit(tmp_path_factory.mktemp("fitted"), "films", *options)


@pytest.fixture
def films(fitted_als, files) -> Path:
    """A copy of it among the small files, which a test may change."""
    return shutil.copytree(fitted_als, files / "films")
