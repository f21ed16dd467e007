from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, OutputError, ParameterError
from hybridrec.evaluation.runs import read_qrels, read_run, write_qrels, write_run
from hybridrec.evaluation.splits import labelled_pairs

FRAME = pd.DataFrame(
    {
        "user": ["v", "u", "u"],
        "item": [30, 20, 10],
        "score": np.array([0.1, 1 / 3, 0.5], dtype=np.float32),
    }
)
TABLES = (".csv", ".tsv", ".parquet", ".jsonl")


@pytest.mark.parametrize("suffix", TABLES)
@pytest.mark.parametrize("order", ["score", "rank", "both"])
def test_tables_keep_rows_and_columns(tmp_path, suffix, order):
    frame = FRAME.assign(rank=[1, 2, 1])
    frame = frame if order == "both" else frame[["user", "item", order]]
    write_run(frame, tmp_path / f"run{suffix}")
    back = read_run(tmp_path / f"run{suffix}")
    assert back.columns.tolist() == frame.columns.tolist()
    for column in frame.columns:
        assert back[column].astype(frame[column].dtype).tolist() == frame[column].tolist()


def test_files_are_plain(tmp_path):
    write_run(FRAME, tmp_path / "run.csv")
    assert (tmp_path / "run.csv").read_text().splitlines()[:2] == ["user,item,score", "v,30,0.1"]
    write_run(FRAME, tmp_path / "run.jsonl")
    first, *_ = (tmp_path / "run.jsonl").read_text().splitlines()
    assert json.loads(first) == {"user": "v", "item": 30, "score": 0.1}


@pytest.mark.parametrize("suffix", [".run", ".trec"])
def test_trec_has_users_in_order_and_ranks_from_1(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    write_run(FRAME, path, tag="als")
    assert path.read_text() == ("u Q0 10 1 0.5 als\nu Q0 20 2 0.33333334 als\nv Q0 30 1 0.1 als\n")
    assert sorted(read_run(path)["item"]) == [10, 20, 30]


def test_ranks_become_scores_where_they_decide(tmp_path):
    frame = FRAME.assign(rank=[4, 1, 2])  # against the scores
    write_run(frame, tmp_path / "mine.run")
    assert (tmp_path / "mine.run").read_text() == (
        "u Q0 20 1 -1.0 hybridrec\nu Q0 10 2 -2.0 hybridrec\nv Q0 30 1 -4.0 hybridrec\n"
    )


def test_equal_scores_follow_the_hash_of_the_item(tmp_path):
    items = list(range(20))
    write_run(pd.DataFrame({"user": 1, "item": items, "score": 1.0}), tmp_path / "mine.run")
    order = [int(line.split()[2]) for line in (tmp_path / "mine.run").read_text().splitlines()]
    assert order == np.argsort(IdMap(items).tie_order).tolist()
    assert order != items


@settings(max_examples=30, deadline=None)
@given(
    scores=st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 5)),
        st.one_of(st.floats(-1e300, 1e300), st.just(-np.inf)),
        min_size=1,
    ),
    suffix=st.sampled_from([*TABLES, ".run"]),
)
def test_any_score_comes_back(tmp_path_factory, scores, suffix):
    (users, items), values = zip(*scores, strict=True), list(scores.values())
    path = tmp_path_factory.mktemp("runs") / f"run{suffix}"
    write_run(pd.DataFrame({"user": users, "item": items, "score": values}), path)
    kept = {pair: score for pair, score in scores.items() if score > -np.inf}
    if not kept:
        return
    back = read_run(path)
    found = zip(zip(back["user"], back["item"], strict=True), back["score"], strict=True)
    assert dict(found) == kept


def test_any_frame_or_file_can_be_written(tmp_path):
    frame = pl.DataFrame({"user": [1], "item": [2], "rank": [1]})
    write_run(frame, tmp_path / "one.csv")
    write_run(tmp_path / "one.csv", tmp_path / "two.run")
    assert (tmp_path / "two.run").read_text() == "1 Q0 2 1 -1.0 hybridrec\n"


def test_qrels_are_the_test(tmp_path, random_dataset):
    split = labelled_pairs(random_dataset())
    write_qrels(split, tmp_path / "test.qrels")
    back = read_qrels(tmp_path / "test.qrels")
    pairs = split.test_pairs
    assert back["user"].tolist() == split.train.users.ids[pairs.users].tolist()
    assert back["item"].tolist() == split.train.items.ids[pairs.items].tolist()
    assert back["weight"].tolist() == pairs.labels.astype(int).tolist()


def test_refusals(tmp_path):
    with pytest.raises(ParameterError, match=r"format of .*run\.xls \(suffixes are \.csv"):
        write_run(FRAME, tmp_path / "run.xls")
    with pytest.raises(ParameterError, match=r"did you mean '\.jsonl'"):
        write_run(FRAME, tmp_path / "run.json")
    with pytest.raises(ParameterError, match="tag must be one word"):
        write_run(FRAME, tmp_path / "mine.run", tag="my model")
    frame = pd.DataFrame({"user": [1, 1], "item": ["a", "b c"], "score": [1, 2]})
    with pytest.raises(DataError, match=r"item ids with blanks .* 'b c'"):
        write_run(frame, tmp_path / "mine.run")
    with pytest.raises(DataError, match="distinct"):
        write_run(pd.concat([FRAME, FRAME]), tmp_path / "run.csv")
    with pytest.raises(OutputError, match="cannot write"):
        write_run(FRAME, tmp_path / "none" / "run.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_stands_there_is_safe(tmp_path):
    path = tmp_path / "run.csv"
    write_run(FRAME, path)
    with pytest.raises(OutputError, match="already exists"):
        write_run(FRAME[:1], path)
    assert len(read_run(path)) == 3
    write_run(FRAME[:1], path, overwrite=True)
    assert len(read_run(path)) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["run.csv"]


def test_blanks_in_qrels_are_refused(tmp_path):
    data = Dataset.build(
        pd.DataFrame({"user": ["a b"] * 9, "item": range(9), "label": [0, 1, 1] * 3})
    )
    with pytest.raises(DataError, match="user ids with blanks"):
        write_qrels(labelled_pairs(data), tmp_path / "test.qrels")
