"""Arrays, tables and a manifest <-> one folder on disk, written whole or not at all.

::

    manifest.json          versions, the caller's keys, size and sha256 of every other file
    arrays.safetensors     all arrays and sparse matrices, memory-mapped on reading
    ids/users.parquet      the table "ids/users"
    card.md                a text for people or other programs

No pickle: reading runs no code from a file, and returns nothing before everything is verified.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrec.errors import ModelFolderError, OutputError, ParameterError
from hybridrec.store import manifest as manifests
from hybridrec.store.arrays import read_arrays, write_arrays
from hybridrec.store.staging import clean_leftovers, staged_folder
from hybridrec.store.tables import read_table, write_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybridrec.store.arrays import Stored

_ARRAYS = "arrays.safetensors"
_TABLE = ".parquet"
_TEXTS = (".md", ".json")
_TEXT_NAME = re.compile(r"[A-Za-z0-9_-]+\.(md|json)")
_TABLE_NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_ATTEMPTS = 100


@dataclass(frozen=True)
class Folder:
    """What a folder holds.

    Attributes
    ----------
    manifest : dict
        The caller's keys as JSON returns them, and ``format_version``, ``library_version``,
        ``created`` (UTC, ISO 8601), ``files`` and ``checksum``.
    arrays : dict of str to array or csr_matrix
        Read-only views on the mapped file.
    tables : dict of str to dict of str to array
        The columns of each table.
    texts : dict of str to str
        The content of each text, by its file name.
    """

    manifest: dict[str, Any]
    arrays: dict[str, Stored]
    tables: dict[str, dict[str, NDArray[Any]]]
    texts: dict[str, str] = field(default_factory=dict)


def write_folder(
    path: str | os.PathLike[str],
    *,
    manifest: Mapping[str, Any],
    arrays: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a folder: complete, or not at all.

    It is built under a temporary name beside ``path``, synced and renamed. Whatever interrupts
    this, up to a full disk, Ctrl-C or a kill, a folder that stood at ``path`` stays whole.

    Parameters
    ----------
    path : str or path
        The folder to make; its parent must exist.
    manifest : mapping
        Keys to keep, of JSON's types.
    arrays : mapping of str to array or CSR matrix
        See :func:`hybridrec.store.arrays.write_arrays`.
    tables : mapping of str to mapping of str to array
        See :func:`hybridrec.store.tables.write_table`. A table "ids/users" becomes the file
        ``ids/users.parquet``.
    texts : mapping of str to str, optional
        By file name, such as "card.md" or "card.json".
    overwrite : bool, default False
        Replace a folder that hybridrec wrote, with all that is in it, or an empty one. Nothing
        else is ever replaced.

    Raises
    ------
    ParameterError, DataError
        If a name or content cannot be stored.
    OutputError
        If ``path`` exists and may not be replaced, or cannot be written.
    """
    manifests.check_keys(manifest)
    for name in tables:
        if not _TABLE_NAME.fullmatch(name):
            raise ParameterError(
                f"{name!r} cannot name a table: use letters, digits, '_' and '-', with '/' between"
            )
    for name in texts or {}:
        if not _TEXT_NAME.fullmatch(name) or name == manifests.MANIFEST:
            raise ParameterError(f"{name!r} cannot name a text: use such as 'card.md'")
    with new_folder(path, overwrite=overwrite) as stage:
        write_arrays(stage / _ARRAYS, arrays)
        for name, columns in tables.items():
            file = stage / f"{name}{_TABLE}"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_table(file, columns)
        for name, text in (texts or {}).items():
            (stage / name).write_bytes(text.encode())
        manifests.write_manifest(stage, manifest)


@contextmanager
def new_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill, a manifest included, that takes the place of ``path`` whole.

    Parameters
    ----------
    path, overwrite
        As in :func:`write_folder`.

    Raises
    ------
    OutputError
        As in :func:`write_folder`.
    """
    target = Path(path).resolve()  # where path is a link, what it leads to is replaced
    try:
        if not target.parent.is_dir():
            raise OutputError(f"{target.parent} is not a folder; make it first")
        clean_leftovers(target)
        with staged_folder(target, replace=_may_replace(target, overwrite)) as stage:
            yield stage
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {target}: {reason}") from error


def read_folder(path: str | os.PathLike[str]) -> Folder:
    """Verify a folder and read it.

    Parameters
    ----------
    path : str or path
        A folder of :func:`write_folder`. It may be replaced by another process meanwhile: the
        result is then all of the old one or all of the new one.

    Raises
    ------
    ModelFolderError
        If it is missing, not written by hybridrec, of a newer format, incomplete or altered.
    """
    folder = Path(path)
    for _ in range(_ATTEMPTS):
        manifest = manifests.read_manifest(folder)
        try:
            content = _read_content(folder, manifest)
        except ModelFolderError:
            if manifests.read_manifest(folder) == manifest:
                raise
        else:
            if manifests.read_manifest(folder) == manifest:
                return content
    raise ModelFolderError(f"{folder} is being replaced over and over; read it when that is done")


def _read_content(folder: Path, manifest: dict[str, Any]) -> Folder:
    """Verify and read all files that a manifest lists."""
    if _ARRAYS not in manifest["files"]:
        raise ModelFolderError(f"{folder} lists no {_ARRAYS}; save it again")
    manifests.verify_files(folder, manifest)
    names = [file.removesuffix(_TABLE) for file in manifest["files"] if file.endswith(_TABLE)]
    return Folder(
        manifest=manifest,
        arrays=read_arrays(folder / _ARRAYS),
        tables={name: read_table(folder / f"{name}{_TABLE}") for name in names},
        texts={name: _read_text(folder / name) for name in manifest["files"] if _is_text(name)},
    )


def _is_text(name: str) -> bool:
    return name.endswith(_TEXTS) and "/" not in name


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{path} cannot be read: {error}") from error


def _may_replace(target: Path, overwrite: bool) -> bool:
    """Tell whether ``target`` holds something to replace; refuse if it may not be replaced."""
    if not target.exists():
        return False
    if not overwrite:
        raise OutputError("it already exists; choose another name, or say overwrite to replace it")
    if not target.is_dir() or (any(target.iterdir()) and not manifests.has_manifest(target)):
        raise OutputError(
            "what stands there was not written by hybridrec, and overwrite replaces nothing else;"
            " choose another name, or remove it yourself"
        )
    return True
