"""A report as Markdown, with the tables of GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from hybridrec.evaluation.report.content import Report
from hybridrec.evaluation.report.document import Section, sections
from hybridrec.evaluation.tables import Cell, Row, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&])")


def to_markdown(report: Report) -> str:
    """Return a report as Markdown: all but the figures.

    Parameters
    ----------
    report : Report
    """
    parts = [f"# {escaped(report.title)}"]
    for section in sections(report):
        blocks = list(_blocks(section))
        if blocks:
            title = [] if section.key == "summary" else [f"## {escaped(section.title)}"]
            parts += [*title, *blocks]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _blocks(section: Section) -> Iterator[str]:
    """Yield the paragraphs, lists and tables of a section."""
    yield from map(escaped, section.text)
    if section.points:
        yield _points(section.points)
    for table in chain(section.tables, *section.folded.values()):
        yield _table(table)
    if section.commands:
        text = "\n".join(section.commands)
        longest = max(map(len, re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        yield f"{fence}sh\n{text}\n{fence}"
    if section.facts:
        yield _points([f"{name}: {fact}" for name, fact in section.facts.items()])


def _points(points: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(point)}" for point in points)


def _table(table: Table) -> str:
    """Return a table with its caption above and its notes below."""
    names = [f"{heading.group}{heading.name}" for heading in table.headings]
    rules = ["---:" if heading.number else "---" for heading in table.headings]
    rows = [_row(row) for row in (*table.rows, *table.published)]
    lines = [_line(map(escaped, names)), _line(rules), *rows]
    blocks = [f"**{escaped(table.caption)}**", "\n".join(lines)]
    if table.notes:
        blocks.append("  \n".join(map(escaped, table.notes)))
    return "\n\n".join(blocks)


def _row(row: Row) -> str:
    return _line(_cell(cell) for cell in row)


def _line(cells: Iterator[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    strong = f"**{text}**" if cell.best and text else text
    marks = f"<sup>{cell.marks}</sup>" if cell.marks else ""
    return " ".join((strong + marks, *map(escaped, cell.errors)))
