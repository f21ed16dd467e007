"""Saves that fail, are killed, or happen while the folder is read."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from folders import content, names, number_of

import hybridrec.store.folder as folder_module
from hybridrec.errors import ModelFolderError, OutputError
from hybridrec.store import read_folder, write_folder

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and locks")


@contextmanager
def child(code, *arguments):
    """Run code in another process until it prints a line; it dies with the block."""
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from folders import content
from hybridrec.store import folder, manifest, staging
{code}
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["write_arrays", "write_table", "manifests.write_manifest"])
@pytest.mark.parametrize("failure", [FULL, KeyboardInterrupt(), MemoryError(), SystemExit(1)])
@pytest.mark.parametrize("exists", [False, True])
def test_a_failure_at_any_step_changes_nothing(tmp_path, monkeypatch, step, failure, exists):
    path = tmp_path / "model"
    if exists:
        write_folder(path, **content(1))
    before = names(tmp_path)

    def fail(target, *_):
        if not target.is_dir():  # leave the half of a file behind
            target.write_bytes(b"half")
        raise failure

    monkeypatch.setattr(f"hybridrec.store.folder.{step}", fail)
    expected = OutputError if failure is FULL else type(failure)
    with pytest.raises(expected) as caught:
        write_folder(path, **content(2), overwrite=exists)
    if failure is FULL:
        assert str(caught.value) == f"cannot write {path}: No space left on device"
    assert names(tmp_path) == before
    if exists:
        assert number_of(read_folder(path)) == 1


@posix
@pytest.mark.parametrize("part", ["arrays", "tables"])
def test_a_file_that_cannot_grow(saved, part):
    """The limit on file sizes makes the real writers fail half-way, as a full disk does."""
    code = """
import resource, sys
import numpy as np
from hybridrec.errors import OutputError
large = {
    "arrays": {"arrays": {"P": np.zeros(100_000)}},
    "tables": {"tables": {"items": {"id": np.random.default_rng(0).random(100_000)}}},
}[sys.argv[2]]
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    folder.write_folder(sys.argv[1], **{**content(2), **large}, overwrite=True)
except OutputError as error:
    print("ready", flush=True)
    print(error)
"""
    with child(code, saved, part) as process:
        message = process.stdout.read()
    assert message.startswith(f"cannot write {saved}: ")
    assert "File too large" in message
    assert names(saved.parent) == ["model"]
    assert number_of(read_folder(saved)) == 1


HANG = """
def hang(*_, **__):
    print("ready", flush=True)
    sys.stdin.readline()
"""
MID_SAVE = f"""{HANG}
write = manifest.write_manifest
manifest.write_manifest = lambda *arguments: (hang(), write(*arguments))
folder.write_folder(sys.argv[1], **content(2), overwrite=True)
print("saved", flush=True)
"""


@posix
@pytest.mark.parametrize("exists", [False, True])
def test_a_killed_save_leaves_the_old_folder_and_is_cleaned_by_the_next(tmp_path, exists):
    path = tmp_path / "model"
    if exists:
        write_folder(path, **content(1))
    with child(MID_SAVE, path) as process:
        process.kill()
        process.wait()
    leftover = [name for name in names(tmp_path) if name != "model"]
    assert len(leftover) == 1
    assert leftover[0].startswith(".model.hybridrec-")
    if exists:
        assert number_of(read_folder(path)) == 1
    else:
        assert not path.exists()
    write_folder(path, **content(3), overwrite=exists)
    assert names(tmp_path) == ["model"]
    assert number_of(read_folder(path)) == 3


@linux
def test_a_save_killed_after_the_swap_left_the_new_folder(saved):
    code = f"""{HANG}
staging.shutil.rmtree = hang
folder.write_folder(sys.argv[1], **content(2), overwrite=True)
"""
    with child(code, saved) as process:
        process.kill()
        process.wait()
    assert len(names(saved.parent)) == 2
    assert number_of(read_folder(saved)) == 2
    write_folder(saved, **content(3), overwrite=True)
    assert names(saved.parent) == ["model"]


@posix
def test_the_save_of_a_living_process_is_left_alone(saved):
    with child(MID_SAVE, saved) as process:
        write_folder(saved, **content(3), overwrite=True)
        assert number_of(read_folder(saved)) == 3
        assert len(names(saved.parent)) == 2
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "saved\n"
    assert number_of(read_folder(saved)) == 2
    assert names(saved.parent) == ["model"]


@linux
def test_readers_see_the_old_or_the_new_folder_while_it_is_replaced(saved):
    code = """
print("ready", flush=True)
for number in range(2, 12):
    folder.write_folder(sys.argv[1], **content(number), overwrite=True)
"""
    seen = [number_of(read_folder(saved))]
    with child(code, saved) as process:
        while process.poll() is None:
            seen.append(number_of(read_folder(saved)))
        assert process.returncode == 0
    seen.append(number_of(read_folder(saved)))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (1, 11)


@pytest.mark.parametrize("moment", ["read_arrays", "read_table", "manifests.verify_files"])
def test_a_folder_replaced_in_the_middle_of_reading_is_read_again(saved, monkeypatch, moment):
    original = operator.attrgetter(moment)(folder_module)

    def replaced_before(*arguments):
        monkeypatch.undo()
        write_folder(saved, **content(2), overwrite=True)
        return original(*arguments)

    monkeypatch.setattr(f"hybridrec.store.folder.{moment}", replaced_before)
    assert number_of(read_folder(saved)) == 2


def test_a_folder_that_never_stands_still(saved, monkeypatch):
    verify = folder_module.manifests.verify_files
    number = iter(range(2, 1000))

    def replaced_before(*arguments):
        write_folder(saved, **content(next(number)), overwrite=True)
        verify(*arguments)

    monkeypatch.setattr(folder_module, "_ATTEMPTS", 3)
    monkeypatch.setattr(folder_module.manifests, "verify_files", replaced_before)
    with pytest.raises(ModelFolderError, match="replaced over and over"):
        read_folder(saved)
