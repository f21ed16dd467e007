"""Who did what with which item: one row an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.clock import TIME_COLUMNS, time_context
from hybridrec.dataset.columns import check_weights
from hybridrec.dataset.frames import DEFAULT_BACKEND, Backend, as_source, find_column, make_frame
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.recency import SECONDS_PER_DAY, Recency
from hybridrec.errors import DataError, ParameterError, first_few

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, eq=False)
class Interactions:
    """Interactions of users with items, as columns of codes.

    Build one with `from_frame` or `hybridrec.read_interactions`; the constructor takes columns
    that are already coded.

    Attributes
    ----------
    users, items : IdMap
        All known ids; an id may have no row.
    user_codes, item_codes : ndarray of int32, shape (rows,)
    weights : ndarray of float32, shape (rows,)
        Strength of each interaction, finite and at least 0; ones if none were given.
    timestamps : ndarray of float64, shape (rows,), or None
        Seconds since 1970-01-01 UTC.
    context : dict of str to ndarray
        Further columns of the same length, such as the event type or the device.
    backend : str
        The data frame library the rows came from; results are frames of the same library.
    recency : Recency or None
        What age and sessions do to the weights where they are learned from; see `weighted_by`.
    """

    users: IdMap
    items: IdMap
    user_codes: np.ndarray
    item_codes: np.ndarray
    weights: np.ndarray
    timestamps: np.ndarray | None = None
    context: Mapping[str, np.ndarray] = field(default_factory=dict)
    backend: Backend = DEFAULT_BACKEND
    recency: Recency | None = None

    @classmethod
    def from_frame(
        cls,
        data: Any,
        *,
        user: str | None = None,
        item: str | None = None,
        weight: str | None = None,
        timestamp: str | None = None,
        event: str | None = None,
        event_weights: Mapping[str, float] | None = None,
        context: Sequence[str] = (),
        timezone: str = "UTC",
    ) -> Interactions:
        """Take interactions from any data frame (pandas, polars, pyarrow, DuckDB, ...).

        Parameters
        ----------
        data : data frame or Source
            One row an interaction; not changed. `hybridrec.read_interactions` reads a file.
        user, item : str, optional
            Id columns; by default the usual names are recognised ("user_id", "movieId", ...).
        weight, timestamp, event : str, optional
            Further columns, recognised by name as well where they exist.
        event_weights : mapping, optional
            Weight of each event type, such as ``{"view": 1, "buy": 5}``; multiplies ``weight``.
        context : sequence of str, optional
            Columns to keep along. Where there is none of that name, "daypart", "hour", "weekday",
            "weekend", "month" and "season" are made of the timestamps.
        timezone : str, default "UTC"
            For these; see `hybridrec.dataset.clock.time_context`.

        Raises
        ------
        DataError
            If a column is missing, an id is missing, a weight is NaN, infinite or negative, an
            event type has no weight, or timestamps mix units.
        """
        source = as_source(data, "interactions")
        named = {"user": user, "item": item, "weight": weight, "timestamp": timestamp}
        found = {
            role: find_column(
                source.names, role, given, where=source.where, required=role in ("user", "item")
            )
            for role, given in (named | {"event": event}).items()
        }
        if event_weights is not None and found["event"] is None:
            raise DataError("event_weights given, but no event column; name it with event=...")
        made = [name for name in context if name in TIME_COLUMNS and name not in source.names]
        kept = [
            find_column(source.names, "context", name, where=source.where)
            for name in context
            if name not in made
        ]
        kept += [found["event"]]
        with source.read(list(dict.fromkeys(filter(None, [*found.values(), *kept])))) as columns:
            users, user_codes = columns.coded_ids(str(found["user"]), "user")
            items, item_codes = columns.coded_ids(str(found["item"]), "item")
            weights = np.ones(len(columns), dtype=np.float32)
            if found["weight"] is not None:
                weights = columns.weights(found["weight"])
            timestamps = None
            if found["timestamp"] is not None:
                timestamps = columns.times(found["timestamp"])
            extra = {name: columns.values(name) for name in kept if name is not None}
        if event_weights is not None:
            weights = weights * weights_of_events(extra[str(found["event"])], event_weights)
        if made:
            if timestamps is None:
                raise DataError(f"the context {made[0]!r} needs a timestamp column; there is none")
            extra |= time_context(timestamps, made, timezone)
        return cls(users, items, user_codes, item_codes, weights, timestamps, extra, source.backend)

    def __len__(self) -> int:
        return len(self.user_codes)

    def __repr__(self) -> str:
        return f"Interactions({len(self)} rows, {len(self.users)} users, {len(self.items)} items)"

    @cached_property
    def matrix(self) -> csr_matrix:
        """Users x items, CSR float32; weights of repeated pairs are summed, zeros dropped.

        They are the `learned_weights`.
        """
        from scipy.sparse import csr_matrix

        matrix = csr_matrix(
            (self.learned_weights, (self.user_codes, self.item_codes)),
            shape=(len(self.users), len(self.items)),
            dtype=np.float32,
        )
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

    @property
    def learned_weights(self) -> np.ndarray:
        """What every row counts for a model, float32 (rows,): its weight, by `recency` if set."""
        if self.recency is None or self.timestamps is None:
            return self.weights
        factors = self.recency.factors(self.user_codes, self.timestamps)
        weights: np.ndarray = (self.weights * factors).astype(np.float32)
        return weights

    def weighted_by(self, recency: Recency | None) -> Interactions:
        """Return the same rows, of which models learn with weights by age and session.

        The column ``weights`` stays as it is: ages are counted among the rows at hand, so the
        training part of a split knows nothing of what is held out. A model fitted on these rows
        treats histories that it is given later in the same way.

        Parameters
        ----------
        recency : Recency or None
            None takes it off again.

        Raises
        ------
        DataError
            If there are no timestamps.
        """
        if recency is not None and self.timestamps is None:
            raise DataError("half-life and sessions need a timestamp column")
        return replace(self, recency=recency)

    def take(self, rows: np.ndarray) -> Interactions:
        """Return the interactions at ``rows`` (a mask or positions) with the same id maps."""
        return replace(
            self,
            user_codes=self.user_codes[rows],
            item_codes=self.item_codes[rows],
            weights=self.weights[rows],
            timestamps=None if self.timestamps is None else self.timestamps[rows],
            context={name: values[rows] for name, values in self.context.items()},
        )

    def with_items(self, items: IdMap) -> Interactions:
        """Return the same rows with a longer item map whose first ids are the present ones."""
        if not np.array_equal(items.ids[: len(self.items)], self.items.ids):
            raise ParameterError("the new item map must begin with the present item ids")
        return replace(self, items=items)

    def decayed(self, half_life_days: float) -> Interactions:
        """Return weights halved for every ``half_life_days`` before the newest interaction.

        The column ``weights`` changes, once and for all; `weighted_by` is for fitting.

        Raises
        ------
        DataError
            If there are no timestamps.
        ParameterError
            If the half-life is not a positive number.
        """
        if self.timestamps is None:
            raise DataError("time decay needs a timestamp column")
        if not half_life_days > 0:
            raise ParameterError(f"half_life_days must be positive, got {half_life_days}")
        age = (self.timestamps.max(initial=-np.inf) - self.timestamps) / SECONDS_PER_DAY
        factor = np.exp2(-age / half_life_days)
        return replace(self, weights=(self.weights * factor).astype(np.float32))

    def to_frame(self) -> Any:
        """Return the rows with the caller's ids, as a frame of the library they came from.

        Columns user, item, weight, timestamp, and those of the context with other names.
        """
        columns: dict[str, Any] = {
            "user": self.users.ids[self.user_codes],
            "item": self.items.ids[self.item_codes],
            "weight": self.weights,
        }
        if self.timestamps is not None:
            columns["timestamp"] = self.timestamps
        columns |= {name: one for name, one in self.context.items() if name not in columns}
        return make_frame(columns, self.backend)


def weights_of_events(events: np.ndarray, event_weights: Mapping[str, float]) -> np.ndarray:
    """Return the float32 weight of each event type in a column.

    Raises
    ------
    DataError
        If an event type has no weight, or a weight is NaN, infinite or negative.
    """
    import pandas as pd

    codes, kinds = pd.factorize(np.asarray(events, dtype=object))
    unknown = [kind for kind in kinds if kind not in event_weights]
    if unknown or (codes < 0).any():
        raise DataError(
            f"event types without a weight: {first_few(unknown or ['(missing)'])};"
            f" weights are given for {first_few(event_weights)}"
        )
    table = check_weights(np.array([event_weights[kind] for kind in kinds]), "event_weights")
    weights: np.ndarray = table[codes]
    return weights
