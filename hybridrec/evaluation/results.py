"""What an evaluation found: per-user values, means, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import DEFAULT_BACKEND, Backend, make_frame
from hybridrec.errors import ParameterError, did_you_mean, first_few

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Slice:
    """The values on one slice of the test: all of it, or its warm or cold items.

    Attributes
    ----------
    users : ndarray
        Ids of the users with test items in the slice.
    covered_users : int
        How many of them have a list that is not empty.
    values : mapping of str to ndarray
        For each metric one value per user and k, shape (n_users, n_k), or one per k for all
        users together, shape (n_k,); float64.
    """

    users: np.ndarray
    covered_users: int
    values: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `hybridrec.evaluation.evaluate` for one model or run.

    Attributes
    ----------
    model : str
        Its name in tables.
    seed : int or None
        The ``random_state`` of the split.
    k : tuple of int
        The cut-offs, ascending.
    slices : mapping of str to Slice
        "all", and "warm" and "cold" where the test has items of both kinds.
    notes : tuple of str
        What the reader of the numbers should know, such as rows of a run that were removed.
    """

    model: str
    seed: int | None
    k: tuple[int, ...]
    slices: Mapping[str, Slice]
    notes: tuple[str, ...] = ()
    backend: Backend = field(default=DEFAULT_BACKEND, repr=False)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in the order they were asked for."""
        return tuple(self.slices["all"].values)

    def values(self, metric: str, k: int, on: str = "all") -> np.ndarray:
        """Return the values of a metric, float64 (n_users,), in the order of the slice's users.

        A metric of all users together, such as coverage, has shape ().

        Raises
        ------
        ParameterError
            If the metric, the cut-off or the slice ``on`` was not evaluated.
        """
        part = _known(self.slices, on, "slice")
        values: np.ndarray = _known(part.values, metric, "metric")
        if k not in self.k:
            raise ParameterError(f"k = {k} was not evaluated (k: {first_few(self.k)})")
        return values[..., self.k.index(k)]

    def mean(self, metric: str, k: int, on: str = "all") -> float:
        """Return the mean over all test users of a slice."""
        return float(self.values(metric, k, on).mean())

    def standard_error(self, metric: str, k: int, on: str = "all") -> float:
        """Return the standard error of the mean over users, NaN where there is none.

        ``sd / sqrt(n_users)`` with the sample standard deviation. It speaks of the choice of
        users only, not of that of the split or the model's seed.
        """
        values = self.values(metric, k, on)
        if values.ndim == 0 or len(values) < 2:
            return float("nan")
        return float(values.std(ddof=1) / np.sqrt(len(values)))

    def summary(self) -> list[dict[str, Any]]:
        """Return one row per slice, metric and k, with the keys of ``--format json``.

        ``model, metric, k, value, n_users, covered_users, slice, seed``.
        """
        return [
            {
                "model": self.model,
                "metric": metric,
                "k": k,
                "value": self.mean(metric, k, on),
                "n_users": len(part.users),
                "covered_users": part.covered_users,
                "slice": on,
                "seed": self.seed,
            }
            for on, part in self.slices.items()
            for metric in self.metrics
            for k in self.k
        ]

    @property
    def per_user(self) -> Any:
        """Values of every test user: a frame ``user, metric, k, value``.

        Of the library the interactions came from; without metrics of all users together.
        """
        part = self.slices["all"]
        names = [metric for metric in self.metrics if part.values[metric].ndim == 2]
        count, n_k = len(part.users), len(self.k)
        columns = {
            "user": np.tile(part.users, len(names) * n_k),
            "metric": np.repeat(np.array(names, dtype=object), n_k * count),
            "k": np.tile(np.repeat(np.array(self.k), count), len(names)),
            "value": np.concatenate(
                [np.empty(0), *(part.values[name].T.ravel() for name in names)]
            ),
        }
        return make_frame(columns, self.backend)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several evaluations on the same split.

    Attributes
    ----------
    evaluations : mapping of str to Evaluation
        By model name, in the order given.
    """

    evaluations: Mapping[str, Evaluation]

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of every `Evaluation.summary`, model by model."""
        return [row for one in self.evaluations.values() for row in one.summary()]

    @property
    def slices(self) -> tuple[str, ...]:
        """Names of the slices; every evaluation has the same."""
        return tuple(next(iter(self.evaluations.values())).slices)

    def table(self, on: str = "all") -> pd.DataFrame:
        """Return a table for reading: a row per model, a column per metric and k.

        The cells are text, "mean ± standard error". Means are over the ``n_users`` users that
        the evaluations share; the last column tells how many of them got a list at all.
        """
        import pandas as pd

        rows = {
            name: {
                **{
                    f"{metric}@{k}": _cell(one, metric, k, on)
                    for metric in one.metrics
                    for k in one.k
                },
                "users": f"{one.slices[on].covered_users}/{len(one.slices[on].users)}",
            }
            for name, one in self.evaluations.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def __str__(self) -> str:
        return "\n\n".join(f"{on}\n{self.table(on).to_string()}" for on in self.slices)


def _cell(evaluation: Evaluation, metric: str, k: int, on: str) -> str:
    mean, error = evaluation.mean(metric, k, on), evaluation.standard_error(metric, k, on)
    return f"{mean:.4f}" if np.isnan(error) else f"{mean:.4f} ± {error:.4f}"


def _known(values: Mapping[str, Any], name: str, role: str) -> Any:
    if name not in values:
        raise ParameterError(
            f"{role} {name!r} was not evaluated{did_you_mean(name, values)}"
            f" ({role}s: {first_few(values, 10)})"
        )
    return values[name]
