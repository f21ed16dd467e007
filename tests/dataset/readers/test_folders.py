from __future__ import annotations

import pytest

from hybridrec.dataset.readers.folders import find_parts
from hybridrec.errors import DataError


def touch(folder, *names):
    for name in names:
        (folder / name).write_text("")


def test_recbole(tmp_path):
    touch(tmp_path, "ml.inter", "ml.item.gz", "ml.kg", "ml.link", "other.user", "README")
    parts = find_parts(tmp_path)
    assert [path.name for path in parts.interactions] == ["ml.inter"]
    assert parts.knowledge.name == "ml.kg"
    assert parts.link.name == "ml.link"
    assert parts.items.name == "ml.item.gz"
    assert parts.users is None


def test_kgcn(tmp_path):
    touch(tmp_path, "kg_final.txt.gz", "ratings_final.txt.gz")
    parts = find_parts(tmp_path)
    assert [path.name for path in parts.interactions] == ["ratings_final.txt.gz"]
    assert parts.knowledge.name == "kg_final.txt.gz"
    assert parts.link is parts.items is parts.users is None


def test_kgat(tmp_path):
    touch(tmp_path, "test.txt", "train.txt.gz")
    parts = find_parts(tmp_path)
    assert [path.name for path in parts.interactions] == ["train.txt.gz", "test.txt"]
    assert parts.knowledge is None


def test_folders_that_are_no_data_set(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(DataError, match=r"no data set that is recognised.*'notes\.txt'"):
        find_parts(tmp_path)
    touch(tmp_path, "a.inter", "b.inter")
    with pytest.raises(DataError, match=r"several data sets, name one file: 'a\.inter', 'b\.int"):
        find_parts(tmp_path)
