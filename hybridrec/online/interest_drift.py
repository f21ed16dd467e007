"""How the interests of a user change over time, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import Backend, make_frame
from hybridrec.errors import DataError, ParameterError
from hybridrec.features.pipeline import BLOCKS, FeaturePipeline
from hybridrec.models.checks import whole
from hybridrec.online.distance import jensen_shannon
from hybridrec.ranking.rules.groups import item_groups
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MONTH = "month"
STREAM = 0xD21F7  # of the shuffles
SURE = 0.95


@dataclass(frozen=True)
class Period:
    """A part of a user's time.

    Attributes
    ----------
    name : str
        The month, or the number of the part.
    start, end : str
        Days of the first and the last interaction, UTC.
    interactions : int
    """

    name: str
    start: str
    end: str
    interactions: int


@dataclass(frozen=True)
class Step:
    """How far the interests of two periods are apart.

    Attributes
    ----------
    start, end : str
        Names of the periods.
    distance : float
        Jensen-Shannon distance of the shares, from 0 (the same) to 1 (nothing in common).
    by_chance : float
        Mean distance where the user's times are dealt to the interactions at random.
    limit : float
        Below it are 95 % of those distances.
    p_value : float
        Share of distances by chance, itself counted, that are at least as large.
    """

    start: str
    end: str
    distance: float
    by_chance: float
    limit: float
    p_value: float

    @property
    def is_drift(self) -> bool:
        """Whether the distance is beyond what 95 % of the random deals give."""
        return self.p_value <= 1 - SURE


@dataclass(frozen=True, eq=False)
class InterestDrift:
    """The interests of a user, period by period.

    Attributes
    ----------
    user : id
    by : str
        The column or feature block.
    periods : tuple of Period
    values : ndarray of str, shape (values,)
        By their share over all periods, the largest first.
    shares : ndarray of float64, shape (periods, values)
        Each row sums to 1.
    steps : tuple of Step
        From each period to the next.
    overall : Step or None
        From the first to the last; None if there is one period.
    left_out : int
        Interactions with items that have no value.
    """

    user: Any
    by: str
    periods: tuple[Period, ...]
    values: np.ndarray
    shares: np.ndarray
    steps: tuple[Step, ...]
    overall: Step | None
    left_out: int
    backend: Backend

    def shares_frame(self) -> Any:
        """Return the columns period, start, end, interactions, value, share; no shares of 0."""
        row, column = np.nonzero(self.shares)
        periods = {
            name: np.array([getattr(one, name) for one in self.periods])[row]
            for name in ("name", "start", "end", "interactions")
        }
        periods = {"period": periods.pop("name"), **periods}
        told = {"value": self.values[column], "share": self.shares[row, column]}
        return make_frame(periods | told, self.backend)

    def drift_frame(self) -> Any:
        """Return a row for each of ``steps``, then one for ``overall``."""
        steps = [*self.steps, *([] if self.overall is None else [self.overall])]
        names = ("start", "end", "distance", "by_chance", "limit", "p_value")
        columns = {name: [getattr(one, name) for one in steps] for name in names}
        return make_frame(columns, self.backend)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as lists and dictionaries."""
        shares = [
            {
                str(value): float(share)
                for value, share in zip(self.values, row, strict=True)
                if share
            }
            for row in self.shares
        ]
        pairs = zip(self.periods, shares, strict=True)
        return {
            "user": self.user,
            "by": self.by,
            "periods": [asdict(period) | {"shares": own} for period, own in pairs],
            "steps": [asdict(one) | {"drift": one.is_drift} for one in self.steps],
            "overall": None
            if self.overall is None
            else asdict(self.overall) | {"drift": self.overall.is_drift},
            "left_out": self.left_out,
        }


def interest_drift(
    dataset: Dataset,
    user: Any,
    *,
    by: str = "genres",
    periods: str | int = MONTH,
    shuffles: int = 999,
    random_state: int = 0,
) -> InterestDrift:
    """Tell what a user was interested in, period by period, and how far that moved.

    Every interaction spreads a weight of 1 over the values that its item has, such as genres; the
    shares p of a period are the sums over its interactions, divided by their total. The distance
    of two periods is that of Jensen and Shannon, ``sqrt(H((p + q) / 2) - (H(p) + H(q)) / 2)`` with
    the entropy H in bits, from 0 to 1 (Endres & Schindelin 2003).

    Two small samples of the same taste differ as well. So the user's times are dealt to the
    interactions at random, again and again: only a distance beyond 95 % of those that come of it
    is called drift. With twenty steps one of them is expected to be called so wrongly.

    Parameters
    ----------
    dataset : Dataset
        With timestamps.
    user : id
    by : str, default "genres"
        A column of the item table, with lists or single values, or a feature block of items
        such as "tokens".
    periods : "month" or int, default "month"
        Calendar months (UTC) in which there is anything, or so many periods with equally many
        interactions.
    shuffles : int, default 999
    random_state : int, default 0

    Raises
    ------
    DataError
        If there are no timestamps, or the user has no interaction with an item that has a value,
        or fewer of them than periods.
    UnknownIdError
        If the user is not known.
    ParameterError
        If there is no such column or block, or a parameter makes no sense.
    """
    rows = dataset.interactions
    if rows.timestamps is None:
        raise DataError("interests over time need interactions with a timestamp column")
    whole(shuffles=shuffles)
    stream = random_stream(check_random_state(random_state), STREAM)
    (code,) = dataset.users.codes([user])
    own = rows.take(rows.user_codes == code)
    own = own.take(np.argsort(own.timestamps, kind="stable"))  # type: ignore[arg-type]
    values, names = _values(dataset, by)
    told = values[own.item_codes]
    has = np.diff(told.indptr) > 0
    if not has.any():
        raise DataError(f"no item of user {user!r} has a value of {by!r}")
    told, times = told[has], own.timestamps[has]  # type: ignore[index]
    numbers, labels = _periods(times, periods, user)
    shares = _shares(numbers, told, len(labels))
    largest = np.argsort(-told.sum(axis=0).A1, kind="stable")
    largest = largest[told.sum(axis=0).A1[largest] > 0]
    days = times.astype("datetime64[s]").astype("datetime64[D]").astype(str)
    ends = [np.flatnonzero(numbers == one)[[0, -1]] for one in range(len(labels))]
    counts = np.bincount(numbers)
    return InterestDrift(
        user,
        by,
        tuple(
            Period(label, days[first], days[last], int(count))
            for label, (first, last), count in zip(labels, ends, counts, strict=True)
        ),
        names[largest],
        shares[:, largest],
        *_steps(shares, numbers, told, labels, shuffles, stream),
        left_out=int(np.count_nonzero(~has)),
        backend=rows.backend,
    )


def _values(dataset: Dataset, by: str) -> tuple[csr_matrix, np.ndarray]:
    """Return the shares of every item in the values, float64 rows that sum to 1 or are empty."""
    from scipy.sparse import csr_matrix, diags

    table = dataset.item_table
    if by in BLOCKS and (table is None or by not in table.columns):
        (block,) = FeaturePipeline([by]).fit(dataset).blocks
        matrix, names = csr_matrix(block.matrix, dtype=np.float64), block.feature_names
        if matrix.data.min(initial=0.0) < 0:
            raise ParameterError(f"{by!r} has negative values, of which there are no shares")
    else:
        groups = item_groups(table, by)
        matrix, names = csr_matrix(groups.members, dtype=np.float64), groups.names
    total = matrix.sum(axis=1).A1
    return (diags(1.0 / np.where(total > 0, total, 1.0)) @ matrix).tocsr(), names


def _periods(times: np.ndarray, periods: str | int, user: Any) -> tuple[np.ndarray, list[str]]:
    """Return the number of the period of each of some ascending times, and the periods' names."""
    if periods == MONTH:
        months = times.astype("datetime64[s]").astype("datetime64[M]")
        found, numbers = np.unique(months, return_inverse=True)
        return numbers, found.astype(str).tolist()
    if isinstance(periods, bool) or not isinstance(periods, (int, np.integer)) or periods < 1:
        raise ParameterError(
            f"periods must be {MONTH!r} or a whole number of at least 1, got {periods!r}"
        )
    if periods > len(times):
        raise DataError(
            f"user {user!r} has {len(times)} interactions, too few for {periods} periods"
        )
    numbers = np.arange(len(times)) * int(periods) // len(times)
    return numbers, [str(one + 1) for one in range(int(periods))]


def _shares(numbers: np.ndarray, told: csr_matrix, n_periods: int) -> np.ndarray:
    """Return the mean of the rows of every period, float64 (periods, values)."""
    from scipy.sparse import csr_matrix

    of = csr_matrix((np.ones(len(numbers)), (numbers, np.arange(len(numbers)))))
    sums = (of @ told).toarray()
    shares: np.ndarray = sums / np.bincount(numbers, minlength=n_periods)[:, None]
    return shares


def _steps(
    shares: np.ndarray,
    numbers: np.ndarray,
    told: csr_matrix,
    labels: Sequence[str],
    shuffles: int,
    stream: np.random.Generator,
) -> tuple[tuple[Step, ...], Step | None]:
    """Compare each period with the next and the first with the last, and all with chance."""
    if len(labels) < 2:
        return (), None
    used = told[:, np.flatnonzero(told.getnnz(axis=0))]
    found = _distances(shares)
    dealt = np.stack(
        [
            _distances(_shares(stream.permutation(numbers), used, len(labels)))
            for _ in range(shuffles)
        ]
    )
    rounding = 1e-9
    beyond = (dealt >= found - rounding).sum(axis=0)
    steps = [
        Step(*ends, float(found[at]), float(dealt[:, at].mean()), float(limit), float(p_value))
        for at, (ends, limit, p_value) in enumerate(
            zip(
                [*pairwise(labels), (labels[0], labels[-1])],
                np.quantile(dealt, SURE, axis=0),
                (1 + beyond) / (1 + shuffles),
                strict=True,
            )
        )
    ]
    return tuple(steps[:-1]), steps[-1]


def _distances(shares: np.ndarray) -> np.ndarray:
    """Return the distances between consecutive rows, then that of the first and the last."""
    return jensen_shannon(
        np.concatenate([shares[:-1], shares[:1]]), np.concatenate([shares[1:], shares[-1:]])
    )
