"""Figures as SVG for a page: ids of their own, the page's colours, words for screen readers."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Collection
from typing import NamedTuple
from xml.etree import ElementTree

from hybridrec.evaluation.report.charts import Chart, described
from hybridrec.evaluation.report.figures import COLOURS, GRID, INK, MUTED, PAPER, draw, style
from hybridrec.evaluation.report.words import printable

_FONTS = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper"}
_VARIABLES |= {colour: f"series-{at}" for at, colour in enumerate(COLOURS)}
_REFERENCE = re.compile(r"(?:url\(#|^#)([^)]+)\)?")
# Older versions of matplotlib write all of a font in one, later ones its family apart.
_FONT, _FAMILY = re.compile(r"(font:[^;]*?)'DejaVu Sans'[^;]*"), re.compile("font-family:[^;]*; ?")


class Drawing(NamedTuple):
    """A figure as SVG.

    Attributes
    ----------
    alone : str
        A file of its own, in fixed colours.
    inline : str
        For a page that has variables for colours, such as ``--ink`` and ``--series-0``.
    """

    alone: str
    inline: str


def drawing(chart: Chart, key: str) -> Drawing:
    """Draw a chart.

    The same chart gives the same text.

    Parameters
    ----------
    chart : Chart
    key : str
        What all ids in it begin with: letters, digits and hyphens, different for every figure
        of a page.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    stream = io.StringIO()
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's fonts have it
        draw(chart).savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(stream.getvalue())
    _tidy(root, key)
    _describe(root, key, chart)
    alone = ElementTree.tostring(root, encoding="unicode")
    return Drawing(alone, _with_variables(root))


def _tidy(root: ElementTree.Element, key: str) -> None:
    """Drop what nobody needs, give the rest ids of its own, and name fonts that many have."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):  # that style is the page's
                parent.remove(child)
    referred = {
        found.group(1)
        for element in root.iter()
        for value in element.attrib.values()
        if (found := _REFERENCE.search(value))
    }
    for element in root.iter():
        _tidy_element(element, key, referred)
    root.attrib.update(
        {
            "xmlns": _SVG,
            "xmlns:xlink": _XLINK,
            "style": f"stroke-linejoin: round; font-family: {_FONTS}",
        }
    )


def _tidy_element(element: ElementTree.Element, key: str, referred: Collection[str]) -> None:
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    element.tail = None
    if element.tag != "text":
        element.text = None
    given = dict(element.attrib)
    element.attrib.clear()
    for name, value in given.items():
        if name == "id":
            if value in referred:
                element.set("id", f"{key}-{value}")
            continue
        value = _REFERENCE.sub(lambda found: found[0].replace("#", f"#{key}-", 1), value)
        value = _FONT.sub(rf"\1{_FONTS}", _FAMILY.sub("", value))
        element.set(name.replace(f"{{{_XLINK}}}", "xlink:"), value)


def _describe(root: ElementTree.Element, key: str, chart: Chart) -> None:
    """Add a title and a description for those who do not see the figure."""
    title = ElementTree.Element("title", id=f"{key}-title")
    title.text = printable(chart.title)
    words = ElementTree.Element("desc", id=f"{key}-desc")
    words.text = printable(described(chart))
    root[:0] = [title, words]
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-desc")


def _with_variables(root: ElementTree.Element) -> str:
    """Return the SVG with the page's colours, as wide as the page lets it be."""
    for element in root.iter():
        if "style" in element.attrib:
            text = element.get("style", "")
            for colour, name in _VARIABLES.items():
                text = text.replace(colour, f"var(--{name})")
            element.set("style", text)
    for name in ("width", "height", "xmlns", "xmlns:xlink", "version"):
        root.attrib.pop(name, None)
    return ElementTree.tostring(root, encoding="unicode")
