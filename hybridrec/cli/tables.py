"""Tables for people: plain when piped, with bold on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

Alignment: TypeAlias = Literal["left", "right", "wrap"]
Row: TypeAlias = "Sequence[str | Text]"
_GAP = 2


def print_table(
    screen: Console, columns: Mapping[str, Alignment], rows: Sequence[Row], title: str | None = None
) -> None:
    """Print a table; where it is too wide, the columns that may wrap give way.

    Parameters
    ----------
    screen : Console
    columns : mapping of header to {"left", "right", "wrap"}
        "wrap" is left, in several lines if need be.
    rows : sequence of rows
    title : str, optional
    """
    if title is not None:
        print_title(screen, title)
    _print(screen, _table(columns, rows))


def print_wide_table(
    screen: Console, columns: Mapping[str, Alignment], rows: Sequence[Row]
) -> None:
    """Print a table in parts as wide as the screen, each with the first column."""
    widths = [
        max(len(cell) for cell in column) for column in zip(list(columns), *rows, strict=True)
    ]
    headers = list(columns.items())
    for start, stop in _fitting(widths, screen.width):
        picked = [0, *range(start, stop)]
        if start > 1:
            screen.print()
        part = [[row[at] for at in picked] for row in rows]
        _print(screen, _table(dict(headers[at] for at in picked), part))


def print_title(screen: Console, title: str) -> None:
    """Print a line that stands above what it names."""
    from rich.text import Text

    screen.print(Text(title, style="bold"))


def best(text: str, screen: Console) -> Text:
    """Return a cell to notice: bold on a terminal, starred elsewhere."""
    from rich.text import Text

    return Text(text, style="bold") if screen.is_terminal else Text(f"{text}*")


def _print(screen: Console, table: Table) -> None:
    """Print a table, without the blanks at the ends of lines where it may be kept as text."""
    if screen.is_terminal:
        screen.print(table)
        return
    with screen.capture() as captured:
        screen.print(table)
    screen.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _table(columns: Mapping[str, Alignment], rows: Sequence[Row]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, _GAP - 1, 0, 0))
    for header, alignment in columns.items():
        table.add_column(
            Text(header),
            justify="right" if alignment == "right" else "left",
            no_wrap=alignment != "wrap",
        )
    for row in rows:
        table.add_row(*row)
    return table


def _fitting(widths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of columns after the first that fit beside it, at least one column each."""
    start, used = 1, widths[0]
    for at in range(1, len(widths)):
        if used + _GAP + widths[at] > room and at > start:
            yield start, at
            start, used = at, widths[0]
        used += _GAP + widths[at]
    yield start, len(widths)
