from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.tables import LETTERS, Cell, Heading, Table, decimals_for, means_table


def measured(model, recall, seed=0, rmse=None) -> Evaluation:
    users = np.arange(len(recall))
    values = {("recall", 5): np.asarray(recall), ("coverage", 5): np.array(0.25)}
    if rmse is not None:
        values["rmse", 5] = np.asarray(rmse)
    return Evaluation(model, seed, {"all": Slice(users, len(users) - 1, values)})


LOW = np.tile([0.1, 0.2], 10)
HIGH = LOW + np.tile([0.5, 0.6, 0.7, 0.6], 5)


def test_cells_show_mean_and_error():
    table = Comparison([measured("als", [0, 0.5, 1])]).table()
    assert list(table.columns) == ["recall@5", "coverage@5", "users"]
    assert table.loc["als"].tolist() == ["0.5000 ± 0.2887", "0.2500", "2/3"]


def test_letters_say_who_is_beaten():
    found = Comparison([measured("pop", LOW), measured("als", HIGH), measured("bpr", HIGH)])
    table = found.table()
    assert list(table.columns) == ["#", "recall@5", "coverage@5", "users"]
    assert table["#"].tolist() == ["a", "b", "c"]
    assert [cell[len("0.1500 ± 0.0115") :] for cell in table["recall@5"]] == ["", "ᵃ", "ᵃ"]
    assert table["coverage@5"].tolist() == ["0.2500"] * 3
    plain = found.table(test=None)
    assert list(plain.columns) == ["recall@5", "coverage@5", "users"]
    assert "ᵃ" not in plain.to_string()
    assert "ᵃ" not in found.table(level=1e-9).to_string()


def test_the_smaller_error_beats():
    found = Comparison([measured("a", LOW, rmse=LOW), measured("b", LOW, rmse=HIGH)])
    assert found.table()["rmse@5"].str.endswith("ᵇ").tolist() == [True, False]


def test_seeds_show_their_spread():
    found = Comparison([measured("als", [0, 0.5, 1], 1), measured("als", [0, 0.5, 0.7], 2)])
    cell = found.table().loc["als", "recall@5"]
    error = found.standard_error("als", "recall", 5)
    assert cell == f"0.4500 ± {error:.4f} (sd 0.0707)"
    assert found.table().loc["als", "coverage@5"] == "0.2500 (sd 0.0000)"


def test_text_explains_its_signs():
    one = measured("als", LOW)
    assert str(Comparison([one])).endswith("±: standard error over users")
    both = str(Comparison([one, measured("bpr", HIGH)]))
    assert "all\n" in both
    assert both.endswith(
        "ᵃ: better than model a, p < 0.05 in a randomisation test over users"
        " (Holm's correction for m = 1 in each table)"
    )
    seeds = Comparison([measured(m, LOW, seed) for m in ("als", "bpr") for seed in (1, 2)])
    assert "\nsd: standard deviation over 2 seeds\n" in str(seeds)


def test_more_models_than_letters():
    many = [measured(f"m{number}", LOW) for number in range(len(LETTERS))]
    table = Comparison([*many, measured("last", HIGH)]).table()
    assert table["#"].tolist() == [*LETTERS, ""]
    assert table.loc["last", "recall@5"].endswith("".join(LETTERS.values()))


@pytest.mark.parametrize("letter", LETTERS)
def test_raised_letters_are_those_letters(letter):
    assert unicodedata.normalize("NFKC", LETTERS[letter]) == letter


def wide(*groups: int) -> Table:
    """A table of names, and of groups of so many columns of numbers each."""
    headings = [Heading("model", number=False)]
    for number, size in enumerate(groups):
        headings += [Heading(f"@{at}", f"g{number}" if size > 1 else "") for at in range(size)]
    row = tuple(Cell(str(at)) for at in range(len(headings)))
    return Table(tuple(headings), (row,), published=(row[::-1],))


@pytest.mark.parametrize(
    ("groups", "most", "widths"),
    [
        ((2, 2), 4, [4]),
        ((2, 2), 3, [2, 2]),
        ((2, 2, 2, 2, 2, 2, 1), 12, [6, 7]),
        ((4, 4, 3), 10, [4, 7]),
        ((5, 1, 1), 3, [5, 2]),
        ((), 3, [0]),
    ],
)
def test_wide_tables_come_in_parts_of_whole_groups(groups, most, widths):
    table = wide(*groups)
    parts = table.parts(most)
    assert [len(part.headings) - 1 for part in parts] == widths
    assert [one for part in parts for one in part.headings[1:]] == list(table.headings[1:])
    assert [one for part in parts for one in part.rows[0][1:]] == list(table.rows[0][1:])
    assert all(part.rows[0][0].text == "0" for part in parts)
    assert all(len(part.published[0]) == len(part.headings) for part in parts)


def test_large_numbers_have_fewer_decimals():
    assert [decimals_for([value, 1e-5]) for value in (0, 9.99, -12.3, 123, 12345)] == [
        4,
        4,
        3,
        2,
        0,
    ]
    assert decimals_for([float("nan")]) == 4
    both = Comparison([measured("a", LOW, rmse=1000 * LOW), measured("b", LOW, rmse=10 * LOW)])
    assert both.table()["rmse@5"]["b"].startswith("1.50 ± 0.11")


def test_all_that_look_best_are_marked():
    found = Comparison([measured("a", LOW), measured("b", LOW + 1e-6), measured("c", HIGH)])
    table = means_table(found, "all", None, 0.05)
    assert [row[1].best for row in table.rows] == [False, False, True]
    assert [row[2].best for row in table.rows] == [False, False, False]  # all the same
    rest = Comparison([measured("a", HIGH), measured("b", LOW), measured("c", HIGH + 1e-6)])
    table = means_table(rest, "all", None, 0.05)
    assert [row[1].best for row in table.rows] == [True, False, True]
    (alone,) = means_table(Comparison([measured("a", LOW)]), "all", None, 0.05).rows
    assert not any(cell.best for cell in alone)
