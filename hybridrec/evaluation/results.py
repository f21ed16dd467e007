"""Several models side by side: means over users and seeds, tests of the differences, tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import make_frame
from hybridrec.errors import ParameterError
from hybridrec.evaluation.measured import (
    Column,
    Evaluation,
    cutoffs_of,
    evaluated,
    summaries,
)
from hybridrec.evaluation.metrics import LOWER_IS_BETTER
from hybridrec.evaluation.significance import (
    DRAWS,
    holm,
    paired_tests,
    standard_error,
)

if TYPE_CHECKING:
    import pandas as pd

_DRAWS_PER_TEST = 100


@dataclass(frozen=True, eq=False)
class Comparison:
    """Evaluations of several models on the same split, or on the same several splits.

    Attributes
    ----------
    evaluations : sequence of Evaluation
        Every model once per seed.

    Raises
    ------
    ParameterError
        If there is none, or models were evaluated with other seeds, metrics or users.
    """

    evaluations: Sequence[Evaluation]

    def __post_init__(self) -> None:
        if not self.evaluations:
            raise ParameterError("there is nothing to compare: no evaluation was given")
        if len({one.columns for one in self.evaluations}) > 1:
            raise ParameterError("all evaluations must have the same metrics and cut-offs")
        first, *others = self.by_model.values()
        if len(set(self.seeds)) < len(self.seeds):
            raise ParameterError(f"{first[0].model!r} was evaluated twice with a seed")
        for other in others:
            if [one.seed for one in other] != list(self.seeds):
                raise ParameterError(
                    f"{other[0].model!r} was evaluated with seeds {[one.seed for one in other]},"
                    f" {first[0].model!r} with {list(self.seeds)}"
                )
            for one, reference in zip(other, first, strict=True):
                _check_same_users(one, reference)

    @classmethod
    def over(cls, comparisons: Iterable[Comparison]) -> Comparison:
        """Join comparisons of the same models on several splits, one per seed."""
        return cls([one for part in comparisons for one in part.evaluations])

    def at(self, k: Collection[int], metrics: Collection[str] | None = None) -> Comparison:
        """Return the comparison with fewer cut-offs and metrics, as `Evaluation.at` does."""
        return Comparison([one.at(k, metrics) for one in self.evaluations])

    @cached_property
    def by_model(self) -> Mapping[str, Sequence[Evaluation]]:
        """The evaluations of every model, one per seed."""
        found: dict[str, list[Evaluation]] = {}
        for one in self.evaluations:
            found.setdefault(one.model, []).append(one)
        return found

    @property
    def by_seed(self) -> Sequence[Sequence[Evaluation]]:
        """The evaluations with every seed, one per model, of the same users."""
        return list(zip(*self.by_model.values(), strict=True))

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seed of each split."""
        return tuple(one.seed for one in next(iter(self.by_model.values())))

    @property
    def slices(self) -> tuple[str, ...]:
        """Names of the slices that every split has."""
        first, *others = self.evaluations
        return tuple(on for on in first.slices if all(on in one.slices for one in others))

    def mean(self, model: str, metric: str, k: int | None, on: str = "all") -> float:
        """Return the mean over seeds of the means over users."""
        return float(np.mean(self._means(model, metric, k, on)))

    def spread(self, model: str, metric: str, k: int | None, on: str = "all") -> float:
        """Return the sample standard deviation over seeds of the means, NaN for one seed.

        It speaks of the choice of the split and of the model's random start, `standard_error`
        of that of the users.
        """
        means = self._means(model, metric, k, on)
        return float(np.std(means, ddof=1)) if len(means) > 1 else float("nan")

    def standard_error(self, model: str, metric: str, k: int | None, on: str = "all") -> float:
        """Return the standard error of `mean` over users, NaN where there is none.

        A user tested with several seeds is one user: their values vary together.
        """
        parts = evaluated(self.by_model, model, "model")
        values = [one.values(metric, k, on) for one in parts]
        if values[0].ndim == 0:
            return float("nan")
        centred = [some - some.mean() for some in values]
        return float(standard_error(by_user(centred, [[one] for one in parts], on)))

    def rows(self, confidence: float | None = None, **options: Any) -> list[dict[str, Any]]:
        """Return the rows of every `Evaluation.summary`, seed by seed and model by model.

        Faster than one by one with ``confidence``: users are drawn once for all models.
        """
        return [row for parts in self.by_seed for row in summaries(parts, confidence, **options)]

    def significance(
        self,
        metric: str | None = None,
        k: int | None = None,
        test: str = "randomisation",
        baseline: str | None = None,
        *,
        on: str = "all",
        draws: int | None = None,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> Any:
        """Test the differences between models, paired by user.

        With several seeds, the difference is that of the means over the seeds, and a user is
        one user however often they were tested. A small p-value says that other users would
        show the difference too, not that other splits would: that is for `spread` to tell.

        Parameters
        ----------
        metric : str, optional
            By default every metric with a value per user.
        k : int, optional
            By default every cut-off.
        test : {"randomisation", "t-test", "wilcoxon"}, default "randomisation"
            See `hybridrec.evaluation.significance.paired_p_values`.
        baseline : str, optional
            Test every other model against this one; by default every pair of models.
        on : str, default "all"
            The slice.
        draws, random_state, num_threads
            Of the randomisation test. Its smallest p-value is ``1 / (draws + 1)``, which Holm's
            correction multiplies by the number of rows; so there are 100 draws a row by default,
            and at least 10,000.

        Returns
        -------
        data frame
            ``model, baseline, metric, k, difference, se, wins, ties, losses, p_value, p_holm``:
            the model's mean less the baseline's and its standard error over users; the users
            for whom the model is better, equal or worse; the p-value, and that after Holm's
            correction over all rows of the frame.

        Raises
        ------
        ParameterError
            If a name is unknown, there is only one model, or a metric has no value per user.
        """
        options = {"draws": draws, "random_state": random_state, "num_threads": num_threads}
        tested = self.tested(self._columns(metric, k), on, test, baseline, **options)
        return make_frame(tested, self.evaluations[0].backend)

    def table(
        self, on: str = "all", *, test: str | None = "randomisation", level: float = 0.05
    ) -> pd.DataFrame:
        """Return a table for reading: a row per model, a column per metric and k.

        The cells are text: the mean ± its standard error over users; with several seeds also
        "sd", the standard deviation over them; and the letters of the models that this one beats
        significantly. The last column tells how many of the tested users got a list at all.

        Parameters
        ----------
        on : str, default "all"
            The slice.
        test : str or None, default "randomisation"
            As in `significance`, for all pairs of models and all columns of the table; None
            for no letters.
        level : float, default 0.05
            What a corrected p-value must be below.
        """
        from hybridrec.evaluation.tables import comparison_table

        columns = self.evaluations[0].user_columns
        if test is None or len(self.by_model) == 1 or not columns:
            return comparison_table(self, on, None, level)
        return comparison_table(self, on, self.tested(columns, on, test), level)

    def __str__(self) -> str:
        from hybridrec.evaluation.tables import comparison_text

        return comparison_text(self)

    def _means(self, model: str, metric: str, k: int | None, on: str) -> list[float]:
        return [one.mean(metric, k, on) for one in evaluated(self.by_model, model, "model")]

    def _columns(self, metric: str | None, k: int | None) -> Sequence[Column]:
        """Return the chosen columns, which must have values per user."""
        one = self.evaluations[0]
        asked = [c for c in one.columns if metric in (None, c[0]) and k in (None, c[1])]
        if not asked:  # says what there is
            one.values(one.metrics[0] if metric is None else metric, k)
        columns = [column for column in asked if column in one.user_columns]
        if metric is not None and not columns:
            raise ParameterError(f"{metric} has one value for all users together: nothing to pair")
        if not columns:
            raise ParameterError("no metric with a value per user was evaluated: nothing to pair")
        return columns

    def _pairs(self, baseline: str | None) -> list[tuple[int, int]]:
        models = list(self.by_model)
        if len(models) == 1:
            raise ParameterError(f"there is only one model, {models[0]!r}: nothing to test against")
        if baseline is None:
            return list(combinations(range(len(models)), 2))
        evaluated(self.by_model, baseline, "model")
        other = models.index(baseline)
        return [(one, other) for one in range(len(models)) if one != other]

    def tested(
        self,
        columns: Sequence[Column],
        on: str = "all",
        test: str = "randomisation",
        baseline: str | None = None,
        *,
        draws: int | None = None,
        **options: Any,
    ) -> dict[str, np.ndarray]:
        """Return the columns of the frame of `significance`, for some metrics and cut-offs.

        Parameters
        ----------
        columns : sequence of (metric, k)
            With a value per user.
        on, test, baseline, draws, **options
            As in `significance`.
        """
        pairs = self._pairs(baseline)
        values = [
            np.stack([one.matrix(columns, on) for one in parts], axis=1) for parts in self.by_seed
        ]
        if draws is None:
            draws = max(DRAWS, _DRAWS_PER_TEST * len(pairs) * len(columns))
        options |= {"test": test, "draws": draws}
        found = paired_tests(by_user(values, self.by_seed, on), pairs, **options)
        metrics = np.array([metric for metric, _ in columns], dtype=object)
        lower = np.array([metric in LOWER_IS_BETTER for metric in metrics])
        names = np.array(list(self.by_model), dtype=object)[np.array(pairs)]
        shape = found.p_value.shape
        tested = {
            "model": np.broadcast_to(names[:, :1], shape),
            "baseline": np.broadcast_to(names[:, 1:], shape),
            "metric": np.broadcast_to(metrics, shape),
            "k": np.broadcast_to(cutoffs_of(columns), shape),
            "difference": found.difference,
            "se": found.standard_error,
            "wins": np.where(lower, found.smaller, found.larger),
            "ties": found.equal,
            "losses": np.where(lower, found.larger, found.smaller),
            "p_value": found.p_value,
            "p_holm": holm(found.p_value.ravel()),
        }
        return {name: array.ravel() for name, array in tested.items()}


def by_user(
    values: Sequence[np.ndarray], evaluations: Sequence[Sequence[Evaluation]], on: str
) -> np.ndarray:
    """Return what every user adds to the mean over seeds of the means over users.

    Parameters
    ----------
    values : sequence of ndarray, shape (n_users of the seed, ...)
        Values of each seed.
    evaluations : sequence of sequence of Evaluation
        Those of each seed, which know the users.
    on : str
        The slice.

    Returns
    -------
    ndarray of float64, shape (n_users of all seeds, ...)
        For one seed the values themselves. Else the sum of a user's values, each times
        ``n_users of all seeds / (n_seeds * n_users of the seed)``, so that the mean over
        axis 0 is that mean of means.
    """
    return added_by_user(values, [parts[0].slices[on].users for parts in evaluations])


def added_by_user(values: Sequence[np.ndarray], users: Sequence[np.ndarray]) -> np.ndarray:
    """Return `by_user` of values of users given by their ids, seed by seed."""
    if len(values) == 1:
        return values[0]
    everyone, rows = np.unique(np.concatenate(users), return_inverse=True)
    added = np.zeros((len(everyone), *values[0].shape[1:]))
    start = 0
    for one in values:
        own = rows[start : start + len(one)]
        added[own] += one * (len(everyone) / (len(values) * len(one)))
        start += len(one)
    return added


def _check_same_users(one: Evaluation, other: Evaluation) -> None:
    same = one.slices.keys() == other.slices.keys() and all(
        np.array_equal(part.users, other.slices[on].users) for on, part in one.slices.items()
    )
    if not same:
        raise ParameterError(
            f"{one.model!r} and {other.model!r} were evaluated on other users or slices; evaluate"
            " them on the same split"
        )
