"""The tables of a report: means, tests, published results, relations, definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.metrics.registry import METRICS, PAIR_METRICS, PLACEMENT_METRICS
from hybridrec.evaluation.metrics.table import definition
from hybridrec.evaluation.report.content import LEVEL, Report
from hybridrec.evaluation.report.words import (
    better,
    column_label,
    counted,
    metric_label,
    signed,
    slice_label,
)
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.tables import (
    DECIMALS,
    LETTERS,
    Cell,
    Heading,
    Row,
    Table,
    Tested,
    decimals_for,
    means_table,
)

if TYPE_CHECKING:
    from hybridrec.evaluation.protocols.published import PublishedRow
    from hybridrec.evaluation.relations import RelationContributions
    from hybridrec.evaluation.trade_offs import TradeOff, TradeOffs

_DIGIT_SPACE = "\u2007"
_DASH = "\N{EN DASH}"
_ORDER = "".join(LETTERS)
ARROWS = {"higher": "↑", "lower": "↓"}


def main_table(report: Report, on: str) -> Table:
    """Return the means of a slice; on all test items with published results and all notes."""
    table = _means_table(report.comparison, on, report.tests, f"Results on {slice_label(on)}")
    if on != "all":
        return table
    rows, notes = _published(report)
    return replace(table, published=rows, notes=(*table.notes, *notes))


def knowledge_table(report: Report, on: str) -> Table:
    """Return the means of a model with its features, without them, and with them shuffled."""
    assert report.knowledge is not None
    about = report.knowledge.about
    caption = f"{about[:1].upper()}{about[1:]}, {slice_label(on)}"
    return _means_table(report.knowledge, on, report.knowledge_tests, caption)


def _means_table(
    comparison: Comparison, on: str, tests: Mapping[str, Tested], caption: str
) -> Table:
    """Return `means_table` with metrics by their labels; notes stand below the first slice."""
    table = means_table(comparison, on, tests.get(on), LEVEL)
    return replace(
        table,
        headings=tuple(map(_labelled, table.headings)),
        rows=tuple(
            tuple(replace(cell, marks=_joined(cell.marks)) for cell in row) for row in table.rows
        ),
        caption=caption,
        notes=(" ".join(_notes(comparison, tests.get(on))),) if on == "all" else (),
    )


def _joined(letters: str) -> str:
    """Write three and more letters in a row as "a-c", with a dash."""
    runs: list[str] = []
    for letter in letters:
        if runs and _ORDER.index(letter) == _ORDER.index(runs[-1][-1]) + 1:
            runs[-1] += letter
        else:
            runs.append(letter)
    return "".join(run if len(run) < 3 else f"{run[0]}{_DASH}{run[-1]}" for run in runs)


def significance_table(report: Report, on: str) -> Table:
    """Return every test of a slice, with wins, ties and losses by user."""
    tested = report.tests[on]
    order = np.lexsort((np.arange(len(tested["k"])), _places(report, tested)))
    decimals = decimals_for(list(tested["difference"]))
    rows = []
    for at in order:
        cells = {name: values[at] for name, values in tested.items()}
        rows.append(
            (
                Cell(column_label((cells["metric"], cells["k"]))),
                Cell(cells["model"]),
                Cell(cells["baseline"]),
                Cell(signed(cells["difference"], decimals), (f"± {cells['se']:.{decimals}f}",)),
                *(Cell(f"{cells[name]}") for name in ("wins", "ties", "losses")),
                *(Cell(_p_value(cells[name])) for name in ("p_value", "p_holm")),
            )
        )
    texts = [_text(name) for name in ("metric", "model", "baseline")]
    numbers = [Heading(name) for name in ("difference", "wins", "ties", "losses", "p", "p (Holm)")]
    return Table(
        (*texts, *numbers),
        tuple(rows),
        f"Differences on {slice_label(on)}",
        (
            "Difference of the means, model less baseline, ± its standard error; users for whom"
            " the model is better (wins), equal (ties) or worse (losses).",
        ),
    )


def _places(report: Report, tested: Tested) -> np.ndarray:
    """Return the position of each test's column among the columns of the tables."""
    place = {column: at for at, column in enumerate(report.user_columns)}
    columns = zip(tested["metric"], tested["k"], strict=True)
    return np.array([place[column] for column in columns])


def _p_value(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _labelled(heading: Heading) -> Heading:
    """Name metrics as in papers, with an arrow that points to where they are better."""
    if heading.name in ("#", "model", "users"):
        return heading
    metric = heading.group or heading.name
    label = f"{metric_label(metric)} {ARROWS[better(metric)]}"
    return replace(heading, group=label) if heading.group else replace(heading, name=label)


def _notes(comparison: Comparison, tested: Tested | None) -> list[str]:
    first = comparison.evaluations[0]
    notes = []
    if first.user_columns:
        notes.append("±: standard error over users.")
    if len(comparison.seeds) > 1:
        notes.append(f"sd: standard deviation over {counted(len(comparison.seeds), 'seed')}.")
    if tested is not None:
        notes.append(
            f"Raised letters: significantly better than the models with these letters, p < {LEVEL}"
            f" in a paired randomisation test over users, Holm's correction for"
            f" {counted(len(tested['p_holm']), 'test')}."
        )
    if len(comparison.by_model) > 1:
        notes.append("Bold: best of the column.")
    served = (
        "those who got a list, of all with test items"
        if first.k
        else "those with scored pairs, of all with test pairs"
    )
    notes.append(f"users: {served}.")
    return notes


def _published(report: Report) -> tuple[tuple[Row, ...], list[str]]:
    """Return a row per published system for the table of means, and numbered notes on them."""
    systems: dict[tuple[str, tuple[str, ...]], dict[Column, float]] = {}
    for one in report.published:
        if (one.metric, one.k) in report.columns:
            values = systems.setdefault((one.model, _statements(one)), {})
            values[one.metric, one.k] = one.value
    notes = list(dict.fromkeys(note for _, statements in systems for note in statements))
    letter = [Cell()] if report.tests else []
    rows = []
    for (model, statements), values in systems.items():
        marks = ",".join(str(at) for at, note in enumerate(notes, 1) if note in statements)
        cells = [Cell(_printed(values.get(column))) for column in report.columns]
        rows.append((*letter, Cell(f"{model} (published)", marks=marks), *cells, Cell(_DASH)))
    return tuple(rows), [f"{at}: {note}" for at, note in enumerate(notes, 1)]


def _printed(value: float | None) -> str:
    """Return a number with the digits it was printed with, and room for those it lacks."""
    if value is None:
        return _DASH
    text = f"{value:.{DECIMALS}g}"
    return text + _DIGIT_SPACE * (DECIMALS - len(text.partition(".")[2]))


def _statements(row: PublishedRow) -> tuple[str, ...]:
    """Return where a published number is from, and what is known of how it came about."""
    origin = f"{row.source} ({row.dataset}, {row.protocol})."
    return tuple(filter(None, (origin, *row.note.splitlines())))


def published_tables(report: Report) -> list[Table]:
    """Return the published results of metrics or cut-offs that the table of means lacks."""
    rows = [
        (
            Cell(one.model),
            Cell(column_label((one.metric, one.k))),
            Cell(_printed(one.value)),
            Cell(" ".join(_statements(one))),
        )
        for one in report.published
        if (one.metric, one.k) not in report.columns
    ]
    headings = (_text("model"), _text("metric"), Heading("value"), _text("source"))
    return [Table(headings, (), "Published results", published=tuple(rows))] if rows else []


def relations_table(found: RelationContributions) -> Table:
    """Return what each relation adds, and what it does alone."""
    decimals = decimals_for([found.full])
    alone = any(row.only is not None for row in found.rows)
    rows = [
        (
            Cell(row.relation, marks="*" * row.after_release),
            Cell(f"{row.triples:,}"),
            Cell(f"{row.items:,}"),
            Cell(f"{row.without:.{decimals}f}"),
            Cell(signed(row.change, decimals)),
            Cell(f"{signed(row.low, decimals)} to {signed(row.high, decimals)}"),
            *([Cell(_DASH if row.only is None else f"{row.only:.{decimals}f}")] if alone else []),
        )
        for row in found.rows
    ]
    starred = any(row.after_release for row in found.rows)
    names = ("triples", "items", "without it", "change", "95 % interval", *(["alone"] * alone))
    label = column_label((found.metric, found.k))
    return Table(
        (_text("relation"), *map(Heading, names)),
        tuple(rows),
        f"What each relation adds to {label} of {found.model} on {slice_label(found.on)}",
        (
            *["*: known only after an item succeeds, and so tells its popularity."] * starred,
            f"{label} is {found.full:.{decimals}f} with all relations and {found.none:.{decimals}f}"
            " without any. change: what the relation adds to the others, with its paired 95 %"
            " interval over users. items: items that the relation says something about.",
        ),
    )


def trade_off_table(found: TradeOffs, title: str, curves: Sequence[TradeOff]) -> Table:
    """Return accuracy and an aim over the weights of re-rankers that share it."""
    metrics = (found.metric, curves[0].aim.metric)
    means = [[curve.means(metric, found.k) for metric in metrics] for curve in curves]
    decimals = [decimals_for([one[at].max() for one in means]) for at in range(2)]
    rows = []
    for curve, (accuracy, value) in zip(curves, means, strict=True):
        for at, weight in enumerate(curve.evaluations):
            change = 100 * (accuracy[:, at].mean() / (accuracy[:, 0].mean() or np.nan) - 1)
            rows.append(
                (
                    Cell(curve.reranker),
                    Cell(f"{weight:g}{' chosen' if weight == curve.chosen else ''}"),
                    _over_seeds(accuracy[:, at], decimals[0]),
                    Cell(_DASH if np.isnan(change) else f"{signed(change, 1)} %"),
                    _over_seeds(value[:, at], decimals[1]),
                )
            )
    names = [f"{column_label((one, found.k))} {ARROWS[better(one)]}" for one in metrics]
    return Table(
        (
            *(_text("re-ranking"), _text("weight")),
            *(Heading(names[0]), Heading("change"), Heading(names[1])),
        ),
        tuple(rows),
        title,
        ("Weight 0 is the model's own order; change: of accuracy, from there.",),
    )


def _over_seeds(values: np.ndarray, decimals: int) -> Cell:
    """Return a mean with its standard deviation over several seeds."""
    spread = (f"sd {values.std(ddof=1):.{decimals}f}",) if len(values) > 1 else ()
    return Cell(f"{values.mean():.{decimals}f}", spread)


def definitions(report: Report) -> Mapping[str, str]:
    """Return the definition of every metric that the report shows."""
    found: dict[str, str] = {}
    compared = filter(None, (report.comparison, report.curves, report.knowledge))
    measured = [(one.evaluations[0].columns, not one.evaluations[0].k) for one in compared]
    if report.trade_offs is not None:
        measured.append((report.trade_offs.columns, False))
    for columns, of_pairs in measured:
        for column in columns:
            if column[0] not in found:
                found[column[0]] = _definition(column, of_pairs=of_pairs)
    return found


def definitions_table(report: Report) -> Table:
    """Return `definitions` with what is better."""
    rows = tuple(
        (Cell(metric_label(metric)), Cell(f"{better(metric)} {ARROWS[better(metric)]}"), Cell(text))
        for metric, text in definitions(report).items()
    )
    return Table((_text("metric"), _text("better"), _text("definition")), rows, "Metrics")


def _definition(column: Column, *, of_pairs: bool) -> str:
    """Return a formula: of lists if there is a cut-off, else of all candidates or of pairs."""
    metric, k = column
    kinds: list[Mapping[str, Callable[..., Any]]] = [PLACEMENT_METRICS, PAIR_METRICS]
    if of_pairs:
        kinds.reverse()
    for kind in kinds if k is None else [METRICS]:
        if metric in kind:
            return definition(kind[metric])["definition"].replace("``", "")
    return ""


def _text(name: str) -> Heading:
    return Heading(name, number=False)
