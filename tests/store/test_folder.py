from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from folders import content, names, number_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.errors import (
    DataError,
    HybridRecError,
    ModelFolderError,
    OutputError,
    ParameterError,
)
from hybridrec.store import FORMAT_VERSION, Folder, read_folder, write_folder

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and locks")

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


def test_number_keys_become_text_in_any_order(tmp_path):
    write_folder(tmp_path / "model", manifest={"k": {2: "a", 10: (1,)}}, arrays={}, tables={})
    assert read_folder(tmp_path / "model").manifest["k"] == {"2": "a", "10": [1]}


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


# --- altered folders ------------------------------------------------------------------------


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@given(data=st.data())
@settings(max_examples=40, deadline=None)
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
