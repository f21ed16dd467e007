from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hybridrec.errors import DataError, ModelFolderError, OutputError
from hybridrec.store.tables import _database, read_table, write_table

NUMBERS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def objects(values):
    column = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        column[at] = value
    return column


def assert_same_table(found, expected):
    assert list(found) == list(expected)
    for name, column in expected.items():
        column = np.asarray(column)
        if column.dtype.kind in "fiub":
            assert found[name].dtype == column.dtype
            np.testing.assert_array_equal(found[name], column)
        else:
            assert found[name].dtype == object
            assert found[name].tolist() == column.tolist()
            assert [type(v) for v in found[name]] == [type(v) for v in column.tolist()]


def run(code):
    """Run Python code in a process of its own and return what it prints."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@st.composite
def tables(draw):
    rows = draw(st.integers(0, 8))
    columns = st.one_of(
        st.sampled_from(NUMBERS).flatmap(lambda dtype: hnp.arrays(dtype, rows)),
        st.lists(st.none() | TEXT, min_size=rows, max_size=rows).map(objects),
        st.lists(
            st.none() | st.lists(st.none() | TEXT, max_size=4), min_size=rows, max_size=rows
        ).map(objects),
    )
    name = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
    names = draw(st.lists(name, min_size=1, max_size=5, unique_by=lambda text: text.lower()))
    return {name: draw(columns) for name in names}


@given(table=tables())
@settings(max_examples=30, deadline=None)
def test_any_table_comes_back_exactly(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    write_table(path, table)
    assert_same_table(read_table(path), table)


def test_hard_texts_and_numbers(tmp_path):
    table = {
        'quo"te': np.array([2**63 - 1, -(2**63), 0], dtype=np.int64),
        "select; --": np.array([2**64 - 1, 0, 1], dtype=np.uint64),
        "Größe 🙂": np.array([np.nan, -0.0, np.inf], dtype=np.float32),
        "text": objects(["a \"b\" 'c'\n\r\t", "", "e\u0301 日本語 \x00 🙂"]),
        "lists": objects([["", "a,b", "[x]"], [], None]),
        "fixed": np.array(["x", "", "ü"]),
    }
    write_table(tmp_path / "t.parquet", table)
    assert_same_table(read_table(tmp_path / "t.parquet"), table)


@pytest.mark.parametrize("column", [[None, None], [[], []], [None, []], [["a"], None]])
def test_columns_that_tell_little_of_their_type(tmp_path, column):
    write_table(tmp_path / "t.parquet", {"c": objects(column)})
    found = read_table(tmp_path / "t.parquet")["c"]
    assert found.dtype == object
    assert found.tolist() == column


def test_table_without_rows_keeps_its_types(tmp_path):
    table = {
        "i": np.zeros(0, np.int32),
        "f": np.zeros(0, np.float32),
        "s": np.zeros(0, "U3"),
        "o": np.zeros(0, object),
    }
    write_table(tmp_path / "t.parquet", table)
    assert_same_table(read_table(tmp_path / "t.parquet"), table)


def test_one_list_far_down_among_empty_ones(tmp_path):
    # DuckDB's sample of a column sees the empty lists only and takes the type from them.
    column = objects([[] for _ in range(5001)])
    column[2501] = ["drama"]
    write_table(tmp_path / "t.parquet", {"genre": column})
    assert read_table(tmp_path / "t.parquet")["genre"].tolist() == column.tolist()


def test_long_table_keeps_the_order_of_its_rows(tmp_path):
    rows = 300_000  # more than two row groups
    table = {
        "code": np.arange(rows, dtype=np.int32),
        "id": objects([f"u{row * 7919 % rows}" for row in range(rows)]),
    }
    table["id"][:150_000] = None
    write_table(tmp_path / "t.parquet", table)
    assert_same_table(read_table(tmp_path / "t.parquet"), table)


def test_layout_and_byte_order_do_not_matter_and_inputs_stay(tmp_path):
    backwards = np.array([True, False, True, True])[::-1]
    table = {
        "b": backwards,
        "s": np.arange(8)[::2],
        "be": np.arange(4, dtype=">i4"),
        "o": objects(list("abcdefgh"))[::2],
    }
    before = {name: column.copy() for name, column in table.items()}
    write_table(tmp_path / "t.parquet", table)
    assert_same_table(read_table(tmp_path / "t.parquet"), {**table, "be": np.arange(4, dtype="i4")})
    for name in table:
        np.testing.assert_array_equal(table[name], before[name])


@pytest.mark.parametrize(
    "folder", ["k=v", "a[1]", "a*b", "it's", "sp ace\n?", "{a,b}", "back\\slash", "~", "%41"]
)
def test_any_folder_name(tmp_path, folder):
    path = tmp_path / folder / "t.parquet"
    path.parent.mkdir()
    write_table(path, {"c": np.arange(3)})
    assert_same_table(read_table(path), {"c": np.arange(3)})


def test_a_folder_name_is_no_pattern(tmp_path):
    for number, folder in enumerate(["a[1]", "a1", "b*", "bb"]):
        (tmp_path / folder).mkdir()
        write_table(tmp_path / folder / "t.parquet", {"c": np.array([number])})
    for number, folder in enumerate(["a[1]", "a1", "b*", "bb"]):
        assert read_table(tmp_path / folder / "t.parquet")["c"].tolist() == [number]


def test_an_existing_file_is_replaced(tmp_path):
    for last in (5, 2):
        write_table(tmp_path / "t.parquet", {"c": np.arange(last)})
    assert_same_table(read_table(tmp_path / "t.parquet"), {"c": np.arange(2)})
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "at least one column"),
        ({"": np.arange(2)}, "not empty"),
        ({3: np.arange(2)}, "got 3"),
        ({"Genre": np.arange(2), "genre": np.arange(2)}, "'Genre' and 'genre'"),
        ({"a": np.arange(2), "b": np.arange(3)}, "'b': 3"),
        ({"a": np.zeros((2, 2))}, "one dimension"),
        ({"a": np.zeros(2, "f2")}, "float16"),
        ({"a": np.zeros(2, "c8")}, "complex64"),
        ({"a": np.zeros(2, "M8[s]")}, "datetime64"),
        ({"a": objects(["x", 3])}, "holds 3"),
        ({"a": objects(["x", float("nan")])}, "holds nan"),
        ({"a": objects([b"x"])}, "b'x'"),
        ({"a": objects([["x"], "y"])}, r"holds \['x'\]"),
        ({"a": objects([("x",)])}, "holds"),
        ({"a": objects([["x", 3]])}, "holds 3"),
        ({"a": objects(["ok", "\ud800"])}, "surrogate"),
    ],
)
def test_what_no_table_can_hold_is_named_and_nothing_written(tmp_path, table, message):
    with pytest.raises(DataError, match=message):
        write_table(tmp_path / "t.parquet", table)
    assert list(tmp_path.iterdir()) == []


def test_missing_values_among_whole_numbers_are_refused(tmp_path):
    import duckdb

    path = tmp_path / "t.parquet"
    duckdb.sql("select * from (values (1), (null)) t(code)").write_parquet(str(path))
    with pytest.raises(ModelFolderError, match="'code' has missing values"):
        read_table(path)


def test_unreadable_files(tmp_path):
    with pytest.raises(ModelFolderError, match=r"missing\.parquet"):
        read_table(tmp_path / "missing.parquet")
    (tmp_path / "text.parquet").write_text("user,item\n1,2\n")
    with pytest.raises(ModelFolderError, match=r"text\.parquet"):
        read_table(tmp_path / "text.parquet")


@pytest.mark.parametrize("parent", ["missing", "file"])
def test_unwritable_place(tmp_path, parent):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"t\.parquet"):
        write_table(tmp_path / parent / "t.parquet", {"c": np.arange(3)})


def test_what_duckdb_makes_of_ctrl_c_is_ctrl_c_again():
    with pytest.raises(KeyboardInterrupt), _database():
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="another"), _database():
        raise RuntimeError("another")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_inside_a_query():
    # DuckDB may notice the signal inside the query or leave it to Python after it.
    code = """
import os, signal, threading
from hybridrec.store.tables import _database
signal.signal(signal.SIGINT, signal.default_int_handler)
ctrl_c = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
try:
    with _database() as database:
        ctrl_c.start()
        database.execute("select sum(hash(range)) from range(150000000)").fetchall()
        ctrl_c.join()
except KeyboardInterrupt:
    print("stopped")
"""
    assert run(code) == "stopped"


def test_reading_and_writing_need_no_pyarrow():
    code = """
import sys, tempfile, numpy as np
from hybridrec.store.tables import read_table, write_table
path = tempfile.mkdtemp() + "/t.parquet"
write_table(path, {"s": np.array(["a", None], dtype=object)})
print(read_table(path)["s"].tolist(), {"polars", "pyarrow"} & set(sys.modules))
"""
    assert run(code) == "['a', None] set()"
