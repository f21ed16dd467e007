"""Vectors from files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import read_vectors
from hybridrec.errors import DataError

MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2) / 8


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(found, ids, name="image"):
    assert (found.name, found.ids.ids.tolist()) == (name, ids)
    np.testing.assert_array_equal(found.matrix, MATRIX)


class TestNumpy:
    @pytest.mark.parametrize(
        ("lines", "ids"), [("1\n2\n3\n", [1, 2, 3]), ("a\n01\n3", ["a", "01", "3"])]
    )
    def test_ids_beside_it(self, here, lines, ids):
        np.save("image.npy", MATRIX)
        (here / "image.ids.txt").write_text(lines)
        check(read_vectors("image.npy"), ids)

    def test_other_ids(self, here):
        np.save("image.npy", MATRIX.astype(np.float64))
        np.save("image.ids.npy", np.array([5, 6, 7]))
        check(read_vectors("image.npy", name="x"), [5, 6, 7], "x")
        np.save("own.npy", np.array(["p", "q", "r"]))
        check(read_vectors("image.npy", ids="own.npy"), ["p", "q", "r"])

    def test_npz(self, here):
        np.savez("image.npz", ids=np.array(["a", "b", "c"]), anything=MATRIX)
        check(read_vectors("image.npz"), ["a", "b", "c"])

    def test_refused(self, here):
        with pytest.raises(DataError, match=r"image.npy: no such file"):
            read_vectors("image.npy")
        np.save("image.npy", MATRIX)
        with pytest.raises(DataError, match=r"has no ids; write them .* to image.ids.txt"):
            read_vectors("image.npy")
        (here / "image.ids.txt").write_text("1\n2\n")
        with pytest.raises(DataError, match=r"image.ids.txt has 2 ids for the 3 rows of image.npy"):
            read_vectors("image.npy")
        (here / "image.ids.txt").write_text("1\n\n3\n")
        with pytest.raises(DataError, match=r"image.ids.txt:2: no id"):
            read_vectors("image.npy")
        (here / "image.ids.txt").write_text("1\n1\n3\n")
        with pytest.raises(DataError, match=r"image.npy: duplicate item ids 1: rows 0, 1"):
            read_vectors("image.npy")
        np.save("flat.npy", MATRIX[0])
        with pytest.raises(DataError, match=r"rows and columns, it is float32 of shape \(2,\)"):
            read_vectors("flat.npy")
        np.save("object.npy", np.array([[1], ["a", 2]], dtype=object), allow_pickle=True)
        with pytest.raises(DataError, match=r"object.npy is no NumPy array"):
            read_vectors("object.npy")
        np.savez("image.npz", one=MATRIX, two=MATRIX)
        with pytest.raises(DataError, match=r"must hold an array 'ids' .* it holds 'one', 'two'"):
            read_vectors("image.npz")


class TestTables:
    @pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
    def test_columns_of_numbers(self, here, suffix):
        frame = pd.DataFrame(MATRIX, columns=["d0", "d1"]).assign(item=[4, 5, 6])
        write = {
            "parquet": frame.to_parquet,
            "csv": frame.to_csv,
            "jsonl": lambda path, index: frame.to_json(path, orient="records", lines=True),
        }[suffix]
        write(f"image.{suffix}", index=False)
        check(read_vectors(f"image.{suffix}"), [4, 5, 6])

    def test_a_column_of_lists(self, here):
        frame = pd.DataFrame({"film": ["a", "b", "c"], "vector": list(MATRIX)})
        frame.to_parquet("image.parquet")
        with pytest.raises(DataError, match="no column looks like the item"):
            read_vectors("image.parquet")
        check(read_vectors("image.parquet", column="film"), ["a", "b", "c"])
        frame.rename(columns={"film": "entity"}).to_parquet("image.parquet")  # as embed writes
        check(read_vectors("image.parquet"), ["a", "b", "c"])
        frame = frame.rename(columns={"film": "item_id"})
        more = pd.concat([frame, pd.DataFrame({"item_id": ["none"], "vector": [None]})])
        more.to_parquet("image.parquet")
        check(read_vectors("image.parquet", column="absent"), ["a", "b", "c"])

    def test_refused(self, here):
        lists = [[1.0, 2.0], [1.0, 2.0, 3.0]]
        pd.DataFrame({"item": [7, 8], "vector": lists}).to_parquet("image.parquet")
        with pytest.raises(DataError, match=r"image.parquet: row 1 \(item 8\) is of shape \(3,\)"):
            read_vectors("image.parquet")
        pd.DataFrame({"item": [7, 8], "a": [1.0, None]}).to_csv("image.csv", index=False)
        with pytest.raises(DataError, match=r"image.csv: row 1 \(item 8\) holds NaN"):
            read_vectors("image.csv")
        pd.DataFrame({"item": [7], "a": ["x"], "b": [1]}).to_csv("image.csv", index=False)
        with pytest.raises(DataError, match=r"besides 'item' there must be .*; 'a' are neither"):
            read_vectors("image.csv")
        pd.DataFrame({"item": [7]}).to_csv("image.csv", index=False)
        with pytest.raises(DataError, match=r"image.csv has no column besides 'item'"):
            read_vectors("image.csv")
