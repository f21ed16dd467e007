from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.cleaning import DUPLICATE_POLICIES, CleaningReport, clean
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError

ROW = st.tuples(
    st.integers(0, 5),
    st.sampled_from("abcde"),
    st.sampled_from([0, 0.5, 1, 2, 3]),
    st.integers(0, 9),
)


def interactions(rows, *, timed=True) -> Interactions:
    frame = pd.DataFrame(rows, columns=["user", "item", "weight", "time"])
    frame["row"] = range(len(frame))
    return Interactions.from_frame(frame if timed else frame.drop(columns="time"), context=["row"])


def plain_clean(rows, policy, min_weight, min_user, min_item, *, timed):
    """Return the rows (user, item, weight, number) that stay, one step at a time."""
    groups: dict[tuple, list] = {}
    for number, (user, item, weight, time) in enumerate(rows):
        groups.setdefault((user, item), []).append((time if timed else 0, number, weight))
    kept = []
    for (user, item), group in groups.items():
        group.sort(key=lambda one: one[:2])
        weights = [one[2] for one in group]
        number = group[0 if policy == "first" else -1][1]
        weight = {
            "last": weights[-1],
            "first": weights[0],
            "sum": sum(weights),
            "max": max(weights),
        }
        kept.append((user, item, weight[policy], number))
    repeated = len(rows) - len(kept)
    positive = [row for row in kept if row[2] > 0]
    rated = [row for row in positive if min_weight is None or row[2] >= min_weight]
    core = rated
    while True:
        users, items = Counter(row[0] for row in core), Counter(row[1] for row in core)
        left = [row for row in core if users[row[0]] >= min_user and items[row[1]] >= min_item]
        if len(left) == len(core):
            break
        core = left
    counts = [repeated, len(kept) - len(positive), len(positive) - len(rated)]
    gone_users = {row[0] for row in rated} - {row[0] for row in core}
    gone_items = {row[1] for row in rated} - {row[1] for row in core}
    known_users = sorted({row[0] for row in rows} - (gone_users if min_user > 0 else set()))
    known_items = sorted({row[1] for row in rows} - (gone_items if min_item > 0 else set()))
    return sorted(core, key=lambda row: row[3]), counts, known_users, known_items


@given(
    rows=st.lists(ROW, min_size=1, max_size=40),
    policy=st.sampled_from(DUPLICATE_POLICIES),
    min_weight=st.sampled_from([None, 0.5, 2]),
    min_user=st.integers(0, 3),
    min_item=st.integers(0, 3),
    timed=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_like_the_plain_twin(rows, policy, min_weight, min_user, min_item, timed):
    given_rows = interactions(rows, timed=timed)
    before = given_rows.to_frame()
    options = {
        "duplicates": policy, "min_weight": min_weight,
        "min_user_interactions": min_user, "min_item_interactions": min_item,
    }  # fmt: skip
    expected, counts, users, items = plain_clean(
        rows, policy, min_weight, min_user, min_item, timed=timed
    )
    if not expected:
        with pytest.raises(DataError, match="cleaning leaves no interaction; rows dropped"):
            clean(given_rows, **options)
        return
    cleaned, report = clean(given_rows, **options)
    found = zip(
        cleaned.users.ids[cleaned.user_codes].tolist(),
        cleaned.items.ids[cleaned.item_codes].tolist(),
        cleaned.weights.tolist(),
        cleaned.context["row"].tolist(),
        strict=True,
    )
    assert list(found) == expected
    assert cleaned.users.ids.tolist() == users
    assert cleaned.items.ids.tolist() == items
    assert cleaned.user_codes.dtype == cleaned.item_codes.dtype == np.int32
    assert cleaned.weights.dtype == np.float32
    if timed:
        assert cleaned.timestamps.tolist() == [rows[row[3]][3] for row in expected]

    dropped = list(report.dropped.values())
    assert dropped[:2] == counts[:2]
    assert min_weight is None or dropped[2] == counts[2]
    assert sum(dropped) == len(rows) - len(expected)
    assert (report.rows_before, report.rows_after) == (len(rows), len(expected))
    assert (report.users_after, report.items_after) == (len(users), len(items))
    assert report.density == pytest.approx(len(expected) / (len(users) * len(items)))
    pd.testing.assert_frame_equal(given_rows.to_frame(), before)


def test_labels_of_zero_say_not_interacted():
    rows = interactions([(1, "a", 1, 0), (1, "b", 0, 0), (2, "c", 1, 0), (2, "a", 0, 0)])
    cleaned, report = clean(rows)
    assert cleaned.items.ids.tolist() == ["a", "b", "c"]  # an item without rows is an item
    assert report.dropped == {"same user and item (last)": 0, "weight 0": 2}
    kept, report = clean(rows, keep_negatives=True)
    assert kept.weights.tolist() == [1, 0, 1, 0]
    assert report.dropped == {"same user and item (last)": 0}


def test_a_later_zero_takes_the_interaction_back():
    rows = interactions([(1, "a", 5, 1), (1, "a", 0, 2), (2, "a", 1, 1)])
    assert clean(rows)[0].users.ids[clean(rows)[0].user_codes].tolist() == [2]
    assert len(clean(rows, duplicates="max")[0]) == 2


def test_small_counts_add_up_before_the_least_weight_is_asked():
    rows = interactions([(1, "a", 2, 1), (1, "a", 2, 2), (2, "a", 1, 1)])
    cleaned, _ = clean(rows, duplicates="sum", min_weight=4)
    assert cleaned.weights.tolist() == [4]


def test_the_core_is_found_in_rounds():
    # d falls with its one row, then user 4, then item c, then user 3: a chain
    chain = [(3, "b"), (3, "c"), (4, "c"), (4, "d")]
    square = [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    rows = interactions([(user, item, 1, 0) for user, item in square + chain])
    cleaned, report = clean(rows, min_user_interactions=2, min_item_interactions=2)
    assert cleaned.users.ids.tolist() == [1, 2]
    assert cleaned.items.ids.tolist() == ["a", "b"]
    assert list(report.dropped)[2:] == [
        "user with fewer than 2 rows",
        "item with fewer than 2 rows",
    ]
    assert sum(report.dropped.values()) == 4


def test_nothing_to_drop_and_no_rows():
    rows = interactions([(1, "a", 1, 0)])
    cleaned, report = clean(rows)
    assert cleaned.users is rows.users
    assert report.rows_before == report.rows_after == 1
    empty, report = clean(rows.take([]))
    assert len(empty) == report.rows_after == 0
    assert report.density == 0


def test_the_report_can_be_read_and_sent():
    report = CleaningReport(
        rows_before=12345, rows_after=1000, dropped={"weight 0": 11345},
        users_before=100, users_after=50, items_before=400, items_after=400,
    )  # fmt: skip
    assert str(report).splitlines() == [
        "              before   after",
        "rows          12,345   1,000",
        "users            100      50",
        "items            400     400",
        "density               5.000%",
        "rows dropped          11,345",
        "  weight 0            11,345",
    ]
    values = json.loads(json.dumps(report.to_dict()))
    assert values["dropped"] == {"weight 0": 11345}
    assert values["density"] == 0.05
    assert values["users_after"] == 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duplicates": "lst"}, "must be one of last, first, sum, max, got 'lst'; did you mean 'l"),
        ({"min_weight": float("nan")}, "min_weight must be a finite number, got nan"),
        ({"min_user_interactions": -1}, "min_user_interactions must be a whole number of at least"),
        ({"min_item_interactions": 1.5}, "min_item_interactions must be a whole number of at leas"),
        ({"min_item_interactions": True}, "got True"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ParameterError, match=message):
        clean(interactions([(1, "a", 1, 0)]), **options)


def test_rows_of_different_scenarios_are_no_repeats():
    rows = pd.DataFrame(
        {
            "user": [1, 1, 1, 1, 2],
            "item": ["a", "a", "a", "b", "a"],
            "kind": ["view", "buy", "view", "view", None],
        }
    )
    cleaned, report = clean(Interactions.from_frame(rows, context=["kind"]), within="kind")
    assert cleaned.context["kind"].tolist()[:3] == ["buy", "view", "view"]
    assert len(cleaned) == 4
    assert report.dropped["same user and item (last)"] == 1
    assert len(clean(Interactions.from_frame(rows, context=["kind"]))[0]) == 3
