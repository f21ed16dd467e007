from __future__ import annotations

import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.groups import group_by, grouping


def groups(split, name) -> dict[str, list]:
    (found,) = group_by([name], split)
    ids = split.train.items.ids if found.of_items else split.train.users.ids
    return {label: ids[found.members[:, at]].tolist() for at, label in enumerate(found.labels)}


def test_activity_in_quarters_that_keep_equals_together(split):
    assert groups(split, "users:activity") == {
        "least active": [3, 4],
        "more active": [1, 2],
        "new": [5],
    }


def test_popularity_in_thirds_of_the_pairs(split):
    """Users of a and b are 8 of 12 pairs: both begin in the first third."""
    assert groups(split, "items:popularity") == {
        "head": ["a", "b"],
        "tail": ["c", "d", "e"],
        "cold": ["f"],
    }


def test_everybody_is_in_a_group(split):
    assert groups(split, "users:country") == {"x": [1, 3], "y": [2, 4], "unknown": [5]}
    assert groups(split, "items:year")["unknown"] == ["f"]
    assert groups(split, "items:genres") == {
        "comedy": ["e", "f"],
        "drama": ["a", "b", "f"],
        "war": ["a", "d"],
        "unknown": ["c"],
    }


def test_who_has_several_values_counts_in_parts(split):
    (found,) = group_by(["items:genres"], split)
    assert found.shares.tolist() == [
        [0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0]
    ]  # fmt: skip


def test_a_value_called_unknown_is_joined_by_those_without(split):
    split.train.user_table["country"] = ["x", "unknown", "x", "unknown", None]
    assert groups(split, "users:country") == {"unknown": [2, 4, 5], "x": [1, 3]}


def test_of_many_values_those_with_most_test_rows_stay(split, monkeypatch):
    monkeypatch.setattr(grouping, "MOST_PARTS", 2)
    assert groups(split, "items:genres") == {
        "drama": ["a", "b", "f"],
        "war": ["a", "d"],
        "others": ["e", "f"],
        "unknown": ["c"],
    }


def test_names_are_checked(split):
    with pytest.raises(ParameterError, match=r"unknown grouping 'items:genre'.*items:genres"):
        group_by(["items:genre"], split)
    with pytest.raises(ParameterError, match="at least one grouping"):
        group_by([], split)
