"""The sections of a report in their order, for every format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.metrics import LOWER_IS_BETTER
from hybridrec.evaluation.report import charts, grouped, tabulated
from hybridrec.evaluation.report.content import Report
from hybridrec.evaluation.report.pictures import Picture
from hybridrec.evaluation.report.replayed import strategies_table, windows_table
from hybridrec.evaluation.report.summary import summary
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.tables import Table

# Slices whose tables stand open, and whose tests are listed.
_MAIN = ("all", "warm", "cold")


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes
    ----------
    key : str
        Short name, for links.
    title : str
    text : tuple of str
        Paragraphs.
    tables : tuple of Table
    folded : mapping of str to tables
        Tables for who wants to know more, by what they are together.
    charts : callable
        Draws nothing yet, but computes the numbers of the figures.
    chart_note : str
        What signs in the figures mean.
    pictures : mapping of str to Picture
        By their captions.
    points : tuple of str
        A list.
    commands : tuple of str
    facts : mapping of str to str
    """

    key: str
    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: Mapping[str, Sequence[Table]] = field(default_factory=dict)
    charts: Callable[[], Iterable[charts.Chart]] = field(default=tuple)
    chart_note: str = ""
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    points: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def sections(report: Report) -> Iterator[Section]:
    """Yield the sections of a report; some may have nothing but charts, or not even these."""
    yield Section("summary", "Summary", text=(summary(report),))
    yield _results(report)
    yield from _figures(report)
    yield from _groups(report)
    yield from _side_information(report)
    yield from _reranking(report)
    yield from _over_time(report)
    yield Section("pictures", "Pictures of the knowledge graph", pictures=report.pictures)
    yield Section(
        "method",
        "How it was measured",
        points=tuple(_method(report)),
        tables=(tabulated.definitions_table(report),),
    )
    yield Section("notes", "Notes", points=tuple(report.all_notes))
    yield Section("reproduce", "How to reproduce", commands=tuple(report.commands))
    yield Section("about", "Setting", facts=report.about)


def _results(report: Report) -> Section:
    tables = {on: tabulated.main_table(report, on) for on in report.comparison.slices}
    tests = [tabulated.significance_table(report, on) for on in report.tests if on in _MAIN]
    folded = {
        "Results on other slices": [table for on, table in tables.items() if on not in _MAIN],
        "Tests of the differences": tests,
        "Published results by other metrics": tabulated.published_tables(report),
    }
    return Section(
        "results",
        "Results",
        tables=tuple(table for on, table in tables.items() if on in _MAIN),
        folded={title: found for title, found in folded.items() if found},
    )


def _figures(report: Report) -> Iterator[Section]:
    shown = report.curves or report.comparison
    many = _intervals(shown, shown.evaluations[0].columns)
    for key, title, made, note in (
        ("values", "Scores", charts.single_values, _intervals(report.comparison, report.columns)),
        ("curves", "Metrics by length of the list", charts.metric_curves, many),
        ("trade-off", "Accuracy, coverage, novelty", charts.trade_off, many),
        ("slices", "Slices", charts.slice_bars, _intervals(report.comparison, report.headlines)),
    ):
        yield Section(key, title, charts=partial(made, report), chart_note=note)


def _groups(report: Report) -> Iterator[Section]:
    found = report.groups
    if found is not None:
        yield Section(
            "groups",
            "Groups: who is served worse, who is shown less?",
            points=tuple(grouped.group_sentences(found, _best(report))),
            tables=(*grouped.gap_tables(found), *grouped.group_tables(found)),
            charts=partial(grouped.group_charts, report),
            chart_note="Whiskers: 95 % bootstrap intervals over users.",
        )


def _best(report: Report) -> str:
    """Return the model with the best headline metric among those whose groups were measured."""
    (metric, k), measured = report.headlines[0], report.groups.models if report.groups else ()
    sign = -1 if metric in LOWER_IS_BETTER else 1
    known = [model for model in report.models if model in measured] or report.models
    return max(known, key=lambda model: sign * report.comparison.mean(model, metric, k))


def _side_information(report: Report) -> Iterator[Section]:
    if report.knowledge is not None:
        slices = [on for on in report.knowledge.slices if on in _MAIN]
        yield Section(
            "knowledge",
            "Does the side information help?",
            text=(report.verdict or "",),
            tables=tuple(tabulated.knowledge_table(report, on) for on in slices),
            charts=partial(charts.knowledge_bars, report),
            chart_note=_intervals(report.knowledge, report.knowledge.evaluations[0].user_columns),
        )
    if report.relations is not None:
        yield Section(
            "relations",
            "What each relation adds",
            tables=(tabulated.relations_table(report.relations),),
            charts=partial(charts.relation_dots, report),
            chart_note="Whiskers: paired 95 % intervals over users.",
        )


def _reranking(report: Report) -> Iterator[Section]:
    found = report.trade_offs
    if found is not None:
        titled = charts.by_aim(found).items()
        tables = [tabulated.trade_off_table(found, title, curves) for title, curves in titled]
        yield Section(
            "re-ranking",
            "What re-ranking brings and costs",
            charts=partial(charts.rerank_paths, report),
            chart_note=(
                "Numbers at the points are weights, from 0, the model's own order; the large point"
                " is the weight that was chosen. Measured on the same held-out interactions as all"
                " else: to choose a weight, use validation data."
            ),
            folded={"All weights": tables},
        )


def _over_time(report: Report) -> Iterator[Section]:
    if report.replay is not None:
        yield Section(
            "over-time",
            "Over time",
            tables=(strategies_table(report.replay, report.headlines[0]),),
            folded={"All windows": [windows_table(report.replay, report.headlines[0])]},
            charts=partial(charts.over_windows, report),
            chart_note="Bands: ± standard error over the users of a window.",
        )


def _method(report: Report) -> Iterator[str]:
    """Say what goes into the means, how ties are broken, and what intervals and tests mean."""
    if report.comparison.evaluations[0].k:
        yield (
            "Every user with a held-out item counts in the means; a user without a list counts 0."
        )
        yield (
            "Equal scores are ordered by a hash of the item id, the same for every model and run,"
            " never by the position of an item."
        )
    if report.user_columns:
        yield (
            "± is the standard error over users; it says nothing of another split or seed, which"
            " sd, the standard deviation over the seeds, does."
        )
    if report.tests:
        yield (
            "Differences are tested by a paired randomisation test over users, all pairs of models"
            " and all columns of a table together, with Holm's correction. A user tested with"
            " several seeds is one user."
        )


def _intervals(comparison: Comparison, columns: Sequence[Column]) -> str:
    """Say what the intervals in the figures of some columns are."""
    by_user = [column in comparison.evaluations[0].user_columns for column in columns]
    parts = []
    if any(by_user):
        parts.append("95 % bootstrap intervals over users")
    if not all(by_user) and len(comparison.seeds) > 1:
        of_some = " of metrics with one value for all users, such as coverage" if parts else ""
        parts.append(f"± standard deviation over the seeds{of_some}")
    return f"Bands and whiskers: {'; '.join(parts)}." if parts else ""
