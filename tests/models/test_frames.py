"""Histories in and lists out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, UnknownIdError
from hybridrec.models.frames import (
    FOLD_IN,
    MODEL,
    POPULAR,
    Lists,
    distinct_ids,
    history_rows,
    ranked_frame,
    source_names,
)

ITEMS = IdMap(["x", "y", "z"], "item")
HISTORY = pd.DataFrame({"user": list("babb"), "item": list("zxzy"), "weight": [1.0, 2.0, 3.0, 0.0]})


class TestHistoryRows:
    def test_users_of_the_history(self):
        ids, rows = history_rows(HISTORY, None, ITEMS, "raise")
        assert ids.tolist() == ["a", "b"]
        assert rows.toarray().tolist() == [[2, 0, 0], [0, 0, 4]]
        assert (rows.dtype, rows.nnz) == (np.float32, 2)

    def test_users_asked_for(self):
        ids, rows = history_rows(HISTORY, ["q", "b", "q"], ITEMS, "raise")
        assert ids.tolist() == ["q", "b"]
        assert rows.toarray().tolist() == [[0, 0, 0], [0, 0, 4]]

    def test_unknown_items(self):
        strange = HISTORY.assign(item=list("zx?y"))
        with pytest.raises(UnknownIdError, match=r"unknown item id '[?]'"):
            history_rows(strange, None, ITEMS, "raise")
        _, rows = history_rows(strange, None, ITEMS, "skip")
        assert rows.toarray().tolist() == [[2, 0, 0], [0, 0, 1]]

    def test_ids_of_different_types(self):
        with pytest.raises(DataError, match=r"by ids like 1, 2, the history has ids like 'a', 'b'"):
            history_rows(HISTORY, [1, 2], ITEMS, "raise")

    @pytest.mark.parametrize("users", [None, [], ["a"], [1]])
    def test_empty_history(self, users):
        ids, rows = history_rows(HISTORY.iloc[:0], users, ITEMS, "raise")
        assert rows.shape == (len(ids), 3)
        assert rows.nnz == 0

    def test_nobody_asked_for(self):
        assert history_rows(HISTORY, [], ITEMS, "raise")[1].shape == (0, 3)


@pytest.mark.parametrize(
    ("values", "ids"),
    [(["b", "a", "b"], ["b", "a"]), ([3, 1, 3, 2], [3, 1, 2]), ([], []), ([2.0, 2.0], [2])],
)
def test_distinct_ids(values, ids):
    assert distinct_ids(values, "user").tolist() == ids


def test_ranked_frame():
    lists = np.array([[2, 0], [-1, -1], [1, -1]])
    scores = np.array([[3, 2], [-np.inf, -np.inf], [1, -np.inf]], dtype=np.float32)
    keys, sources = np.array([7, 8, 9]), np.full((3, 2), "model", dtype=object)
    found = ranked_frame("user", keys, "item", ITEMS.ids, lists, scores, "pandas", sources)
    assert found.to_dict("list") == {
        "user": [7, 7, 9],
        "item": ["z", "x", "y"],
        "score": [3.0, 2.0, 1.0],
        "rank": [1, 2, 1],
        "source": ["model"] * 3,
    }
    without = ranked_frame("item", keys, "similar", ITEMS.ids, lists, scores, "pandas")
    assert list(without.columns) == ["item", "similar", "score", "rank"]


def test_source_names():
    """An item that nobody has comes by its features, but not where the popular ones are served."""
    lists = Lists(np.array([[0, 1, -1]] * 3), np.zeros((3, 3)), np.array([MODEL, FOLD_IN, POPULAR]))
    assert source_names(lists, np.array([5.0, 0.0]))[:, :2].tolist() == [
        ["model", "features"],
        ["fold-in", "features"],
        ["popular", "popular"],
    ]
