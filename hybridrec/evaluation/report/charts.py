"""What the figures of a report show, as numbers: curves, trade-offs, and values in rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hybridrec.evaluation.measured import Column, Evaluation
from hybridrec.evaluation.report.content import Report
from hybridrec.evaluation.report.intervals import intervals
from hybridrec.evaluation.report.words import better, column_label, metric_label, slice_label
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.significance import standard_error
from hybridrec.evaluation.tables import decimals_for

if TYPE_CHECKING:
    from hybridrec.evaluation.trade_offs import TradeOff, TradeOffs

_MOST_ROWS = 45  # in one figure
_STANDARD = ("all", "warm", "cold")


@dataclass(frozen=True)
class Value:
    """A number with its interval, whose bounds are the number itself where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A metric of one model at several cut-offs; ``series`` is the number of the model."""

    name: str
    series: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Curves:
    """Lines of a metric over the cut-offs ``k``, one for each model; ``title`` names the metric.

    Where ``over`` is something else than cut-offs, such as windows, ``k`` are their numbers.
    """

    title: str
    k: tuple[int, ...]
    curves: tuple[Curve, ...]
    over: str = "k"


@dataclass(frozen=True)
class Point:
    """One model in two metrics."""

    name: str
    series: int
    x: Value
    y: Value


@dataclass(frozen=True)
class Scatter:
    """Points of two metrics."""

    title: str
    x_label: str
    y_label: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Entry:
    """A value in a row of its own, with its name before it."""

    name: str
    series: int
    value: Value


@dataclass(frozen=True)
class Rows:
    """Values one below another, in groups with a title, as bars from 0 or as dots.

    ``signed`` values are differences: 0 is marked, and they are given with a sign.
    """

    title: str
    label: str
    groups: tuple[tuple[str, tuple[Entry, ...]], ...]
    bars: bool = True
    signed: bool = False


@dataclass(frozen=True)
class Strips:
    """Many groups of values, each group in one row as dots; a line at ``reference``."""

    title: str
    label: str
    groups: tuple[tuple[str, tuple[Entry, ...]], ...]
    reference: float | None = None


@dataclass(frozen=True)
class Path:
    """A model with one re-ranker: a place (x, y) for each weight, and the weight it was given."""

    name: str
    series: int
    places: Mapping[float, tuple[float, float]]
    chosen: float


@dataclass(frozen=True)
class Paths:
    """Places in two metrics, joined in the order of weights; better is always right and up.

    ``falling`` says that lower is better in x, so that its axis runs from right to left.
    """

    title: str
    x_label: str
    y_label: str
    falling: bool
    paths: tuple[Path, ...]


Chart: TypeAlias = "Curves | Scatter | Rows | Strips | Paths"


def metric_curves(report: Report) -> Iterator[Curves]:
    """Yield the curves of every metric over k, and of the first ones for cold items too."""
    shown = report.curves or report.comparison
    metrics = [
        metric for metric in shown.evaluations[0].metrics if len(_cutoffs(shown, metric)) > 1
    ]
    yield from _curves(shown, metrics, "all")
    if "cold" in shown.slices:
        first = [metric for metric, _ in report.headlines if metric in metrics]
        yield from _curves(shown, first, "cold")


def over_windows(report: Report) -> Iterator[Curves]:
    """Yield the first metrics of a replay over its windows, with standard errors."""
    if report.replay is None:
        return
    for part, found in report.replay.parts.items():
        if len(found.seeds) > 1:
            for column in report.headlines[:1] if part != "returning" else report.headlines:
                yield Curves(
                    f"{column_label(column)}, {part}",
                    tuple(int(one) for one in found.seeds if one is not None),
                    tuple(
                        Curve(name, at, tuple(_with_error(one, column) for one in own))
                        for at, (name, own) in enumerate(found.by_model.items())
                    ),
                    "window",
                )


def _with_error(one: Evaluation, column: Column) -> Value:
    values = one.values(*column)
    mean, error = float(values.mean()), float(standard_error(values))
    error = 0.0 if error != error else error  # of a single user
    return Value(mean, mean - error, mean + error)


def trade_off(report: Report) -> Iterator[Scatter]:
    """Yield accuracy against coverage and against novelty."""
    y = report.headlines[0]
    for metric in ("coverage", "novelty"):
        x = (metric, y[1])
        for shown in filter(None, (report.curves, report.comparison)):
            if {x, y} <= set(shown.evaluations[0].columns) and len(shown.by_model) > 1:
                yield _scatter(shown, x, y)
                break


def slice_bars(report: Report) -> Iterator[Rows | Strips]:
    """Yield the first metrics on warm and cold items, and the first of all on other slices."""
    families: dict[str, list[str]] = {}
    for on in report.comparison.slices:
        families.setdefault(on.partition("=")[0] if "=" in on else "", []).append(on)
    for family, slices in families.items():
        if family or len(slices) > 1:
            for column in report.headlines[:1] if family else report.headlines:
                yield _rows(report.comparison, column, slices, _by(family))


def single_values(report: Report) -> Iterator[Rows]:
    """Yield the metrics without cut-offs, such as AUC."""
    columns = [column for column in report.columns if column[1] is None]
    found = _values(report.comparison, columns, "all")
    for column in columns:
        entries = _entries(report.comparison, column, found)
        yield Rows(column_label(column), _axis_label(column), (("", entries),), bars=False)


def knowledge_bars(report: Report) -> Iterator[Rows | Strips]:
    """Yield a model with its features, without them, and with them shuffled, on every slice."""
    if report.knowledge is not None:
        metric, k = report.knowledge.evaluations[0].user_columns[0]
        cutoffs = report.knowledge.evaluations[0].k
        column = (metric, cutoffs[-1] if k is not None else None)
        slices = [on for on in report.knowledge.slices if on in _STANDARD]
        yield _rows(report.knowledge, column, slices, f", {report.knowledge.about}")


def relation_dots(report: Report) -> Iterator[Rows]:
    """Yield what each relation adds, the largest first."""
    found = report.relations
    if found is not None and found.rows:
        entries = tuple(
            Entry(row.relation, 0, Value(row.change, row.low, row.high)) for row in found.rows
        )
        label = column_label((found.metric, found.k))
        title = f"What each relation adds, {slice_label(found.on)}"
        yield Rows(title, f"change of {label}", (("", entries),), bars=False, signed=True)


def rerank_paths(report: Report) -> Iterator[Paths]:
    """Yield accuracy over every aim of re-rankers, model by model."""
    found = report.trade_offs
    if found is None:
        return
    numbers = {name: at for at, name in enumerate(dict.fromkeys(c.reranker for c in found.curves))}
    y = (found.metric, found.k)
    for title, curves in by_aim(found).items():
        x = (curves[0].aim.metric, found.k)
        falling = better(x[0]) == "lower"
        x_label = _axis_label(x)
        yield Paths(
            title,
            x_label.replace(")", ", to the right)") if falling else x_label,
            _axis_label(y),
            falling,
            tuple(_path(curve, numbers[curve.reranker], x, y) for curve in curves),
        )


def by_aim(found: TradeOffs) -> Mapping[str, Sequence[TradeOff]]:
    """Return the curves that share a model and an aim, by a title."""
    same: dict[str, list[TradeOff]] = {}
    for curve in found.curves:
        by = f" by {curve.aim.by}" if curve.aim.by else ""
        aim = metric_label(curve.aim.metric)
        aim = aim if aim.isupper() else aim.lower()
        title = f"{curve.model}: {column_label((found.metric, found.k))} and {aim}{by}"
        same.setdefault(title, []).append(curve)
    return same


def _path(curve: TradeOff, series: int, x: tuple[str, int], y: tuple[str, int]) -> Path:
    columns = [curve.means(*column).mean(axis=0).tolist() for column in (x, y)]
    places = dict(zip(curve.evaluations, zip(*columns, strict=True), strict=True))
    return Path(curve.reranker, series, places, curve.chosen)


def described(chart: Chart) -> str:
    """Return the numbers of a figure in words, for those who do not see it."""
    if isinstance(chart, Curves):
        last = [(curve.name, curve.values[-1]) for curve in chart.curves]
        span = f"from {chart.k[0]} to {chart.k[-1]}"
        return f"Curves over {chart.over} {span}. At the end: {_spoken(last)}."
    if isinstance(chart, Scatter):
        points = "; ".join(
            f"{point.name}: {point.x.value:.4g}, {point.y.value:.4g}" for point in chart.points
        )
        return f"A point for each model, {chart.x_label}, {chart.y_label}. {points}."
    if isinstance(chart, Paths):
        told = "; ".join(_told(path) for path in chart.paths)
        return (
            f"A line over the weights of each re-ranker, {chart.x_label}, {chart.y_label}. {told}."
        )
    groups = (
        f"{f'{title}: ' if title else ''}{_spoken([(one.name, one.value) for one in entries])}"
        for title, entries in chart.groups
    )
    return f"Intervals of {chart.label}. {'; '.join(groups)}."


def _told(path: Path) -> str:
    ends = {"": min(path.places), "chosen ": path.chosen, "largest ": max(path.places)}
    parts = ("{}weight {:g}: {:.4g}, {:.4g}".format(n, w, *path.places[w]) for n, w in ends.items())
    return f"{path.name} {', '.join(parts)}"


def _spoken(named: Sequence[tuple[str, Value]]) -> str:
    decimals = decimals_for([value.value for _, value in named])
    return ", ".join(f"{name} {value.value:.{decimals}f}" for name, value in named)


def _cutoffs(comparison: Comparison, metric: str) -> list[int]:
    columns = comparison.evaluations[0].columns
    return sorted(k for name, k in columns if name == metric and k is not None)


def _values(
    comparison: Comparison, columns: Sequence[Column], on: str
) -> Mapping[tuple[str, Column], Value]:
    bounds = intervals(comparison, columns, on)
    found = {}
    for model in comparison.by_model:
        for column in columns:
            mean = comparison.mean(model, *column, on)
            found[model, column] = Value(mean, *bounds.get((model, column), (mean, mean)))
    return found


def _curves(comparison: Comparison, metrics: Sequence[str], on: str) -> Iterator[Curves]:
    cutoffs = {metric: _cutoffs(comparison, metric) for metric in metrics}
    found = _values(comparison, [(metric, k) for metric in metrics for k in cutoffs[metric]], on)
    for metric in metrics:
        yield Curves(
            f"{metric_label(metric)}@k" + ("" if on == "all" else f", {slice_label(on)}"),
            tuple(cutoffs[metric]),
            tuple(
                Curve(model, at, tuple(found[model, (metric, k)] for k in cutoffs[metric]))
                for at, model in enumerate(comparison.by_model)
            ),
        )


def _scatter(comparison: Comparison, x: Column, y: Column) -> Scatter:
    found = _values(comparison, [x, y], "all")
    points = tuple(
        Point(model, at, found[model, x], found[model, y])
        for at, model in enumerate(comparison.by_model)
    )
    title = f"{metric_label(y[0])} and {x[0]}"
    return Scatter(title, _axis_label(x), _axis_label(y), points)


def _by(family: str) -> str:
    """Return by what slices are cut, as the end of a title."""
    side, _, what = family.partition(":")
    return f" by {what} of {side}" if family else " on parts of the test"


def _rows(
    comparison: Comparison, column: Column, slices: Sequence[str], about: str
) -> Rows | Strips:
    """Return a column on several slices; ``about`` is the end of the title."""
    groups = []
    for on in slices:
        name = on.partition("=")[2] or slice_label(on)
        groups.append((name, _entries(comparison, column, _values(comparison, [column], on))))
    title, label = f"{column_label(column)}{about}", _axis_label(column)
    if len(slices) * len(comparison.by_model) > _MOST_ROWS:
        return Strips(title, label, tuple(groups))
    return Rows(title, label, tuple(groups), bars=column[1] is not None)


def _entries(
    comparison: Comparison, column: Column, found: Mapping[tuple[str, Column], Value]
) -> tuple[Entry, ...]:
    return tuple(
        Entry(model, at, found[model, column]) for at, model in enumerate(comparison.by_model)
    )


def _axis_label(column: Column) -> str:
    return f"{column_label(column)} ({better(column[0])} is better)"
