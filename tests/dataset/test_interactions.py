from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.columns import check_weights
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError

TABLE = {
    "userId": ["b", "a", "b"],
    "movieId": [30, 10, 10],
    "rating": [1.0, 0.5, 2.0],
    "timestamp": [1_500_000_000, 1_600_000_000, 1_400_000_000],
    "action": ["view", "buy", "view"],
    "device": ["tv", None, "phone"],
}
FRAMES = {
    "pandas": lambda: pd.DataFrame(TABLE),
    "polars": lambda: pl.DataFrame(TABLE),
    "polars lazy": lambda: pl.LazyFrame(TABLE),
    "pyarrow": lambda: pa.table(TABLE),
    "duckdb": lambda: duckdb.from_arrow(pa.table(TABLE)),
}


@pytest.mark.parametrize("library", FRAMES)
def test_any_frame_goes_in(library):
    rows = Interactions.from_frame(FRAMES[library](), context=["device"])
    assert len(rows) == 3
    assert rows.users.ids.tolist() == ["a", "b"]
    assert rows.items.ids.tolist() == [10, 30]
    assert rows.user_codes.tolist() == [1, 0, 1]
    assert rows.item_codes.tolist() == [1, 0, 0]
    assert rows.weights.tolist() == TABLE["rating"]
    assert rows.timestamps.tolist() == TABLE["timestamp"]
    assert rows.context["action"].tolist() == TABLE["action"]
    assert rows.context["device"].tolist()[::2] == ["tv", "phone"]
    assert rows.matrix.toarray().tolist() == [[0.5, 0], [2, 1]]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_the_same_library_comes_out(library):
    data = FRAMES[library]()
    out = Interactions.from_frame(data, context=["device"]).to_frame()
    assert type(out) is type(data)
    table = out.to_pydict() if library == "pyarrow" else dict(out.to_dict("list")) \
        if library == "pandas" else out.to_dict(as_series=False)  # fmt: skip
    assert table["user"] == TABLE["userId"]
    assert table["item"] == TABLE["movieId"]
    assert table["weight"] == TABLE["rating"]
    assert table["timestamp"] == TABLE["timestamp"]
    assert table["action"] == TABLE["action"]


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from("xyz"), st.integers(0, 50)),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=40)
def test_the_matrix_sums_repeated_pairs(rows):
    frame = pd.DataFrame(rows, columns=["user", "item", "weight"])
    before = frame.copy(deep=True)
    interactions = Interactions.from_frame(frame)
    expected = frame.pivot_table("weight", "user", "item", aggfunc="sum", fill_value=0)
    np.testing.assert_array_equal(interactions.matrix.toarray(), expected.to_numpy())
    assert interactions.matrix.dtype == np.float32
    assert (interactions.matrix.data != 0).all()
    pd.testing.assert_frame_equal(frame, before)


def test_later_changes_of_the_frame_do_not_reach_the_interactions():
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "weight": [1.0, 2.0], "ts": [1.0, 2.0]})
    rows = Interactions.from_frame(frame.astype({"weight": np.float32}))
    again = Interactions.from_frame(frame)
    frame.loc[:, ["weight", "ts"]] = 7.0
    assert rows.weights.tolist() == again.weights.tolist() == [1, 2]
    assert again.timestamps.tolist() == [1, 2]


def test_without_weights_and_times():
    rows = Interactions.from_frame(pd.DataFrame({"user": [1], "item": [2], "other": [3]}))
    assert rows.weights.tolist() == [1]
    assert rows.timestamps is None
    assert dict(rows.context) == {}
    assert list(rows.to_frame().columns) == ["user", "item", "weight"]


def test_event_weights_multiply():
    rows = Interactions.from_frame(
        pd.DataFrame(TABLE), event_weights={"view": 1, "buy": 5, "never": 9}
    )
    assert rows.weights.tolist() == [1, 2.5, 2]
    assert rows.weights.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"userId": [1, None, 2]}, {}, "user ids must be integers or text: rows 1 hold nan"),
        ({"userId": ["a", None, "b"]}, {}, "user id missing: rows 1"),
        ({"movieId": [1.5, 2, 3]}, {}, "item ids must be integers or text: rows 0 hold 1.5"),
        ({"rating": [1, np.nan, -np.inf]}, {}, r"'rating': weights .*: rows 1, 2 hold nan, -inf"),
        ({"rating": [1, 2, -3]}, {}, "finite and at least 0: rows 2 hold -3.0"),
        ({"rating": ["x", "1", "2"]}, {}, "column 'rating' must hold numbers"),
        ({"timestamp": [1e9, 1e12, 1e9]}, {}, "mixes units of time"),
        ({}, {"user": "userid"}, "no column 'userid' for the user; did you mean 'userId'"),
        ({}, {"context": ["devise"]}, "no column 'devise' for the context; did you mean 'device'"),
        ({}, {"event_weights": {"view": 1}}, "event types without a weight: 'buy'; .*for 'view'"),
        ({}, {"event_weights": {"view": 1, "buy": -1}}, "'event_weights': weights must be finite"),
        ({"action": ["view", None, "buy"]}, {"event_weights": {"view": 1, "buy": 1}}, "missing"),
    ],
)
def test_bad_frames(change, options, message):
    with pytest.raises(DataError, match=message):
        Interactions.from_frame(pd.DataFrame(TABLE | change), **options)


def test_frames_that_lack_columns():
    with pytest.raises(DataError, match=r"interactions: no column looks like the item"):
        Interactions.from_frame(pd.DataFrame({"user": [1], "x": [2]}))
    with pytest.raises(DataError, match="event_weights given, but no event column"):
        Interactions.from_frame(pd.DataFrame({"user": [1], "item": [2]}), event_weights={"a": 1})
    with pytest.raises(DataError, match="expected a data frame"):
        Interactions.from_frame([[1, 2]])


def test_taking_rows_keeps_the_ids():
    rows = Interactions.from_frame(pd.DataFrame(TABLE), context=["device"])
    some = rows.take(np.array([False, False, True]))
    assert some.users is rows.users
    assert some.matrix.shape == rows.matrix.shape
    assert some.weights.tolist() == [2]
    assert some.timestamps.tolist() == [1_400_000_000]
    assert some.context["device"].tolist() == ["phone"]
    assert rows.take(np.array([2, 0])).item_codes.tolist() == [0, 1]
    assert len(rows) == 3


def test_longer_item_maps():
    rows = Interactions.from_frame(pd.DataFrame(TABLE))
    assert rows.with_items(rows.items.extend([99])).matrix.shape == (2, 3)
    with pytest.raises(ParameterError, match="must begin with the present item ids"):
        rows.with_items(IdMap([30, 10]))


def test_decay_halves_with_age():
    days = [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 11), dt.datetime(2020, 1, 31)]
    frame = pd.DataFrame({"user": [1, 2, 3], "item": [1, 2, 3], "weight": 8.0, "time": days})
    rows = Interactions.from_frame(frame)
    assert rows.decayed(10).weights.tolist() == [1, 2, 8]
    assert rows.weights.tolist() == [8, 8, 8]
    old = Interactions.from_frame(frame.assign(time=[-864000, -864000, 0]))
    assert old.take(np.array([0, 1])).decayed(10).weights.tolist() == [8, 8]  # before 1970
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ParameterError, match="half_life_days must be positive"):
            rows.decayed(wrong)
    with pytest.raises(DataError, match="time decay needs a timestamp column"):
        Interactions.from_frame(frame.drop(columns="time")).decayed(1)


def test_context_columns_hide_nothing_in_the_result():
    frame = pd.DataFrame({"who": ["a"], "what": ["b"], "user": [7], "item": [8]})
    rows = Interactions.from_frame(frame, user="who", item="what", context=["item", "user"])
    out = rows.to_frame()
    assert out["user"].tolist() == ["a"]
    assert out["item"].tolist() == ["b"]


def test_weights_are_checked():
    assert check_weights(np.array([0, 1]), "w").dtype == np.float32
    with pytest.raises(DataError, match=r"column 'w': weights must be .*: rows 1 hold inf"):
        check_weights(np.array([0, 1e300]), "w")
    with pytest.raises(DataError, match="column 'w' must hold numbers"):
        check_weights(np.array([object()]), "w")
