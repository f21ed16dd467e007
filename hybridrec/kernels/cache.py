"""A place for compiled kernels where numba would find none."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numba


def ensure_cache() -> None:
    """Let numba keep compiled kernels in a folder of this user below the temporary ones.

    Only if it can write neither beside the package nor in the user's cache, as in a container
    with a read-only file system and no home: there it would refuse to import a kernel.
    """
    try:
        numba.njit(cache=True)(_probe)  # finds a place, compiles nothing
    except RuntimeError:
        vars(numba.config)["CACHE_DIR"] = str(_own_folder())


def _probe() -> None:
    """Be a function of this package."""


def _own_folder() -> Path:
    """Return a folder that nobody else can write to: what is in it will be run."""
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = Path(tempfile.gettempdir()) / f"hybridrec-numba-{user}"
    if user is not None:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if facts.st_uid == user and facts.st_mode & 0o77 == 0 and folder.is_dir():
            return folder
    return Path(tempfile.mkdtemp(prefix="hybridrec-numba-"))
