"""Whether everybody in a table is one of at least k who look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridrec.dataset.frames import open_frame
from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few
from hybridrec.models.checks import whole

SHOWN = 5  # of the smallest groups


@dataclass(frozen=True)
class Anonymity:
    """What `anonymity` found.

    Attributes
    ----------
    k : int
        What was asked for.
    columns : tuple of str
    rows, groups : int
        Of the table.
    smallest : int
        Rows, or distinct persons, of the smallest group; 0 in an empty table.
    below : int
        Groups smaller than k.
    exposed : int
        Rows (persons) in those.
    examples : tuple of (values, int)
        The smallest of them, with their sizes.
    least_diverse : int or None
        The fewest different sensitive values within a group.
    """

    k: int
    columns: tuple[str, ...]
    rows: int
    groups: int
    smallest: int
    below: int
    exposed: int
    examples: tuple[tuple[tuple[Any, ...], int], ...]
    least_diverse: int | None = None

    @property
    def holds(self) -> bool:
        """Whether no group is smaller than k."""
        return self.below == 0

    def __str__(self) -> str:
        named = ", ".join(self.columns)
        lines = [
            f"{self.rows} rows in {self.groups} groups of equal {named}; the smallest group has"
            f" {self.smallest}"
        ]
        if self.least_diverse is not None:
            lines.append(f"fewest different sensitive values in a group: {self.least_diverse}")
        if self.holds:
            return "\n".join([*lines, f"{self.k}-anonymous"])
        found = f"{self.exposed} in {self.below} groups below {self.k}"
        lines.append(f"NOT {self.k}-anonymous: {found}")
        for values, size in self.examples:
            pairs = zip(self.columns, values, strict=True)
            lines.append(f"  {size}: " + ", ".join(f"{name}={value}" for name, value in pairs))
        return "\n".join(lines)


def anonymity(
    table: Any,
    columns: Sequence[str],
    k: int = 5,
    *,
    person: str | None = None,
    sensitive: str | None = None,
) -> Anonymity:
    """Count the groups of rows that agree in all columns by which somebody could be recognised.

    Parameters
    ----------
    table : data frame
    columns : sequence of str
        Quasi-identifiers: what an outsider may know of a person (age, place, rare items). A
        missing value is a value of its own.
    k : int, default 5
        The least group that is safe (Sweeney 2002).
    person : str, optional
        A column of ids, if a person may have several rows: then distinct persons are counted.
    sensitive : str, optional
        A column nobody should learn: where a whole group has one value of it, the group gives it
        away, however large (l-diversity, Machanavajjhala et al. 2007).

    Raises
    ------
    ParameterError
        If k is not a whole number of at least 1, or no column is given.
    DataError
        If there is no such column.
    """
    import pandas as pd

    whole(k=k)
    if not columns:
        raise ParameterError("name the columns by which somebody could be recognised")
    frame, _ = open_frame(table)
    extra = [name for name in (person, sensitive) if name is not None]
    for name in (*columns, *extra):
        if name not in frame.columns:
            raise DataError(
                f"no column {name!r}{did_you_mean(name, frame.columns)}"
                f" (columns: {first_few(frame.columns, 10)})"
            )
    wanted = list(dict.fromkeys((*columns, *extra)))
    rows = pd.DataFrame({name: _comparable(frame.get_column(name).to_numpy()) for name in wanted})
    groups = rows.groupby(list(columns), dropna=False, sort=True)
    sizes = groups.size() if person is None else groups[person].nunique(dropna=False)
    small = sizes[sizes < k].sort_values(kind="stable")
    return Anonymity(
        k=k,
        columns=tuple(columns),
        rows=len(rows),
        groups=len(sizes),
        smallest=int(sizes.min()) if len(sizes) else 0,
        below=len(small),
        exposed=int(small.sum()),
        examples=tuple(
            (value if isinstance(value, tuple) else (value,), int(size))
            for value, size in small.head(SHOWN).items()
        ),
        least_diverse=_least(groups, sensitive),
    )


def _least(groups: Any, sensitive: str | None) -> int | None:
    if sensitive is None:
        return None
    different = groups[sensitive].nunique(dropna=False)
    return int(different.min()) if len(different) else 0


def _comparable(values: np.ndarray) -> np.ndarray:
    """Return a column whose cells can be grouped; lists become texts."""
    if values.dtype != object:
        return values
    cells = np.empty(len(values), dtype=object)
    for at, one in enumerate(values):
        cells[at] = str([*map(str, one)]) if isinstance(one, (list, tuple, np.ndarray)) else one
    return cells
