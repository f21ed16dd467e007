"""A report as one page: no network, no scripts, figures within."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from hybridrec.errors import MissingExtraError
from hybridrec.evaluation.report.charts import Chart
from hybridrec.evaluation.report.content import Report
from hybridrec.evaluation.report.document import Section, sections
from hybridrec.evaluation.report.pictures import Picture
from hybridrec.evaluation.report.svg import drawing
from hybridrec.evaluation.tables import Cell, Table

if TYPE_CHECKING:
    from markupsafe import Markup

_MARK_WIDTH = 0.62  # em, of a raised letter
_ROOM, _NUMBER, _MARK = 1010, 70, 6  # pixels for the numbers of a table, of one and of a mark
_BREAKS = re.compile("([:,+=/])")


class _Group(NamedTuple):
    """A heading over several columns."""

    group: str
    span: int


class _Figure(NamedTuple):
    """A drawing in the page, and as a file to save."""

    title: str
    inline: Markup
    file: str
    encoded: str


@dataclass(frozen=True)
class _PageTable:
    """A table, or a part of it, with what the page needs to align its numbers."""

    table: Table

    @property
    def grouped(self) -> bool:
        """Whether there are headings over headings."""
        return any(heading.group for heading in self.table.headings)

    @property
    def top(self) -> list[_Group]:
        """The upper headings."""
        return [
            _Group(group, len(list(same)))
            for group, same in groupby(heading.group for heading in self.table.headings)
        ]

    def kind(self, at: int) -> str:
        """Return whether a column is of numbers, of letters or of words."""
        heading = self.table.headings[at]
        return "number" if heading.number else "letter" if heading.name == "#" else "name"

    def marks(self, at: int, cell: Cell) -> Markup | str:
        """Return what stands raised in a cell, as wide as in the widest cell of the column."""
        from markupsafe import Markup

        widest = self._widest[at]
        if not widest:
            return ""
        if not self.table.headings[at].number:
            return Markup("<sup>{}</sup>").format(cell.marks) if cell.marks else ""
        style = f"width:{widest * _MARK_WIDTH:.2f}em"
        return Markup('<sup class="marks" style="{}">{}</sup>').format(style, cell.marks)

    @cached_property
    def _widest(self) -> list[int]:
        """The most raised letters of every column."""
        rows = (*self.table.rows, *self.table.published)
        return [max(len(cell.marks) for cell in column) for column in zip(*rows, strict=True)]

    def spacer(self, at: int) -> Markup | str:
        """Return the room of the raised letters, without any."""
        return self.marks(at, Cell()) if self.table.headings[at].number else ""


class _Block(NamedTuple):
    """A table with its caption and notes, in parts that fit the page."""

    caption: str
    notes: tuple[str, ...]
    parts: list[_PageTable]


@dataclass(frozen=True)
class _Part:
    """A section with its tables and figures ready for the page."""

    section: Section
    tables: list[_Block]
    folded: dict[str, list[_Block]]
    figures: list[_Figure]

    @property
    def titled(self) -> bool:
        """Whether the section has a title of its own; the summary goes without."""
        return self.section.key != "summary"

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        section = self.section
        lists: Sequence[object] = (section.text, section.points, section.commands, section.facts)
        return not any((*lists, self.tables, self.folded, self.figures))


def to_html(report: Report) -> str:
    """Return a report as an HTML page in one file.

    The same report gives the same text.

    Parameters
    ----------
    report : Report

    Raises
    ------
    MissingExtraError
        If matplotlib or jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError("jinja2", "plot", error) from error
    from markupsafe import Markup

    home = files(__package__)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["breakable"] = _breakable
    template = environment.from_string((home / "page.html.j2").read_text("utf-8"))
    parts = [_part(section) for section in sections(report)]
    return template.render(
        title=report.title,
        css=Markup((home / "page.css").read_text("utf-8").strip()),
        parts=[part for part in parts if not part.empty],
    )


def _part(section: Section) -> _Part:
    return _Part(
        section,
        [_block(table) for table in section.tables],
        {title: [_block(table) for table in tables] for title, tables in section.folded.items()},
        [*_figures(section.key, section.charts()), *_pictures(section.key, section.pictures)],
    )


def _block(table: Table) -> _Block:
    rows = (*table.rows, *table.published)
    widest = max((len(cell.marks) for row in rows for cell in row), default=0)
    most = _ROOM // (_NUMBER + _MARK * widest)
    parts = [_PageTable(part) for part in table.parts(most)]
    return _Block(table.caption, table.notes, parts)


def _breakable(text: str) -> Markup:
    """Return a text that may be broken behind the signs that specifications are full of."""
    from markupsafe import Markup, escape

    return Markup(_BREAKS.sub(r"\1<wbr>", str(escape(text))))


def _figures(key: str, charts: Iterable[Chart]) -> list[_Figure]:
    from markupsafe import Markup

    found = []
    for number, chart in enumerate(charts, 1):
        name = f"{key}-{number}"
        drawn = drawing(chart, name)
        encoded = base64.b64encode(drawn.alone.encode()).decode()
        found.append(_Figure(chart.title, Markup(drawn.inline), f"{name}.svg", encoded))
    return found


def _pictures(key: str, pictures: Mapping[str, Picture]) -> list[_Figure]:
    from markupsafe import Markup

    found = []
    for number, (caption, picture) in enumerate(pictures.items(), 1):
        encoded = base64.b64encode(picture.svg().encode()).decode()
        image = Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(caption, encoded)
        found.append(_Figure(caption, image, f"{key}-{number}.svg", encoded))
    return found
