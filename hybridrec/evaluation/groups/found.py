"""Groups side by side: sizes, exposure, accuracy, gaps and their tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hybridrec.dataset.frames import DEFAULT_BACKEND, Backend, make_frame
from hybridrec.errors import ParameterError
from hybridrec.evaluation.groups.measured import Measured, Pooled, pooled
from hybridrec.evaluation.groups.rates import difference, interval, rates, resampled, shares
from hybridrec.evaluation.significance import holm

FEWEST = 10  # users that a group, and the rest, must have to be tested
CONFIDENCE = 0.95

_DRAWS = 2000


@dataclass(frozen=True)
class GroupRow:
    """One group and what one model does for it. What there is not, is NaN.

    Attributes
    ----------
    model, grouping, group : str
    members : float
        Number of users or items in the group, the mean over splits.
    share : float
        Of all users, or of the catalogue.
    interactions_share : float
        Of the training interactions.
    n_users : int
        Test users of the group; of items, those with held-out interactions with them.
    metric : str
    k : int
    value, low, high : float
        Accuracy, and its 95 % bootstrap interval over users.
    gap, gap_se : float
        Accuracy less that of the rest, and its standard error.
    p_value, p_holm : float
        Of the test that the gap is 0; corrected for all groups and models of the grouping. NaN
        where the group or the rest has fewer than `FEWEST` users.
    exposure_share, relevant_share : float
        Of items: the share in the exposure of all lists, and in all held-out interactions.
    ratio, ratio_low, ratio_high : float
        The former over the latter, and its 95 % bootstrap interval over users.
    """

    model: str
    grouping: str
    group: str
    members: float
    share: float
    interactions_share: float
    n_users: int
    metric: str
    k: int
    value: float
    low: float
    high: float
    gap: float
    gap_se: float
    p_value: float
    p_holm: float
    exposure_share: float
    relevant_share: float
    ratio: float
    ratio_low: float
    ratio_high: float

    @property
    def testable(self) -> bool:
        """Whether the group and the rest have enough users to be tested."""
        return not np.isnan(self.p_value)


@dataclass(frozen=True)
class ModelGap:
    """How far apart the groups of one grouping are for one model.

    Attributes
    ----------
    model, grouping, metric : str
    k : int
    worst, best : str
        The groups with the lowest and the highest accuracy, of those with at least `FEWEST`
        users; empty if none has.
    worst_value, best_value : float
    gap : float
        The difference of the two. It is never 0 by chance alone: read it beside the intervals.
    exposure_fairness : float
        1 less half the sum of the differences between shares of exposure and of held-out
        interactions; see `hybridrec.evaluation.metrics.fairness.exposure_fairness`. NaN of users.
    least, most : str
        The groups with the least and the most exposure in proportion to held-out interactions.
    least_ratio, most_ratio : float
    """

    model: str
    grouping: str
    metric: str
    k: int
    worst: str
    worst_value: float
    best: str
    best_value: float
    gap: float
    exposure_fairness: float
    least: str
    least_ratio: float
    most: str
    most_ratio: float


@dataclass(frozen=True, eq=False)
class GroupReport:
    """The result of `group_report`.

    Attributes
    ----------
    measured : sequence of Measured
        Every model, seed and grouping.
    """

    measured: Sequence[Measured]
    backend: Backend = DEFAULT_BACKEND

    @classmethod
    def over(cls, parts: Iterable[GroupReport]) -> GroupReport:
        """Join reports of several models, and of several splits, one per seed.

        Raises
        ------
        ParameterError
            If there is none, or models were measured on other splits or in other ways.
        """
        parts = list(parts)
        if not parts:
            raise ParameterError("there are no groups: no model was measured")
        found = cls([one for part in parts for one in part.measured], parts[0].backend)
        found._check()
        return found

    @cached_property
    def groupings(self) -> tuple[str, ...]:
        """Their names, in the order they were asked for."""
        return tuple(dict.fromkeys(one.grouping for one in self.measured))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(dict.fromkeys(one.model for one in self.measured))

    @cached_property
    def rows(self) -> tuple[GroupRow, ...]:
        """A row a grouping, group and model."""
        return tuple(row for name in self.groupings for row in self._rows(name))

    def rows_of(self, grouping: str) -> dict[str, dict[str, GroupRow]]:
        """Return the rows of a grouping by group and model."""
        found: dict[str, dict[str, GroupRow]] = {}
        for row in self.rows:
            if row.grouping == grouping:
                found.setdefault(row.group, {})[row.model] = row
        return found

    @cached_property
    def gaps(self) -> tuple[ModelGap, ...]:
        """How far apart groups are, a row a grouping and model."""
        return tuple(
            _gap([row for row in self.rows if (row.grouping, row.model) == (grouping, model)])
            for grouping in self.groupings
            for model in self.models
        )

    @property
    def frame(self) -> Any:
        """The `rows` as a frame of the library of the split's interactions."""
        return _frame(self.rows, self.backend)

    @property
    def gaps_frame(self) -> Any:
        """The `gaps` as such a frame."""
        return _frame(self.gaps, self.backend)

    def __str__(self) -> str:
        from hybridrec.evaluation.report.grouped import group_text

        return group_text(self)

    def _check(self) -> None:
        for grouping in self.groupings:
            same = self._by_model(grouping)
            first = next(iter(same.values()), [])
            for model, parts in same.items():
                alike = [(one.seed, one.metric, one.k) for one in parts]
                if len({one.seed for one in parts}) < len(parts):
                    raise ParameterError(f"{model!r} was measured twice with a seed")
                if alike != [(one.seed, one.metric, one.k) for one in first] or not all(
                    np.array_equal(one.users, other.users)
                    for one, other in zip(parts, first, strict=True)
                ):
                    raise ParameterError(
                        f"{model!r} and {first[0].model!r} were measured on other splits, or in"
                        " other ways"
                    )

    def _by_model(self, grouping: str) -> dict[str, list[Measured]]:
        return {
            model: [one for one in self.measured if (one.grouping, one.model) == (grouping, model)]
            for model in self.models
        }

    def _rows(self, grouping: str) -> list[GroupRow]:
        parts = self._by_model(grouping)
        first = next(iter(parts.values()))[0]
        labels = tuple(
            dict.fromkeys(label for same in parts.values() for one in same for label in one.labels)
        )
        joined = {model: pooled(same, labels) for model, same in parts.items()}
        columns = {model: _columns(one) for model, one in joined.items()}
        corrected = holm(np.concatenate([one["p_value"] for one in columns.values()]))
        for found, p_holm in zip(columns.values(), np.split(corrected, len(columns)), strict=True):
            found["p_holm"] = p_holm
        return [
            GroupRow(
                model=model,
                grouping=grouping,
                group=label,
                metric=first.metric,
                k=first.k,
                n_users=int(found["n_users"][at]),
                **{name: float(of[at]) for name, of in found.items() if name != "n_users"},
            )
            for at, label in enumerate(labels)
            for model, found in columns.items()
        ]


def _columns(found: Pooled) -> dict[str, np.ndarray]:
    """Return the numbers of all groups of one model, arrays of shape (n_groups,)."""
    sums = found.sums
    value, counted = sums["value"], sums["counted"]
    rest = sums["rest value"], sums["rest counted"]
    users, others = np.count_nonzero(counted, axis=0), np.count_nonzero(rest[1], axis=0)
    few = np.minimum(users, others) < FEWEST
    gap, error, p_value = difference(value, counted, *rest)
    drawn = resampled(sums, draws=_DRAWS)
    low, high = interval(rates(drawn["value"], drawn["counted"]), CONFIDENCE)
    columns = {
        "members": found.sizes.members,
        "share": found.sizes.share,
        "interactions_share": found.sizes.interactions,
        "n_users": users,
        "value": rates(value.sum(axis=0), counted.sum(axis=0)),
        "low": np.where(users > 1, low, np.nan),
        "high": np.where(users > 1, high, np.nan),
        "gap": gap,
        "gap_se": error,
        "p_value": np.where(few, np.nan, p_value),
    }
    return {**columns, **_exposure(found, drawn)}


def _exposure(found: Pooled, drawn: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return shares of exposure and of held-out interactions, and their ratios."""
    names = ("exposure_share", "relevant_share", "ratio", "ratio_low", "ratio_high")
    if "exposure" not in found.sums:
        return {name: np.full(len(found.sizes.members), np.nan) for name in names}
    exposure, relevant = (shares(found.sums[name].sum(axis=0)) for name in ("exposure", "merit"))
    low, high = interval(rates(shares(drawn["exposure"]), shares(drawn["merit"])), CONFIDENCE)
    columns = (exposure, relevant, rates(exposure, relevant), low, high)
    return dict(zip(names, columns, strict=True))


def _gap(rows: Sequence[GroupRow]) -> ModelGap:
    large = [row for row in rows if row.n_users >= FEWEST]
    by_value = sorted(large, key=lambda row: row.value)
    shown = sorted((row for row in large if not np.isnan(row.ratio)), key=lambda row: row.ratio)
    worst, best = _ends(by_value, "value")
    least, most = _ends(shown, "ratio")
    apart = [abs(row.exposure_share - row.relevant_share) for row in rows]
    first = rows[0]
    return ModelGap(
        first.model,
        first.grouping,
        first.metric,
        first.k,
        *worst,
        *best,
        best[1] - worst[1],
        1 - sum(apart) / 2,
        *least,
        *most,
    )


def _ends(rows: Sequence[GroupRow], name: str) -> tuple[tuple[str, float], tuple[str, float]]:
    """Return the first and the last group, with what they are sorted by."""
    if not rows:
        return ("", np.nan), ("", np.nan)
    (low, high) = ((one.group, float(getattr(one, name))) for one in (rows[0], rows[-1]))
    return low, high


def _frame(rows: Sequence[Any], backend: Backend) -> Any:
    dicts = [asdict(row) for row in rows]
    columns = {name: [row[name] for row in dicts] for name in dicts[0]}
    arrays = {
        name: np.array(values, dtype=object if isinstance(values[0], str) else None)
        for name, values in columns.items()
    }
    return make_frame(arrays, backend)
