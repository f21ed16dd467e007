from __future__ import annotations

import dataclasses
import json
import operator
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import hybridrec.store.folder as folder_module
from hybridrec.errors import (
    DataError,
    HybridRecError,
    ModelFolderError,
    OutputError,
    ParameterError,
)
from hybridrec.store import FORMAT_VERSION, Folder, read_folder, write_folder

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and locks")


def content(number=0):
    """A small folder in which every file says which save it is from."""
    return {
        "manifest": {"model": {"class": "ALS", "factors": 3}, "number": number},
        "arrays": {
            "P": np.full((4, 3), number, dtype=np.float32),
            "W": sparse.csr_matrix(np.full((2, 2), number + 1, dtype=np.float32)),
        },
        "tables": {
            "ids/users": {"id": np.array(["ü", "b"], dtype=object)},
            "items": {"id": np.array([number, 5]), "year": np.array([1995.0, np.nan])},
        },
    }


def number_of(folder):
    """Return the save a folder is from, after checking that all of its parts agree on it."""
    number = folder.manifest["number"]
    assert (folder.arrays["P"] == number).all()
    assert (folder.arrays["W"].toarray() == number + 1).all()
    assert folder.tables["items"]["id"].tolist() == [number, 5]
    assert folder.tables["ids/users"]["id"].tolist() == ["ü", "b"]
    return number


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def saved(tmp_path):
    """A folder "model" with save number 1, alone in its parent."""
    write_folder(tmp_path / "model", **content(1))
    return tmp_path / "model"


@contextmanager
def child(code, *arguments):
    """Run code in another process until it prints a line; it dies with the block."""
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_folder import content
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


# --- round trip -----------------------------------------------------------------------------


def test_layout_and_round_trip(tmp_path):
    write_folder(tmp_path / "model", **content(7))
    files = {
        str(path.relative_to(tmp_path / "model"))
        for path in (tmp_path / "model").rglob("*")
        if path.is_file()
    }
    tables = {"ids/users.parquet", "items.parquet"}
    assert files == {"manifest.json", "arrays.safetensors", *tables}
    assert names(tmp_path) == ["model"]

    found = read_folder(tmp_path / "model")
    assert isinstance(found, Folder)
    assert number_of(found) == 7
    assert found.manifest["format_version"] == FORMAT_VERSION == 1
    assert found.manifest["model"] == {"class": "ALS", "factors": 3}
    assert found.manifest["created"].endswith("+00:00")
    assert found.manifest["files"].keys() == files - {"manifest.json"}
    assert found.manifest == json.loads((tmp_path / "model" / "manifest.json").read_bytes())
    assert not found.arrays["P"].flags.writeable
    assert isinstance(found.arrays["P"].base, np.memmap)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.manifest = {}


def test_a_relative_path_and_a_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder("model", **content(3))
    assert number_of(read_folder("model")) == 3
    assert number_of(read_folder(Path("model"))) == 3


def test_nothing_in_it(tmp_path):
    write_folder(tmp_path / "model", manifest={}, arrays={}, tables={})
    found = read_folder(tmp_path / "model")
    assert (found.arrays, found.tables) == ({}, {})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(value=JSON)
@settings(max_examples=25, deadline=None)
def test_any_manifest_comes_back_as_json_has_it(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("store") / "model"
    try:
        write_folder(path, manifest={"value": value}, arrays={}, tables={})
    except DataError:  # {1: ..., "1": ...}
        assert not path.exists()
        return
    assert read_folder(path).manifest["value"] == json.loads(json.dumps(value))


@posix
def test_files_get_the_permissions_of_any_new_file(saved):
    plain = saved.parent / "plain"
    plain.write_text("")
    for path in saved.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode == plain.stat().st_mode


# --- what cannot be stored, and where -------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"manifest": {"files": {}}}, ParameterError, "'files'"),
        ({"manifest": {"format_version": 3}}, ParameterError, "'format_version'"),
        ({"manifest": {"loss": float("nan")}}, DataError, "JSON"),
        ({"manifest": {"seed": np.int64(3)}}, DataError, "int64"),
        ({"tables": {"../users": {"id": np.arange(2)}}}, ParameterError, r"'\.\./users'"),
        ({"tables": {"/users": {"id": np.arange(2)}}}, ParameterError, "'/users'"),
        ({"tables": {"ids/": {"id": np.arange(2)}}}, ParameterError, "'ids/'"),
        ({"tables": {"ids.x": {"id": np.arange(2)}}}, ParameterError, r"'ids\.x'"),
        ({"tables": {"": {"id": np.arange(2)}}}, ParameterError, "''"),
        ({"tables": {"users": {"id": np.zeros((2, 2))}}}, DataError, "'id'"),
        ({"arrays": {"P": np.array([None])}}, DataError, "'P'"),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
def test_what_cannot_be_stored_changes_nothing(tmp_path, change, error, message, exists):
    path = tmp_path / "model"
    if exists:
        write_folder(path, **content(1))
    before = names(tmp_path)
    with pytest.raises(error, match=message):
        write_folder(path, **{**content(2), **change}, overwrite=True)
    assert names(tmp_path) == before
    if exists:
        assert number_of(read_folder(path)) == 1


def test_an_existing_folder_is_replaced_only_on_request(saved):
    with pytest.raises(OutputError, match=r"model.* already exists.*overwrite"):
        write_folder(saved, **content(2))
    assert number_of(read_folder(saved)) == 1
    write_folder(saved, **content(2), overwrite=True)
    assert number_of(read_folder(saved)) == 2
    assert names(saved.parent) == ["model"]


def test_overwrite_replaces_nothing_that_is_not_ours(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text('{"format_version": 2, "header": {}}')
    before = names(tmp_path)
    for name in before:
        with pytest.raises(OutputError, match=f"{name}.*not written by hybridrec"):
            write_folder(tmp_path / name, **content(2), overwrite=True)
    assert names(tmp_path) == before
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "folder" / "thesis.txt").read_text() == "mine"


def test_overwrite_replaces_an_empty_folder_and_a_newer_one(saved):
    empty = saved.parent / "empty"
    empty.mkdir()
    with pytest.raises(OutputError, match="overwrite"):
        write_folder(empty, **content(2))
    write_folder(empty, **content(2), overwrite=True)
    assert number_of(read_folder(empty)) == 2

    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    write_folder(saved, **content(3), overwrite=True)
    assert number_of(read_folder(saved)) == 3


@pytest.mark.parametrize("place", ["file/model", "missing/model", "missing/deep/model"])
def test_a_parent_that_is_no_folder(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"model: .* is not a folder; make it first"):
        write_folder(tmp_path / place, **content())
    assert names(tmp_path) == ["file"]


@linux
def test_a_parent_where_nothing_can_be_made():
    with pytest.raises(OutputError, match="cannot write /proc/model: "):
        write_folder("/proc/model", **content())


@posix
def test_a_link_keeps_leading_to_the_folder(saved):
    link = saved.parent / "current"
    link.symlink_to("model")
    assert number_of(read_folder(link)) == 1
    write_folder(link, **content(2), overwrite=True)
    assert link.is_symlink()
    assert number_of(read_folder(saved)) == 2


def test_a_folder_can_be_replaced_by_what_was_read_from_it(saved):
    for _ in range(3):
        found = read_folder(saved)
        keys = {key: found.manifest[key] for key in ("model", "number")}
        parts = {"manifest": keys, "arrays": found.arrays, "tables": found.tables}
        write_folder(saved, **parts, overwrite=True)
        assert number_of(found) == 1  # its files are gone by name, yet still mapped
    assert number_of(read_folder(saved)) == 1


# --- interrupted saves ----------------------------------------------------------------------

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


# --- altered folders ------------------------------------------------------------------------


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_is_noticed_in_any_file(folder_to_alter, data):
    file = data.draw(st.sampled_from(files_of(folder_to_alter)))
    whole = file.read_bytes()
    altered = bytearray(whole)
    altered[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(altered)
    try:
        if file.name == "manifest.json" and same_json(whole, altered):  # a blank is a tab now
            assert number_of(read_folder(folder_to_alter)) == 1
        else:
            with pytest.raises(ModelFolderError, match=file.name.replace(".", r"\.")):
                read_folder(folder_to_alter)
    finally:
        file.write_bytes(whole)


@pytest.fixture(scope="module")
def folder_to_alter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "model"
    write_folder(folder, **content(1))
    return folder


def same_json(one, other):
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


@pytest.mark.parametrize(
    "name", ["manifest.json", "arrays.safetensors", "items.parquet", "ids/users.parquet"]
)
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "longer", "folder"])
def test_a_damaged_file_is_named(saved, name, damage):
    file = saved / name
    whole = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage != "missing":
        half = whole[: len(whole) // 2]
        file.write_bytes({"empty": b"", "half": half, "longer": whole + b"x"}[damage])
    with pytest.raises(ModelFolderError, match=name.replace(".", r"\.")) as caught:
        read_folder(saved)
    assert str(saved) in str(caught.value)


def test_files_that_are_not_listed_do_not_matter(saved):
    (saved / "README.md").write_text("notes")
    (saved / "more.parquet").write_bytes(b"no table")
    found = read_folder(saved)
    assert number_of(found) == 1
    assert found.tables.keys() == {"ids/users", "items"}


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "unrelated"])
def test_what_is_not_one_of_our_folders(tmp_path, kind):
    path = tmp_path / "model"
    if kind == "file":
        path.write_text("text")
    elif kind != "missing":
        path.mkdir()
    if kind == "unrelated":
        (path / "thesis.txt").write_text("mine")
    expected = {"missing": "does not exist", "file": "is not a folder"}
    with pytest.raises(ModelFolderError, match=expected.get(kind, r"no manifest\.json")) as caught:
        read_folder(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, HybridRecError)
