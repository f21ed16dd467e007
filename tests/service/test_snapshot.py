from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.errors import ModelFolderError, UnknownIdError
from hybridrec.service import snapshot as module
from hybridrec.service.snapshot import Snapshot


@pytest.fixture
def folder(folders, tmp_path):
    return shutil.copytree(folders["hybrid-als"], tmp_path / "model")


def test_the_version_is_that_of_the_content(folder, folders, tmp_path):
    version = Snapshot.load(folder).version
    assert version == Snapshot.load(folders["hybrid-als"]).version
    assert version != Snapshot.load(folders["als"]).version
    assert len(version) == 16
    assert version == json.loads((folder / "manifest.json").read_text())["checksum"][:16]


def test_ids_are_looked_up_by_type_and_value(folder):
    snapshot = Snapshot.load(folder)
    assert snapshot.user_code(7) == snapshot.model.users_.codes([7])[0]
    assert snapshot.item_code(np.int64(5)) == snapshot.model.items_.codes([5])[0]
    for wrong in ("7", 7.0, True, None, 10**30, ("a",), [1]):
        assert snapshot.user_code(wrong) == snapshot.item_code(wrong) == -1
    with pytest.raises(UnknownIdError, match="unknown item 777"):
        snapshot.known_item(777)


def test_text_ids(tmp_path):
    rows = {"user": ["1", "b", "b"], "item": ["x", "x", "2"]}
    hybridrec.RP3Beta().fit(pd.DataFrame(rows)).save(tmp_path / "m")
    snapshot = Snapshot.load(tmp_path / "m")
    assert snapshot.user_code("1") == 0
    assert snapshot.user_code(1) == -1
    assert snapshot.titles.tolist() == [None, None]
    assert snapshot.item_search.find("x", 5).tolist() == [snapshot.item_code("x")]


def test_what_was_stored(folder):
    snapshot = Snapshot.load(folder)
    items, weights = snapshot.stored(3)
    row = snapshot.model.history_[3]
    np.testing.assert_array_equal(items, row.indices)
    np.testing.assert_array_equal(weights, row.data)
    assert len(snapshot.stored(-1)[0]) == 0


def test_a_folder_that_changes_while_it_is_read_is_read_again(folder, folders, monkeypatch):
    real, other = module.load, folders["als"]
    calls = []

    def slow(path, models):
        model = real(path, models=models)
        if not calls:
            shutil.rmtree(folder)
            shutil.copytree(other, folder)
        calls.append(model.model_name)
        return model

    monkeypatch.setattr(module, "load", slow)
    snapshot = Snapshot.load(folder)
    assert calls == ["hybrid-als", "als"]
    assert snapshot.model.model_name == "als"
    assert snapshot.version == Snapshot.load(other).version


@pytest.mark.parametrize("harm", ["missing", "cut", "altered", "half"])
def test_a_broken_folder_is_refused(folder, harm):
    arrays = folder / "arrays.safetensors"
    if harm == "missing":
        shutil.rmtree(folder)
    elif harm == "cut":
        arrays.write_bytes(arrays.read_bytes()[:-10])
    elif harm == "altered":
        content = bytearray(arrays.read_bytes())
        content[-1] ^= 1
        arrays.write_bytes(content)
    else:
        (folder / "manifest.json").unlink()
    with pytest.raises(ModelFolderError):
        Snapshot.load(folder)
