"""The constants of the cost model, measured on the machine that it runs on."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError
from hybridrec.models.factors import FixedSide
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from hybridrec.distributed.cluster import Cluster

BENCHMARKED = Path(__file__).parent / "constants.json"  # of the machine of ``bench/results``

FACTORS = (16, 64, 128)
ENTRIES = (4, 16, 48, 96, 256, 1024)  # of a row
OTHERS = 100_000  # rows of the fixed side: more than a cache holds
BUDGET = 2e9  # multiply-adds of one measurement
REPEATS = 3
PIECES, PIECE = 8, 16 << 20  # bytes sent from worker to worker
TASKS = 400
LOGGED = (500_000, 2_000_000)  # interactions of two logs that are read and sharded


@dataclass(frozen=True)
class Constants:
    """What work costs.

    Attributes
    ----------
    row, turn, entry, gather, few, many, solve : float
        Seconds of one thread for a unit of each kind of work in `row_work`.
    prepare : float
        Seconds of a worker to read, clean and shard one interaction.
    start : float
        Seconds that this takes however few there are.
    bandwidth : float
        Bytes a second from worker to worker.
    task : float
        Seconds of the scheduler for a task.
    process : float
        Bytes of a worker that has loaded its kernels, and nothing else.
    machine : str
    """

    row: float
    turn: float
    entry: float
    gather: float
    few: float
    many: float
    solve: float
    prepare: float
    start: float
    bandwidth: float
    task: float
    process: float
    machine: str

    @property
    def work(self) -> np.ndarray:
        """Seconds by the kinds of `row_work`."""
        names = ("row", "turn", "entry", "gather", "few", "many", "solve")
        return np.array([getattr(self, name) for name in names])

    def to_dict(self) -> dict[str, Any]:
        """Return the constants as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Constants:
        """Read what `to_dict` wrote.

        Raises
        ------
        DataError
            If one is missing or no number above 0.
        """
        try:
            found = cls(**values)
            numbers = [float(one) for name, one in asdict(found).items() if name != "machine"]
        except (TypeError, ValueError) as error:
            raise DataError(f"these are no constants of a calibration: {error}") from error
        if not (np.isfinite(numbers).all() and min(numbers) >= 0 and found.bandwidth > 0):
            raise DataError("constants of a calibration must be finite numbers of at least 0")
        return found


def row_work(n: float, d: int) -> np.ndarray:
    """Return the units of work that a row of ``n`` interactions and ``d`` factors takes.

    They follow `hybridrec.kernels.als.solve_rows`: the row itself, its products with a basis, its
    entries and their factors, the small system of a row of few entries (scalar code), or the matrix
    product (BLAS) and the Cholesky factor of one of many.
    """
    common = [1.0, 2.0 * d * d, n, n * d]
    if n < d:
        return np.array([*common, n * n * d / 2 + n**3 / 6, 0.0, 0.0])
    return np.array([*common, 0.0, n * d * d, d**3 / 6])


def calibrate(cluster: Cluster) -> Constants:
    """Measure this machine: about a minute.

    Parameters
    ----------
    cluster : Cluster
        Of two workers at least, on machines like those of the job.
    """
    process = _process(cluster)
    at_once = list(cluster.client.run(_work).values())  # they share the memory of a machine
    row, turn, entry, gather, few, many, solve = np.mean(at_once, axis=0).tolist()
    prepare, start = _prepare(cluster)
    return Constants(
        *(row, turn, entry, gather, few, many, solve),
        prepare=prepare,
        start=start,
        bandwidth=_bandwidth(cluster),
        task=_task(cluster),
        process=process,
        machine=f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
    )


def _work() -> list[float]:
    """Fit the costs of kinds of work to measured rows of many sizes."""
    from scipy.optimize import nnls

    stream, measured = random_stream(0), []
    for d in FACTORS:
        factors = stream.normal(0, 0.1, size=(OTHERS, d)).astype(np.float32)
        side = FixedSide.of(factors, 0.01, num_threads=1)
        for n in ENTRIES:
            work = row_work(n, d)
            rows = int(np.clip(BUDGET / 20 / work.sum(), 64, 20_000))
            seconds = _best(_solver(side, rows, n, stream))
            measured.append((work * rows / seconds, seconds))
    shares = np.stack([work for work, _ in measured])
    costs, _ = nnls(shares, np.ones(len(shares)))  # relative errors
    return [float(one) for one in costs]


def _solver(
    side: FixedSide, rows: int, n: int, stream: np.random.Generator
) -> Callable[[], object]:
    from scipy.sparse import csr_matrix

    items = np.sort(stream.integers(OTHERS, size=(rows, n)), axis=1)
    starts = np.arange(rows + 1) * n
    history = csr_matrix(
        (np.ones(rows * n, dtype=np.float32), items.ravel(), starts), shape=(rows, OTHERS)
    )
    return lambda: side.fold_in(history, ridge=1.0, num_threads=1)


def _best(action: Callable[[], object]) -> float:
    """Return the least seconds of some repeats, after one to warm up."""
    action()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def _prepare(cluster: Cluster) -> tuple[float, float]:
    """Return what an interaction takes, and what all take however few they are."""
    few, many = (_read(cluster, n) for n in LOGGED)
    each = max(many - few, 0.0) / (LOGGED[1] - LOGGED[0])
    return each * cluster.n_workers, max(few - each * LOGGED[0], 0.0)


def _read(cluster: Cluster, n: int) -> float:
    """Return the seconds to read a log of so many interactions and to shard it both ways."""
    import pandas as pd

    from hybridrec.distributed.dataset import read_sharded

    stream = random_stream(1, n)
    users, items = stream.integers(n // 20, size=n), stream.integers(20_000, size=n)
    with tempfile.TemporaryDirectory(prefix="hybridrec-") as folder:
        for part in range(8):
            rows = slice(part, n, 8)
            table = pd.DataFrame({"user": users[rows], "item": items[rows]})
            table.to_parquet(Path(folder) / f"part-{part}.parquet")
        start = time.perf_counter()
        data = read_sharded(cluster, folder)
        assert len(data.columns) > 0
        return time.perf_counter() - start


def _bandwidth(cluster: Cluster) -> float:
    first, second = sorted(cluster.workers)[:2]
    submit = cluster.client.submit
    rates = []
    for repeat in range(REPEATS + 1):
        made = [
            submit(_piece, at + PIECES * repeat, workers=[first], pure=False)
            for at in range(PIECES)
        ]
        cluster.wait(made)
        start = time.perf_counter()
        cluster.result(submit(_lengths, made, workers=[second], pure=False))
        rates.append(PIECES * PIECE / (time.perf_counter() - start))
    return float(max(rates))


def _piece(number: int) -> np.ndarray:
    return np.full(PIECE // 8, float(number))


def _lengths(pieces: list[np.ndarray]) -> int:
    return sum(map(len, pieces))


def _task(cluster: Cluster) -> float:
    def run() -> None:
        cluster.wait(cluster.map(_nothing, list(range(TASKS))))

    return _best(run) / TASKS


def _nothing(number: int) -> int:
    return number


def _process(cluster: Cluster) -> float:
    cluster.client.run(_warm_up)
    sizes = cluster.client.run(_resident)
    return float(max(sizes.values()))


def _warm_up() -> None:
    """Load the kernels."""
    import pandas as pd

    from hybridrec.models.hybrid_als import HybridALS

    rows = np.arange(400)
    HybridALS(factors=64, iterations=1).fit(pd.DataFrame({"user": rows % 40, "item": rows % 7}))


def _resident(dask_worker: Any) -> float:
    return float(dask_worker.monitor.get_process_memory())
