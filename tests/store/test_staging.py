from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import hybridrec.store.staging as staging
from hybridrec.store.staging import clean_leftovers, staged_folder

posix = pytest.mark.skipif(os.name == "nt", reason="locks on folders")
LEFT = ".model.hybridrec-0123abcd"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def save(path, text, *, replace):
    with staged_folder(path, replace=replace) as stage:
        (stage / "deep").mkdir()
        (stage / "deep" / "file").write_text(text)


def text_of(path):
    return (path / "deep" / "file").read_text()


@pytest.fixture(params=["swap", "two renames"])
def way(request, monkeypatch):
    """Both ways to replace a folder: the one of Linux, and the one of all other systems."""
    if request.param == "two renames":
        monkeypatch.setattr(staging, "_exchange", lambda one, other: False)
    return request.param


def test_a_new_folder_and_its_replacement(tmp_path, way):
    path = tmp_path / "model"
    for number in range(3):
        save(path, f"save {number}", replace=number > 0)
        assert text_of(path) == f"save {number}"
        assert names(tmp_path) == ["model"]


def test_the_folder_appears_at_the_end_only(tmp_path):
    with staged_folder(tmp_path / "model", replace=False) as stage:
        assert stage.parent == tmp_path  # a rename between file systems is no rename
        assert not (tmp_path / "model").exists()
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt(), ValueError("x")])
def test_an_exception_undoes_everything(tmp_path, way, error):
    path = tmp_path / "model"
    save(path, "old", replace=False)

    def save_half():
        with staged_folder(path, replace=True) as stage:
            (stage / "half").write_text("")
            raise error

    with pytest.raises(type(error)):
        save_half()
    assert text_of(path) == "old"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("step", ["_finish", "_exchange", "_lock"])
def test_ctrl_c_in_the_last_steps_undoes_everything(tmp_path, monkeypatch, step):
    path = tmp_path / "model"
    save(path, "old", replace=False)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(staging, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(path, "new", replace=True)
    assert text_of(path) == "old"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_failure_between_two_renames_puts_the_old_folder_back(
    tmp_path, monkeypatch, failing, error
):
    path = tmp_path / "model"
    save(path, "old", replace=False)
    rename, calls = Path.rename, []

    def fails_once(self, target):
        calls.append(self)
        if len(calls) == failing + 1:
            raise error
        return rename(self, target)

    monkeypatch.setattr(staging, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", fails_once)
    with pytest.raises(type(error)):
        save(path, "new", replace=True)
    assert text_of(path) == "old"
    assert names(tmp_path) == ["model"]


def test_ctrl_c_after_the_second_rename_keeps_the_new_folder(tmp_path, monkeypatch):
    path = tmp_path / "model"
    save(path, "old", replace=False)
    rename = Path.rename

    def renamed_then_interrupted(self, target):
        rename(self, target)
        if Path(target) == path:
            raise KeyboardInterrupt

    monkeypatch.setattr(staging, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", renamed_then_interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(path, "new", replace=True)
    assert text_of(path) == "new"
    assert names(tmp_path) == ["model"]


def test_a_folder_that_appears_meanwhile_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "model"

    def save_while_another_is_faster():
        with staged_folder(path, replace=False):
            save(path, "of another process", replace=False)

    with pytest.raises(OSError, match="model"):
        save_while_another_is_faster()
    assert text_of(path) == "of another process"
    assert names(tmp_path) == ["model"]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_the_swap_of_names(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other ü"
    for path in (one, other):
        path.mkdir()
        (path / path.name).write_text("")
    if not staging._exchange(one, other):
        pytest.skip("a file system that cannot swap names")
    assert (names(one), names(other)) == (["other ü"], ["one"])
    assert not staging._exchange(one, tmp_path / "missing")
    assert names(tmp_path) == ["one", "other ü"]


@posix
@pytest.mark.parametrize("name", ["model", "mo[d]el", "mo.*l", "mödel \n"])
def test_leftovers_of_dead_saves_are_removed(tmp_path, name):
    path = tmp_path / name
    save(path, "old", replace=False)
    for suffix in ("tmp", "old"):
        save(tmp_path / f".{name}.hybridrec-0123abcd.{suffix}", "left", replace=False)
    clean_leftovers(path)
    assert names(tmp_path) == [name]
    assert text_of(path) == "old"


@posix
def test_a_folder_that_a_dead_save_moved_aside_is_put_back(tmp_path):
    path = tmp_path / "model"
    save(tmp_path / f"{LEFT}.old", "old", replace=False)
    save(tmp_path / f"{LEFT}.tmp", "new", replace=False)
    clean_leftovers(path)
    assert names(tmp_path) == ["model"]
    assert text_of(path) == "old"


def test_a_save_under_way_is_no_leftover(tmp_path):
    path = tmp_path / "model"
    with staged_folder(path, replace=False) as stage:
        clean_leftovers(path)
        assert names(tmp_path) == [stage.name]
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize(
    "name",
    [
        ".model",
        "model.hybridrec-0123abcd.tmp",
        ".model.hybridrec-0123abcd",
        ".model.hybridrec-0123ABCD.tmp",
        ".model.hybridrec-0123abcd.tmp2",
        ".model2.hybridrec-0123abcd.tmp",
        ".other.hybridrec-0123abcd.tmp",
    ],
)
def test_names_that_are_not_clearly_ours_stay(tmp_path, name):
    (tmp_path / name).mkdir()
    clean_leftovers(tmp_path / "model")
    assert names(tmp_path) == [name]


@posix
def test_what_is_no_folder_stays(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    (tmp_path / f"{LEFT}.old").symlink_to(mine)
    (tmp_path / ".model.hybridrec-0123abce.old").write_text("a file")
    before = names(tmp_path)
    clean_leftovers(tmp_path / "model")
    assert names(tmp_path) == before
    assert names(mine) == ["thesis.txt"]
