from __future__ import annotations

import gzip
import os

import pytest

from hybridrec.dataset.readers.head import HEAD_BYTES, read_head
from hybridrec.errors import DataError


def test_the_beginning_is_unpacked(save):
    head = read_head(save("R.CSV.gz", "\ufeffuser,item\n1,2\n"))
    assert head.is_gzip
    assert head.compression == "gzip"
    assert head.plain_name == "r.csv"
    assert head.lines == ["user,item", "1,2"]
    assert read_head(save("r.csv", "a\n")).compression == "uncompressed"


def test_a_line_or_character_cut_at_the_end_is_left_out(save):
    head = read_head(save("r.csv", "user\n" + "é" * HEAD_BYTES))
    assert head.lines == ["user"]
    assert len(head.start) == HEAD_BYTES


def test_missing_files_get_a_suggestion(save, tmp_path):
    save("ratings.csv", "x")
    with pytest.raises(DataError, match=r"no file '.*rating\.csv'; did you mean 'ratings\.csv'"):
        read_head(tmp_path / "rating.csv")
    with pytest.raises(DataError, match=r"no file '.*' \(nor a folder '.*nowhere'\)"):
        read_head(tmp_path / "nowhere" / "ratings.csv")
    with pytest.raises(DataError, match=r"is a folder, not a file \(it holds 'ratings\.csv'\)"):
        read_head(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"PK\x03\x04...", "zip or Excel file"),
        (b"\x28\xb5\x2f\xfd...", "packed with zstd"),
        (b"SQLite format 3\0", "an SQLite database"),
        (gzip.compress(b"user,item\n" * 99, mtime=0)[:-9], "cannot be read: .*ended"),
        (b"\x1f\x8b nonsense", "cannot be read"),
    ],
)
def test_files_that_hold_no_text(tmp_path, content, message):
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_head(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind here")
def test_a_file_that_may_not_be_read(save):
    path = save("r.csv", "user,item\n")
    path.chmod(0)
    with pytest.raises(DataError, match=r"cannot be read: .*Permission"):
        read_head(path)
