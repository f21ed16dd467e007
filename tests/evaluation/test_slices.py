from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import ParameterError
from hybridrec.evaluation import slices
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.slices import cut, slice_names
from hybridrec.evaluation.splits.split import Split

# Training pairs by item: a 4, b 4, c 2, d 1, e 1 of 12; f has none. User 5 has none.
TRAIN = [(1, "abcd"), (2, "abce"), (3, "ab"), (4, "ab")]
TEST = [(1, "f"), (2, "d"), (4, "c"), (5, "a")]


@pytest.fixture
def split() -> Split:
    rows = pd.DataFrame(
        [(user, item) for user, items in TRAIN + TEST for item in items], columns=["user", "item"]
    )
    items = pd.DataFrame(
        {
            "item": list("abcdef"),
            "title": [f"film {one}" for one in "abcdef"],
            "genres": ["war|drama", "drama", None, "war", "comedy", "drama|comedy"],
            "year": [1960, 1970, 1980, 1990, 2000, np.nan],
            "language": ["en", "en", "fr", "en", "fr", "en"],
        }
    )
    users = pd.DataFrame({"user": [1, 2, 3, 4, 5], "country": ["x", "y", "x", "y", "x"]})
    data = Dataset.build(Interactions.from_frame(rows), item_table=items, user_table=users)
    held_out = np.arange(len(rows)) >= 12
    train = data.with_interactions(data.interactions.take(~held_out))
    return Split("mine", {}, train, data.interactions.take(held_out))


def members(split, *names) -> dict[str, list]:
    parts, _ = cut(names, split)
    ids = {True: split.train.items.ids, False: split.train.users.ids}
    return {part.name: ids[part.of_items][part.members].tolist() for part in parts}


def test_popularity(split):
    """The third of the 12 pairs: a alone would do, b is as popular."""
    assert members(split, "items:popularity") == {
        "items:popularity=hot": ["a", "b"],
        "items:popularity=warm": ["c", "d", "e"],
        "items:popularity=cold": ["f"],
    }


def test_activity(split):
    assert members(split, "users:activity") == {
        "users:activity=hot": [1, 2],
        "users:activity=warm": [3, 4],
        "users:activity=new": [5],
    }


def test_an_item_counts_in_each_of_its_values(split):
    assert members(split, "items:genres") == {
        "items:genres=comedy": ["e", "f"],
        "items:genres=drama": ["a", "b", "f"],
        "items:genres=war": ["a", "d"],
    }


def test_categories_of_items_and_users(split):
    assert members(split, "items:language", "users:country") == {
        "items:language=en": ["a", "b", "d", "f"],
        "items:language=fr": ["c", "e"],
        "users:country=x": [1, 3, 5],
        "users:country=y": [2, 4],
    }


def test_numbers_are_cut_into_quarters(split):
    assert members(split, "items:year") == {
        "items:year=[-inf,1970)": ["a"],
        "items:year=[1970,1980)": ["b"],
        "items:year=[1980,1990)": ["c"],
        "items:year=[1990,inf)": ["d", "e"],
    }


def test_lists_as_they_come(split):
    lists = [["war", "drama"], [], ["drama"], None, ["war"], ["war"]]
    table = split.train.item_table.assign(genres=pd.Series(lists, dtype=object))
    other = Dataset.build(split.train.interactions, item_table=table.assign(item=list("abcdef")))
    moved = Split("mine", {}, other, split.test)
    assert members(moved, "items:genres") == {
        "items:genres=drama": ["a", "c"],
        "items:genres=war": ["a", "e", "f"],
    }


def test_names_of_a_dataset(split):
    assert slice_names(split.train) == [
        *("items:popularity", "users:activity"),
        *("items:title", "items:genres", "items:year", "items:language", "users:country"),
    ]
    bare = Dataset.build(split.train.interactions)
    assert slice_names(bare) == ["items:popularity", "users:activity"]


@pytest.mark.parametrize("name", ["items:genre", "item:genres", "genres", "users:genres"])
def test_unknown_names_suggest_the_nearest(split, name):
    with pytest.raises(ParameterError, match=f"unknown slice '{name}'.*did you mean '.*s:.*'"):
        cut([name], split)


def test_titles_are_no_slices(split):
    with pytest.raises(ParameterError, match="items cannot be sliced by 'title'"):
        cut(["items:title"], split)


def test_only_the_largest_of_many_parts(split, monkeypatch):
    monkeypatch.setattr(slices, "MOST_PARTS", 2)
    parts, notes = cut(["items:genres"], split)
    # test rows: comedy 1 (f), drama 2 (a, f), war 2 (a, d)
    assert [part.name for part in parts] == ["items:genres=drama", "items:genres=war"]
    assert notes == ("items:genres: the 2 of 3 parts with most test rows",)


def test_evaluation_on_slices(split, score_table):
    """Everyone's order: f, e, d, c, b, a, less what they have."""
    scores = np.tile(np.arange(6.0), (5, 1))
    found = evaluate(
        score_table(split.train, scores),
        split,
        metrics=["recall", "coverage"],
        k=2,
        slices=["items:popularity", "users:activity", "items:genres", "users:country"],
    )
    # lists: 1 [f, e], 2 [f, d], 3 [f, e], 4 [f, e], 5 [f, e]; user 3 is not tested
    values = {
        on: (part.users.tolist(), found.values("recall", 2, on).tolist())
        for on, part in found.slices.items()
    }
    assert values == {
        "all": ([1, 2, 4, 5], [1, 1, 0, 0]),
        "warm": ([2, 4, 5], [1, 0, 0]),
        "cold": ([1], [1]),
        "users:known": ([1, 2, 4], [1, 1, 0]),
        "items:popularity=hot": ([5], [0]),
        "items:popularity=warm": ([2, 4], [1, 0]),
        "items:popularity=cold": ([1], [1]),
        "users:activity=hot": ([1, 2], [1, 1]),
        "users:activity=warm": ([4], [0]),
        "users:activity=new": ([5], [0]),
        "items:genres=comedy": ([1], [1]),
        "items:genres=drama": ([1, 5], [1, 0]),
        "items:genres=war": ([2, 5], [1, 0]),
        "users:country=x": ([1, 5], [1, 0]),
        "users:country=y": ([2, 4], [1, 0]),
    }
    assert found.mean("coverage", 2, "users:activity=hot") == 3 / 6  # d, e, f of six
    assert found.mean("coverage", 2, "items:genres=war") == 1 / 2  # d of a, d


def test_parts_without_test_rows_are_left_out(split, score_table):
    found = evaluate(
        score_table(split.train, np.zeros((5, 6))), split, slices=["items:year"], metrics="recall"
    )
    years = [on for on in found.slices if "year" in on]
    assert years == [f"items:year={one}" for one in ("[-inf,1970)", "[1980,1990)", "[1990,inf)")]


def test_notes_of_slices_are_those_of_the_evaluation(split, score_table, monkeypatch):
    monkeypatch.setattr(slices, "MOST_PARTS", 1)
    table = score_table(split.train, np.arange(30.0).reshape(5, 6))
    found = evaluate(table, split, slices="items:genres", metrics="recall")
    assert found.notes == ("items:genres: the 1 of 3 parts with most test rows",)


def test_slices_leave_the_whole_as_it_is(split, score_table):
    table = score_table(split.train, np.random.default_rng(0).random((5, 6)))
    plain = evaluate(table, split)
    sliced = evaluate(table, split, slices=slice_names(split.train)[:2])
    for on in plain.slices:
        assert np.array_equal(plain.values("ndcg", 10, on), sliced.values("ndcg", 10, on))
