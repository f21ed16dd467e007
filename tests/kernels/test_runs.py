"""Kernels of foreign runs against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.kernels.runs import fill_lists, repeated_pairs, rows_by_user

N_USERS, N_ITEMS, N_KNOWN = 4, 9, 7  # items from the eighth on are unknown

pairs = st.lists(st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1)), max_size=30)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    users, values = np.array(rows, dtype=np.int32).reshape(-1, 2).T
    return np.ascontiguousarray(users), np.ascontiguousarray(values)


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_rows_by_user_keeps_their_order(rows):
    users, _ = columns(rows)
    starts, stops, order = rows_by_user(users, N_USERS)
    changes = [user for row, user in enumerate(users) if row == 0 or users[row - 1] != user]
    assert len(order) == (0 if len(changes) == len(set(changes)) else len(users))
    places = order if len(order) else np.arange(len(users))
    for user in range(N_USERS):
        own = places[starts[user] : stops[user]].tolist()
        assert own == [row for row, one in enumerate(users) if one == user]


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_repeated_pairs_marks_all_but_the_first(rows):
    expected = [pair in rows[:row] for row, pair in enumerate(rows)]
    assert repeated_pairs(*columns(rows), N_USERS, N_ITEMS).tolist() == expected


@settings(deadline=None, max_examples=100)
@given(
    rows=st.dictionaries(
        st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1)),
        st.sampled_from([-1.0, 0.0, 0.5, 2.0, np.inf]),
        max_size=30,
    ),
    codes=st.permutations(range(N_ITEMS)),
    tie=st.permutations(range(N_ITEMS)),
    outside=st.sets(st.integers(0, N_KNOWN - 1)),
    seen=st.lists(st.sets(st.integers(0, N_KNOWN - 1)), min_size=N_USERS + 1, max_size=N_USERS + 1),
    tested=st.lists(st.integers(0, N_USERS - 1), unique=True),
    width=st.integers(1, 6),
)
def test_fill_lists_equals_its_twin(rows, codes, tie, outside, seen, tested, width):
    run = sorted((user, item, key) for (user, item), key in rows.items())
    users, items = columns([(user, item) for user, item, _ in run])
    starts, stops, _ = rows_by_user(users, N_USERS)
    list_of = np.full(N_USERS, -1, dtype=np.int32)
    list_of[tested] = np.arange(len(tested))
    code_of = np.array([~code if code in outside else code for code in codes], dtype=np.int32)
    lists = np.full((len(tested), width), -1, dtype=np.int32)
    counts = fill_lists(
        *(starts, stops, items, np.array([-key for *_, key in run], dtype=np.float64), -1.0),
        *(list_of, code_of, np.array(tie, dtype=np.int32)),
        np.array([user + 1 for user in tested], dtype=np.int32),  # user u is row u + 1 of seen
        np.cumsum([0, *map(len, seen)]),
        np.array([item for one in seen for item in sorted(one)], dtype=np.int32),
        *(N_KNOWN, lists),
    )
    removed, dropped, unknown, tied = 0, 0, 0, 0
    for place, user in enumerate(tested):
        own = [(key, codes[item]) for one, item, key in run if one == user and key < np.inf]
        new = [(key, code) for key, code in own if code not in seen[user + 1]]
        kept = sorted((key, tie[code], code) for key, code in new if code not in outside)
        best = [code for _, _, code in kept[:width]]
        assert lists[place].tolist() == best + [-1] * (width - len(best))
        removed += len(own) - len(new)
        dropped += len(new) - len(kept)
        unknown += sum(code >= N_KNOWN for _, _, code in kept)
        keys = [key for key, *_ in kept[: width + 1]]
        tied += len(keys) != len(set(keys))
    assert counts == (0, removed, dropped, unknown, tied)


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_fill_lists_counts_repeated_items_of_all_users(rows):
    users, items = columns(sorted(rows))
    starts, stops, _ = rows_by_user(users, N_USERS)
    nobody, nothing = np.full(N_USERS, -1, dtype=np.int32), np.empty(0, dtype=np.int32)
    own = np.arange(N_ITEMS, dtype=np.int32)
    lists = np.empty((0, 3), dtype=np.int32)
    repeated, *_ = fill_lists(
        *(starts, stops, items, np.zeros(len(items)), 1.0, nobody, own, own),
        *(nothing, np.zeros(1, dtype=np.int64), nothing, N_ITEMS, lists),
    )
    assert repeated == len(rows) - len(set(rows))
