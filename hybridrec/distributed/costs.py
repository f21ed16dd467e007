"""Costs of the steps of a distributed fit of `HybridALS`: its half-iterations, and its reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from hybridrec.distributed import ids
from hybridrec.distributed.blocks import LEAST, MOST, ROWS
from hybridrec.distributed.calibration import Constants, row_work
from hybridrec.distributed.cluster import ARITY
from hybridrec.distributed.exchange import BYTES, TOGETHER, needs_names, parts_for
from hybridrec.distributed.shuffle import DIRECT, shuffle_tasks

QUANTILES = 64  # of the interactions of a row, which differ much


@dataclass(frozen=True)
class Half:
    """What it takes to solve one side of a matrix from the other.

    Attributes
    ----------
    rows, others : float
        Of the side that is solved, and of the other.
    row_counts, other_counts : ndarray
        Interactions of these at so many quantiles; see `row_counts`.
    factors, workers : int
    n_parts : int
        0 if all factors of the other side go to every worker; else every shard gets those that it
        names, in so many parts.
    blocks : int
        Shards, of either side.
    """

    rows: float
    others: float
    row_counts: np.ndarray
    other_counts: np.ndarray
    factors: int
    workers: int
    n_parts: int
    blocks: int

    @classmethod
    def of(
        cls,
        sides: tuple[float, float],
        spreads: tuple[float, float],
        interactions: float,
        factors: int,
        workers: int,
        memory: float,
    ) -> Half:
        """Return the half of a job that solves the first of two sides."""
        blocks = blocks_of(interactions)
        n_parts = 0
        if needs_names(sides[1], factors, memory):
            n_parts = parts_for(interactions / blocks, factors, memory)
        return cls(
            *sides,
            row_counts(sides[0], spreads[0], interactions),
            row_counts(sides[1], spreads[1], interactions),
            *(factors, workers, n_parts, blocks),
        )

    @property
    def width(self) -> float:
        """Bytes of a row of factors."""
        return float(self.factors * BYTES)

    @property
    def named(self) -> float:
        """Rows of the other side that a part of a shard names."""
        return distinct(self.others, self.other_counts, 1 / (self.blocks * self.n_parts))

    @property
    def arriving(self) -> float:
        """Bytes of the other side that a worker has at a time, as they arrive."""
        if not self.n_parts:
            return self.others * self.width
        return self.named * self.width * TOGETHER

    @property
    def at_once(self) -> float:
        """Bytes that one task holds: what arrives for it, and the same joined."""
        return 2 * self.width * (self.named if self.n_parts else self.others)

    @property
    def received(self) -> float:
        """Bytes that come to a worker from others."""
        rows = self.others
        if self.n_parts:
            rows = self.named * self.n_parts * self.blocks / self.workers
            if self.blocks * TOGETHER * self.workers > DIRECT:
                rows *= 2  # by way of a meeting point
        return rows * self.width * (1 - 1 / self.workers)

    @property
    def tasks(self) -> float:
        """Tasks: solve, sums, and their tree; by name, turn, and what each part names."""
        common = self.blocks * (2 + 1 / (ARITY - 1)) + 3
        if not self.n_parts:
            return common
        at_a_time = min(TOGETHER * self.workers, self.blocks)
        of_part = self.blocks + shuffle_tasks(self.blocks, at_a_time)
        return common + 2 * self.blocks + self.n_parts * self.blocks / at_a_time * of_part

    def compute(self, constants: Constants) -> float:
        """Return the seconds that each worker computes."""
        work = np.stack([row_work(one, self.factors) for one in self.row_counts]).mean(axis=0)
        solving = self.rows * float(work @ constants.work)
        turned = self.others * (1 if self.n_parts else self.workers)  # once, or by every worker
        products = turned + self.rows  # and the Gram matrix of what was solved
        copied = 2 * self.named * self.n_parts * self.blocks if self.n_parts else 0.0
        return (
            solving
            + products * self.factors**2 * constants.many
            + copied * self.factors * constants.gather
        ) / self.workers


def preparation_tasks(
    sides: Sequence[float], spreads: Sequence[float], interactions: float
) -> float:
    """Return the tasks of reading: partitions, ids in buckets, shards by user and by item."""
    blocks, parts = blocks_of(interactions), max(1, ceil(interactions / ROWS))
    tasks = 2.0 * parts
    for rows, spread in zip(sides, spreads, strict=True):
        of_part = distinct(rows, row_counts(rows, spread, interactions), 1 / parts)
        buckets = min(max(ceil(parts * of_part / ids.BUCKET), 1), ids.MOST)
        tasks += 2 * parts + 2 * buckets
        tasks += shuffle_tasks(parts, buckets) + shuffle_tasks(buckets, parts)
    tasks += parts + shuffle_tasks(parts, blocks) + 8 * blocks  # cleaned, counted, cut to size
    return tasks + blocks + shuffle_tasks(blocks, blocks)


def blocks_of(interactions: float) -> int:
    """Return the number of shards of either side."""
    return min(max(LEAST, ceil(interactions / ROWS)), MOST)


def row_counts(rows: float, spread: float, interactions: float) -> np.ndarray:
    """Return the interactions of rows at so many quantiles; log-normal, of the right mean."""
    from scipy.special import ndtri

    middle = (np.arange(QUANTILES) + 0.5) / QUANTILES
    shape = np.exp(spread * ndtri(middle))
    counts: np.ndarray = shape * (interactions / rows / shape.mean())
    return counts


def distinct(rows: float, counts: np.ndarray, share: float) -> float:
    """Return how many rows a share of all interactions is expected to name."""
    return rows * float(-np.expm1(-counts * share).mean())
