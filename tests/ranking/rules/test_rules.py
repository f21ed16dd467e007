"""Rules as people give them: checks, joining, and what they become."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, ParameterError, UnknownIdError
from hybridrec.ranking.rules import Condition, Rules, item_groups

ITEMS = IdMap(["a", "b", "c", "d"], "item")
NUMBERS = IdMap([1, 2, 3], "item")
USERS = IdMap([7, 8, 9], "user")
TABLE = pd.DataFrame({"genre": [["x", "y"], ["x"], None, []], "year": [1990.0, 2000.0, np.nan, 1]})


def passing(items=ITEMS, table=TABLE, **rules):
    return items.ids[Rules(**rules).compile(items, table).allowed].tolist()


class TestIds:
    def test_no_rule(self):
        assert passing() == ["a", "b", "c", "d"]
        assert not Rules()
        assert not Rules(deny=[], where=[], quota={}, pin={}, user_deny={})
        assert Rules(allow=[])

    def test_allow_and_deny(self):
        assert passing(allow=["d", "b"]) == ["b", "d"]
        assert passing(deny=("a",)) == ["b", "c", "d"]
        assert passing(allow=np.array(["a", "b"]), deny=["b", "c"]) == ["a"]
        assert passing(allow=pd.Series(["a"])) == ["a"]
        assert passing(allow={"b"}) == ["b"]
        assert passing(NUMBERS, allow=[1.0, 3.0]) == [1, 3]

    def test_known_to_a_catalogue(self):
        rules = Rules(allow=["a", "z"], deny=["y", "b"], pin={1: "x"}, user_deny={7: ["w", "a"]})
        known = rules.known_to(ITEMS)
        assert (known.allow, known.deny, known.user_deny) == (("a",), ("b",), {7: ("a",)})
        assert known.pin == rules.pin
        assert Rules(allow=["z"]).known_to(ITEMS).allow == ()
        assert not Rules(deny=["z"]).known_to(ITEMS)
        with pytest.raises(DataError, match="item ids are integers here, got '2'"):
            Rules(deny=["2"]).known_to(NUMBERS)

    def test_empty_lists(self):
        assert passing(allow=[]) == []
        assert passing(deny=[]) == ["a", "b", "c", "d"]

    def test_an_iterator_is_read_once(self):
        rules = Rules(deny=(one for one in "ab"))
        for _ in range(2):
            assert rules.compile(ITEMS).allowed.tolist() == [False, False, True, True]

    @pytest.mark.parametrize(
        ("rules", "message"),
        [
            ({"allow": ["z"]}, "allow: unknown item id 'z'"),
            ({"deny": ["a", "z"]}, "deny: unknown item id 'z'"),
            (
                {"deny": list("qrstuvw")},
                "deny: unknown item ids 'q', 'r', 's', 't', 'u' and 2 more",
            ),
            ({"pin": {1: "aa"}}, "pin: unknown item id 'aa'"),
            ({"user_deny": {7: ["z"]}}, "user_deny: unknown item id 'z'"),
            ({"deny": [1]}, r"deny: unknown item id 1 \(ids here are text"),
            ({"deny": ["\ud800"]}, "deny: .*surrogates"),
        ],
    )
    def test_unknown(self, rules, message):
        with pytest.raises(UnknownIdError, match=message):
            Rules(**rules).compile(ITEMS, TABLE, USERS)

    @pytest.mark.parametrize("ids", [[None], [np.nan], [True], [1, "a"], [1.5], [["a"]], [10**30]])
    def test_no_ids(self, ids):
        with pytest.raises(ParameterError, match="deny: item id"):
            Rules(deny=ids).compile(NUMBERS)


class TestForm:
    @pytest.mark.parametrize(
        ("rules", "message"),
        [
            ({"allow": "abc"}, "allow must be a sequence of ids, got 'abc'"),
            ({"deny": {"a": 1}}, "deny must be a sequence of ids"),
            ({"deny": 5}, "deny must be a sequence of ids, got 5"),
            ({"where": 5}, "where must be a text or a Condition, got 5"),
            ({"where": ["true", {}]}, "where must be a text or a Condition, got {}"),
            ({"where": False}, "where must be a text or a Condition, got False"),
            ({"quota": ["genre"]}, "quota must be a mapping such as"),
            ({"quota": {1: 1}}, "quota is on a column by its name, got 1"),
            ({"quota": {"genre": -1}}, "quota of 'genre' must be a whole number of at least 0"),
            ({"quota": {"genre": True}}, "quota of 'genre' must be a whole number"),
            ({"quota": {"genre": 10**30}}, "quota of 'genre' must be a whole number"),
            ({"pin": {0: "a"}}, "the rank of a pin must be a whole number of at least 1, got 0"),
            ({"pin": {"1": "a"}}, "the rank of a pin must be a whole number"),
            ({"pin": {1: "a", 4: "a"}}, "item 'a' is pinned twice, to ranks 1 and 4"),
            ({"pin": {1: ["a"]}}, r"pin: an id is a number or text, got \['a'\]"),
            ({"user_deny": [7]}, "user_deny must be a mapping"),
            ({"user_deny": {7: "abc"}}, "user_deny of 7 must be a sequence of ids"),
        ],
    )
    def test_is_checked_at_once(self, rules, message):
        with pytest.raises(ParameterError, match=message):
            Rules(**rules)

    def test_messages_stay_short(self):
        with pytest.raises(ParameterError) as raised:
            Rules(deny="x" * 10**6)
        assert len(str(raised.value)) < 200

    def test_is_exported(self):
        assert hybridrec.Rules is Rules
        assert hybridrec.Condition is Condition

    def test_frozen_and_equal(self):
        assert Rules(deny=["a"], quota={"genre": 1}) == Rules(deny=("a",), quota={"genre": 1})
        with pytest.raises(AttributeError):
            Rules().deny = ["a"]


class TestQuota:
    def test_columns_beside_each_other(self):
        compiled = Rules(quota={"genre": 2, "year": 1}).compile(ITEMS, TABLE)
        names = [compiled.quota_name(one) for one in range(compiled.members.shape[1])]
        assert names == ["genre=2: x", "genre=2: y", "year=1: 1", "year=1: 1990", "year=1: 2000"]
        assert compiled.limits.tolist() == [2, 2, 1, 1, 1]
        assert compiled.members.toarray().astype(int).tolist() == [
            [1, 1, 0, 1, 0],
            [1, 0, 0, 0, 1],
            [0, 0, 0, 0, 0],
            [0, 0, 1, 0, 0],
        ]

    def test_drops_nothing_of_the_catalogue(self):
        compiled = Rules(quota={"genre": 0}).compile(ITEMS, TABLE)
        assert compiled.allowed.all()
        assert compiled.summary == ()

    def test_unknown_column(self):
        with pytest.raises(
            ParameterError, match=r"quota gerne=3: .* 'gerne'; did you mean 'genre'"
        ):
            Rules(quota={"gerne": 3}).compile(ITEMS, TABLE)
        for table in (None, pd.DataFrame(index=range(4))):
            with pytest.raises(ParameterError, match="quota genre=3 needs an item table"):
                Rules(quota={"genre": 3}).compile(ITEMS, table)

    def test_groups_that_are_already_made(self):
        made = []

        def groups(column):
            made.append(column)
            return item_groups(TABLE, column)

        compiled = Rules(quota={"genre": 2}).compile(ITEMS, TABLE, groups=groups)
        assert made == ["genre"]
        assert compiled.limits.tolist() == [2, 2]
        with pytest.raises(ParameterError, match="quota gerne=3: "):
            Rules(quota={"gerne": 3}).compile(ITEMS, TABLE, groups=groups)


class TestUserDeny:
    def test_rows_of_users_and_one_for_all_others(self):
        compiled = Rules(user_deny={8: ["a", "d", "a"], 7: [], 99: ["b"]}).compile(
            ITEMS, None, USERS
        )
        denied = compiled.denied.toarray().astype(int).tolist()
        assert denied == [[0] * 4, [1, 0, 0, 1], [0] * 4, [0] * 4]
        assert compiled.denied[np.array([-1, 1])].getnnz(axis=1).tolist() == [0, 2]

    def test_needs_users(self):
        with pytest.raises(ParameterError, match="user_deny needs to know the users"):
            Rules(user_deny={8: ["a"]}).compile(ITEMS)

    @pytest.mark.parametrize("users", [{"8": ["a"]}, {8: ["a"], "x": ["a"]}])
    def test_ids_of_the_other_type_would_deny_nothing(self, users):
        with pytest.raises(UnknownIdError, match=r"user ids are integers here, like 7, 8, 9, got"):
            Rules(user_deny=users).compile(ITEMS, None, USERS)

    def test_nobody(self):
        compiled = Rules(user_deny={"x": ["a"]}).compile(ITEMS, None, IdMap([], "user"))
        assert compiled.denied.shape == (1, 4)


class TestJoined:
    def test_both_hold(self):
        one = Rules(allow=["a", "b", "c"], deny=["a"], where="year >= 1", quota={"genre": 3})
        other = Rules(
            allow=["c", "b"], deny=["c"], where=Condition("year", "<", 9999), quota={"genre": 2}
        )
        both = one & other
        assert set(both.allow) == {"b", "c"}
        assert set(both.deny) == {"a", "c"}
        assert both.where == ("year >= 1", Condition("year", "<", 9999))
        assert both.quota == {"genre": 2}
        masks = (rules.compile(ITEMS, TABLE).allowed for rules in (one, other))
        assert (both.compile(ITEMS, TABLE).allowed == np.logical_and(*masks)).all()

    def test_one_sided(self):
        assert Rules(allow=[]) & Rules() == Rules(allow=[])
        assert Rules() & Rules(allow=["a"]) == Rules(allow=["a"])
        assert Rules(allow=["a"]) & Rules(allow=["b"]) == Rules(allow=[])
        assert (Rules(quota={"a": 1}) & Rules(quota={"b": 2})).quota == {"a": 1, "b": 2}
        assert (Rules(user_deny={7: ["a"]}) & Rules(user_deny={7: ["b"], 8: ["c"]})).user_deny == {
            7: ("a", "b"),
            8: ("c",),
        }

    def test_pins(self):
        joined = Rules(pin={2: "b", 1: "a"}) & Rules(pin={2: "b", 3: "c"})
        assert joined.pin == {1: "a", 2: "b", 3: "c"}
        with pytest.raises(ParameterError, match="rank 1 is pinned twice, to 'a', 'b'"):
            Rules(pin={1: "a"}) & Rules(pin={1: "b"})
        with pytest.raises(ParameterError, match="item 'a' is pinned twice, to ranks 1 and 2"):
            Rules(pin={1: "a"}) & Rules(pin={2: "a"})

    def test_with_something_else(self):
        with pytest.raises(TypeError):
            Rules() & {"deny": ["a"]}


def test_summary_counts_what_each_rule_drops_by_itself():
    rules = Rules(
        allow=["a", "b"], deny=["b"], where=["year >= 1990", Condition("genre", "contains", "y")]
    )
    assert [tuple(one) for one in rules.compile(ITEMS, TABLE).summary] == [
        ("allow", "", 2),
        ("deny", "", 1),
        ("where", "year >= 1990", 2),
        ("where", "genre contains 'y'", 3),
    ]


def test_pins_are_ordered_by_rank():
    compiled = Rules(pin={3: "a", 1: "d"}).compile(ITEMS)
    assert compiled.pin_ranks.tolist() == [1, 3]
    assert compiled.pin_items.tolist() == [3, 0]
