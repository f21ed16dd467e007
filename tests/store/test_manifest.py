from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import datetime, timezone

import numpy as np
import pytest

import hybridrec.store.manifest as manifests
from hybridrec.errors import DataError, ModelFolderError, ParameterError
from hybridrec.store import read_folder, write_folder

ARRAYS = "arrays.safetensors"
links = pytest.mark.skipif(os.name == "nt", reason="symbolic links")


@pytest.fixture
def saved(tmp_path):
    tables = {"ids/users": {"id": np.arange(3)}}
    write_folder(tmp_path / "model", manifest={"k": 3}, arrays={"P": np.arange(4.0)}, tables=tables)
    return tmp_path / "model"


def edited(folder, *, sealed, **changes):
    """Change keys of a manifest (None: remove), with a checksum to fit if ``sealed``."""
    path = folder / "manifest.json"
    entries = {**json.loads(path.read_text()), **changes}
    entries = {key: value for key, value in entries.items() if value is not None}
    if sealed:
        entries["checksum"] = manifests.checksum(entries)
    path.write_text(json.dumps(entries))


def listed(folder):
    return json.loads((folder / "manifest.json").read_text())["files"]


def description(content):
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_every_other_file_is_listed_with_size_and_sha256(saved):
    expected = {
        name: description((saved / name).read_bytes()) for name in (ARRAYS, "ids/users.parquet")
    }
    assert listed(saved) == expected


def test_large_files_are_hashed_whole(tmp_path):
    content = np.random.default_rng(0).bytes(3_500_001)  # several pieces and a rest
    (tmp_path / "large.bin").write_bytes(content)
    manifests.write_manifest(tmp_path, {})
    assert listed(tmp_path) == {"large.bin": description(content)}


def test_created_is_the_time_in_utc(saved):
    created = datetime.fromisoformat(read_folder(saved).manifest["created"])
    assert created.utcoffset().total_seconds() == 0
    assert abs((datetime.now(timezone.utc) - created).total_seconds()) < 600


def test_the_library_version(saved, tmp_path, monkeypatch):
    def not_installed(name):
        raise manifests.PackageNotFoundError(name)

    for version, expected in [
        (lambda name: f"{name} 1.2", "hybridrec 1.2"),
        (not_installed, "unknown"),
    ]:
        monkeypatch.setattr(manifests, "version", version)
        write_folder(saved, manifest={}, arrays={}, tables={}, overwrite=True)
        assert read_folder(saved).manifest["library_version"] == expected


@pytest.mark.parametrize("key", sorted(manifests.RESERVED))
def test_keys_of_the_store_are_its_own(key):
    with pytest.raises(ParameterError, match=repr(key)):
        manifests.check_keys({"k": 3, key: 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x", np.arange(2)])
def test_values_without_a_form_in_json(value):
    with pytest.raises(DataError, match="JSON"):
        manifests.check_keys({"deep": [{"value": value}]})


def test_a_folder_of_a_newer_format_says_to_upgrade(saved):
    # Whatever else a newer format changes, this answer must not depend on it.
    edited(saved, sealed=False, format_version=2, library_version="7.1", files=None, checksum=None)
    with pytest.raises(ModelFolderError, match=r"by hybridrec 7\.1 in format 2.*pip install --up"):
        read_folder(saved)


@pytest.mark.parametrize("version", [0, -1])
def test_a_format_that_never_was(saved, version):
    edited(saved, sealed=True, format_version=version)
    with pytest.raises(ModelFolderError, match=rf"unknown format {version} \(manifest\.json\)"):
        read_folder(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": "1"},
        {"format_version": True},
        {"format_version": 1.0},
        {"format_version": None},
        {"library_version": None},
    ],
)
def test_a_manifest_of_another_program(saved, changes):
    edited(saved, sealed=True, **changes)
    with pytest.raises(ModelFolderError, match="not one of hybridrec"):
        read_folder(saved)
    assert not manifests.has_manifest(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"text"', "\ud800", "[" * 100_000])
def test_a_manifest_that_is_no_json_object(saved, text):
    (saved / "manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ModelFolderError, match=r"manifest\.json is"):
        read_folder(saved)
    assert not manifests.has_manifest(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"k": 4},
        {"k": None},
        {"extra": 1},
        {"created": "2001"},
        {"checksum": "0"},
        {"checksum": None},
    ],
)
def test_an_edited_manifest_is_refused(saved, changes):
    edited(saved, sealed=False, **changes)
    with pytest.raises(ModelFolderError, match=r"manifest\.json was altered"):
        read_folder(saved)


def test_a_key_that_this_version_does_not_know_is_kept(saved):
    edited(saved, sealed=True, extra={"later": [1, 2]})
    assert read_folder(saved).manifest["extra"] == {"later": [1, 2]}


@pytest.mark.parametrize("files", [[], "text", 3, None])
def test_files_that_are_no_mapping(saved, files):
    edited(saved, sealed=True, files=files)
    with pytest.raises(ModelFolderError, match="altered"):
        read_folder(saved)


@pytest.mark.parametrize("entry", [None, 3, [], {}, {"sha256": None, "bytes": 0}, "sha256"])
def test_a_file_without_a_proper_description(saved, entry):
    edited(saved, sealed=True, files={**listed(saved), ARRAYS: entry})
    with pytest.raises(ModelFolderError, match=r"arrays\.safetensors"):
        read_folder(saved)


def test_a_folder_without_arrays(saved):
    edited(saved, sealed=True, files={})
    with pytest.raises(ModelFolderError, match=r"lists no arrays\.safetensors"):
        read_folder(saved)


def test_a_listed_file_that_is_not_there(saved):
    edited(saved, sealed=True, files={**listed(saved), "ids/more.parquet": description(b"")})
    with pytest.raises(ModelFolderError, match=r"lacks its file 'ids/more\.parquet'"):
        read_folder(saved)


@pytest.mark.parametrize("place", ["above", "beside", "absolute", "winding"])
def test_a_listed_file_outside_of_the_folder_is_not_read(saved, place):
    outside = saved.parent / "secret.parquet"
    shutil.copy(saved / "ids/users.parquet", outside)
    (saved.parent / "model2").mkdir()  # its name begins like that of the folder
    shutil.copy(outside, saved.parent / "model2" / "secret.parquet")
    name = {
        "above": "../secret.parquet",
        "beside": "../model2/secret.parquet",
        "absolute": str(outside),
        "winding": "ids/../../secret.parquet",
    }[place]
    edited(saved, sealed=True, files={**listed(saved), name: description(outside.read_bytes())})
    with pytest.raises(ModelFolderError, match="outside") as caught:
        read_folder(saved)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["a\0b.parquet", "", ".", "ids", "x" * 5000])
def test_a_listed_name_that_is_no_file(saved, name):
    edited(saved, sealed=True, files={**listed(saved), name: description(b"")})
    with pytest.raises(ModelFolderError, match="model"):
        read_folder(saved)


@links
@pytest.mark.parametrize("name", [ARRAYS, "manifest.json", "ids"])
def test_a_link_out_of_the_folder_is_refused(saved, name):
    moved = saved.parent / "elsewhere"
    (saved / name).rename(moved)
    (saved / name).symlink_to(moved)
    with pytest.raises(ModelFolderError, match="outside"):
        read_folder(saved)


@links
def test_a_loop_of_links_is_refused(saved):
    (saved / ARRAYS).unlink()
    (saved / ARRAYS).symlink_to(ARRAYS)
    with pytest.raises(ModelFolderError, match=r"arrays\.safetensors"):
        read_folder(saved)


@links
def test_a_folder_can_be_reached_through_a_link(saved):
    (saved.parent / "current").symlink_to(saved)
    assert read_folder(saved.parent / "current").manifest["k"] == 3
