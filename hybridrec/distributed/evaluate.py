"""Metrics of a model on held-out shards: only sums over users leave the workers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.distributed.serving import Lister, users_of
from hybridrec.errors import ParameterError, first_few
from hybridrec.evaluation.evaluate import LEAST_UNKNOWN
from hybridrec.evaluation.metrics import DEFAULT_METRICS, METRICS, Judgement
from hybridrec.models.base import Recommender
from hybridrec.ranking.topk import check_k

if TYPE_CHECKING:
    from hybridrec.distributed.blocks import Shard
    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.distributed.splits import ShardedSplit
    from hybridrec.models.frames import Lists

PER_USER = ("recall", "precision", "ndcg", "hit-rate", "map", "mrr", "f1")
SUPPORTED = (*PER_USER, "coverage")


class Moments(NamedTuple):
    """Number, mean and squared deviations of values, column by column; they can be joined."""

    n: int
    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Sum up values, float64 (n, columns)."""
        mean = values.mean(axis=0) if len(values) else np.zeros(values.shape[1])
        return cls(len(values), mean, ((values - mean) ** 2).sum(axis=0))

    def joined(self, other: Moments) -> Moments:
        """Return the moments of both (Chan, Golub & LeVeque 1983)."""
        n = self.n + other.n
        if n == 0:
            return self
        step = other.mean - self.mean
        mean = self.mean + step * (other.n / n)
        return Moments(n, mean, self.spread + other.spread + step**2 * (self.n * other.n / n))


class Found(NamedTuple):
    """What a worker tells about one slice of the users of a block."""

    moments: Moments
    covered: int
    best: np.ndarray
    """int32 (n_items,): best rank of every item over the lists, 0 if it is in none."""


@dataclass(frozen=True)
class Asked:
    """What is measured."""

    metrics: tuple[str, ...]
    cutoffs: tuple[int, ...]

    @property
    def per_user(self) -> list[str]:
        """The metrics with a value for every user."""
        return [one for one in self.metrics if one in PER_USER]


def evaluate(
    cluster: Cluster,
    model: Recommender,
    split: ShardedSplit,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    k: int | Sequence[int] = (10, 20),
    name: str | None = None,
) -> list[dict[str, Any]]:
    """Measure the lists of a model, fitted on ``split.train``, against what is held out.

    Parameters
    ----------
    cluster : Cluster
    model : Recommender
    split : ShardedSplit
    metrics : sequence of str, optional
        Of accuracy, and coverage.
    k : int or sequence of int, default (10, 20)
    name : str, optional
        Of the model in the rows.

    Returns
    -------
    list of dict
        The rows that `hybridrec.evaluation.Evaluation.summary` has, slices "all", "warm", "cold"
        and "users:known" under the same conditions.

    Raises
    ------
    ParameterError
        If a metric is not measured on a cluster, or the model was fitted on other ids.
    """
    asked = _asked(metrics, k)
    train, test = split.train, split.test
    if model.users_ != train.users or model.items_ != train.items:
        raise ParameterError(
            f"{model.model_name} was fitted on other users or items than the split has; fit it"
            " on split.train"
        )
    lister, width = Lister(cluster, model), min(asked.cutoffs[-1], len(train.items))
    warm = train.item_counts > 0
    masks = _slices(split, warm)
    known = train.user_counts > 0
    common = {"asked": asked, "warm": cluster.share(warm), "slices": tuple(masks)}

    def submitted() -> Iterator[Future]:
        bounds = pairwise(train.user_starts.tolist())
        for (begin, end), shard in zip(bounds, test.by_user, strict=True):
            tested = np.flatnonzero(test.user_counts[begin:end])
            users = cluster.one(_tested, cluster.share(users_of(model, begin, end)), tested)
            lists = lister.lists(users, width)
            own = known[begin:end][tested]
            yield cluster.one(_judged, lists, shard, tested, own, **common)

    found: dict[str, Found] = {}
    for parts in cluster.in_turn(submitted()):
        for one, part in parts.items():
            found[one] = _joined(found[one], part) if one in found else part
    label = name or model.model_name
    return [
        row
        for one, catalogue in masks.items()
        for row in _rows(label, one, split.seed, found[one], catalogue, asked)
    ]


def _asked(metrics: Sequence[str], k: int | Sequence[int]) -> Asked:
    names = (metrics,) if isinstance(metrics, str) else tuple(dict.fromkeys(metrics))
    other = [one for one in names if one not in SUPPORTED]
    if other or not names:
        raise ParameterError(
            f"{first_few(other) or 'nothing'} is not measured on a cluster (metrics:"
            f" {', '.join(SUPPORTED)})"
        )
    cutoffs = {check_k(one) for one in (k if isinstance(k, Iterable) else [k])}
    if not cutoffs:
        raise ParameterError("k must be one or more whole numbers of at least 1, got none")
    return Asked(names, tuple(sorted(cutoffs)))


def _slices(split: ShardedSplit, warm: np.ndarray) -> dict[str, np.ndarray]:
    """Return the catalogue of every slice, under the conditions of a local evaluation."""
    every = np.ones(len(warm), dtype=bool)
    masks = {"all": every}
    tested = split.test.item_counts > 0
    if (tested & warm).any() and (tested & ~warm).any():
        masks |= {"warm": warm, "cold": ~warm}
    users = split.test.user_counts > 0
    strangers = int(np.count_nonzero(users & (split.train.user_counts == 0)))
    total = int(np.count_nonzero(users))
    if LEAST_UNKNOWN * total <= strangers < total:
        masks["users:known"] = every
    return masks


def _tested(users: Any, tested: np.ndarray) -> Any:
    return users._replace(
        ids=users.ids[tested],
        rows=users.rows[tested],
        history=users.history[tested],
        sources=users.sources[tested],
    )


def _judged(
    lists: Lists,
    test: Shard,
    tested: np.ndarray,
    known: np.ndarray,
    asked: Asked,
    warm: np.ndarray,
    slices: tuple[str, ...],
) -> Mapping[str, Found]:
    """Judge the lists of the tested users of a block."""
    every = np.ones(len(warm), dtype=bool)
    users = np.arange(len(tested), dtype=np.int32)
    whole = Judgement(users, lists.items, test.matrix[tested], asked.cutoffs, every)
    made = {
        "all": lambda: whole,
        "warm": lambda: whole.on(warm),
        "cold": lambda: whole.on(~warm),
        "users:known": lambda: whole.of(known),
    }
    return {one: _found(made[one](), asked) for one in slices}


def _found(judged: Judgement, asked: Asked) -> Found:
    columns = [METRICS[one](judged) for one in asked.per_user]
    values = np.hstack([np.zeros((len(judged.users), 0)), *columns])
    covered = int((judged.lists[:, 0] >= 0).sum())
    return Found(Moments.of(values), covered, judged.best_ranks)


def _joined(one: Found, other: Found) -> Found:
    far = np.iinfo(np.int32).max
    best = np.minimum(*(np.where(part.best > 0, part.best, far) for part in (one, other)))
    moments = one.moments.joined(other.moments)
    return Found(moments, one.covered + other.covered, np.where(best < far, best, 0))


def _rows(
    model: str,
    on: str,
    seed: int | None,
    found: Found,
    catalogue: np.ndarray,
    asked: Asked,
) -> list[dict[str, Any]]:
    """Return a row a metric and cut-off; none of a slice without a user."""
    n = found.moments.n
    common = {"n_users": n, "covered_users": found.covered, "slice": on, "seed": seed}
    best = found.best[catalogue]
    rows: list[dict[str, Any]] = []
    for metric in asked.metrics if n else ():
        for at, k in enumerate(asked.cutoffs):
            if metric == "coverage":
                value = float(np.count_nonzero((best > 0) & (best <= k)) / max(len(best), 1))
                error = None
            else:
                column = asked.per_user.index(metric) * len(asked.cutoffs) + at
                value = float(found.moments.mean[column])
                spread = float(found.moments.spread[column])
                error = math.sqrt(spread / (n - 1) / n) if n > 1 else None
            row = {"model": model, "metric": metric, "k": k, "value": value}
            rows.append({**row, **common, "se": error})
    return rows
