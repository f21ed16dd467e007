"""What holds for files of every format, and files larger than one chunk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.columns import BadRowsError
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.readers import database as engine
from hybridrec.dataset.readers import read_interactions
from hybridrec.dataset.readers.database import database
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.dataset.readers.source import bad_lines
from hybridrec.errors import DataError

ROWS = 300_000  # more than two chunks


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "user": rng.integers(0, 5_000, ROWS),
            "item": np.char.add("item ", rng.integers(0, 2_000, ROWS).astype(str)),
            "rating": rng.integers(0, 10, ROWS) / 2,
            "time": rng.integers(10**9, 2 * 10**9, ROWS),
            "device": rng.choice(["phone", "tv"], ROWS),
        }
    )


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_a_file_gives_the_same_as_the_frame(large, tmp_path, form):
    path = tmp_path / f"large.{form}"
    if form == "parquet":
        large.to_parquet(path, row_group_size=50_000)
    else:
        large.to_csv(path, index=False)
    read = read_interactions(path, context=["device"])
    expected = Interactions.from_frame(large, context=["device"])
    assert read.users == expected.users
    assert read.items == expected.items
    for name in ("user_codes", "item_codes", "weights", "timestamps"):
        ours, theirs = getattr(read, name), getattr(expected, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(read.context["device"], large["device"].to_numpy(object))


def test_little_memory_spills_and_gives_the_same(large, tmp_path, monkeypatch):
    path = tmp_path / "large.csv"
    large.to_csv(path, index=False)
    expected = read_interactions(path)
    monkeypatch.setattr(engine, "MEMORY_BYTES", 64 * 2**20)
    read = read_interactions(path)
    np.testing.assert_array_equal(read.user_codes, expected.user_codes)
    np.testing.assert_array_equal(read.item_codes, expected.item_codes)


def test_bad_rows_far_down_are_found(large, tmp_path):
    frame = large.astype({"time": object})
    frame["time"] = pd.to_datetime(frame["time"], unit="s").astype(str)
    frame.loc[250_000, "time"] = "yesterday"
    frame.to_csv(tmp_path / "large.csv", index=False)
    with pytest.raises(DataError, match=r"large\.csv:250002: column 'time' .*yesterday"):
        read_interactions(tmp_path / "large.csv")
    frame.loc[[10, 299_999], "time"] = "tomorrow"
    frame.to_csv(tmp_path / "large.csv", index=False)
    with pytest.raises(DataError, match=r"\(3 rows\)\n.*csv:12: .*\n.*:250002: .*\n.*:300001: "):
        read_interactions(tmp_path / "large.csv")


def test_only_the_columns_asked_for_are_read(save):
    source = open_file(save("r.csv", "a,b,c\nx,1,\ny,2,\n"), "items")
    with source.read(["b", "a"]) as columns:
        assert len(columns) == 2
        assert columns.values("a").tolist() == ["x", "y"]
        assert columns.ids("b", "item").tolist() == [1, 2]
        with pytest.raises(KeyError):
            columns.values("c")


def test_the_engine_stays_offline_and_leaves_no_files(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    path = tmp_path / "x"
    path.write_text("x")
    with database(path) as connection:
        settings = dict(connection.execute("select name, value from duckdb_settings()").fetchall())
        assert settings["autoinstall_known_extensions"] == "false"
        assert settings["autoload_known_extensions"] == "false"
        assert settings["temp_directory"].startswith(str(tmp_path))
        frame = pd.DataFrame({"a": [1]})  # a Python variable is no table
        with pytest.raises(Exception, match="frame does not exist"):
            connection.execute("select * from frame")
        assert len(frame) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_what_duckdb_cannot_read_is_an_error_of_the_file(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_text("x")
    with pytest.raises(DataError, match=r"x\.parquet cannot be read: "), database(path) as engine:
        engine.execute(f"select * from read_parquet('{path}')")


def test_an_interrupted_query_is_ctrl_c(tmp_path):
    path = tmp_path / "x"
    path.write_text("x")
    with pytest.raises(KeyboardInterrupt), database(path):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="other"), database(path):
        raise RuntimeError("other")


def test_messages_about_bad_lines():
    one = bad_lines("f", [("f:2", "too long", "abc\r\n")], 1)
    assert str(one) == "f:2: too long: 'abc'"
    same = bad_lines("f", [("f:2", "odd", "a"), ("f:3", "odd", "b")], 9)
    assert str(same) == "f: odd (9 rows)\n  f:2: 'a'\n  f:3: 'b'\n  and 7 more"
    lots = bad_lines("f", [("f:2", "odd", "a")], 9, counted=False)
    assert str(lots) == "f: odd (9 or more rows)\n  f:2: 'a'\n  and 8 more"
    both = bad_lines("f", [("f:2", "odd", "a"), ("f:3", "even", "b")], 2)
    assert str(both) == "f: 2 bad rows\n  f:2: odd: 'a'\n  f:3: even: 'b'"


def test_rows_are_located_in_ascending_order(save):
    source = open_file(save("r.csv", "a,b\n" + "".join(f"{n},0\n" for n in range(9))), "items")
    error = source.located(BadRowsError("odd", np.array([7, 1, 3])))
    assert [line.split(": ")[-1] for line in str(error).splitlines()[1:]] == [
        "'1,0'", "'3,0'", "'7,0'",
    ]  # fmt: skip
