from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ModelFolderError
from hybridrec.evaluation.splits import Split, cold_items, export_split, load_split, read_predefined


@pytest.fixture
def split() -> Split:
    rows = Interactions.from_frame(
        pd.DataFrame(
            {
                "user": ["u", "u", "v", "v"],
                "item": [1, 2, 1, 3],
                "weight": [1, 2, 0.5, 1],
                "timestamp": [1e9, 1e9 + 1, 1e9 + 2, 1e9 + 0.25],
            }
        )
    )
    graph = KnowledgeGraph.from_triples(
        ["e1", "e2"], ["is", "is"], ["x", "x"], link=([1, 9], ["e1", "e2"])
    )
    data = Dataset.build(rows, graph)
    return Split(
        "mine",
        {},
        data.with_interactions(data.interactions.take([0, 2])),
        data.interactions.take([1]),
        candidates=pd.Series(data.items.ids).isin([2, 9]).to_numpy(),
        validation=data.interactions.take([3]),
    )


def test_files_are_plain_text(tmp_path, split):
    export_split(split, tmp_path / "out")
    texts = {path.name: path.read_text() for path in (tmp_path / "out").glob("*.csv")}
    assert texts == {
        "train.csv": "user,item,weight,timestamp\nu,1,1.0,1000000000\nv,1,0.5,1000000002\n",
        "test.csv": "user,item,weight,timestamp\nu,2,2,1000000001\n",
        "validation.csv": "user,item,weight,timestamp\nv,3,1,1000000000.25\n",
        "test_users.csv": "user\nu\n",
        "candidates.csv": "item\n2\n9\n",
        "users.csv": "user\nu\nv\n",
        "items.csv": "item\n1\n2\n3\n9\n",
        "triples.csv": "head,relation,tail,source\ne1,is,x,0\ne2,is,x,0\n",
        "link.csv": "item,entity\n1,e1\n9,e2\n",
        "entities.csv": "entity\ne1\ne2\nx\n",
        "relations.csv": "relation\nis\n",
    }
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["fingerprint"] == split.fingerprint
    assert manifest["rows"]["train"] == 2
    assert set(manifest["files"]) == set(texts)
    assert load_split(tmp_path / "out").fingerprint == split.fingerprint


def test_the_test_can_be_kept_back(tmp_path, split):
    export_split(split, tmp_path / "out", test=False)
    assert not (tmp_path / "out" / "test.csv").exists()
    assert (tmp_path / "out" / "test_users.csv").read_text() == "user\nu\n"
    for path in (tmp_path / "out").rglob("*"):
        assert "u,2" not in path.read_text()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["fingerprint"] == split.fingerprint
    with pytest.raises(ModelFolderError, match="exported without its test"):
        load_split(tmp_path / "out")


def test_the_files_are_a_predefined_split(tmp_path, random_dataset, pairs_of):
    split = cold_items(random_dataset())
    export_split(split, tmp_path / "out")
    again = read_predefined(
        tmp_path / "out" / "train.csv",
        tmp_path / "out" / "test.csv",
        items=tmp_path / "out" / "items.csv",
    )
    assert pairs_of(again.test) == pairs_of(split.test)
    assert pairs_of(again.train.interactions) == pairs_of(split.train.interactions)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=6)


@settings(max_examples=15, deadline=None)
@given(
    ids=st.lists(TEXTS, min_size=2, max_size=6, unique=True),
    weights=st.lists(st.floats(2**-60, 2**100, width=32), min_size=2, max_size=2),
    times=st.lists(st.floats(-1e10, 9e10), min_size=2, max_size=2),
)
@example(ids=["a", "b"], weights=[1.0, 1.0], times=[0.0, -0.0])
def test_any_text_and_number_comes_back(tmp_path_factory, ids, weights, times):
    frame = pd.DataFrame({"user": ids[:2], "item": ids[-2:], "weight": weights})
    rows = Interactions.from_frame(frame.assign(timestamp=times))
    split = Split("mine", {}, Dataset.build(rows.take([0])), rows.take([1]))
    path = tmp_path_factory.mktemp("export") / "out"
    export_split(split, path)
    assert load_split(path).fingerprint == split.fingerprint


@pytest.mark.parametrize("bad", ["", "a\nb", "a\rb"])
def test_ids_that_csv_cannot_hold_are_refused(tmp_path, bad):
    rows = Interactions.from_frame(pd.DataFrame({"user": ["u", bad], "item": ["a", "b"]}))
    split = Split("mine", {}, Dataset.build(rows.take([0])), rows.take([1]))
    with pytest.raises(DataError, match="users cannot be written as CSV"):
        export_split(split, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    split.save(tmp_path / "saved")
    assert load_split(tmp_path / "saved").fingerprint == split.fingerprint
