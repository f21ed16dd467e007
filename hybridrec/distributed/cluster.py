"""The cluster that does the work: a Dask client, and the few ways in which tasks are given to it.

Results never depend on the number of workers: work is cut by the data, sums are added up in the
order of a tree that only the number of parts decides, and every task runs on one thread.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybridrec.distributed.sizes import tell_sizes
from hybridrec.distributed.versions import check_versions
from hybridrec.errors import ClusterError, HybridRecError, MissingExtraError, ParameterError
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as DaskFuture

Future: TypeAlias = "DaskFuture[Any]"

ARITY = 8  # parts that a task of a tree reduction takes
AHEAD = 3  # tasks for every worker that are on their way at a time, where data goes with them
TIMEOUT = 20  # seconds to wait for a scheduler
LOCAL = "local:"
SETTINGS = {
    "distributed.worker.memory.target": 0.5,  # of the limit; then results go to disk
    "distributed.worker.memory.spill": 0.6,
    "distributed.worker.memory.pause": 0.9,
    "distributed.worker.memory.terminate": 0.97,
    "distributed.scheduler.allowed-failures": 3,
    "distributed.admin.large-graph-warning-threshold": "1GB",
    "distributed.comm.timeouts.connect": f"{TIMEOUT}s",
}


@dataclass(frozen=True)
class Tls:
    """Certificates of a cluster that is reached at ``tls://``.

    Attributes
    ----------
    ca, cert, key : path
        PEM files: the authority, and this client's own certificate and key.
    """

    ca: str | os.PathLike[str]
    cert: str | os.PathLike[str]
    key: str | os.PathLike[str]


@contextmanager
def connect(
    address: str = "local:2", *, memory_limit: str | None = None, tls: Tls | None = None
) -> Iterator[Cluster]:
    """Connect to a Dask cluster, or start one of processes on this machine.

    Parameters
    ----------
    address : str, default "local:2"
        ``local:N`` starts N worker processes of one thread each, which end with the block. Like
        all that starts processes, a script that does so needs ``if __name__ == "__main__":``.
        Otherwise the address of a scheduler, such as ``tcp://10.0.0.5:8786`` or ``tls://...``.
    memory_limit : str, optional
        Of each local worker, such as ``"4GB"``; what does not fit goes to disk. By default the
        machine's memory, shared fairly.
    tls : Tls, optional
        Certificates, for ``tls://``.

    Raises
    ------
    ParameterError
        If the address makes no sense.
    ClusterError
        If the scheduler cannot be reached, has no workers, or these run other versions.
    MissingExtraError
        If Dask is not installed.
    """
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("distributed", "dask", error) from error
    _check(address, memory_limit, tls)
    with (
        dask.config.set(SETTINGS),
        _started(address, memory_limit) as where,
        _client(where, tls) as client,
    ):
        check_versions(client)
        _check_threads(client)
        yield Cluster(client)


class Cluster:
    """Gives tasks to the workers of a Dask client; make one with `connect`.

    Parameters
    ----------
    client : distributed.Client
        Of a cluster whose workers have one thread each.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def n_workers(self) -> int:
        """Number of workers at this moment."""
        return len(self.workers)

    @property
    def workers(self) -> list[str]:
        """Addresses of the workers."""
        return list(self.client.ncores())

    @property
    def memory(self) -> float:
        """Bytes that the smallest worker may use; infinite if none has a limit."""
        limits = self.client.run(_memory_limit).values()
        return float(min((one for one in limits if one), default=np.inf))

    def map(
        self, function: Callable[..., Any], *columns: Sequence[Any], **common: Any
    ) -> list[Future]:
        """Run a function on every row of some columns, with some arguments in common.

        Arguments may be results of other tasks, or lists of such; they go from worker to worker.
        Dask chooses the places. No task is ever tied to an address: once all workers were lost,
        one that is tied, however loosely, would wait for its own for ever.
        """
        if not columns[0]:
            return []
        made: list[Future] = self.client.map(Task(function), *columns, pure=False, **common)
        return made

    def one(self, function: Callable[..., Any], *arguments: Any, **common: Any) -> Future:
        """Run a function once."""
        return self.client.submit(Task(function), *arguments, pure=False, **common)

    def share(self, value: Any) -> Future:
        """Return a value of this process as a result, which survives the loss of any worker."""
        return self.one(_same, value)

    def reduce(self, function: Callable[[list[Any]], Any], parts: Sequence[Future]) -> Future:
        """Join results as a tree: ``function`` takes a list of up to eight and returns one.

        The order depends on the number of parts alone.
        """
        while True:
            groups = [parts[at : at + ARITY] for at in range(0, len(parts), ARITY)]
            parts = self.map(function, groups)
            if len(parts) == 1:
                return parts[0]

    def split(
        self, pieces: Sequence[Future], places: Iterable[int] | Iterable[slice]
    ) -> list[list[Future]]:
        """Take results that are sequences apart: for every place, what all of them have there."""
        rows = [(piece, at) for at in places for piece in pieces]
        taken = self.map(_at, *map(list, zip(*rows, strict=True))) if rows else []
        return [taken[at : at + len(pieces)] for at in range(0, len(taken), len(pieces))]

    def result(self, future: Any) -> Any:
        """Wait for one result, or for a list of them.

        Raises
        ------
        HybridRecError
            What a task raised; `ClusterError` if workers were lost over and over.
        """
        with _lost_workers():
            return self.client.gather(future)

    def stream(self, futures: Sequence[Future]) -> Iterator[Any]:
        """Yield results in order, one of them in memory at a time."""
        for future in futures:
            yield self.result(future)

    def in_turn(self, futures: Iterable[Future]) -> Iterator[Any]:
        """Yield results in order; no more is submitted at a time than keeps the workers busy."""
        waiting: deque[Future] = deque()
        for future in futures:
            waiting.append(future)
            if len(waiting) > AHEAD * self.n_workers:
                yield self.result(waiting.popleft())
        while waiting:
            yield self.result(waiting.popleft())

    def abreast(self, chains: Iterable[Iterator[Future]]) -> Iterator[Any]:
        """Yield the last result of every chain of tasks, in order.

        No more chains go on at a time than keep the workers busy, and the next task of each is
        submitted when the one before is done. So what all chains need does not pile up on every
        worker: every two seconds Dask drops the copies that no submitted task needs.
        """
        from distributed import as_completed

        most, running, started = AHEAD * self.n_workers, {}, deque[_Chain]()
        with self.client.as_current():
            done = as_completed()

        def go_on(chain: _Chain) -> None:
            if chain.go_on():
                running[chain.at] = chain
                done.add(chain.at)

        for tasks in chains:
            started.append(_Chain(tasks))
            go_on(started[-1])
            while len(running) >= most:
                go_on(running.pop(next(done)))
            while started and started[0].over:
                yield self.result(started.popleft().at)
        while started:
            while not started[0].over:
                go_on(running.pop(next(done)))
            yield self.result(started.popleft().at)

    def wait(self, futures: Sequence[Future]) -> None:
        """Wait until results are there, on the workers."""
        from distributed import wait

        with _lost_workers(), self.client.as_current():
            for future in wait(list(futures)).done:
                if future.status == "error":
                    future.result()


class _Chain:
    """Tasks one after the other, and at which of them it is."""

    def __init__(self, tasks: Iterator[Future]) -> None:
        self.tasks, self.over = tasks, False
        self.at: Future

    def go_on(self) -> bool:
        """Submit the next task; tell whether there was one."""
        task = next(self.tasks, None)
        if task is None:
            self.over = True
            return False
        self.at = task
        return True


class Task:
    """A function as it runs on a worker: one thread, BLAS capped, errors that can travel."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = function.__name__.lstrip("_")

    def __call__(self, *arguments: Any, **common: Any) -> Any:
        """Run the function."""
        tell_sizes()
        try:
            with threads(1):
                return self.function(*arguments, **common)
        except HybridRecError as error:
            raise _plain(error) from None


def _plain(error: HybridRecError) -> HybridRecError:
    """Return an error that is made of its message alone, as pickling needs it."""
    for kind in type(error).__mro__:
        if "__init__" not in vars(kind) and kind.__module__ == HybridRecError.__module__:
            plain: HybridRecError = kind(str(error))
            return plain
    return HybridRecError(str(error))


def _same(value: Any) -> Any:
    return value


def _memory_limit(dask_worker: Any) -> int | None:
    limit: int | None = dask_worker.memory_manager.memory_limit
    return limit


def _at(pieces: Sequence[Any], place: int | slice) -> Any:
    return pieces[place]


def _check(address: str, memory_limit: str | None, tls: Tls | None) -> None:
    """Refuse what makes no sense before anything is started."""
    if address.startswith(LOCAL):
        number = address.removeprefix(LOCAL)
        if not number.isdecimal() or int(number) < 1:
            raise ParameterError(f"a local cluster is local:N, N workers, got {address!r}")
    elif not address.startswith(("tcp://", "tls://")):
        raise ParameterError(
            f"a cluster is local:N, tcp://HOST:PORT or tls://HOST:PORT, got {address!r}"
        )
    elif memory_limit is not None:
        raise ParameterError(
            "the memory limit of remote workers is set where they are started; it is for local:N"
        )
    if (tls is not None) != address.startswith("tls://"):
        raise ParameterError("tls:// needs certificates, and only tls:// takes them")
    for path in () if tls is None else (tls.ca, tls.cert, tls.key):
        if not Path(path).is_file():
            raise ParameterError(f"there is no certificate or key {os.fspath(path)}")
    if memory_limit is not None:
        from dask.utils import parse_bytes

        try:
            parse_bytes(memory_limit)
        except ValueError:
            raise ParameterError(
                f"a memory limit is a size such as 4GB, got {memory_limit!r}"
            ) from None


def _check_threads(client: Client) -> None:
    """Refuse workers with several threads: memory and the cores of a machine are planned by one."""
    for worker, count in client.ncores().items():
        if count != 1:
            raise ClusterError(
                f"worker {worker} has {count} threads; start workers with --nthreads 1, and as many"
                " of them as there are cores"
            )


@contextmanager
def _started(address: str, memory_limit: str | None) -> Iterator[Any]:
    """Start a local cluster if one is asked for; yield what a client connects to."""
    if not address.startswith(LOCAL):
        yield address
        return
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=int(address.removeprefix(LOCAL)),
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # any free port; nobody outside sees it
        memory_limit=memory_limit or "auto",
        silence_logs=logging.CRITICAL,  # errors come back with the results
    ) as local:
        yield local


@contextmanager
def _client(where: Any, tls: Tls | None) -> Iterator[Client]:
    from distributed import Client
    from distributed.security import Security

    security = None
    if tls is not None:
        security = Security(
            tls_ca_file=os.fspath(tls.ca),
            tls_client_cert=os.fspath(tls.cert),
            tls_client_key=os.fspath(tls.key),
            require_encryption=True,
        )
    try:
        client = Client(where, security=security, timeout=TIMEOUT, set_as_default=False)
        client.wait_for_workers(1, timeout=TIMEOUT)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"cannot use the cluster at {where}: {error}") from error
    with client:
        yield client


@contextmanager
def _lost_workers() -> Iterator[None]:
    """Say in our words what became of the cluster."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            f"a task was lost with its worker {error.allowed_failures + 1} times, most often for"
            " want of memory: give workers more, or cut the data into more shards"
        ) from error
    except (CancelledError, FutureCancelledError) as error:
        raise ClusterError(
            "the connection to the cluster was lost; start again, with the same --checkpoint if"
            " there was one"
        ) from error
