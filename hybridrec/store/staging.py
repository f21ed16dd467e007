"""A folder that appears at its path whole or not at all, whatever happens in between.

It is built beside its path under a hidden name, synced, and renamed into place. The builder
holds a lock on the hidden folder, which the kernel releases when the process dies: a hidden
folder that nobody locks is the leftover of a killed save, and the next save removes it.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def staged_folder(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it takes the place of ``path``.

    Parameters
    ----------
    path : Path
        The final place, in an existing folder.
    replace : bool
        Whether a folder stands there that is to be replaced and removed. On Linux the two change
        places in one step; elsewhere there is an instant without either.

    Raises
    ------
    OSError
        If the folder cannot be made, synced or renamed. As after any other exception in the
        block, ``path`` is then what it was, and the new folder is gone.
    """
    stage = path.with_name(f".{path.name}.hybridrec-{secrets.token_hex(4)}.tmp")
    lock = None
    try:
        stage.mkdir()
        lock = _lock(stage)
        yield stage
        _finish(stage)
        if not replace:
            stage.rename(path)
        elif not _exchange(stage, path):
            _rename_twice(stage, path)
        _sync(path.parent)
    finally:  # what still has the hidden name is the unfinished folder, or the replaced one
        shutil.rmtree(stage, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def clean_leftovers(path: Path) -> None:
    """Remove what killed saves of ``path`` left beside it, or put back the folder they moved."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.hybridrec-[0-9a-f]{{8}}\.(tmp|old)")
    for found in [other for other in path.parent.iterdir() if ours.fullmatch(other.name)]:
        if found.is_symlink() or not found.is_dir():
            continue
        lock = _lock(found)
        if lock is None:
            continue
        try:
            if found.suffix == ".old" and not os.path.lexists(path):
                found.rename(path)
            else:
                shutil.rmtree(found, ignore_errors=True)
        finally:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder as long as the returned descriptor is open; None if that is not possible."""
    if sys.platform == "win32":  # leftovers cannot be told from saves under way there, and stay
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # its save ended meanwhile
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by a save under way, or a file system without locks
        os.close(descriptor)
        return None
    return descriptor


def _finish(stage: Path) -> None:
    """Give all files the permissions a new file has here, and bring everything to the disk."""
    readable = stage.stat().st_mode & 0o666  # safetensors may have made files for the owner only
    for folder, _, names in os.walk(stage, topdown=False):
        for name in names:
            file = Path(folder, name)
            file.chmod(readable)
            _sync(file)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    if sys.platform == "win32":  # it syncs no folder, and no file that is open for reading only
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the system or the file system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux, or a C library without it
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _rename_twice(stage: Path, path: Path) -> None:
    """Replace ``path`` where names cannot be swapped; put it back if the second step fails."""
    aside = stage.with_suffix(".old")
    try:
        path.rename(aside)
        stage.rename(path)
    finally:
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(path)
