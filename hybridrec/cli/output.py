"""Results to standard output or to a file, as tables to read or for machines."""

from __future__ import annotations

import csv
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.options import OutputOptions
from hybridrec.errors import HybridRecError, OutputError, ParameterError

if TYPE_CHECKING:
    from rich.console import Console

_SUFFIXES = {"md": "markdown", "tex": "latex", "htm": "html"}

Columns = Mapping[str, np.ndarray]
Write = Callable[[Columns], None]
Show = Callable[["Console", Columns], None]


def check_output(path: Path | None, *, overwrite: bool) -> None:
    """Refuse an output that could not be written, before any work.

    Raises
    ------
    OutputError
    """
    if path is None:
        return
    if not path.parent.is_dir():
        raise OutputError(f"cannot write {path}: {path.parent} is not a folder; make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"cannot write {path}: {path.parent} may not be written to")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} already exists; choose another name or add --overwrite")


def resolve_format(out: OutputOptions, *formats: str) -> str:
    """Return the format of an output: as asked for, or as the suffix of the file says.

    Raises
    ------
    ParameterError
        If the suffix says nothing, or Parquet is to go to a terminal or pipe.
    """
    chosen = out.format
    if chosen is None and out.output is not None:
        suffix = out.output.suffix.lstrip(".").lower()
        chosen = _SUFFIXES.get(suffix, suffix)
        if chosen not in formats:
            raise ParameterError(
                f"cannot tell the format of {out.output}; add --format {'|'.join(formats)}"
            )
    chosen = chosen or formats[0]
    if chosen == "parquet" and out.output is None:
        raise ParameterError("parquet needs a file to write: add -o FILE")
    return chosen


@contextmanager
def open_output(out: OutputOptions, form: str, show: Show | None = None) -> Iterator[Write]:
    """Yield a function that writes a block of columns; a file appears whole at the end.

    Parameters
    ----------
    out : OutputOptions
    form : {"table", "json", "csv", "parquet"}
    show : callable
        Prints a block as a table to read; only for that format.
    """
    if out.output is None:
        with _text_form(form, sys.stdout, show) as write:
            yield write
        return
    with staged_file(out.output, out.overwrite) as path:
        if form == "parquet":
            with _parquet(path) as write:
                yield write
        else:
            with (
                path.open("w", encoding="utf-8", newline="") as stream,
                _text_form(form, stream, show) as write,
            ):
                yield write
    say(f"Saved to {out.output}")


def write_text(out: OutputOptions, text: str) -> None:
    """Write a text to standard output, or to a file that appears whole."""
    if out.output is None:
        click.echo(text.rstrip("\n"))
        return
    with staged_file(out.output, out.overwrite) as path:
        path.write_text(text, encoding="utf-8")
    say(f"Saved to {out.output}")


@contextmanager
def staged_file(path: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary name beside ``path`` to write to; on success it takes its place.

    Raises
    ------
    OutputError
        If it cannot be written; what was at ``path`` stays.
    """
    check_output(path, overwrite=overwrite)
    stage = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield stage
        check_output(path, overwrite=overwrite)
        stage.replace(path)
    except HybridRecError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        stage.unlink(missing_ok=True)


def say(message: str) -> None:
    """Write a message for people to standard error."""
    click.echo(message, err=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that something takes its time."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def console(stream: IO[str] | None = None) -> Console:
    """Return a console for tables: colours only on a terminal, texts taken as they are."""
    from rich.console import Console

    return Console(file=stream, markup=False, highlight=False, emoji=False)


def _text_form(form: str, stream: IO[str], show: Show | None) -> AbstractContextManager[Write]:
    if form == "table":
        assert show is not None
        return nullcontext(partial(show, console(stream)))
    return _json(stream) if form == "json" else _csv(stream)


@contextmanager
def _json(stream: IO[str]) -> Iterator[Write]:
    """Write one JSON list, an object a line."""
    before = "[\n"

    def write(columns: Columns) -> None:
        nonlocal before
        for values in _rows(columns):
            row = dict(zip(columns, values, strict=True))
            stream.write(before + json.dumps(row, ensure_ascii=False))
            before = ",\n"

    yield write
    stream.write("[]\n" if before == "[\n" else "\n]\n")


@contextmanager
def _csv(stream: IO[str]) -> Iterator[Write]:
    writer = csv.writer(stream, lineterminator="\n")
    header = True

    def write(columns: Columns) -> None:
        nonlocal header
        if header:
            writer.writerow(columns)
            header = False
        writer.writerows(_rows(columns))

    yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    """Collect blocks in a database on disk, so that memory stays bounded, and copy it out."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".hybridrec-") as folder:
        try:
            with duckdb.connect(str(Path(folder, "blocks.db"))) as database:
                yield lambda columns: _insert(database, columns)
                database.table("blocks").write_parquet(str(path))
        except duckdb.Error as error:
            raise OSError(str(error).splitlines()[0]) from error


def _insert(database: Any, columns: Columns) -> None:
    """Append a block to the table "blocks"; the first makes the table."""
    named = {f"c{at}": values for at, values in enumerate(columns.values())}
    cast = {at: "::VARCHAR" for at, values in named.items() if values.dtype == object}
    listed = ", ".join(f"{at}{cast.get(at, '')}" for at in named)
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    database.register("block", named)
    schema = f"create table if not exists blocks as select * from (select {listed} from block)"
    database.execute(f"{schema} as rows({names}) limit 0")
    database.execute(f"insert into blocks select {listed} from block")
    database.unregister("block")


def _rows(columns: Columns) -> Iterator[tuple[Any, ...]]:
    """Return the rows of some columns as plain Python values, None in place of NaN."""
    return zip(*(_plain(values) for values in columns.values()), strict=True)


def _plain(values: np.ndarray) -> list[Any]:
    if values.dtype == np.float32:  # the shortest text that is this number
        return [None if np.isnan(value) else float(str(value)) for value in values]
    listed: list[Any] = values.tolist()
    return listed
