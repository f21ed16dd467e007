from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.evaluation.metrics import METRICS, PAIR_METRICS
from hybridrec.evaluation.protocols import published
from hybridrec.evaluation.protocols.published import published_rows, recognise

CONTENT = json.loads(published._FILE.read_text(encoding="utf-8"))
ALL = published_rows("kgcn-ctr") + published_rows("full-ranking")


def of_size(users: int, items: int, rows: int) -> Dataset:
    """Make labelled rows of so many users and items."""
    pair = np.arange(rows)
    frame = pd.DataFrame(
        {"user": pair % users, "item": (pair + pair // users) % items, "weight": pair % 2}
    )
    return Dataset.build(Interactions.from_frame(frame))


def value(rows, model: str, metric: str, of: str = "") -> float:
    found = [row for row in rows if (row.model, row.metric) == (model, metric) and of in row.source]
    assert len(found) == 1
    return found[0].value


def test_numbers_as_printed():
    music, book = published_rows("kgcn-ctr", "lastfm"), published_rows("kgcn-ctr", "book")
    assert value(music, "MCCLK", "auc") == 0.876
    assert value(music, "KGCN", "f1", "as printed in MCCLK") == 0.709
    assert value(book, "CKAN", "auc") == 0.742
    books = published_rows("full-ranking", "amazon-book")
    assert value(books, "KGAT", "recall", "KDD 2019, as printed in KGAT-pytorch") == 0.144
    assert value(books, "KGIN", "ndcg") == 0.0915
    assert {row.k for row in books} == {20}


def test_sources_are_named_in_full():
    music = published_rows("kgcn-ctr", "lastfm")
    sources = [row.source for row in music if row.model == "KGCN"]
    assert list(dict.fromkeys(sources)) == [
        "Wang et al., KGCN, WWW 2019, as printed in MCCLK, SIGIR 2022",
        "Wang et al., KGCN, WWW 2019",
    ]
    (readme,) = {row.source for row in ALL if row.model == "KG-Policy"}
    assert readme == "Wang et al., KG-Policy, WWW 2020, README"


def test_notes_tell_what_differs():
    notes = {
        (row.model, row.dataset): row.note.splitlines()
        for row in published_rows("kgcn-ctr")
        if "as printed in MCCLK" in row.source
    }
    printed, own = notes["RippleNet", "lastfm"]
    assert "8:2 into train and test" in printed
    assert "leaves out all rows of users without a positive" in own
    assert notes["BPRMF", "lastfm"] == [printed]
    assert ".753" in notes["CKAN", "book"][0]
    assert notes["CKAN", "book"][1] == printed


def test_rows_of_one_protocol_and_data_set():
    music, book = published_rows("kgcn-ctr", "lastfm"), published_rows("kgcn-ctr", "book")
    assert {row.dataset for row in music} == {"lastfm"}
    assert sorted([*music, *book], key=str) == sorted(published_rows("kgcn-ctr"), key=str)
    assert {row.protocol for row in ALL} == {"kgcn-ctr", "full-ranking"}
    assert published_rows("full-ranking", "lastfm") == ()
    assert published_rows("cold-items") == ()


def test_every_number_is_sound():
    keys = [(row.protocol, row.dataset, row.model, row.metric, row.k, row.source) for row in ALL]
    assert (
        len(set(keys))
        == len(keys)
        == sum(len(values) for table in CONTENT["tables"] for values in table["values"].values())
    )
    for row in ALL:
        assert 0 < row.value < 1, row
        assert row.dataset in CONTENT["datasets"], row
        assert row.metric in (PAIR_METRICS if row.k is None else METRICS), row
        assert row.note.strip() == row.note, row
        assert len(row.note) > 20, row


def test_every_source_is_described_and_used():
    sources, models = CONTENT["sources"], CONTENT["models"]
    assert set(models.values()) <= set(sources)
    printed = {table["source"] for table in CONTENT["tables"]}
    assert printed | set(models.values()) == set(sources)
    assert {model for table in CONTENT["tables"] for model in table["values"]} == set(models)
    for table in CONTENT["tables"]:
        assert set(table["notes"]) <= set(table["values"])
        assert table["protocol"] in sources[table["source"]]["code"]
    for source in sources.values():
        assert set(source) == {"authors", "name", "venue", "year", "where", "title", "code"}
        assert source["year"] is None or 2000 < source["year"] < 2030


@pytest.mark.parametrize(
    ("size", "name"),
    [
        ((1872, 3846, 42346), "lastfm"),
        ((17860, 14967, 139746), "book"),
        ((70679, 24915, 652514), "amazon-book"),
        ((1872, 3846, 42345), None),
        ((1871, 3846, 42346), None),
        ((1872, 3847, 42346), None),
    ],
)
def test_data_sets_are_known_by_their_size(size, name):
    data = of_size(*size)
    assert (len(data.users), len(data.items), len(data.interactions)) == size
    assert recognise(data) == name
