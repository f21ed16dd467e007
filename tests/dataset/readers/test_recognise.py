from __future__ import annotations

import pandas as pd
import pytest

from hybridrec.dataset.readers.delimited import DelimitedSource
from hybridrec.dataset.readers.integer import ItemListsSource
from hybridrec.dataset.readers.jsonlines import JsonLinesSource
from hybridrec.dataset.readers.parquet import ParquetSource
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.errors import DataError


@pytest.mark.parametrize(
    ("content", "kind", "source", "names"),
    [
        ("a,b\n1,2\n", "interactions", DelimitedSource, ["a", "b"]),
        ("a b\n1 2\n", "interactions", DelimitedSource, ["a b"]),
        ('"a,1"\tb\n1\t2\n', "items", DelimitedSource, ["a,1", "b"]),
        ("a:token\tb:float\n1\t2\n", "interactions", DelimitedSource, ["a", "b"]),
        ("1 2 3\n", "interactions", DelimitedSource, ["user", "item", "label"]),
        ("1 2 3\n", "knowledge", DelimitedSource, ["head", "relation", "tail"]),
        ("1 2\n", "link", DelimitedSource, ["item", "entity"]),
        ("1 2 3 4\n5 6\n", "interactions", ItemListsSource, ["user", "item", "part"]),
        ('{"a": 1}\n{"b": 2}\n', "items", JsonLinesSource, ["a", "b"]),
    ],
)
def test_text(save, content, kind, source, names):
    opened = open_file(save("file", content), kind)
    assert isinstance(opened, source)
    assert list(opened.names) == names


def test_parquet_with_any_name(tmp_path):
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(tmp_path / "file.csv")
    opened = open_file(tmp_path / "file.csv", "items")
    assert isinstance(opened, ParquetSource)
    assert list(opened.names) == ["a", "b"]


def test_a_delimiter_that_is_given_decides(save):
    assert open_file(save("file", "1 a,2 b\n"), "items", delimiter=" ").names == ["1", "a,2", "b"]


def test_bytes_are_no_text(save):
    with pytest.raises(DataError, match="is no text file, and no Parquet file either"):
        open_file(save("file", b"abc\0\1\2"), "items")
