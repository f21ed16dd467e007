from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from hybridrec.evaluation.tuning.storage import TrialStore
from hybridrec.evaluation.tuning.view import View


@pytest.fixture
def store():
    with TrialStore() as store:
        for value in (0.5, 0.25, 0.75, 0.0):
            trial = store.begin({"alpha": value + 1})
            if value:
                store.change(trial, values=(value,), state="complete")
        store.change(store.begin({"alpha": 9.0}), values=(0.1,), state="stopped")
        store.begin({"alpha": 3.0})
        yield store


def _text(view: View) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(view.render())
    return console.file.getvalue()


def test_it_tells_where_it_is_and_what_is_best(store, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    view = View("als, ndcg@20", store, 20, None, lower=False)
    now[0] += 61
    line, *table = _text(view).splitlines()
    assert line == "als, ndcg@20 · trial 6 of 20 · 1 stopped early · 1:01"
    assert [row.split() for row in table[2:]] == [
        ["2", "0.7500", "alpha=1.75"],
        ["defaults", "0.5000", "alpha=1.5"],
        ["1", "0.2500", "alpha=1.25"],
    ]


def test_time_left_is_that_of_the_trials_to_come_or_of_the_budget(store, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    views = [View("x", store, 10, deadline, lower=False) for deadline in (None, 1025.0)]
    now[0] += 20  # two more trials are finished meanwhile
    for _ in range(3):
        store.begin({"alpha": 1.0})
    assert "about 0:20 left" in _text(views[0])  # trials 9 and 10, 10 s each
    assert "about 0:05 left" in _text(views[1])


def test_nothing_is_shown_but_on_a_terminal(store, monkeypatch, capsys):
    view = View("x", store, 10, None, lower=False)
    with view.shown(True) as changed:
        changed()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with view.shown(False) as changed:
        changed()
    assert capsys.readouterr() == ("", "")
    with view.shown(True) as changed:
        changed()
    assert "trial 6 of 10" in capsys.readouterr().err
