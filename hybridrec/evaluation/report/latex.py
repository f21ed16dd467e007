r"""The tables of a report for a paper, in LaTeX with booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from hybridrec.evaluation.report.content import Report
from hybridrec.evaluation.report.document import sections
from hybridrec.evaluation.tables import Cell, Heading, Row, Table

_WRITTEN = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "≤": r"$\le$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "†": r"\dag{}",
    "“": "``",
    "”": "''",
    "\N{EN DASH}": "--",
    "…": r"\dots{}",
    "\u2007": r"\phantom{0}",
}
_SPECIAL = re.compile("|".join(map(re.escape, _WRITTEN)))
_PARTS = ("results", "groups", "knowledge", "relations", "re-ranking")
_MOST_NUMBERS = 7  # columns of numbers side by side
_LONGEST, _NAME = 24, "3.7cm"  # characters of a name on one line, and its room
_BREAKS = re.compile(r"[:,+/.]|\\_")


def to_latex(report: Report) -> str:
    r"""Return the tables of a report, to be read with ``\input`` into a paper.

    A ``table*`` for every slice, for features, relations and re-rankers; without tests,
    definitions and figures. The commands stand in comments at the top.

    Parameters
    ----------
    report : Report
    """
    lines = [report.title, *report.commands]
    comments = "".join(f"% {line}\n" for text in lines for line in text.splitlines())
    needs = "% Needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs}.\n"
    floats = [
        _float(table, f"tab:{section.key}-{number}")
        for section in sections(report)
        if section.key in _PARTS
        for number, table in enumerate(section.tables or chain(*section.folded.values()), 1)
    ]
    return "\n".join([comments + needs, *floats])


def escaped(text: str) -> str:
    """Return text that LaTeX prints as it is, on one line."""
    return _SPECIAL.sub(lambda found: _WRITTEN[found[0]], " ".join(text.split()))


def _float(table: Table, label: str) -> str:
    lines = [
        r"\begin{table*}",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{escaped(table.caption)}}}",
        rf"\label{{{label}}}\smallskip",
        "",
        "\n\\par\\medskip\n".join(_tabular(part) for part in table.parts(_MOST_NUMBERS)),
        *(rf"\par\smallskip{{\footnotesize {escaped(note)}}}" for note in table.notes),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _tabular(table: Table) -> str:
    """Return a table; marks have columns of their own, so that numbers stand below numbers."""
    layout = "".join("r@{}l" if heading.number else "l" for heading in table.headings)
    published = [r"\midrule", *_lines(table, table.published)] if table.published else []
    return "\n".join(
        [
            rf"\begin{{tabular}}{{@{{}}{layout}@{{}}}}",
            r"\toprule",
            *_heads(table.headings),
            r"\midrule",
            *_lines(table, table.rows),
            *published,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _heads(headings: Sequence[Heading]) -> Iterator[str]:
    """Yield the lines of the headings; those over several columns with a rule below."""
    if any(heading.group for heading in headings):
        cells, rules, at = [], [], 1
        for group, same in groupby(headings, key=lambda heading: heading.group):
            span = sum(2 if heading.number else 1 for heading in same)
            cells.append(rf"\multicolumn{{{span}}}{{c}}{{{escaped(group)}}}")
            if group:
                rules.append(rf"\cmidrule(lr){{{at}-{at + span - 1}}}")
            at += span
        yield " & ".join(cells) + r" \\"
        yield "".join(rules)
    names = (
        rf"\multicolumn{{2}}{{c}}{{{escaped(heading.name)}}}"
        if heading.number
        else escaped(heading.name)
        for heading in headings
    )
    yield " & ".join(names) + r" \\"


def _lines(table: Table, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of rows, each with its errors in small print on lines of their own."""
    for row in rows:
        pairs = list(zip(table.headings, row, strict=True))
        errors = range(max(len(cell.errors) for cell in row))
        lines = [
            " & ".join(_cell(heading, cell, 1 + len(errors)) for heading, cell in pairs),
            *(" & ".join(_error(heading, cell, at) for heading, cell in pairs) for at in errors),
        ]
        yield " \\\\[-0.6ex]\n".join(lines) + r" \\"


def _cell(heading: Heading, cell: Cell, room: int) -> str:
    """Return a cell; a long name is broken and may run on beside the ``room`` lines of the row."""
    marks = rf"\textsuperscript{{{escaped(cell.marks)}}}" if cell.marks else ""
    if heading.number:
        text = escaped(cell.text)
        strong = rf"\textbf{{{text}}}" if cell.best else text
        return f"{strong} & {marks}"
    if len(cell.text) <= _LONGEST:
        return escaped(cell.text) + marks
    box = rf"\parbox[t]{{{_NAME}}}{{\raggedright {_breakable(cell.text)}{marks}}}"
    return rf"\smash{{{box}}}" if len(cell.text) <= _LONGEST * room else box


def _breakable(text: str) -> str:
    """Return a name that may be broken behind the signs that specifications are full of."""
    return _BREAKS.sub(r"\g<0>\\allowbreak{}", escaped(text))


def _error(heading: Heading, cell: Cell, at: int) -> str:
    text = rf"{{\scriptsize {escaped(cell.errors[at])}}}" if at < len(cell.errors) else ""
    return f"{text} & " if heading.number else text
