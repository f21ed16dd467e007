"""Splits to folders and back, in both forms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ModelFolderError, OutputError
from hybridrec.evaluation.splits import SPLITS, Split, cold_users, export_split, load_split
from hybridrec.models.popularity import Popularity


def save(split: Split, path: Path, **options: bool) -> None:
    split.save(path, **options)


FORMS = pytest.mark.parametrize("write", [save, export_split])


def known(dataset: Dataset) -> Dataset:
    """Add knowledge of two sources, an item table and a user table."""
    items = dataset.items.ids[:10]
    facts = KnowledgeGraph.from_triples(
        [f"film {one}" for one in items],
        ["genre", "award"] * 5,
        ["x", "y", "z", "x", "y"] * 2,
        link=(items, [f"film {one}" for one in items]),
        after_release=["award"],
        name="facts",
    )
    more = KnowledgeGraph.from_triples(["x"], ["is"], ["y"], name="more")
    table = pd.DataFrame(
        {
            "item": dataset.items.ids,
            "title": [f"Film, {one}" for one in dataset.items.ids],
            "year": [None, *range(1990, 1989 + len(dataset.items))],
            "tags": [["a", "b|c"], [], *[["d"]] * (len(dataset.items) - 2)],
        }
    )
    users = pd.DataFrame({"user": dataset.users.ids, "age": np.arange(len(dataset.users))})
    graph = facts.merge(more).without_relations(["is"])  # entities and relations stay known
    return Dataset.build(
        dataset.interactions, graph, item_table=table, user_table=users, name="known"
    )


@FORMS
@pytest.mark.parametrize("name", SPLITS)
def test_a_split_comes_back_as_it_was(tmp_path, random_dataset, name, write):
    split = SPLITS[name](known(random_dataset(seed=2)))
    write(split, tmp_path / "split")
    back = load_split(tmp_path / "split")
    assert back.fingerprint == split.fingerprint
    assert (back.name, dict(back.params)) == (split.name, dict(split.params))
    assert (back.skipped_users, back.dropped_rows) == (split.skipped_users, split.dropped_rows)
    assert list(back.parts) == list(split.parts)
    for part, rows in split.parts.items():
        found = back.parts[part]
        for column in ("user_codes", "item_codes", "weights", "timestamps"):
            one, other = getattr(found, column), getattr(rows, column)
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


@FORMS
def test_knowledge_and_tables_come_back(tmp_path, random_dataset, write):
    dataset = known(random_dataset())
    write(SPLITS["cold-items"](dataset), tmp_path / "split")
    back = load_split(tmp_path / "split").train
    assert back.name == "known"
    graph, found = dataset.knowledge, back.knowledge
    assert found.entities == graph.entities
    assert found.relations == graph.relations
    for column in ("head", "relation", "tail", "source"):
        one, other = getattr(found, column), getattr(graph, column)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert (found.after_release, found.sources) == ({"award"}, ("facts", "more"))
    np.testing.assert_array_equal(back.item_entities, dataset.item_entities)
    assert back.titles.tolist() == dataset.titles.tolist()
    pd.testing.assert_series_equal(back.item_table["year"], dataset.item_table["year"])
    assert back.item_table["tags"].tolist() == dataset.item_table["tags"].tolist()
    assert back.user_table["age"].tolist() == dataset.user_table["age"].tolist()


@FORMS
@pytest.mark.parametrize("kind", ["numbers", "texts", "texts of numbers"])
def test_ids_keep_their_type(tmp_path, write, kind):
    ids = {
        "numbers": [3, -1, 10],
        "texts": ["a,b", 'say "x"', " é 漢\t;'|"],
        "texts of numbers": ["3", "-1", "007"],
    }[kind]
    frame = pd.DataFrame({"user": ids * 2, "item": [*ids, ids[1], ids[2], ids[0]]})
    rows = Interactions.from_frame(frame.assign(weight=[0.1, 1e-7, 16777217, 3, 2.5, 1 / 3]))
    split = Split("mine", {"by": "hand"}, Dataset.build(rows.take([0, 1, 2])), rows.take([3, 4, 5]))
    write(split, tmp_path / "split")
    back = load_split(tmp_path / "split")
    assert back.fingerprint == split.fingerprint
    assert back.train.items.ids.tolist() == rows.items.ids.tolist()


@FORMS
def test_empty_parts_come_back(tmp_path, random_dataset, write):
    split = cold_users(random_dataset(), support=0)
    assert len(split.support) == 0
    write(split, tmp_path / "split")
    assert load_split(tmp_path / "split").fingerprint == split.fingerprint
    everybody = Split("mine", {}, split.train.with_interactions(split.support), split.test)
    write(everybody, tmp_path / "other")
    assert load_split(tmp_path / "other").fingerprint == everybody.fingerprint


@FORMS
def test_a_table_without_columns_comes_back(tmp_path, random_dataset, write):
    dataset = random_dataset()
    assert dataset.item_table.shape == (len(dataset.items), 0)
    write(SPLITS["random"](dataset), tmp_path / "split")
    assert load_split(tmp_path / "split").train.item_table.shape == dataset.item_table.shape


@FORMS
def test_what_stands_there_is_safe(tmp_path, random_dataset, write):
    split = SPLITS["random"](random_dataset())
    other = SPLITS["cold-items"](random_dataset())
    write(split, tmp_path / "split")
    with pytest.raises(OutputError, match="already exists"):
        write(other, tmp_path / "split")
    assert load_split(tmp_path / "split").name == "random"
    write(other, tmp_path / "split", overwrite=True)
    assert load_split(tmp_path / "split").name == "cold-items"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("x")
    with pytest.raises(OutputError, match="not written by hybridrec"):
        write(split, tmp_path / "mine", overwrite=True)
    with pytest.raises(OutputError, match="is not a folder; make it first"):
        write(split, tmp_path / "none" / "split")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "split"]


@FORMS
def test_an_altered_folder_is_refused(tmp_path, random_dataset, write):
    write(SPLITS["random"](random_dataset()), tmp_path / "split")
    for file in sorted((tmp_path / "split").rglob("*.*")):
        content = file.read_bytes()
        file.write_bytes(content.replace(content[-2:-1], b"\x07"))
        with pytest.raises(ModelFolderError):
            load_split(tmp_path / "split")
        file.write_bytes(content)
    load_split(tmp_path / "split")


@FORMS
def test_the_fingerprint_is_checked(tmp_path, random_dataset, write, monkeypatch):
    split = SPLITS["random"](random_dataset())
    monkeypatch.setitem(split.__dict__, "fingerprint", "0" * 64)
    write(split, tmp_path / "split")
    with pytest.raises(ModelFolderError, match="not 0000"):
        load_split(tmp_path / "split")


def test_what_is_no_split_is_refused(tmp_path, random_dataset):
    Popularity().fit(random_dataset()).save(tmp_path / "model")
    with pytest.raises(ModelFolderError, match="holds no split"):
        load_split(tmp_path / "model")
    with pytest.raises(ModelFolderError, match="does not exist"):
        load_split(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelFolderError, match=r"has no manifest\.json"):
        load_split(tmp_path / "empty")


def test_params_must_be_json(tmp_path, random_dataset):
    split = replace(SPLITS["random"](random_dataset()), params={"x": {1, 2}})
    with pytest.raises(ValueError, match="JSON"):
        split.save(tmp_path / "split")
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_tells_what_it_is(tmp_path, random_dataset):
    split = SPLITS["random"](random_dataset(), random_state=3)
    split.save(tmp_path / "split")
    manifest = json.loads((tmp_path / "split" / "manifest.json").read_text())
    assert manifest["split"] == "random"
    assert manifest["params"]["random_state"] == 3
    assert manifest["fingerprint"] == split.fingerprint
