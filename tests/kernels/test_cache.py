"""Kernels run where numba finds no place for what it compiles."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# As if neither the package nor the user's cache could be written to.
SCRIPT = """
import numba.core.caching as caching
places = caching.CacheImpl._locator_classes
caching.CacheImpl._locator_classes = [one for one in places if "UserProvided" in one.__name__]
import numpy, numba
from hybridrec.kernels.rng import mix
print(numba.config.CACHE_DIR, int(mix(numpy.uint64(1))))
"""


def run(folder, **more):
    env = {name: one for name, one in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    env |= {"TMPDIR": str(folder), **more}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    place, value = done.stdout.split()
    return place, int(value)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owners here")
def test_they_are_kept_in_a_folder_of_the_user(tmp_path):
    first, second = run(tmp_path), run(tmp_path)
    assert first == second
    folder = tmp_path / f"hybridrec-numba-{os.getuid()}"
    assert first[0] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.rglob("*.nbc"))


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owners here")
def test_a_folder_that_others_can_write_to_is_not_trusted(tmp_path):
    folder = tmp_path / f"hybridrec-numba-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    place, _ = run(tmp_path)
    assert place != str(folder)
    assert place.startswith(str(tmp_path / "hybridrec-numba-"))
    assert not list(folder.rglob("*"))


def test_a_place_that_was_named_is_used(tmp_path):
    named = tmp_path / "named"
    place, _ = run(tmp_path, NUMBA_CACHE_DIR=str(named))
    assert place == str(named)
    assert list(named.rglob("*.nbc"))
