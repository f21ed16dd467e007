from __future__ import annotations

import sqlite3

import pytest

from hybridrec.errors import DataError, OutputError, ParameterError
from hybridrec.evaluation.tuning.storage import TrialStore
from hybridrec.evaluation.tuning.trials import Trial

ABOUT = {"model": "als", "k": 20, "the space of factors": "16..256:log"}


def _filled(path) -> list[Trial]:
    with TrialStore(path) as store:
        store.claim(ABOUT)
        first = store.begin({"factors": 64, "alpha": 0.1, "features": "none", "flag": True})
        store.change(first, values=(0.1, 1 / 3), seconds=2.5, state="complete")
        second = store.begin({"factors": 32, "alpha": 1e-7, "features": "tokens", "flag": False})
        store.change(second, state="failed", error="too bad")
        store.begin({"factors": 16, "alpha": 2.0, "features": "none", "flag": True})
        return list(store.trials)


def test_trials_are_read_back_to_the_bit(tmp_path):
    written = _filled(tmp_path / "search.db")
    with TrialStore(tmp_path / "search.db") as store:
        store.claim(ABOUT)
        assert store.trials == written
        assert [trial.state for trial in store.trials] == ["complete", "failed", "unfinished"]
        assert store.trials[0].values == (0.1, 1 / 3)


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(_filled(None)) == 3
    assert list(tmp_path.iterdir()) == []


def test_another_search_is_refused_and_told_what_differs(tmp_path):
    _filled(tmp_path / "search.db")
    other = {"model": "bpr", "k": 20, "the space of alpha": "1..2"}
    with (
        TrialStore(tmp_path / "search.db") as store,
        pytest.raises(ParameterError, match="holds another search") as refused,
    ):
        store.claim(other)
    told = str(refused.value)
    assert "model is als there, bpr here" in told
    assert "the space of alpha is nothing there, 1..2 here" in told
    assert "the space of factors is 16..256:log there, nothing here" in told
    assert "k is" not in told


@pytest.mark.parametrize(
    "damage",
    [
        "update trials set point = '{' where number = 0",
        "update trials set steps = '5' where number = 0",
        "delete from trials where number = 0",
        "drop table about",
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "search.db"
    _filled(path)
    with sqlite3.connect(path) as database:
        database.execute(damage)
    database.close()
    with pytest.raises(DataError, match=r"search\.db is damaged .*; choose another file"):
        TrialStore(path)


def test_two_at_a_time_are_refused(tmp_path):
    path = tmp_path / "search.db"
    in_use = pytest.raises(ParameterError, match=r"search\.db is in use by another search")
    with TrialStore(path), in_use:
        TrialStore(path)
    with TrialStore(path) as store:
        assert store.trials == []


def test_other_files_are_refused_and_stay_as_they_are(tmp_path):
    text = tmp_path / "letter.txt"
    text.write_text("dear me, this is a letter\n" * 100)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("create table trials (number integer)")
    other.close()
    for path in (text, tmp_path / "other.db"):
        before = path.read_bytes()
        with pytest.raises(DataError, match="is no storage of a search"):
            TrialStore(path)
        assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        TrialStore(tmp_path / "missing" / "search.db")


def test_a_file_cut_short_on_creation_is_begun_again(tmp_path):
    (tmp_path / "search.db").write_bytes(b"")
    assert len(_filled(tmp_path / "search.db")) == 3
