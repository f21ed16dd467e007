from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridrec.cli.options import OutputOptions
from hybridrec.cli.output import check_output, console, open_output, resolve_format, staged_file
from hybridrec.errors import OutputError, ParameterError

FORMATS = ("table", "json", "csv", "parquet")
BLOCKS = (
    {
        "user": np.array([1, 1]),
        "item": np.array(["a", 'b,"c"'], dtype=object),
        "score": np.array([0.1, 2], dtype=np.float32),
    },
    {
        "user": np.array([2]),
        "item": np.array(["d\u00e9"], dtype=object),
        "score": np.array([3.5], dtype=np.float32),
    },
)
WHOLE = pd.DataFrame(
    {"user": [1, 1, 2], "item": ["a", 'b,"c"', "d\u00e9"], "score": [0.1, 2.0, 3.5]}
)


def written(path: Path, form: str) -> Path:
    with open_output(OutputOptions(None, path, False), form) as write:
        for block in BLOCKS:
            write(block)
    return path


def test_json_is_one_list_with_the_shortest_numbers(tmp_path):
    rows = json.loads(written(tmp_path / "x", "json").read_text(encoding="utf-8"))
    assert rows == WHOLE.to_dict("records")


def test_csv_has_one_header(tmp_path):
    pd.testing.assert_frame_equal(pd.read_csv(written(tmp_path / "x", "csv")), WHOLE)


def test_parquet_keeps_types_and_order(tmp_path):
    found = pd.read_parquet(written(tmp_path / "x", "parquet"))
    assert found.dtypes.astype(str).to_dict()["user"] == "int64"
    assert found["score"].dtype == np.float32
    assert found["item"].tolist() == WHOLE["item"].tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_many_parquet_blocks_keep_their_order(tmp_path):
    path = tmp_path / "x.parquet"
    with open_output(OutputOptions(None, path, False), "parquet") as write:
        for start in range(0, 300_000, 50_000):
            write({"n": np.arange(start, start + 50_000)})
    assert pd.read_parquet(path)["n"].tolist() == list(range(300_000))


def test_nothing_is_an_empty_list(capsys):
    with open_output(OutputOptions(None, None, False), "json"):
        pass
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_a_failure_leaves_the_old_file_whole(form, tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    out = OutputOptions(None, path, overwrite=True)

    def fail():
        with open_output(out, form) as write:
            write(BLOCKS[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with open_output(out, form) as write:
        write(BLOCKS[0])
    assert path.read_bytes() != b"old"


def test_outputs_that_cannot_be_written_are_refused(tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    with pytest.raises(OutputError, match=r"already exists.*--overwrite"):
        check_output(taken, overwrite=False)
    with pytest.raises(OutputError, match="is not a folder; make it first"):
        check_output(tmp_path / "no" / "x", overwrite=True)
    check_output(taken, overwrite=True)
    check_output(tmp_path / "free", overwrite=False)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="may not be written to"):
        check_output(tmp_path / "x", overwrite=False)


def test_a_full_disk_names_the_file(tmp_path):
    with (
        pytest.raises(OutputError, match=r"cannot write .*x\.csv: No space left on device"),
        staged_file(tmp_path / "x.csv", overwrite=False),
    ):
        raise OSError(28, "No space left on device")


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "x"

    def race():
        with staged_file(path, overwrite=False) as stage:
            stage.write_text("new")
            path.write_text("of somebody else")

    with pytest.raises(OutputError, match="already exists"):
        race()
    assert path.read_text() == "of somebody else"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("form", "output", "expected"),
    [
        (None, None, "table"),
        (None, "x.json", "json"),
        (None, "x.PARQUET", "parquet"),
        ("csv", "x.json", "csv"),
        ("json", None, "json"),
    ],
)
def test_the_format_follows_the_suffix_unless_it_is_given(form, output, expected):
    out = OutputOptions(form, None if output is None else Path(output), False)
    assert resolve_format(out, *FORMATS) == expected


@pytest.mark.parametrize(
    ("form", "output", "message"),
    [(None, "x.txt", "add --format"), ("parquet", None, "add -o FILE")],
)
def test_formats_that_make_no_sense_are_refused(form, output, message):
    out = OutputOptions(form, None if output is None else Path(output), False)
    with pytest.raises(ParameterError, match=message):
        resolve_format(out, *FORMATS)


def test_tables_are_plain_unless_on_a_terminal(capsys):
    console().print("[bold]a[/bold] :smile:")
    assert capsys.readouterr().out == "[bold]a[/bold] :smile:\n"
