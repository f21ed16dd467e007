from __future__ import annotations

import io

import pytest
from rich.console import Console

from hybridrec.cli.tables import best, print_table, print_wide_table


def screen(width: int = 80, terminal: bool = False) -> Console:
    return Console(
        file=io.StringIO(), width=width, force_terminal=terminal, markup=False, highlight=False
    )


def lines(console: Console) -> list[str]:
    return console.file.getvalue().splitlines()


def test_numbers_stand_right_and_texts_left():
    console = screen()
    print_table(
        console, {"rank": "right", "title": "wrap"}, [["1", "A [x]"], ["12", "B"]], "User 3"
    )
    assert lines(console) == [
        "User 3",
        "rank  title",
        "─" * len(lines(console)[2]),
        "   1  A [x]",
        "  12  B",
    ]


def test_long_texts_wrap_within_the_width():
    console = screen(width=30)
    print_table(
        console, {"id": "left", "title": "wrap", "n": "right"}, [["abc", "word " * 20, "7"]]
    )
    assert max(map(len, lines(console))) <= 30
    assert sum(line.count("word") for line in lines(console)) == 20
    assert lines(console)[2].startswith("abc")
    assert lines(console)[2].endswith("7")


@pytest.mark.parametrize("width", [20, 40, 60, 200])
def test_a_wide_table_is_cut_into_parts_that_fit(width):
    console = screen(width)
    names = [f"column{at}" for at in range(7)]
    layout = {"model": "left", **dict.fromkeys(names, "right")}
    print_wide_table(console, layout, [["als", *map(str, range(7))]])
    assert max(map(len, lines(console))) <= width
    headers = [line.split() for line in lines(console) if line.startswith("model")]
    assert all(header[0] == "model" for header in headers)
    assert [name for header in headers for name in header[1:]] == names
    values = [line.split() for line in lines(console) if line.startswith("als")]
    assert [value for row in values for value in row[1:]] == list("0123456")


def test_the_best_is_bold_on_a_terminal_and_starred_elsewhere():
    plain, terminal = screen(), screen(terminal=True)
    assert str(best("0.5", plain)) == "0.5*"
    assert str(best("0.5", terminal)) == "0.5"
    print_table(terminal, {"a": "right"}, [[best("0.5", terminal)]])
    print_table(plain, {"a": "right"}, [[best("0.5", plain)]])
    assert "\x1b[1m0.5" in terminal.file.getvalue()
    assert "\x1b" not in plain.file.getvalue()
