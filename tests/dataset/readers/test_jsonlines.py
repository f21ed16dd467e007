from __future__ import annotations

import json

import pytest

from hybridrec.dataset.readers import read_interactions, read_items
from hybridrec.errors import DataError


def lines(*records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize("name", ["r.jsonl", "r.json", "r.jsonl.gz", "r.txt"])
def test_types_are_those_of_json(save, name):
    content = lines(
        {"user": 10, "item": "7", "rating": 1.5, "ts": "2020-01-01", "new": True},
        {"user": 9, "item": "x", "rating": 2, "ts": "2020-01-02", "extra": "e", "new": False},
    )
    read = read_interactions(save(name, content), context=["extra", "new"])
    assert read.users.ids.tolist() == [9, 10]
    assert read.items.ids.tolist() == ["7", "x"]
    assert read.weights.tolist() == [1.5, 2]
    assert read.timestamps.tolist() == [1577836800, 1577923200]
    assert read.context["extra"].tolist() == [None, "e"]
    assert read.context["new"].tolist() == [True, False]


def test_text_that_looks_like_a_number_stays_text(save):
    read = read_interactions(save("r.jsonl", lines({"user": "7", "item": "007"})))
    assert read.users.ids.tolist() == ["7"]
    assert read.items.ids.tolist() == ["007"]


def test_numbers_among_texts_become_text(save):
    content = lines({"user": 7, "item": 1}, {"user": "a", "item": 2.0})
    read = read_interactions(save("r.jsonl", content))
    assert read.users.ids.tolist() == ["7", "a"]
    assert read.items.ids.tolist() == [1, 2]


def test_lists_in_a_table(save):
    content = lines({"item": 1, "genre": ["a", 'b"']}, {"item": 2, "genre": None, "tags": []})
    table = read_items(save("items.jsonl", content))
    assert table["genre"].tolist() == [["a", 'b"'], None]
    assert table["tags"].tolist() == [None, []]


def test_empty_lines_are_skipped_and_counted(save):
    content = lines({"user": 1, "item": 2}) + "\n\n" + lines({"user": 1})
    with pytest.raises(DataError, match=r"r\.jsonl:4: item id missing: '{\"user\": 1}'"):
        read_interactions(save("r.jsonl", content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"user": 1, "item": 2}\n{"user": 1,\n', r"r\.jsonl:2: not a JSON object on one line"),
        ('{"user": 1, "item": 2}\n[1, 2]\n', r"r\.jsonl:2: not a JSON object .*: '\[1, 2\]'"),
        ('{\n"user": 1,\n"item": 2}\n', r"not a JSON object on one line \(3 rows\)"),
        ("{}\n", "no object has a key"),
        ('[{"user": 1, "item": 2}]\n', "is a JSON array; write one object a line"),
        ('{"user": 1}\n', "no column looks like the item"),
        ('{"user": null, "item": 2}\n', r"r\.jsonl:1: user id missing"),
        ('{"user": 1, "item": 2, "rating": "x"}\n', r"r\.jsonl:1: .*holds no number"),
        ('{"user": 1, "item": 2, "rating": NaN}\n', r"r\.jsonl:1: .*must be finite"),
        ('{"user": 1, "item": 2, "rating": -1}\n', r"r\.jsonl:1: .*at least 0"),
        ('{"user": [1], "item": 2}\n', r"user ids must be all integers or all text, got mixed"),
    ],
)
def test_bad_lines_are_named(save, content, message):
    with pytest.raises(DataError, match=message):
        read_interactions(save("r.jsonl", content))


def test_keys_that_sql_would_trip_over(save):
    read = read_interactions(
        save("r.jsonl", lines({'u\'s "id"': 1, "select": "x"})), user='u\'s "id"', item="select"
    )
    assert read.users.ids.tolist() == [1]
    assert read.items.ids.tolist() == ["x"]
