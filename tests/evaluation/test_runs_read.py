from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from hybridrec.errors import DataError
from hybridrec.evaluation.runs import read_qrels, read_run, take_run

ROWS = [("u1", "a", 0.5), ("u1", "b", -2.25), ("u2", "c", 7.0)]
TREC = "u1 Q0 a 1 0.5 x\nu1\tQ0  b 2 -2.25\tx \n\n  u2 q0 c 1 7e0 x\n"


@pytest.fixture
def file(tmp_path):
    def file(text: str, name: str = "run.txt"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def rows_of(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.csv", "user,item,score\nu1,a,0.5\nu1,b,-2.25\nu2,c,7\n"),
        ("run.tsv", "score\titem_id\tuser_id\n0.5\ta\tu1\n-2.25\tb\tu1\n7\tc\tu2\n"),
        ("run.jsonl", '{"user":"u1","item":"a","score":0.5}\n'
                      '{"user":"u1","item":"b","score":-2.25}\n'
                      '{"user":"u2","item":"c","score":7}\n'),
        ("run.txt", TREC),
        ("run.txt", TREC.replace("\n", "\r\n")),
    ],
)  # fmt: skip
def test_formats(file, name, text):
    assert rows_of(read_run(file(text, name))) == ROWS


def test_parquet_and_gzip(tmp_path):
    pd.DataFrame(ROWS, columns=["user", "item", "score"]).to_parquet(tmp_path / "run.parquet")
    assert rows_of(read_run(tmp_path / "run.parquet")) == ROWS
    (tmp_path / "run.gz").write_bytes(gzip.compress(TREC.encode()))
    assert rows_of(read_run(tmp_path / "run.gz")) == ROWS


def test_rank_and_score_are_both_kept(file):
    frame = read_run(file("user,item,rank,score\n1,10,2,0.5\n1,20,1,0.4\n"))
    assert frame.columns.tolist() == ["user", "item", "score", "rank"]
    assert frame["item"].dtype == np.int64
    run = take_run(frame)
    assert run.keys.tolist() == [2, 1]


def test_trec_is_ordered_by_score_alone(file):
    frame = read_run(file("1 Q0 10 1 0.1 x\n1 Q0 20 1 0.9 x\n"))
    assert frame.columns.tolist() == ["user", "item", "score"]
    assert rows_of(frame) == [(1, 10, 0.1), (1, 20, 0.9)]


def test_minus_infinity_is_not_recommended(file):
    assert rows_of(read_run(file("1 Q0 10 1 0.1 x\n1 Q0 20 2 -inf x\n"))) == [(1, 10, 0.1)]


def test_a_run_that_needs_no_file():
    run = take_run(pd.DataFrame({"user": [], "item": [], "score": []}))
    assert len(run) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "user,item,score\n1,a,0.5\n1,b,high\n",
            r"run.txt:3: column 'score' holds no number: '1,b",
        ),
        ("user,item,score\n1,a,0.5\n1,b,\n", r"run.txt:3: column 'score' holds no number"),
        ("user,item,score\n1,a,0.5\n1,b,nan\n", r"run.txt:3: column 'score' holds no number"),
        ("user,item,score\n1,a,1\n2,a,2\n1,a,3\n", r"run.txt:4: the items of a user must be dist"),
        ("user,item,rank\n1,a,1\n1,b,2\n1,c,1\n", r"run.txt:4: the ranks of a user must be disti"),
        ("user,item,score\n1,,1\n", r"run.txt:2: item id missing"),
        ("user,item,score\n1,a\n", r"run.txt:2: too few fields, 3 expected"),
        ("user,item,points\n1,a,1\n", r"run.txt: no column 'rank' or 'score'"),
        ("user,thing,score\n1,a,1\n", r"run.txt: no column looks like the item"),
        ("1 Q0 a 1 0.5 x\n\n1 Q0 b 2 x\n", r"run.txt:3: 6 fields expected: '1 Q0 b 2 x'"),
        ("1 Q0 a 1 0.5 x\n1 Q0 b 2 high x\n", r"run.txt:2: column 'score' holds no number: '1 Q0"),
        ("1 Q0 a 1 0.5 x\n\n\n1 Q0 a 2 .4 x\n", r"run.txt:4: the items of a user must be distin"),
        ("1 Q0 a 1 .5 x\n" + "1 Q0\n" * 7, r"6 fields expected \(7 rows\)\n.*run.txt:2: '1 Q0'"),
        ("", "is empty"),
    ],
)
def test_bad_rows_are_named_by_line(file, text, message):
    with pytest.raises(DataError, match=message):
        read_run(file(text))


def test_qrels(file):
    frame = read_qrels(file("1 0 d10 1\n1 0 d20 0\n2\t0\td10\t3\n2 0 d30 -1\n"))
    assert rows_of(frame) == [(1, "d10", 1), (1, "d20", 0), (2, "d10", 3), (2, "d30", 0)]
    assert frame.columns.tolist() == ["user", "item", "weight"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 a 1\n1 0 a\n", "run.txt:2: 4 fields expected: '1 0 a'"),
        ("1 0 a 1\n1 0 b yes\n", "run.txt:2: column 'relevance' holds no number"),
        ("1 0 a 1\n1 0 b 1\n1 0 a 0\n", "run.txt:3: a pair is judged twice: '1 0 a 0'"),
    ],
)
def test_bad_qrels_are_named_by_line(file, text, message):
    with pytest.raises(DataError, match=message):
        read_qrels(file(text))
