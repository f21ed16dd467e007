"""What a distributed fit of `HybridALS` takes before it is run: memory, network, time.

A model of `hybridrec.distributed` as it is: interactions in blocks by user and by item; for the
half-iteration that solves a side, the factors of the other sent whole to every worker, or those
that are named to every block. Its constants are measured (`hybridrec.distributed.calibration`);
``bench/results/plan.md`` has what it said beside what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from hybridrec.distributed.calibration import Constants
from hybridrec.distributed.cluster import ARITY
from hybridrec.distributed.costs import Half, blocks_of, preparation_tasks
from hybridrec.distributed.exchange import BYTES
from hybridrec.errors import ParameterError

ENTRY = 8  # bytes of an interaction in a shard: code and weight
COPIES = 4  # of an interaction: by user and by item, as read and as trained on
ON_THE_WAY = 3  # more of it, while partitions become shards
COUNT = 8  # bytes
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
    n_parts : mapping of str to int
        In how many parts a block of users, and of items, gets the factors that it names; 0 where
        all factors go to every worker.
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
    n_parts: Mapping[str, int]
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
    users, items = halves = _halves(job, fleet)
    memory = _memory(job, fleet, constants, halves)
    must_fit = _must_fit(job, constants, halves)
    received = users.received + items.received
    bandwidth = fleet.bandwidth or constants.bandwidth
    seconds = {
        "compute": users.compute(constants) + items.compute(constants),
        "network": received / bandwidth,
        "scheduler": (users.tasks + items.tasks) * constants.task,
    }
    sides, spreads = (job.users, job.items), (job.user_spread, job.item_spread)
    shuffle = preparation_tasks(sides, spreads, job.interactions) * constants.task
    model_bytes = job.interactions * ENTRY + (job.users + job.items) * job.factors * BYTES
    fits = must_fit <= USABLE * fleet.memory
    bottleneck = max(seconds, key=lambda name: seconds[name]) if fits else "memory"
    return Plan(
        job,
        fleet,
        memory,
        must_fit,
        sum(memory.values()),
        {"users": users.n_parts, "items": items.n_parts},
        received * fleet.workers,
        seconds,
        preparation=(
            constants.start + job.interactions * constants.prepare / fleet.workers + shuffle
        ),
        finish=model_bytes / bandwidth,
        client_memory=constants.process + 2 * COUNT * (job.users + job.items),
        client_disk=model_bytes,
        bottleneck=bottleneck,
        advice=_advice(job, fleet, constants, bottleneck),
    )


def _halves(job: Job, fleet: Fleet) -> tuple[Half, Half]:
    """Return what it takes to solve the users, and the items."""
    sides, spreads = (job.users, job.items), (job.user_spread, job.item_spread)
    common = job.interactions, job.factors, fleet.workers, fleet.memory
    return Half.of(sides, spreads, *common), Half.of(sides[::-1], spreads[::-1], *common)


def _memory(
    job: Job, fleet: Fleet, constants: Constants, halves: tuple[Half, Half]
) -> dict[str, float]:
    widest = max(halves, key=lambda one: one.arriving)
    memory = {
        "process": constants.process,
        "factors of the other side": widest.arriving,
        "the same, joined": widest.at_once / 2,
        "own factors": (job.users + job.items) * job.factors * BYTES / fleet.workers,
        "interactions": COPIES * ENTRY * job.interactions / fleet.workers,
        "the same, on their way": ON_THE_WAY * ENTRY * job.interactions / fleet.workers,
        "blocks in work": _in_work(job),
    }
    if widest.n_parts:
        memory["factors to be sent"] = widest.arriving
    return memory


def _must_fit(job: Job, constants: Constants, halves: tuple[Half, Half]) -> float:
    """Return the bytes of the largest task: solving a block, or adding up counts of all items."""
    solving = max(one.at_once for one in halves) + _in_work(job)
    return constants.process + max(solving, (ARITY + 1) * COUNT * job.items)


def _in_work(job: Job) -> float:
    return 2 * ENTRY * job.interactions / blocks_of(job.interactions)


def _least_memory(job: Job, fleet: Fleet, constants: Constants) -> float:
    """Return the bytes of a worker with which a job fits, to a hundredth."""
    least = fleet.memory
    while _must_fit(job, constants, _halves(job, replace(fleet, memory=least))) > USABLE * least:
        least *= 1.01
    return least


def _advice(job: Job, fleet: Fleet, constants: Constants, bottleneck: str) -> str:
    if bottleneck == "memory":
        least = _least_memory(job, fleet, constants)
        return f"one task needs more than a worker has: give workers {least / 1e9:,.3g} GB each"
    by_name = any(half.n_parts for half in _halves(job, fleet))
    more_memory = "; workers with more memory take larger parts" if by_name else ""
    return {
        "compute": "more workers make it faster",
        "network": "every block receives the factors that it names: a faster network or fewer"
        f" factors make it faster{more_memory}"
        if by_name
        else "every worker receives all factors: more workers make it no faster; a faster network"
        " or fewer factors do",
        "scheduler": f"tasks are too many for one scheduler: a faster one would help{more_memory}",
    }[bottleneck]
