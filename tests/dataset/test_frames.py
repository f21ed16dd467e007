from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hybridrec.dataset.frames import (
    FrameSource,
    as_source,
    column_values,
    find_column,
    make_frame,
    open_frame,
    to_pandas,
)
from hybridrec.errors import DataError

TABLE = {"user": ["a", "b", "a"], "item": [3, 1, 2], "weight": [1.0, 0.5, 2.0]}
FRAMES = {
    "pandas": (lambda: pd.DataFrame(TABLE, index=[5, 6, 5]), "pandas"),
    "polars": (lambda: pl.DataFrame(TABLE), "polars"),
    "polars lazy": (lambda: pl.LazyFrame(TABLE), "polars"),
    "pyarrow": (lambda: pa.table(TABLE), "pyarrow"),
    "duckdb": (lambda: duckdb.from_arrow(pa.table(TABLE)), "pandas"),
}


@pytest.fixture(params=FRAMES)
def frame(request):
    make, backend = FRAMES[request.param]
    return make(), backend


def test_any_frame_opens(frame):
    data, backend = frame
    opened, found = open_frame(data)
    assert found == backend
    assert opened.columns == list(TABLE)
    for name, values in TABLE.items():
        assert column_values(opened, name).tolist() == values


def test_any_frame_becomes_a_new_pandas_frame(frame):
    data, _ = frame
    table = to_pandas(data)
    assert table.to_dict("list") == TABLE
    assert table.index.tolist() == [0, 1, 2]
    table["weight"] = 0.0  # the caller's frame is another
    assert to_pandas(data)["weight"].tolist() == TABLE["weight"]


def test_any_frame_is_a_source(frame):
    data, backend = frame
    source = as_source(data, "rows")
    assert as_source(source, "other") is source
    assert list(source.names) == list(TABLE)
    assert (source.where, source.backend) == ("rows", backend)
    with source.read(["user", "weight"]) as columns:
        assert len(columns) == 3
        ids, codes = columns.coded_ids("user", "user")
        assert ids.ids.tolist() == ["a", "b"]
        assert codes.tolist() == [0, 1, 0]
        assert columns.ids("user", "user").tolist() == TABLE["user"]
        assert columns.weights("weight").tolist() == TABLE["weight"]
        assert columns.times("weight").tolist() == TABLE["weight"]
        assert columns.values("user").tolist() == TABLE["user"]
        with pytest.raises(DataError, match="duplicate user ids 'a': rows 0, 2"):
            columns.ids("user", "user", distinct=True)


def test_of_a_lazy_frame_only_the_columns_read_are_computed():
    def fail(_series):
        raise AssertionError("computed")

    lazy = pl.LazyFrame(TABLE).with_columns(
        pl.col("weight").map_batches(fail, return_dtype=pl.Float64)
    )
    with FrameSource(lazy, "rows").read(["item"]) as columns:
        assert columns.values("item").tolist() == TABLE["item"]


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_results_are_frames_of_the_library_asked_for(backend):
    columns = {"a": np.array([1, 2]), "b": np.array(["x", None], dtype=object)}
    frame = make_frame(columns, backend)
    assert open_frame(frame)[1] == backend
    assert to_pandas(frame)["a"].tolist() == [1, 2]
    assert to_pandas(frame)["b"].isna().tolist() == [False, True]


@pytest.mark.parametrize("data", [[1, 2], {"user": [1]}, np.eye(2), "file.csv", None])
def test_what_is_no_frame(data):
    with pytest.raises(DataError, match=r"expected a data frame .* got "):
        open_frame(data)


@pytest.mark.parametrize(
    ("names", "role", "found"),
    [
        (["x", "userId"], "user", "userId"),
        (["x", "USER_ID"], "user", "USER_ID"),
        (["user_id", "user"], "user", "user"),  # the plainest spelling wins
        (["User", "user"], "user", "User"),  # then the first column
        (["movie id", "title"], "item", "movie id"),
        (["product-id"], "item", "product-id"),
        (["m", "plays"], "weight", "plays"),
        (["Movie_Title"], "title", "Movie_Title"),
    ],
)
def test_columns_are_recognised(names, role, found):
    assert find_column(names, role, None, where="rows") == found


def test_columns_that_are_not_there():
    with pytest.raises(DataError, match=r"rows: no column looks like the user \(columns: 'a'\)"):
        find_column(["a"], "user", None, where="rows")
    assert find_column(["a"], "user", None, where="rows", required=False) is None
    with pytest.raises(DataError, match="rows: no column 'usr' for the user; did you mean 'user'"):
        find_column(["user"], "user", "usr", where="rows", required=False)
