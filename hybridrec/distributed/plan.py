"""What a distributed fit of `HybridALS` takes before it is run: memory, network, time.

A model of `hybridrec.distributed` as it is: interactions in blocks by user and by item, the
factors of one side sent whole to every worker for the half-iteration that solves the other. Its
constants are measured (`hybridrec.distributed.calibration`); ``bench/results/plan.md`` has what it
said beside what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import ceil
from typing import Any

import numpy as np

from hybridrec.distributed.blocks import LEAST, MOST, ROWS
from hybridrec.distributed.calibration import Constants, row_work
from hybridrec.distributed.cluster import ARITY
from hybridrec.errors import ParameterError

QUANTILES = 64  # of the interactions of a row, which differ much
BYTES = 4  # of a factor
ENTRY = 8  # bytes of an interaction in a shard: code and weight
COPIES = 4  # of an interaction: by user and by item, as read and as trained on
ON_THE_WAY = 3  # more of it, while partitions become shards
USABLE = 0.9  # share of a worker's memory at which Dask makes it wait


@dataclass(frozen=True)
class Job:
    """What is to be fitted.

    Attributes
    ----------
    users, items, interactions : float
        How many; interactions are distinct pairs.
    factors : int, default 128
    iterations : int, default 15
    user_spread, item_spread : float, default 1.0 and 1.5
        Standard deviation of the logarithm of the interactions of a user, and of an item.
    """

    users: float
    items: float
    interactions: float
    factors: int = 128
    iterations: int = 15
    user_spread: float = 1.0
    item_spread: float = 1.5

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            least = 0 if one.name.endswith("spread") else 1
            if not (np.isfinite(value) and value >= least):
                raise ParameterError(f"{one.name} must be at least {least}, got {value!r}")
        if self.interactions > self.users * self.items:
            raise ParameterError(
                f"{self.interactions:g} interactions are more than pairs of {self.users:g} users"
                f" and {self.items:g} items"
            )


@dataclass(frozen=True)
class Fleet:
    """What it is to run on.

    Attributes
    ----------
    workers : int
        Processes of one thread each.
    memory : float
        Bytes of each.
    bandwidth : float, optional
        Bytes a second that each can receive; by default as calibrated, which is between processes
        of one machine.
    """

    workers: int
    memory: float
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        for one in ("workers", "memory", "bandwidth"):
            value = getattr(self, one)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ParameterError(f"{one} must be above 0, got {value!r}")


@dataclass(frozen=True)
class Plan:
    """What a fit is expected to take.

    Attributes
    ----------
    memory : mapping of str to float
        Bytes of a worker, by what they hold.
    must_fit : float
        Bytes that a worker needs at one time; the rest may go to its disk.
    in_memory : float
        Bytes of a worker with nothing on disk.
    network : float
        Bytes that all workers receive in an iteration.
    seconds : mapping of str to float
        Of an iteration, by what they are spent on.
    preparation, finish : float
        Seconds before the first iteration (reading, cleaning, shards) and after the last (the
        model comes to the client).
    client_memory, client_disk : float
        Bytes of the process that fits.
    bottleneck : str
        "memory", or the largest of ``seconds``.
    advice : str
    """

    job: Job
    fleet: Fleet
    memory: Mapping[str, float]
    must_fit: float
    in_memory: float
    network: float
    seconds: Mapping[str, float]
    preparation: float
    finish: float
    client_memory: float
    client_disk: float
    bottleneck: str
    advice: str

    @property
    def fits(self) -> bool:
        """Whether a worker has the memory that it needs at one time."""
        return self.must_fit <= USABLE * self.fleet.memory

    @property
    def iteration(self) -> float:
        """Seconds of an iteration."""
        return sum(self.seconds.values())

    @property
    def total(self) -> float:
        """Seconds of the whole fit."""
        return self.preparation + self.job.iterations * self.iteration + self.finish

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON holds it."""
        return asdict(self) | {
            "fits": self.fits,
            "seconds_per_iteration": self.iteration,
            "seconds_in_all": self.total,
        }


def plan(job: Job, fleet: Fleet, constants: Constants) -> Plan:
    """Tell what a fit takes.

    Parameters
    ----------
    job : Job
    fleet : Fleet
    constants : Constants
    """
    memory = _memory(job, fleet, constants)
    whole = memory["factors of the other side"] + memory["the same, turned"]
    must_fit = constants.process + whole + memory["blocks in work"]
    received = (job.users + job.items) * job.factors * BYTES * (1 - 1 / fleet.workers)
    bandwidth = fleet.bandwidth or constants.bandwidth
    seconds = {
        "compute": _compute(job, fleet, constants),
        "network": received / bandwidth,
        "scheduler": _tasks(job) * constants.task,
    }
    blocks, parts = _blocks(job.interactions), max(1, ceil(job.interactions / ROWS))
    shuffle = blocks * (parts + blocks) * constants.task  # of all parts by user, then by item
    model_bytes = job.interactions * ENTRY + (job.users + job.items) * job.factors * BYTES
    fits = must_fit <= USABLE * fleet.memory
    bottleneck = max(seconds, key=lambda name: seconds[name]) if fits else "memory"
    return Plan(
        job,
        fleet,
        memory,
        must_fit,
        sum(memory.values()),
        received * fleet.workers,
        seconds,
        preparation=(
            constants.start + job.interactions * constants.prepare / fleet.workers + shuffle
        ),
        finish=model_bytes / bandwidth,
        client_memory=constants.process + 2 * 8 * (job.users + job.items),
        client_disk=model_bytes,
        bottleneck=bottleneck,
        advice=_advice(job, fleet, must_fit, bottleneck),
    )


def row_counts(rows: float, interactions: float, spread: float) -> np.ndarray:
    """Return the interactions of rows at so many quantiles; log-normal, of the right mean."""
    from scipy.special import ndtri

    middle = (np.arange(QUANTILES) + 0.5) / QUANTILES
    shape = np.exp(spread * ndtri(middle))
    counts: np.ndarray = shape * (interactions / rows / shape.mean())
    return counts


def _compute(job: Job, fleet: Fleet, constants: Constants) -> float:
    """Return the seconds that each worker computes in an iteration."""
    total = 0.0
    for rows, others, spread in (
        (job.users, job.items, job.user_spread),
        (job.items, job.users, job.item_spread),
    ):
        counts = row_counts(rows, job.interactions, spread)
        work = np.stack([row_work(one, job.factors) for one in counts]).mean(axis=0)
        total += rows * float(work @ constants.work) / fleet.workers
        products = others + rows / fleet.workers  # turned by every worker; the own Gram matrix
        total += products * job.factors**2 * constants.many
    return total


def _memory(job: Job, fleet: Fleet, constants: Constants) -> dict[str, float]:
    width = job.factors * BYTES
    of_block = ENTRY * job.interactions / _blocks(job.interactions)
    return {
        "process": constants.process,
        "factors of the other side": max(job.users, job.items) * width,
        "the same, turned": max(job.users, job.items) * width,
        "own factors": (job.users + job.items) * width / fleet.workers,
        "interactions": COPIES * ENTRY * job.interactions / fleet.workers,
        "the same, on their way": ON_THE_WAY * ENTRY * job.interactions / fleet.workers,
        "blocks in work": 2 * of_block,
    }


def _blocks(interactions: float) -> int:
    return min(max(LEAST, ceil(interactions / ROWS)), MOST)


def _tasks(job: Job) -> float:
    """Return the number of tasks of an iteration: solve, sums, and their tree, for both sides."""
    blocks = _blocks(job.interactions)
    return 2 * (2 * blocks + blocks / (ARITY - 1) + 2)


def _advice(job: Job, fleet: Fleet, must_fit: float, bottleneck: str) -> str:
    if bottleneck == "memory":
        side = "users" if job.users >= job.items else "items"
        of_factor = 2 * BYTES * max(job.users, job.items)
        most = int(job.factors - (must_fit - USABLE * fleet.memory) / of_factor)
        fewer = f"at most {most} factors" if most > 0 else "fewer " + side
        return (
            f"the factors of all {side} must fit into every worker twice: give workers"
            f" {must_fit / USABLE / 1e9:,.0f} GB each, or take {fewer}"
        )
    return {
        "compute": "more workers make it faster",
        "network": "every worker receives all factors: more workers make it no faster; a faster"
        " network or fewer factors do",
        "scheduler": "tasks are too many for one scheduler: fewer, larger blocks would make it"
        " faster",
    }[bottleneck]
