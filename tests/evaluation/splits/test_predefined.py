from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError
from hybridrec.evaluation.splits import predefined, read_predefined

FRAME = pd.DataFrame(
    {"user": [1, 1, 1, 2, 2], "item": list("abcab"), "fold": ["tr", "te", "va", "tr", "te"]}
)


def dataset_of(frame: pd.DataFrame, column: str = "fold") -> Dataset:
    return Dataset.build(Interactions.from_frame(frame, context=[column]))


def test_a_column_names_the_part(pairs_of):
    split = predefined(dataset_of(FRAME), column="fold", train="tr", test="te", validation="va")
    assert pairs_of(split.train.interactions) == {(1, "a"), (2, "a")}
    assert pairs_of(split.test) == {(1, "b"), (2, "b")}
    assert pairs_of(split.validation) == {(1, "c")}
    assert split.name == "predefined"


def test_parts_may_be_numbers(pairs_of):
    frame = FRAME.assign(fold=[0, 1, 0, 0, 1])
    split = predefined(dataset_of(frame), column="fold", train="0", test="1")
    assert pairs_of(split.test) == {(1, "b"), (2, "b")}
    assert split.validation is None


def test_a_folder_of_kgat(tmp_path, pairs_of):
    (tmp_path / "train.txt").write_text("0 5 6\n1 5\n")
    (tmp_path / "test.txt").write_text("0 7\n1 6 8\n")
    split = predefined(hybridrec.read_dataset(tmp_path))
    assert pairs_of(split.train.interactions) == {(0, 5), (0, 6), (1, 5)}
    assert pairs_of(split.test) == {(0, 7), (1, 6), (1, 8)}


def test_files_of_parts(tmp_path, pairs_of):
    (tmp_path / "train.csv").write_text("user,item,stars,time\n1,10,5,100\n2,10,3,200\n")
    (tmp_path / "test.jsonl").write_text('{"user": 3, "item": 30, "stars": 4, "time": 300}\n')
    (tmp_path / "valid.tsv").write_text("user\titem\tstars\ttime\n1\t20\t2.5\t250\n")
    (tmp_path / "items.csv").write_text("item,title\n10,Ten\n40,Forty\n")
    split = read_predefined(
        tmp_path / "train.csv",
        tmp_path / "test.jsonl",
        validation=tmp_path / "valid.tsv",
        items=tmp_path / "items.csv",
        weight="stars",
    )
    assert split.train.users.ids.tolist() == [1, 2, 3]
    assert split.train.items.ids.tolist() == [10, 20, 30, 40]
    assert pairs_of(split.test) == {(3, 30)}
    assert pairs_of(split.validation) == {(1, 20)}
    assert split.validation.weights.tolist() == [2.5]
    assert split.test.timestamps.tolist() == [300]
    assert split.train.titles.tolist()[::3] == ["Ten", "Forty"]


def test_frames_of_parts(pairs_of):
    train = pl.DataFrame({"user": ["u", "v"], "item": [1, 2]})
    test = pl.DataFrame({"user": ["u"], "item": ["x3"]})  # its ids are text, so all are
    split = read_predefined(train, test)
    assert split.train.items.ids.tolist() == ["1", "2", "x3"]
    assert pairs_of(split.train.interactions) == {("u", "1"), ("v", "2")}
    assert pairs_of(split.test) == {("u", "x3")}
    assert split.test.backend == "polars"


def test_refusals(tmp_path):
    data = dataset_of(FRAME)
    with pytest.raises(DataError, match=r"no context column 'part' \(there are 'fold'\)"):
        predefined(data)
    with pytest.raises(DataError, match="holds 'te', 'tr', 'va', which is none of"):
        predefined(data, column="fold")
    with pytest.raises(DataError, match="nothing is held out"):
        predefined(dataset_of(FRAME[:2]), column="fold", train="tr", validation="te")
    twice = pd.concat([FRAME, FRAME.head(1).assign(fold="te")])
    with pytest.raises(DataError, match=r"both in train and in test: '\(1, a\)'"):
        predefined(dataset_of(twice), column="fold", train="tr", test="te", validation="va")
    (tmp_path / "test.csv").write_text("user,item,label\n1,a,1\n1,b,high\n")
    with pytest.raises(DataError, match=r"test\.csv:3: .*'label'"):
        read_predefined(FRAME, tmp_path / "test.csv")
    with pytest.raises(DataError, match="only train have timestamps"):
        read_predefined(FRAME.assign(timestamp=1e9), FRAME)
