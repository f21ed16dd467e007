from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.tables import LETTERS


def measured(model, recall, seed=0, rmse=None) -> Evaluation:
    users = np.arange(len(recall))
    values = {"recall": np.asarray(recall)[:, None], "coverage": np.array([0.25])}
    if rmse is not None:
        values["rmse"] = np.asarray(rmse)[:, None]
    return Evaluation(model, seed, (5,), {"all": Slice(users, len(users) - 1, values)})


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
