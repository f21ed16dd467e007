"""Which rule dropped what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.popularity import Popularity
from hybridrec.ranking.rules import Condition, Rules

COLUMNS = ["user", "item", "rank", "score", "rule", "detail"]


@pytest.fixture(scope="module")
def popular():
    """Items 0 to 9 are had by 20, 19, ... users; user 0 has item 3 only, user 1 has nothing."""
    rows = [(100 + user, item) for item in range(10) for user in range(20 - item)]
    frame = pd.DataFrame([*rows, (0, 3), (1, 11)], columns=["user", "item"])
    table = pd.DataFrame({"item": range(12), "year": range(1990, 2002)})
    table["genre"] = [["x"], ["x", "y"], ["y"], ["x"], None, ["z"], ["x"], ["z"], [], [], [], []]
    return Popularity().fit(Dataset.build(frame, item_table=table))


def told(model, k=4, user=0, **rules):
    frame = model.audit([user], k, rules=Rules(**rules))
    assert list(frame.columns) == COLUMNS
    return [
        (row.item, row.rank, f"{row.rule} {row.detail}".strip())
        for row in frame.itertuples(index=False)
    ]


class TestRules:
    """The list of user 0 without rules is 0, 1, 2, 4."""

    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            ({}, ["", "", "", ""]),
            ({"allow": [0, 2]}, ["", "allow", "", "allow"]),
            ({"deny": [1, 9]}, ["", "deny", "", ""]),
            ({"where": "year >= 1992"}, ["where year >= 1992", "where year >= 1992", "", ""]),
            (
                {"where": [Condition("year", "<", 1993), "year <> 1990"]},
                ["where year <> 1990", "", "", "where year < 1993"],
            ),
            ({"where": "year > 1991", "deny": [0]}, ["deny", "where year > 1991", "", ""]),
            ({"user_deny": {0: [2], 1: [0]}}, ["", "", "user deny", ""]),
            ({"quota": {"genre": 1}}, ["", "quota genre=1: x", "", ""]),
            (
                {"quota": {"genre": 1}, "deny": [0]},
                ["deny", "", "quota genre=1: y", ""],
            ),
            ({"quota": {"genre": 0}}, ["quota genre=0: x"] * 2 + ["quota genre=0: y", ""]),
        ],
    )
    def test_the_first_against_an_item(self, popular, rules, expected):
        assert told(popular, **rules) == [
            (item, rank, one)
            for item, rank, one in zip([0, 1, 2, 4], [1, 2, 3, 4], expected, strict=True)
        ]

    def test_no_rules(self, popular):
        assert (popular.audit([0, 1])["rule"] == "").all()


class TestPins:
    def test_placed(self, popular):
        assert told(popular, pin={1: 4, 3: 9}) == [
            (0, 1, ""),
            (1, 2, ""),
            (2, 3, "pin made room"),
            (4, 4, "pin rank 1"),
            (9, 0, "pin rank 3"),
        ]

    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            ({"pin": {1: 3}}, "pin already seen"),
            ({"pin": {7: 9}}, "pin beyond the list"),
            ({"pin": {1: 9}, "deny": [9]}, "pin deny"),
            ({"pin": {1: 9}, "where": "year < 1995"}, "pin where year < 1995"),
            ({"pin": {1: 9}, "user_deny": {0: [9]}}, "pin user deny"),
            ({"pin": {1: 0, 2: 6}, "quota": {"genre": 1}}, "pin quota genre=1: x"),
        ],
    )
    def test_left_out(self, popular, rules, expected):
        *_, (item, rank, last) = told(popular, **rules)
        assert (item, rank, last) == (list(rules["pin"].values())[-1], 0, expected)

    def test_beyond_the_list_it_counts_for_quotas(self, popular):
        rows = told(popular, pin={9: 6}, quota={"genre": 1})
        assert rows[:2] == [(0, 1, "quota genre=1: x"), (1, 2, "quota genre=1: x")]
        assert rows[-1] == (6, 0, "pin beyond the list")

    def test_a_pinned_item_that_would_stand_in_the_list_is_one_row(self, popular):
        rows = told(popular, pin={9: 0})
        assert rows[0] == (0, 1, "pin beyond the list")
        assert len(rows) == 4

    def test_scores(self, popular):
        frame = popular.audit([0], 2, rules=Rules(pin={1: 9}))
        assert frame["score"].tolist()[:2] == [20, 19]
        assert np.isnan(frame["score"].tolist()[2])
        assert frame["rank"].dtype == np.int32


class TestUsers:
    def test_history_and_users_in_order(self, popular):
        history = pd.DataFrame({"user": [500, 500], "item": [0, 9]})
        frame = popular.audit([500, 0, 501], 2, history=history, rules=Rules(pin={1: 9, 2: 3}))
        pins = frame[frame["rule"] == "pin"]
        said = dict(zip(zip(pins["user"], pins["item"], strict=True), pins["detail"], strict=True))
        assert said[500, 9] == "already seen"
        assert said[500, 3] == "rank 2"
        assert said[0, 9] == "rank 1"
        assert said[0, 3] == "already seen"
        assert said[501, 3] == "rank 2"
        assert frame["user"].drop_duplicates().tolist() == [500, 0, 501]

    def test_nobody(self, popular):
        frame = popular.audit([], rules=Rules(pin={1: 9}, quota={"genre": 1}))
        assert frame.empty
        assert list(frame.columns) == COLUMNS


def test_agrees_with_the_lists_of_all_users(dataset):
    """What stays is in the list with rules, what does not is not; every rule holds."""
    model = HybridALS(factors=4, iterations=3).fit(dataset)
    rules = Rules(
        where="\"group\" = 'odd'",
        deny=[1, 3],
        quota={"block": 1},
        pin={2: 9, 5: 60},
        user_deny={user: [5, 7] for user in range(1, 40, 2)},
    )
    plain, ruled = model.recommend(k=8), model.recommend(k=8, rules=rules)
    audit = model.audit(k=8, rules=rules)
    before = audit[audit["rank"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        before[["user", "item", "score", "rank"]], plain[["user", "item", "score", "rank"]]
    )
    pairs = set(zip(ruled["user"], ruled["item"], strict=True))
    placed = audit["detail"].str.startswith("rank")
    stays = (audit["rule"] == "") | placed
    there = [pair in pairs for pair in zip(audit["user"], audit["item"], strict=True)]
    assert (stays == there).all()
    assert (audit.groupby("user")["item"].nunique() == audit.groupby("user").size()).all()
    by_rule = audit.groupby("rule")["item"]
    assert set(by_rule.get_group("deny")) == {1, 3}
    assert (by_rule.get_group("where") % 2 == 0).all()
    assert set(audit["rule"]) == {"", "where", "deny", "quota", "pin", "user deny"}


def test_other_candidates(dataset):
    """Rules change what a re-ranker has to choose from."""
    model = HybridALS(factors=4, iterations=3).fit(dataset)
    rules = Rules(deny=list(range(0, 60, 3)))
    audit = model.audit(k=8, rules=rules, rerank="mmr:weight=0.9")
    assert set(audit["rule"]) <= {"", "deny", "rerank"}
    ranked = model.recommend(k=8, rerank="mmr:weight=0.9")
    assert audit["item"].tolist() == ranked["item"].tolist()
