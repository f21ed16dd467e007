"""What was measured of one model: per-user values, their means and errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from hybridrec.dataset.frames import DEFAULT_BACKEND, Backend, make_frame
from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.evaluation.significance import bootstrap_interval, standard_error

Column: TypeAlias = "tuple[str, int | None]"
Bounds: TypeAlias = Mapping[Column, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Slice:
    """The values on one slice of the test: all of it, or some of its items or users.

    Attributes
    ----------
    users : ndarray
        Ids of the users with test items in the slice.
    covered_users : int
        How many of them have a list that is not empty.
    values : mapping of (metric, k) to ndarray
        One value per user, shape (n_users,), or one for all users together, shape (); float64.
        A metric without cut-offs, such as AUC, has ``k = None``.
    """

    users: np.ndarray
    covered_users: int
    values: Mapping[Column, np.ndarray]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `hybridrec.evaluation.evaluate` for one model or run.

    Attributes
    ----------
    model : str
        Its name in tables.
    seed : int or None
        The ``random_state`` of the split, or the number of the repeat.
    slices : mapping of str to Slice
        "all"; "warm" and "cold" where the test has items of both kinds; those asked for.
    notes : tuple of str
        What the reader of the numbers should know, such as rows of a run that were removed.
    """

    model: str
    seed: int | None
    slices: Mapping[str, Slice]
    notes: tuple[str, ...] = ()
    backend: Backend = field(default=DEFAULT_BACKEND, repr=False)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What was measured, as (metric, k), in the order it was asked for."""
        return tuple(self.slices["all"].values)

    @property
    def user_columns(self) -> tuple[Column, ...]:
        """Those `columns` that have a value per user."""
        return tuple(one for one, found in self.slices["all"].values.items() if found.ndim)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(dict.fromkeys(metric for metric, _ in self.columns))

    @property
    def k(self) -> tuple[int, ...]:
        """The cut-offs, ascending."""
        return tuple(sorted({k for _, k in self.columns if k is not None}))

    def at(self, k: Collection[int], metrics: Collection[str] | None = None) -> Evaluation:
        """Return the evaluation with fewer cut-offs and metrics.

        Parameters
        ----------
        k : collection of int
            Those to keep; metrics without cut-offs stay.
        metrics : collection of str, optional
            Those to keep, by default all.
        """
        kept = [
            (metric, at)
            for metric, at in self.columns
            if (at is None or at in k) and (metrics is None or metric in metrics)
        ]
        if not kept:
            raise ParameterError(
                f"nothing was evaluated at k = {first_few(sorted(k))} (k: {first_few(self.k)})"
            )
        slices = {
            on: replace(part, values={column: part.values[column] for column in kept})
            for on, part in self.slices.items()
        }
        return replace(self, slices=slices)

    def values(self, metric: str, k: int | None, on: str = "all") -> np.ndarray:
        """Return the values of a metric, float64 (n_users,), in the order of the slice's users.

        A metric of all users together, such as coverage, has shape (); one without cut-offs,
        such as AUC, has ``k = None``.

        Raises
        ------
        ParameterError
            If the metric, the cut-off or the slice ``on`` was not evaluated.
        """
        found = evaluated(self.slices, on, "slice").values
        if (metric, k) not in found:
            cutoffs = [one for name, one in found if name == metric]
            evaluated(dict.fromkeys(self.metrics), metric, "metric")
            raise ParameterError(f"k = {k} was not evaluated of {metric} (k: {first_few(cutoffs)})")
        values: np.ndarray = found[metric, k]
        return values

    def matrix(self, columns: Sequence[Column], on: str = "all") -> np.ndarray:
        """Return per-user values side by side, float64 (n_users, n_columns)."""
        return np.column_stack([self.values(metric, k, on) for metric, k in columns])

    def mean(self, metric: str, k: int | None, on: str = "all") -> float:
        """Return the mean over all test users of a slice."""
        return float(self.values(metric, k, on).mean())

    def standard_error(self, metric: str, k: int | None, on: str = "all") -> float:
        """Return the standard error of the mean over users, NaN where there is none.

        ``sd / sqrt(n_users)`` with the sample standard deviation. It speaks of the choice of
        users only, not of that of the split or the model's seed.
        """
        values = self.values(metric, k, on)
        return float("nan") if values.ndim == 0 else float(standard_error(values))

    def interval(
        self,
        metric: str,
        k: int | None,
        on: str = "all",
        *,
        confidence: float = 0.95,
        **options: Any,
    ) -> tuple[float, float]:
        """Return a bootstrap confidence interval of the mean over users.

        Parameters
        ----------
        metric, k, on
            As in `values`.
        confidence : float, default 0.95
        **options
            ``method``, ``draws``, ``random_state`` and ``num_threads`` of
            `hybridrec.evaluation.significance.bootstrap_interval`.

        Returns
        -------
        low, high : float
            NaN for a metric of all users together and for fewer than two users.
        """
        values = self.values(metric, k, on)
        if values.ndim == 0:
            return float("nan"), float("nan")
        low, high = bootstrap_interval(values[:, None], confidence=confidence, **options)
        return float(low[0]), float(high[0])

    def summary(self, confidence: float | None = None, **options: Any) -> list[dict[str, Any]]:
        """Return one row per slice, metric and k, with the keys of ``--format json``.

        ``model, metric, k, value, n_users, covered_users, slice, seed, se``; with ``confidence``
        (such as 0.95) also ``ci_low`` and ``ci_high``. ``se`` is `standard_error`, the bounds
        are those of `interval`, which takes the same options; None where there is none.
        """
        return summaries([self], confidence, **options)

    @property
    def per_user(self) -> Any:
        """Values of every test user: a frame ``user, metric, k, value``.

        Of the library the interactions came from; without metrics of all users together.
        """
        users, columns = self.slices["all"].users, self.user_columns
        frame = {
            "user": np.tile(users, len(columns)),
            "metric": np.repeat(np.array([one for one, _ in columns], dtype=object), len(users)),
            "k": np.repeat(cutoffs_of(columns), len(users)),
            "value": np.concatenate([np.empty(0), *(self.values(*one) for one in columns)]),
        }
        return make_frame(frame, self.backend)


def summaries(
    evaluations: Sequence[Evaluation], confidence: float | None = None, **options: Any
) -> list[dict[str, Any]]:
    """Return the rows of `Evaluation.summary` of models with the same users, model by model.

    Their intervals come from the same draws of users, in one go.
    """
    bounds: dict[str, Sequence[Bounds]] = {}
    if confidence is not None:
        options["confidence"] = confidence
        bounds = {on: _bounds(evaluations, on, options) for on in evaluations[0].slices}
    rows = []
    for number, one in enumerate(evaluations):
        for on in one.slices:
            for column in one.columns:
                row = _row(one, column, on)
                if on in bounds:
                    found = bounds[on][number].get(column, (np.nan, np.nan))
                    row["ci_low"], row["ci_high"] = map(_or_none, found)
                rows.append(row)
    return rows


def column_name(metric: str, k: int | None) -> str:
    """Return what a column is called in tables: "ndcg@20", or "auc" without a cut-off."""
    return metric if k is None else f"{metric}@{k}"


def cutoffs_of(columns: Sequence[Column]) -> np.ndarray:
    """Return the cut-offs of columns as integers, or as objects where some have none."""
    cutoffs = [k for _, k in columns]
    return np.array(cutoffs, dtype=object if None in cutoffs else np.int64)


def _row(one: Evaluation, column: Column, on: str) -> dict[str, Any]:
    metric, k = column
    return {
        "model": one.model,
        "metric": metric,
        "k": k,
        "value": one.mean(metric, k, on),
        "n_users": len(one.slices[on].users),
        "covered_users": one.slices[on].covered_users,
        "slice": on,
        "seed": one.seed,
        "se": _or_none(one.standard_error(metric, k, on)),
    }


def _bounds(
    evaluations: Sequence[Evaluation], on: str, options: Mapping[str, Any]
) -> Sequence[Bounds]:
    """Return the intervals of every model on a slice."""
    columns = evaluations[0].user_columns
    if not columns:
        return [{} for _ in evaluations]
    together = np.hstack([one.matrix(columns, on) for one in evaluations])
    bounds = np.stack(bootstrap_interval(together, **options), axis=1)
    parts = np.split(bounds, len(evaluations))
    return [dict(zip(columns, map(tuple, part), strict=True)) for part in parts]


def evaluated(values: Mapping[str, Any], name: str, role: str) -> Any:
    """Return what was evaluated under a name.

    Raises
    ------
    ParameterError
        If nothing was; suggests the nearest name and lists all.
    """
    if name not in values:
        raise ParameterError(
            f"{role} {name!r} was not evaluated{did_you_mean(name, values)}"
            f" ({role}s: {first_few(values, 10)})"
        )
    return values[name]


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
