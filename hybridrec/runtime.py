"""Threads, random streams and progress: what every kernel call shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from hybridrec.errors import ParameterError


def available_cpus() -> int:
    """Return how many CPUs this process may use: affinity mask and cgroup quota respected."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _cgroup_quota(Path("/sys/fs/cgroup"))
    return max(1, min(count, int(quota) if quota is not None else count))


def _cgroup_quota(root: Path) -> float | None:
    """Return the CPU quota of the container in CPUs (cgroup v2, then v1), None without one."""
    try:
        quota, period = (root / "cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        cpus = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # "max": no limit
        return None
    return max(1.0, cpus) if cpus > 0 else None


def resolve_threads(num_threads: int) -> int:
    """Turn the ``num_threads`` of a public call into a number of threads.

    Parameters
    ----------
    num_threads : int
        0 means all CPUs this process may use; a larger number is taken as it is, up to the
        number of CPUs.

    Raises
    ------
    ParameterError
        If ``num_threads`` is negative or not a whole number.
    """
    if isinstance(num_threads, bool) or not isinstance(num_threads, (int, np.integer)):
        raise ParameterError(f"num_threads must be a whole number, got {num_threads!r}")
    if num_threads < 0:
        raise ParameterError(f"num_threads must be 0 (all) or positive, got {num_threads}")
    if num_threads == 1:  # a service asks so for every request; to look for the CPUs takes long
        return 1
    cpus = available_cpus()
    return cpus if num_threads == 0 else min(int(num_threads), cpus)


@contextmanager
def threads(num_threads: int = 0) -> Iterator[int]:
    """Run a block with ``num_threads`` kernel threads and BLAS capped to one thread.

    Kernels split the work themselves, so BLAS below them must not multiply the threads. The
    settings of the host process are restored on leaving. Blocks may nest and may run in several
    threads of the host at once.
    """
    import numba

    most = int(getattr(numba.config, "NUMBA_NUM_THREADS", 1))  # set when numba is imported
    count = min(resolve_threads(num_threads), most)
    before = numba.get_num_threads()
    numba.set_num_threads(count)
    try:
        with _one_blas_thread():
            yield count
    finally:
        numba.set_num_threads(before)


_BLAS_CAP = Lock()


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Cap BLAS, unless a block that runs already does.

    The number of BLAS threads belongs to the whole process: if each of two overlapping blocks
    restored what it found, the cap of the first would stay for good.
    """
    if not _BLAS_CAP.acquire(blocking=False):
        yield
        return
    try:
        with _blas_libraries(len(sys.modules)).limit(limits=1, user_api="blas"):
            yield
    finally:
        _BLAS_CAP.release()


@lru_cache(maxsize=1)
def _blas_libraries(_n_modules: int) -> Any:
    """Find the BLAS libraries: milliseconds, so only where a new import may have brought one."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def check_random_state(random_state: int) -> int:
    """Return the seed as a Python int; every random result depends on it alone.

    Raises
    ------
    ParameterError
        If ``random_state`` is not a whole number of at least 0.
    """
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)):
        raise ParameterError(f"random_state must be a whole number, got {random_state!r}")
    if random_state < 0:
        raise ParameterError(f"random_state must be at least 0, got {random_state}")
    return int(random_state)


def random_stream(random_state: int, *unit: int) -> np.random.Generator:
    """Return the counter-based random stream of one unit of work.

    The same ``(random_state, *unit)`` gives the same numbers whatever else ran before, in any
    order and on any number of threads.
    """
    entropy = [check_random_state(random_state), *unit]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


@contextmanager
def progress(
    total: int, description: str, *, show: bool = False
) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error while a block runs.

    Yields a function that is called with the number of units just finished. Nothing is written
    unless ``show`` is true and standard error is a terminal.
    """
    if not (show and sys.stderr.isatty()):
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda done: bar.advance(task, done)
