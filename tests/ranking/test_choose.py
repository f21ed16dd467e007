"""Lists under quotas, pins and re-ranking, against a walk down the fully sorted catalogue."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.dataset.idmap import IdMap
from hybridrec.ranking import choose as module
from hybridrec.ranking.choose import Order, choose
from hybridrec.ranking.pins import Pins
from hybridrec.ranking.rules import Rules
from hybridrec.ranking.scorer import FactorScorer


class Given:
    """A scorer of given scores that counts how deep it was asked."""

    def __init__(self, scores):
        self.scores = np.asarray(scores, dtype=np.float32)

    @property
    def n_items(self):
        return self.scores.shape[1]

    def block(self, rows):
        return self.scores[rows]

    def block_error(self, rows):
        return np.zeros(len(rows))

    def chosen(self, rows, items):
        found = self.scores[np.asarray(rows)[:, None], np.maximum(items, 0)]
        return np.where(items >= 0, found, -np.inf).astype(np.float32)


def rows_of(sets, n_items):
    indptr = np.cumsum([0, *map(len, sets)])
    indices = [item for one in sets for item in sorted(one)]
    return csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(sets), n_items))


def made(scores, k, rules, table, *, seen, allowed=None, reorder=None, candidates=0):
    """Make lists as models do: pins, candidates, quotas, pins at their ranks."""
    scorer, n_items = Given(scores), np.shape(scores)[1]
    compiled = rules.compile(IdMap(np.arange(n_items), "item"), table)
    hidden = rows_of(seen, n_items)
    passing = compiled.allowed if allowed is None else compiled.allowed & allowed
    pins = Pins.of(compiled, hidden, passing)
    order = Order(
        pins.without(passing), np.arange(n_items, dtype=np.int32), compiled, reorder, candidates, 1
    )
    users = np.arange(len(scorer.scores))
    items, own = choose(order, scorer, users, k, histories=hidden, exclude=hidden, pins=pins.items)
    pins.score(users, scorer, users, np.ones(n_items, dtype=bool))
    return pins.placed(items, own)


class Room:
    """How many more items of each value a list can take."""

    def __init__(self, quota, values):
        self.left = {
            (column, one): limit
            for column, limit in quota.items()
            for cell in values[column]
            for one in cell
        }
        self.values = {column: values[column] for column in quota}

    def takes(self, item):
        own = [(column, one) for column, cells in self.values.items() for one in cells[item]]
        if any(self.left[one] == 0 for one in own):
            return False
        for one in own:
            self.left[one] -= 1
        return True


def twin(scores, k, rules, values, *, seen, allowed):
    """Walk down every sorted list in plain Python."""
    pinned = rules.pin or {}
    lists = []
    for row, known in zip(scores, seen, strict=True):
        room = Room(rules.quota or {}, values)
        open_to = {i for i in range(len(row)) if i not in known and allowed[i]}
        pins = {rank: i for rank, i in sorted(pinned.items()) if i in open_to and room.takes(i)}
        scored = {i for i in open_to - set(pinned.values()) if row[i] > -np.inf}
        walk = sorted((-row[i], i) for i in scored)
        rest = [i for _, i in walk if room.takes(i)]
        listed = []
        while (rest or pins) and len(listed) < k:
            due = [rank for rank in pins if rank <= len(listed) + 1] or (not rest and list(pins))
            listed.append(pins.pop(min(due)) if due else rest.pop(0))
        lists.append(listed)
    return lists


@st.composite
def cases(draw):
    n_users, n_items = draw(st.integers(1, 4)), draw(st.integers(1, 40))
    number = st.one_of(st.integers(-3, 3), st.just(-np.inf))
    items = st.integers(0, n_items - 1)
    scores = draw(
        st.lists(
            st.lists(number, min_size=n_items, max_size=n_items),
            min_size=n_users,
            max_size=n_users,
        )
    )
    cell = st.lists(st.sampled_from("uvwxyz"), max_size=3, unique=True)
    values = {
        column: draw(st.lists(cell, min_size=n_items, max_size=n_items)) for column in ("a", "b")
    }
    quota = draw(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3)))
    pinned = draw(st.lists(items, unique=True, max_size=4))
    ranks = draw(
        st.lists(st.integers(1, 12), unique=True, min_size=len(pinned), max_size=len(pinned))
    )
    seen = draw(st.lists(st.sets(items, max_size=5), min_size=n_users, max_size=n_users))
    allowed = np.array(
        draw(st.lists(st.sampled_from([True, True, False]), min_size=n_items, max_size=n_items))
    )
    rules = Rules(quota=quota, pin=dict(zip(ranks, pinned, strict=True)))
    return scores, values, rules, seen, allowed, draw(st.integers(1, 12))


@settings(deadline=None)
@given(cases())
def test_the_same_as_a_walk_down_the_sorted_catalogue(case):
    scores, values, rules, seen, allowed, k = case
    table = pd.DataFrame(values)
    items, found, pinned = made(scores, k, rules, table, seen=seen, allowed=allowed)
    expected = twin(scores, k, rules, values, seen=seen, allowed=allowed)
    assert [row[row >= 0].tolist() for row in items] == expected
    assert ((items >= 0) == (found > -np.inf) | np.isnan(found) & pinned).all()
    for row, own, listed, placed in zip(scores, found, items, pinned, strict=True):
        for item, score, is_pin in zip(listed, own, placed, strict=True):
            if item >= 0:
                assert score == row[item] or (is_pin and np.isnan(score) and row[item] == -np.inf)
                assert is_pin == (item in (rules.pin or {}).values())


@settings(deadline=None)
@given(cases(), st.integers(1, 12))
def test_a_list_is_the_beginning_of_any_longer_one(case, more):
    scores, values, rules, seen, allowed, k = case
    table = pd.DataFrame(values)

    def flip(items, _scores, _histories):
        last = (items >= 0).sum(axis=1, keepdims=True) - 1
        return np.maximum(last - np.arange(items.shape[1]), -1)

    for reorder in (None, flip):
        options = {"seen": seen, "allowed": allowed, "reorder": reorder, "candidates": 5}
        short, _, _ = made(scores, k, rules, table, **options)
        long, _, _ = made(scores, k + more, rules, table, **options)
        np.testing.assert_array_equal(short, long[:, : short.shape[1]])


def test_looks_as_deep_as_it_must(monkeypatch):
    """1,000 items of one genre before the first of another."""
    n = 1002
    scores = -np.arange(2.0 * n).reshape(2, n)
    table = pd.DataFrame({"genre": ["x"] * 1000 + ["y", None]})
    asked = []
    best = Order.best

    def counted(self, scorer, rows, k, exclude):
        asked.append((len(rows), k))
        return best(self, scorer, rows, k, exclude)

    monkeypatch.setattr(Order, "best", counted)
    items, _, _ = made(scores, 3, Rules(quota={"genre": 1}), table, seen=[set(), {0, 1000}])
    assert items.tolist() == [[0, 1000, 1001], [1, 1001, -1]]
    assert asked == [(2, 6), (2, 24), (2, 96), (2, 384), (2, 1002)]
    asked.clear()
    items, _, _ = made(
        scores,
        3,
        Rules(quota={"genre": 1}),
        table[:1000].reindex(range(n)).fillna("x"),
        seen=[set(), {0}],
    )
    assert items.tolist() == [[0, -1, -1], [1, -1, -1]]
    assert asked == [(2, 6)], "nothing has room any more"


def test_users_in_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    scores = rng.random((9, 30)).astype(np.float32)
    table = pd.DataFrame({"genre": rng.choice(list("xyz"), 30)})
    rules = Rules(quota={"genre": 2}, pin={2: 5})
    seen = [{row} for row in range(9)]
    whole = made(scores, 6, rules, table, seen=seen)
    monkeypatch.setattr(module, "_BLOCK", 2)
    for one, other in zip(whole, made(scores, 6, rules, table, seen=seen), strict=True):
        np.testing.assert_array_equal(one, other)


class TestPins:
    SCORES = np.array([[5, 4, 3, 2, 1.0]])
    TABLE = pd.DataFrame({"genre": ["x", "x", "y", None, "x"]})

    @pytest.mark.parametrize(
        ("rules", "seen", "k", "expected"),
        [
            ({"pin": {1: 4}}, set(), 3, [4, 0, 1]),
            ({"pin": {2: 4}}, set(), 3, [0, 4, 1]),
            ({"pin": {1: 4}}, {4}, 3, [0, 1, 2]),
            ({"pin": {1: 4, 2: 3}}, {4}, 3, [0, 3, 1]),
            ({"pin": {4: 0}}, set(), 3, [1, 2, 3]),
            ({"pin": {9: 0, 8: 1}}, set(), 5, [2, 3, 4, 1, 0]),
            ({"pin": {1: 4}, "deny": [4]}, set(), 2, [0, 1]),
            ({"pin": {1: 4}, "allow": [4]}, set(), 2, [4]),
            ({"pin": {1: 4}, "where": "genre = 'y'"}, set(), 3, [2]),
            ({"pin": {1: 4}, "quota": {"genre": 1}}, set(), 5, [4, 2, 3]),
            ({"pin": {1: 4, 3: 0, 5: 2}, "quota": {"genre": 1}}, set(), 5, [4, 3, 2]),
            ({"pin": {2: 3}, "quota": {"genre": 0}}, set(), 5, [3]),
        ],
    )
    def test_places(self, rules, seen, k, expected):
        items, _, _ = made(self.SCORES, k, Rules(**rules), self.TABLE, seen=[seen])
        assert items[0, items[0] >= 0].tolist() == expected


class TestReorder:
    def test_orders_the_first_candidates_only(self):
        calls = []

        def backwards(items, scores, histories):
            calls.append((items.tolist(), scores.tolist(), histories.indices.tolist()))
            return np.tile(np.arange(items.shape[1])[::-1], (len(items), 1))

        scores = [[6.0, 5, 4, 3, 2, 1]]
        options = {"seen": [{5}], "reorder": backwards, "candidates": 3}
        items, own, _ = made(scores, 5, Rules(), None, **options)
        assert items.tolist() == [[2, 1, 0, 3, 4]]
        assert own.tolist() == [[4, 5, 6, 3, 2]]
        assert calls == [([[0, 1, 2]], [[6, 5, 4]], [5])]

    def test_once_however_deep_quotas_look(self):
        calls = []

        def backwards(items, scores, histories):
            calls.append(items.shape)
            return np.tile(np.arange(items.shape[1])[::-1], (len(items), 1))

        scores = -np.arange(100.0)[None, :]
        table = pd.DataFrame({"genre": ["x"] * 98 + ["y", "z"]})
        items, _, _ = made(
            scores, 3, Rules(quota={"genre": 1}), table,
            seen=[set()], reorder=backwards, candidates=3,
        )  # fmt: skip
        assert items.tolist() == [[2, 98, 99]]
        assert calls == [(1, 3)]

    def test_shorter_lists(self):
        def none(items, scores, histories):
            return np.where(items >= 0, np.arange(items.shape[1]), -1)

        items, own, _ = made(
            [[1.0, 2, -np.inf]], 3, Rules(), None, seen=[set()], reorder=none, candidates=9
        )
        assert items.tolist() == [[1, 0, -1]]
        assert own.tolist() == [[2, 1, -np.inf]]


def test_no_rule_is_plain_top_k(monkeypatch):
    """Nothing is asked twice and nothing is copied."""
    scorer = FactorScorer(np.eye(3), np.eye(3), np.zeros(3))
    order = Order(np.ones(3, dtype=bool), np.arange(3, dtype=np.int32), num_threads=1)
    seen = rows_of([set(), {0}, set()], 3)
    monkeypatch.setattr(module, "_Search", None)
    items, _ = choose(order, scorer, np.arange(3), 2, histories=seen, exclude=seen)
    assert items.tolist() == [[0, 1], [1, 2], [2, 0]]


def test_nobody_and_nothing():
    empty = np.zeros((0, 4))
    items, own, pinned = made(empty, 3, Rules(pin={1: 2}), None, seen=[])
    assert items.shape == own.shape == pinned.shape == (0, 3)
    table = pd.DataFrame({"genre": []})
    order = Order(
        np.ones(0, dtype=bool),
        np.zeros(0, dtype=np.int32),
        Rules(quota={"genre": 1}).compile(IdMap([], "item"), table),
    )
    nothing = csr_matrix((2, 0))
    scorer = FactorScorer(np.zeros((2, 1)), np.zeros((0, 1)), np.zeros(0))
    items, _ = choose(order, scorer, np.arange(2), 3, histories=nothing, exclude=nothing)
    assert items.shape == (2, 0)
