"""What the pictures of a knowledge graph share: their look, on white and on black, and SVG."""

from __future__ import annotations

import io
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from hybridrec.evaluation.report.figures import COLOURS, style
from hybridrec.evaluation.report.words import printable, shortened

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

TEXT, FAINT, GREY = "#767d87", "#767d8755", "#a2a9b2"  # read on white and on black
GROUPS = COLOURS[:6]  # those of a report that are seen on black, too
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",  # so that labels stay where they were put
    "figure.dpi": 72,  # a pixel is a point
    "text.hinting": "none",
    "font.size": 8.5,
    "text.color": TEXT,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 8.5,
}
_DPI = 160  # of what is an image within the SVG
_SEPARATORS = ":/#."
_CLEAR = 6  # pixels around a point
_FURTHER = 2  # square pixels that a text may cover to be one place nearer
_LONGEST = 28  # characters of a label


class Picture(ABC):
    """What can be drawn, and written as SVG."""

    @abstractmethod
    def _draw(self) -> Figure:
        """Return the figure, drawn within `picture_style`."""

    def figure(self) -> Figure:
        """Return the picture as a figure of matplotlib.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        with picture_style():
            return self._draw()

    def svg(self) -> str:
        """Return the picture as the text of an SVG file, for white and black pages.

        Its ground is transparent. The same picture gives the same text.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        stream = io.StringIO()
        with picture_style(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")
            self._draw().savefig(
                stream,
                format="svg",
                dpi=_DPI,
                transparent=True,
                metadata={"Date": None, "Creator": None},
            )
        lines = stream.getvalue().splitlines()
        return "\n".join(line.rstrip() for line in lines) + "\n"


@contextmanager
def picture_style() -> Iterator[None]:
    """Draw in the look of pictures; what was set before is put back after.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    with style():
        import matplotlib

        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, which can measure its texts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


class Labels:
    """Texts near points of a plot, where nothing else is.

    Parameters
    ----------
    axes : Axes
        With its final limits.
    drawn, faint : ndarray
        float (points, 2), pixels that texts should not cover, or only where it is worth it.
    """

    def __init__(self, axes: Axes, drawn: np.ndarray, faint: np.ndarray) -> None:
        self._axes = axes
        self._frame = axes.get_window_extent()
        self._taken = [_box(x, y, _CLEAR, _CLEAR) for x, y in drawn]
        self._faint = [_box(x, y, _CLEAR / 2, _CLEAR / 2) for x, y in faint]

    def write(self, text: str, point: np.ndarray, **look: Any) -> None:
        """Write beside a point, which is in pixels."""
        axes = self._axes
        place = tuple(axes.transData.inverted().transform(point))
        label = axes.annotate(
            text, place, (0, 0), textcoords="offset points", ha="center", va="center", zorder=4,
            fontsize=8, **look,
        )  # fmt: skip
        extent = label.get_window_extent()
        boxes = enumerate(_boxes(point, extent.width, extent.height))
        box = min(boxes, key=lambda ranked: self._covered(ranked[1]) + _FURTHER * ranked[0])[1]
        self._taken.append(box)
        label.set_position(((box.x0 + box.x1) / 2 - point[0], (box.y0 + box.y1) / 2 - point[1]))

    def _covered(self, box: Bbox) -> float:
        """Return how many square pixels of a text would lie outside or on something else."""
        inside = [_overlap(box, other) for other in (*self._taken, *self._faint)]
        outside: float = box.width * box.height - _overlap(box, self._frame)
        return outside + sum(inside)


def _boxes(point: np.ndarray, width: float, height: float) -> Iterator[Bbox]:
    """Yield places of a text near a point, the better ones first."""
    x, y = point
    for away in range(4):
        aside, rise = width / 2 + 7 + 6 * away, height * (0.5 + away / 2) + 5
        yield _box(x + aside, y, width, height)
        yield _box(x - aside, y, width, height)
        for up in (rise, -rise):
            for shift in (aside, -aside, aside / 2, -aside / 2, 0):
                yield _box(x + shift, y + up, width, height)


def _box(x: float, y: float, width: float, height: float) -> Bbox:
    from matplotlib.transforms import Bbox

    return Bbox.from_bounds(x - width / 2, y - height / 2, width, height)


def _overlap(one: Bbox, other: Bbox) -> float:
    """Return how many square pixels two boxes share."""
    width: float = min(one.x1, other.x1) - max(one.x0, other.x0)
    height: float = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)


def short_labels(ids: Sequence[Any], labels: Mapping[Any, str] | None) -> list[str]:
    """Return what entities are called: as ``labels`` say, or by their ids.

    Of ids, what all of them begin with up to a separator is left out: "genre:Comedy" and
    "genre:Drama" become "Comedy" and "Drama".
    """
    texts = [str(one) for one in ids]
    pairs = zip(min(texts), max(texts), strict=False)  # what these two share, all do
    same = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = 1 + max(same.rfind(separator) for separator in _SEPARATORS)
    known = labels or {}
    named = [known.get(one, text[start:] or text) for one, text in zip(ids, texts, strict=True)]
    return shortened([printable(name) for name in named], _LONGEST)
