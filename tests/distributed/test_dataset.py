"""A log in partitions becomes the same matrix, ids and report as on one machine."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.sparse import vstack

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.errors import DataError, ParameterError


def assert_same(found: hd.ShardedDataset, expected: hr.Interactions) -> None:
    assert found.users == expected.users
    assert found.items == expected.items
    for blocks, matrix in (
        (list(found.stream()), expected.matrix),
        (found.cluster.result(found.columns), expected.matrix.T.tocsr()),
    ):
        whole = vstack(blocks, format="csr")
        np.testing.assert_array_equal(whole.indptr, matrix.indptr)
        np.testing.assert_array_equal(whole.indices, matrix.indices)
        np.testing.assert_array_equal(whole.data, matrix.data)
    counts = expected.matrix.getnnz(axis=1), expected.matrix.getnnz(axis=0)
    np.testing.assert_array_equal(found.user_counts, counts[0])
    np.testing.assert_array_equal(found.item_counts, counts[1])
    assert found.weight == pytest.approx(float(expected.matrix.sum()))


@pytest.mark.parametrize(
    "cleaning",
    [
        {},
        {"duplicates": "sum", "min_weight": 3.0},
        {"min_weight": 2, "min_user_interactions": 11, "min_item_interactions": 8},
    ],
)
def test_as_a_local_reader_and_its_cleaning(cluster, frame, folder, cleaning):
    found = hd.read_sharded(cluster, folder, cleaning=cleaning)
    expected, report = hr.clean(hr.Interactions.from_frame(frame), **cleaning)
    assert_same(found, expected)
    assert found.report == report
    if len(cleaning) == 3:  # or the test says nothing
        assert all(report.dropped.values())
        assert report.users_after < report.users_before


def test_tables_bring_their_own_items(sharded, local):
    assert_same(sharded, local.interactions)
    assert len(sharded.items) == 130
    pd.testing.assert_frame_equal(sharded.described.item_table, local.item_table)
    assert "0 interactions" in repr(sharded.described)


def test_shards_do_not_depend_on_partitions(cluster, frame, folder, tmp_path):
    frame.to_parquet(tmp_path / "whole.parquet", row_group_size=700)
    one, five = (hd.read_sharded(cluster, path) for path in (tmp_path / "whole.parquet", folder))
    np.testing.assert_array_equal(one.user_starts, five.user_starts)
    for ours, theirs in zip(one.stream(), five.stream(), strict=True):
        assert (ours != theirs).nnz == 0


@pytest.mark.parametrize("direct", [1 << 14, 0])
def test_ids_in_many_buckets(cluster, frame, tmp_path, monkeypatch, direct):
    """Numbers and texts, and a partition without a row."""
    monkeypatch.setattr("hybridrec.distributed.ids.BUCKET", 50)
    monkeypatch.setattr("hybridrec.distributed.shuffle.DIRECT", direct)
    for at, rows in enumerate((frame[:0], frame[:10], frame[10:])):
        rows.to_parquet(tmp_path / f"{at}.parquet")
    found = hd.read_sharded(cluster, tmp_path)
    assert_same(found, hr.clean(hr.Interactions.from_frame(frame))[0])


def test_other_files_through_the_local_readers(cluster, frame, tmp_path):
    frame.to_csv(tmp_path / "events.csv", index=False)
    found = hd.read_sharded(cluster, tmp_path / "events.csv")
    assert_same(found, hr.clean(hr.Interactions.from_frame(frame))[0])


def test_columns_can_be_named_and_events_weighed(cluster, tmp_path):
    rows = pd.DataFrame({"who": ["a", "a", "b"], "what": [1, 2, 1], "event": ["see", "buy", "see"]})
    rows.to_parquet(tmp_path / "log.parquet")
    weights = {"see": 1, "buy": 5}
    found = hd.read_sharded(
        cluster, tmp_path / "log.parquet", user="who", item="what", event_weights=weights
    )
    whole = vstack(list(found.stream())).toarray()
    assert whole.tolist() == [[1, 5], [1, 0]]


def poisoned(folder, tmp_path, at, table):
    copied = tmp_path / "poisoned"
    shutil.copytree(folder, copied)
    path = copied / f"part-{at}.parquet"
    if isinstance(table, bytes):
        path.write_bytes(table)
    else:
        pq.write_table(table, path)
    return copied


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (b"PAR1 and then nothing", "cannot be read as Parquet"),
        ({"user": None}, "no column looks like the user"),
        ({"user": [1.0, float("nan")]}, "user ids must be integers or text"),
        ({"user": pa.array([1, None])}, "user ids must be integers or text"),
        ({"item": pa.array(["film 1", None])}, "item id missing"),
        ({"rating": [1.0, -2.0]}, "weights must be finite"),
        ({"item": [1, 2]}, "item ids are text in partition .*part-0.* and integers in"),
        ({"timestamp": None}, "timestamps are there in partition .*part-0.* and not there in"),
    ],
)
def test_a_poisoned_partition_is_named(cluster, folder, tmp_path, change, message):
    columns = {"user": [1, 2], "item": ["x", "y"], "rating": [1.0, 2.0], "timestamp": [1, 2]}
    if isinstance(change, dict):
        columns = {name: one for name, one in (columns | change).items() if one is not None}
        change = pa.table(columns)
    path = poisoned(folder, tmp_path, 3, change)
    with pytest.raises(DataError, match=message) as refused:
        hd.read_sharded(cluster, path)
    assert "part-3.parquet" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nothing_to_read(cluster, folder, tmp_path):
    with pytest.raises(DataError, match="there is no file or folder"):
        hd.read_sharded(cluster, tmp_path / "none")
    with pytest.raises(DataError, match="holds no Parquet file"):
        hd.read_sharded(cluster, tmp_path)
    with pytest.raises(DataError, match="cleaning leaves no interaction; rows dropped"):
        hd.read_sharded(cluster, folder, cleaning={"min_weight": 9})
    with pytest.raises(DataError, match="cannot be read"):
        hd.read_sharded(cluster, "nosuchprotocol://bucket/log")
    with pytest.raises(DataError, match="only Parquet is read from a URL"):
        hd.read_sharded(cluster, f"file://{__file__}")
    with pytest.raises(ParameterError, match="unknown option 'users'; did you mean 'user'"):
        hd.read_sharded(cluster, folder, users="x")
    with pytest.raises(ParameterError, match="duplicates must be one of"):
        hd.read_sharded(cluster, folder, cleaning={"duplicates": "none"})
    empty = pd.DataFrame({"user": np.zeros(0, int), "item": np.zeros(0, int)})
    empty.to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(DataError, match="no partition holds a row"):
        hd.read_sharded(cluster, tmp_path / "empty.parquet")


def test_hidden_files_are_no_partitions(cluster, frame, folder, tmp_path):
    copied = poisoned(folder, tmp_path, 9, frame_table(frame))
    (copied / "part-9.parquet").rename(copied / "_old.parquet")
    (copied / "year=2020").mkdir()
    (copied / "part-4.parquet").rename(copied / "year=2020" / "part-4.parquet")
    (copied / "notes.txt").write_text("not a part")
    found = hd.read_sharded(cluster, copied)
    assert found.report == hd.read_sharded(cluster, folder).report


def frame_table(frame):
    return pa.Table.from_pandas(frame)


def test_any_file_system(cluster, frame, tmp_path):
    """A URL of fsspec that every process can see: a file inside a zip archive."""
    frame.to_parquet(tmp_path / "part.parquet")
    shutil.make_archive(str(tmp_path / "log"), "zip", tmp_path, "part.parquet")
    found = hd.read_sharded(cluster, f"zip://part.parquet::{tmp_path}/log.zip")
    assert_same(found, hr.clean(hr.Interactions.from_frame(frame))[0])
