"""Charts drawn with matplotlib, in the width of a paper's column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.errors import MissingExtraError
from hybridrec.evaluation.report.charts import (
    Chart,
    Curves,
    Entry,
    Path,
    Paths,
    Rows,
    Scatter,
    Strips,
    Value,
)
from hybridrec.evaluation.report.words import printable, shortened, signed
from hybridrec.evaluation.tables import decimals_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1a1a1a", "#5c5c5c", "#d9d9d9", "#ffffff"
# Okabe & Ito's colours for all kinds of colour vision, without their yellow, which white paper
# swallows, and with Tol's wine; markers and dashes tell the same in grey.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#8c8c8c")
_MARKERS = "os^DvPX<p>dh"
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1.5, 1)))

_WIDTH = 3.4  # inches: a column of most two-column papers
_PLOT_HEIGHT, _AXIS_HEIGHT, _LEGEND_ROW, _ROW, _DOT_ROW = 2.2, 0.55, 0.15, 0.145, 0.036
_DIGIT = 4.4  # points
_LONGEST, _LONGEST_IN_LEGEND = 24, 36  # characters of a name
_MOST_COLUMNS = 4
_LEAST_FALL = 0.12  # share of accuracy that its axis shows, so that noise does not look like much
_WEIGHT_SHIFT, _ROOM = 13, 14  # pixels from a point to its weight, and between weights
_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "lines.markeredgewidth": 0.5,
    "text.parse_math": False,  # a name may hold dollars
    "svg.fonttype": "none",
    "svg.hashsalt": "hybridrec",
}


class _Look(NamedTuple):
    """How a series is told from the others."""

    color: str
    marker: str
    linestyle: Any


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's style whatever that of the process is, which is put back after.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", error) from error
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def draw(chart: Chart) -> Figure:
    """Return the figure of a chart, drawn within `style`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _PLOT_HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)  # measures texts
    axes = figure.add_subplot()
    height = _draw_on(axes, chart)
    rows = 0 if isinstance(chart, Rows) else _add_legend(figure, axes)
    figure.set_figheight(height + _LEGEND_ROW * rows)
    return figure


def _draw_on(axes: Axes, chart: Chart) -> float:
    """Draw a chart and return the height that suits it, in inches, without a legend."""
    if isinstance(chart, Rows):
        return _draw_rows(axes, chart)
    if isinstance(chart, Strips):
        return _draw_strips(axes, chart)
    if isinstance(chart, Curves):
        _draw_curves(axes, chart)
    elif isinstance(chart, Paths):
        _draw_paths(axes, chart)
    else:
        _draw_scatter(axes, chart)
    return _PLOT_HEIGHT


def _draw_curves(axes: Axes, chart: Curves) -> None:
    """Draw lines over log k, each with a band of its intervals."""
    names = _legend_names([curve.name for curve in chart.curves])
    for name, curve in zip(names, chart.curves, strict=True):
        look = _look(curve.series)
        middle, low, high = zip(*((v.value, v.low, v.high) for v in curve.values), strict=True)
        axes.fill_between(chart.k, low, high, color=look.color, alpha=0.13, linewidth=0)
        axes.plot(chart.k, middle, label=name, markeredgecolor=PAPER, **look._asdict())
    if chart.over == "k":
        axes.set_xscale("log")
    axes.set_xticks(chart.k, [str(k) for k in chart.k])
    axes.minorticks_off()
    axes.set_xlabel(chart.over)
    axes.set_ylabel(printable(chart.title))
    axes.grid(axis="y")
    _start_at_zero(axes, [v for curve in chart.curves for v in curve.values])


def _draw_scatter(axes: Axes, chart: Scatter) -> None:
    """Draw points with whiskers in both directions."""
    names = _legend_names([point.name for point in chart.points])
    for name, point in zip(names, chart.points, strict=True):
        look = _look(point.series)
        axes.errorbar(
            point.x.value,
            point.y.value,
            xerr=_reach(point.x),
            yerr=_reach(point.y),
            fmt=look.marker,
            color=look.color,
            markeredgecolor=PAPER,
            markersize=6,
            elinewidth=0.8,
            label=name,
        )
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.margins(0.08)
    axes.grid()


def _draw_paths(axes: Axes, chart: Paths) -> None:
    """Draw lines from weight to weight, the chosen one as a large point."""
    names = _legend_names([path.name for path in chart.paths])
    for name, path in zip(names, chart.paths, strict=True):
        look = _look(path.series)
        axes.plot(
            *zip(*path.places.values(), strict=True),
            label=name,
            markeredgecolor=PAPER,
            **look._asdict(),
        )
        large = {**look._asdict(), "linestyle": "none", "markersize": 7.5, "markeredgewidth": 1}
        axes.plot(*path.places[path.chosen], markeredgecolor=INK, **large)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.margins(0.1)
    if chart.falling:
        axes.invert_xaxis()
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom=min(bottom, (1 - _LEAST_FALL) * top))
    axes.grid()
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # so that places on the page are known
    pixels = [axes.transData.transform(list(path.places.values())) for path in chart.paths]
    outermost_first = sorted(range(len(pixels)), key=lambda at: -pixels[at][-1, 0])
    for rank, at in enumerate(outermost_first):
        others = [*pixels[:at], *pixels[at + 1 :]]
        _write_weights(axes, chart.paths[at], pixels[at], others, 1 if rank % 2 == 0 else -1)


def _write_weights(
    axes: Axes, path: Path, pixels: np.ndarray, others: Sequence[np.ndarray], side: int
) -> None:
    """Write weights above (1) or below (-1) a line that falls to the right, where there is room."""
    taken = np.concatenate([np.empty((0, 2)), *others])
    placed = zip(path.places, path.places.values(), pixels, strict=True)
    for weight, place, pixel in sorted(placed, key=lambda one: _urgency(path, one[0])):
        centre = pixel + _WEIGHT_SHIFT * side
        if weight == path.chosen or np.abs(taken - centre).max(axis=1).min(initial=99) > _ROOM:
            taken = np.concatenate([taken, [centre]])
            axes.annotate(
                f"{weight:g}", place, (4 * side, 4 * side), textcoords="offset points",
                ha="left" if side > 0 else "right", va="bottom" if side > 0 else "top",
                fontsize=6.5, color=_look(path.series).color,
                fontweight="bold" if weight == path.chosen else "normal",
            )  # fmt: skip


def _urgency(path: Path, weight: float) -> tuple[bool, bool, float]:
    """Return what sorts the chosen weight first, then 0, then the largest ones."""
    return weight != path.chosen, weight > 0, -weight


def _draw_rows(axes: Axes, chart: Rows) -> float:
    """Draw bars or dots with whiskers, names before and numbers behind; return a fit height."""
    decimals = decimals_for([one.value.value for _, group in chart.groups for one in group])
    at, places, labels = 0.0, [], []
    for title, group in chart.groups:
        if title:
            _write(axes, title, (0, at), 2, fontweight="bold")
            at += 1
        for name, entry in zip(
            shortened([one.name for one in group], _LONGEST), group, strict=True
        ):
            value = entry.value.value
            text = signed(value, decimals) if chart.signed else f"{value:.{decimals}f}"
            _write(axes, text, (1, at), 4 + _DIGIT * len(text), ha="right")
            _draw_entry(axes, entry, at, bar=chart.bars)
            places.append(at)
            labels.append(name)
            at += 1
        at += 0.4
    _finish_rows(axes, chart.label, places, labels)
    axes.set_ylim(at - 0.9, -0.6)
    if chart.bars:
        axes.set_xlim(left=0)
    if chart.bars or chart.signed:
        axes.axvline(0, color=MUTED, linewidth=0.8)
    return _AXIS_HEIGHT + _ROW * (at + 0.4)


def _draw_strips(axes: Axes, chart: Strips) -> float:
    """Draw the dots of each group close together, in one row; return a fit height."""
    series = max(len(group) for _, group in chart.groups)
    row = max(_ROW, _DOT_ROW * (series + 2))
    names = _legend_names([entry.name for entry in chart.groups[0][1]])
    if chart.reference is not None:
        axes.axvline(chart.reference, color=MUTED, linewidth=0.8)
    for at, (_, group) in enumerate(chart.groups):
        axes.axhline(at - 0.5, color=GRID, linewidth=0.5)
        for number, entry in enumerate(group):
            offset = (number - (series - 1) / 2) / (series + 2)
            _draw_entry(axes, entry, at + offset, label=None if at else names[number])
    titles = shortened([title for title, _ in chart.groups], _LONGEST)
    _finish_rows(axes, chart.label, range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    return _AXIS_HEIGHT + row * len(titles)


def _draw_entry(axes: Axes, entry: Entry, at: float, *, bar: bool = False, **more: Any) -> None:
    look = _look(entry.series)
    value = entry.value.value
    whisker: dict[str, Any] = {"xerr": _reach(entry.value), "elinewidth": 0.9}
    if bar:
        axes.barh(at, value, height=0.74, color=look.color)
        axes.errorbar(value, at, fmt="none", ecolor=INK, capsize=1.5, capthick=0.9, **whisker)
    else:
        dot: dict[str, Any] = {"fmt": look.marker, "color": look.color, "markeredgecolor": PAPER}
        axes.errorbar(value, at, **dot, **whisker, **more)


def _finish_rows(axes: Axes, label: str, places: Sequence[float], names: Sequence[str]) -> None:
    """Name the rows, and the axis of their values."""
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(label)
    axes.grid(axis="x")


def _write(axes: Axes, text: str, place: tuple[float, float], shift: float, **more: Any) -> None:
    """Write beside a row, ``shift`` points right of a share of the plot's width."""
    axes.annotate(
        printable(text), place, xycoords=("axes fraction", "data"), xytext=(shift, 0),
        textcoords="offset points", va="center_baseline", fontsize=7, **more,
    )  # fmt: skip


def _add_legend(figure: Figure, axes: Axes) -> int:
    """Put the names above the plot, in as many columns as fit; return the number of rows."""
    handles, names = axes.get_legend_handles_labels()
    for columns in range(min(len(names), _MOST_COLUMNS), 0, -1):
        legend = figure.legend(
            handles, names, loc="outside upper left", ncols=columns, frameon=False,
            handlelength=2.2, columnspacing=1, borderpad=0, labelspacing=0.3,
        )  # fmt: skip
        renderer: Any = figure.canvas
        width = legend.get_window_extent(renderer.get_renderer()).width
        if width <= figure.bbox.width or columns == 1:
            break
        legend.remove()
    return -(-len(names) // columns)


def _legend_names(names: Sequence[str]) -> list[str]:
    """Return names as a legend takes them: one that begins with "_" it would leave out."""
    return [f" {n}" if n.startswith("_") else n for n in shortened(names, _LONGEST_IN_LEGEND)]


def _look(series: int) -> _Look:
    return _Look(
        COLOURS[series % len(COLOURS)],
        _MARKERS[series % len(_MARKERS)],
        _DASHES[(series + series // len(COLOURS)) % len(_DASHES)],
    )


def _reach(value: Value) -> list[list[float]]:
    """Return how far the whiskers reach to either side."""
    return [[max(value.value - value.low, 0)], [max(value.high - value.value, 0)]]


def _start_at_zero(axes: Axes, values: list[Value]) -> None:
    """Let the y axis start at 0, unless all values are far from it."""
    if min(value.low for value in values) <= 0.5 * max(value.high for value in values):
        axes.set_ylim(bottom=0)
