"""Comparisons as tables for reading: means, their errors, and what differs significantly."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.metrics import LOWER_IS_BETTER

if TYPE_CHECKING:
    import pandas as pd

    from hybridrec.evaluation.results import Comparison

# The letters that exist raised; models beyond the last have none.
LETTERS = dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))
DECIMALS = 4  # of numbers below 10; one less for every power of ten

Tested: TypeAlias = "Mapping[str, np.ndarray]"
Row: TypeAlias = "tuple[Cell, ...]"


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text : str
    errors : tuple of str
        How sure it is, in small print beside it, such as "± 0.0012".
    marks : str
        Letters or signs that stand raised behind it.
    best : bool
        Whether it is the best of its column, which are not all alike.
    """

    text: str = ""
    errors: tuple[str, ...] = ()
    marks: str = ""
    best: bool = False


@dataclass(frozen=True)
class Heading:
    """What stands above a column.

    Attributes
    ----------
    name : str
    group : str
        Neighbouring columns with the same group share it as a heading above theirs.
    number : bool
        Whether the cells are numbers, to be aligned at the right.
    """

    name: str
    group: str = ""
    number: bool = True


@dataclass(frozen=True)
class Table:
    """A table to be written in any format.

    Attributes
    ----------
    headings : tuple of Heading
    rows : tuple of rows
        A `Cell` per heading each.
    caption : str
    notes : tuple of str
        What the signs in it mean.
    published : tuple of rows
        Results of others, to be set apart from ``rows``.
    """

    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    notes: tuple[str, ...] = ()
    published: tuple[Row, ...] = ()

    def parts(self, most: int) -> list[Table]:
        """Return tables with up to ``most`` columns of numbers each, and with all the others.

        They are as few as can be, and alike in width. Columns of one group stay together, also
        where these are more.
        """
        others = [at for at, heading in enumerate(self.headings) if not heading.number]
        numbers = [at for at, heading in enumerate(self.headings) if heading.number]
        groups = [
            list(same) for _, same in groupby(numbers, lambda at: self.headings[at].group or at)
        ]
        fewest = len(_packed(groups, most))
        packed = next(
            found for width in range(1, most + 1) if len(found := _packed(groups, width)) == fewest
        )
        return [self._of([*others, *chosen]) for chosen in packed]

    def _of(self, columns: Sequence[int]) -> Table:
        def picked(row: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(row[at] for at in columns)

        return replace(
            self,
            headings=picked(self.headings),
            rows=tuple(map(picked, self.rows)),
            published=tuple(map(picked, self.published)),
        )


def means_table(comparison: Comparison, on: str, tested: Tested | None, level: float) -> Table:
    """Return a row per model, with its mean and error in every column that was measured.

    Parameters
    ----------
    comparison : Comparison
    on : str
        The slice.
    tested : mapping or None
        The columns of `Comparison.significance` for all pairs of models. With them, the first
        column gives each model its letter, and a cell the letters of those it beats.
    level : float
        What a corrected p-value must be below.
    """
    letter_of = dict(zip(comparison.by_model, LETTERS, strict=False))
    models, columns = list(comparison.by_model), comparison.evaluations[0].columns
    beaten = {} if tested is None else beaten_models(tested, level)
    marks = [
        ["".join(sorted(letter_of.get(one, "") for one in beaten.get((model, column), ())))
         for model in models]
        for column in columns
    ]  # fmt: skip
    cells = [
        _column_cells(comparison, column, on, letters)
        for column, letters in zip(columns, marks, strict=True)
    ]
    named = [Heading("model", number=False)]
    rows: list[list[Cell]] = [[Cell(model)] for model in models]
    if tested is not None:
        named.insert(0, Heading("#", number=False))
        rows = [[Cell(letter_of.get(row[0].text, "")), *row] for row in rows]
    return Table(
        (*named, *map(_heading, columns), Heading("users")),
        tuple(
            (*row, *values, _users(comparison, model, on))
            for row, values, model in zip(
                rows, zip(*cells, strict=True), comparison.by_model, strict=True
            )
        ),
    )


def comparison_table(
    comparison: Comparison, on: str, tested: Tested | None, level: float
) -> pd.DataFrame:
    """Return `means_table` as a frame of texts with the models as index."""
    import pandas as pd

    table = means_table(comparison, on, tested, level)
    names = [heading.group + heading.name for heading in table.headings]
    found = pd.DataFrame([[_plain(cell) for cell in row] for row in table.rows], columns=names)
    return found.set_index("model").rename_axis(None)


def comparison_text(comparison: Comparison) -> str:
    """Return the tables of all slices, and below them what the signs in them mean."""
    tables = [f"{on}\n{comparison.table(on).to_string()}" for on in comparison.slices]
    return "\n\n".join([*tables, "\n".join(_legend(comparison))])


def beaten_models(tested: Tested, level: float) -> Mapping[tuple[str, Column], set[str]]:
    """Return, for each model and column, the models whose values are significantly worse."""
    beaten = defaultdict(set)
    names = ("model", "baseline", "metric", "k", "difference", "p_holm")
    rows = zip(*(tested[name] for name in names), strict=True)
    for one, other, metric, k, difference, p_value in rows:
        if p_value < level:
            better = (difference > 0) != (metric in LOWER_IS_BETTER)
            winner, loser = (one, other) if better else (other, one)
            beaten[winner, (metric, k)].add(loser)
    return beaten


def raised(letters: str) -> str:
    """Return letters as the raised ones that Unicode has."""
    return "".join(LETTERS.get(one, one) for one in letters)


def decimals_for(values: Sequence[float]) -> int:
    """Return how many decimals numbers of one column are given, by the largest of them."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return max(0, DECIMALS - int(math.log10(max(largest, 1.0))))


def _packed(groups: Sequence[Sequence[int]], width: int) -> list[list[int]]:
    """Join neighbouring groups up to a width; one that is wider stands alone."""
    packed: list[list[int]] = [[]]
    for group in groups:
        if packed[-1] and len(packed[-1]) + len(group) > width:
            packed.append([])
        packed[-1].extend(group)
    return packed


def _column_cells(
    comparison: Comparison, column: Column, on: str, marks: Sequence[str]
) -> list[Cell]:
    means = [comparison.mean(model, *column, on) for model in comparison.by_model]
    decimals = decimals_for(means)
    texts = [f"{mean:.{decimals}f}" for mean in means]
    first = min if column[0] in LOWER_IS_BETTER else max
    best = texts[means.index(first(means))] if len(set(texts)) > 1 else None
    return [
        Cell(text, _errors(comparison, model, column, on, decimals), letters, text == best)
        for model, text, letters in zip(comparison.by_model, texts, marks, strict=True)
    ]


def _errors(
    comparison: Comparison, model: str, column: Column, on: str, decimals: int
) -> tuple[str, ...]:
    error = comparison.standard_error(model, *column, on)
    spread = comparison.spread(model, *column, on)
    return (
        *([] if np.isnan(error) else [f"± {error:.{decimals}f}"]),
        *([] if np.isnan(spread) else [f"sd {spread:.{decimals}f}"]),
    )


def _users(comparison: Comparison, model: str, on: str) -> Cell:
    """Return how many users of a slice got a list, of how many, on average over the seeds."""
    parts = [one.slices[on] for one in comparison.by_model[model]]
    covered, users = np.mean([(part.covered_users, len(part.users)) for part in parts], axis=0)
    return Cell(f"{covered:.0f}/{users:.0f}")


def _heading(column: Column) -> Heading:
    metric, k = column
    return Heading(metric) if k is None else Heading(f"@{k}", metric)


def _plain(cell: Cell) -> str:
    texts = [f"({one})" if one.startswith("sd") else one for one in (cell.text, *cell.errors)]
    return " ".join(texts) + raised(cell.marks)


def _legend(comparison: Comparison) -> Iterator[str]:
    yield "±: standard error over users"
    if len(comparison.seeds) > 1:
        yield f"sd: standard deviation over {len(comparison.seeds)} seeds"
    models, columns = len(comparison.by_model), len(comparison.evaluations[0].user_columns)
    tests = models * (models - 1) // 2 * columns
    if tests:
        yield (
            f"{LETTERS['a']}: better than model a, p < 0.05 in a randomisation test over users"
            f" (Holm's correction for m = {tests} in each table)"
        )
