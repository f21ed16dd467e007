"""What holds if tests run in several processes at a time (``pytest -n``), and where they run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# What takes longest starts first, so that no process is left alone with it at the end: the tours,
# each by itself, and folders whose tests share what is dear (a cluster, a service and its models,
# kernels compiled for types that occur nowhere else).
TOURS = "test_readme.py"
ROOMS = ("distributed", "service", "kernels")
PARALLEL = "PYTEST_XDIST_WORKER" in os.environ

# Threads of OpenMP that wait must not spin: where another process needs the core, every barrier
# would cost a time slice. Read when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Numba's cache takes no lock: two processes that add to it at once can get each other's code.
# Read when numba is imported; processes that a test starts inherit it.
if PARALLEL:
    cache = Path(__file__).resolve().parents[1] / ".pytest_cache" / "numba"
    os.environ["NUMBA_CACHE_DIR"] = str(cache / os.environ["PYTEST_XDIST_WORKER"])


def _room(nodeid: str) -> str:
    """Return the folder or file below ``tests``."""
    return nodeid.split("::")[0].removeprefix("tests/").split("/")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first."""
    if PARALLEL:
        first = {room: place for place, room in enumerate((TOURS, *ROOMS))}
        items.sort(key=lambda item: first.get(_room(item.nodeid), len(first)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> LoadScopeScheduling:
    """Give a process a tour, a room or a file at a time, so that fixtures are made once."""
    from xdist.scheduler import LoadScopeScheduling

    class InOrder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            room = _room(nodeid)
            if room == TOURS:
                return nodeid
            return room if room in ROOMS else nodeid.split("::")[0]

    config.option.loadscopereorder = False
    return InOrder(config, log)
