"""Rules and re-ranking in the lists of fitted models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import NotFittedError, ParameterError, UnknownIdError
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.implicit_factors import ALS
from hybridrec.models.item_knn import ItemKNN
from hybridrec.models.popularity import Popularity
from hybridrec.ranking.rerank import MMR
from hybridrec.ranking.rules import Condition, Rules


@pytest.fixture(scope="module")
def model(dataset):
    return HybridALS(factors=4, iterations=3).fit(dataset)


def items_of(frame, user):
    return frame[frame["user"] == user]["item"].tolist()


def row(frame, user, item):
    (found,) = frame[(frame["user"] == user) & (frame["item"] == item)].to_dict("records")
    return found


class TestQuota:
    def test_holds_and_skips_nothing_else(self, model, dataset):
        """Greedy down the list without the quota, for every user."""
        block = dataset.item_table["block"].to_numpy()
        whole = model.recommend(k=100)
        found = model.recommend(k=9, rules=Rules(quota={"block": 2}))
        for user in whole["user"].unique():
            counts, expected = dict.fromkeys(block, 0), []
            for item in items_of(whole, user):
                if counts[block[item]] < 2:
                    counts[block[item]] += 1
                    expected.append(item)
            assert items_of(found, user) == expected[:9]

    def test_scores_and_sources_are_those_of_the_plain_list(self, model):
        whole = model.recommend([3], k=100).set_index("item")
        found = model.recommend([3], k=9, rules=Rules(quota={"block": 1})).set_index("item")
        pd.testing.assert_series_equal(found["score"], whole["score"][found.index])
        pd.testing.assert_series_equal(found["source"], whole["source"][found.index])
        assert found["rank"].tolist() == list(range(1, 8))

    def test_nothing_may_come_out(self, model):
        assert model.recommend(k=5, rules=Rules(quota={"group": 0})).empty


class TestPins:
    def test_everybody_but_those_who_have_it(self, model, ratings):
        having = set(ratings[ratings["item"] == 7]["user"])
        lists = model.recommend(k=4, rules=Rules(pin={2: 7}))
        second = lists[lists["rank"] == 2]
        for user, item, source in zip(
            second["user"], second["item"], second["source"], strict=True
        ):
            assert (item == 7) == (user not in having) == (source == "pinned")
        assert 0 < len(having) < 40
        assert (lists.groupby("user").size() == 4).all()

    def test_scored_by_the_model_where_it_can(self, model, dataset):
        user = next(one for one in range(40) if dataset.matrix[one, 7] == 0)
        pairs = pd.DataFrame({"user": [user], "item": [7]})
        lists = model.recommend([user], k=4, rules=Rules(pin={1: 7}))
        assert lists["score"][0] == model.score(pairs)["score"][0]

    def test_an_item_without_a_score(self, dataset):
        model = ALS(factors=2, iterations=2).fit(dataset)
        lists = model.recommend([0, 1], k=2, rules=Rules(pin={1: 60}))
        assert items_of(lists, 0)[0] == 60
        assert np.isnan(row(lists, 0, 60)["score"])
        assert row(lists, 0, 60)["source"] == "pinned"

    def test_users_of_whom_nothing_is_known(self, model, ratings):
        history = ratings.iloc[:3].assign(user=900)
        lists = model.recommend([901], k=3, history=history, rules=Rules(pin={1: 7}))
        assert lists["source"].tolist() == ["pinned", "popular", "popular"]
        assert lists["score"][0] == model.popularity_[7]

    def test_alone_in_the_list(self, model):
        lists = model.recommend([0], k=3, rules=Rules(allow=[7], pin={3: 7}))
        if len(lists):
            assert lists[["item", "rank"]].to_numpy().tolist() == [[7, 1]]


class TestUserDeny:
    def test_known_users(self, model):
        first = model.recommend(k=1)
        deny = {user: [item] for user, item in zip(first["user"], first["item"], strict=True)}
        del deny[0]
        second = model.recommend(k=2)
        lists = model.recommend(k=1, rules=Rules(user_deny=deny))
        for user in range(40):
            assert items_of(lists, user) == [items_of(second, user)[user != 0]]

    def test_new_users_and_known_ones_beside_them(self, model, ratings):
        history = ratings[ratings["user"] == 4].assign(user=900)
        (best,) = model.recommend(history=history, k=1)["item"]
        (known,) = model.recommend([3], k=1)["item"]
        rules = Rules(user_deny={900: [best], 3: [known], 5: [0]})
        lists = model.recommend([3, 900], k=60, history=history, rules=rules)
        assert best not in items_of(lists, 900)
        assert known not in items_of(lists, 3)
        assert len(lists) == len(model.recommend([3, 900], k=60, history=history)) - 2

    def test_pins_and_popular_items_obey(self, model, ratings):
        history = ratings.iloc[:3].assign(user=900)
        (best,) = model.recommend([901], k=1, history=history)["item"]
        rules = Rules(user_deny={901: [best, 7]}, pin={1: 7})
        lists = model.recommend([901], k=5, history=history, rules=rules)
        assert not {best, 7} & set(lists["item"])

    def test_codes(self, model):
        rules = Rules(user_deny={3: [0, 1]}, deny=[2])
        compiled = rules.compile(model.items_, model.item_table_, model.users_)
        codes = np.array([3, 5, -1])
        history = model.history_[[3, 5, 5]] * 0
        history.eliminate_zeros()
        lists = model.recommend_codes(codes, 100, history=history, rules=compiled)
        assert [len(set(one[one >= 0])) for one in lists.items] == [59, 61, 61]
        own = model.recommend_codes(codes[:2], 100, rules=compiled)
        assert not {0, 1, 2} & set(own.items[0])

    def test_ids_of_the_other_type(self, model):
        with pytest.raises(UnknownIdError, match="user_deny: user ids are integers here"):
            model.recommend([1], rules=Rules(user_deny={"1": [0]}))


class TestEmpty:
    @pytest.mark.parametrize(
        "rules",
        [
            Rules(allow=[]),
            Rules(where="false"),
            Rules(where=Condition("group", "==", "none")),
            Rules(quota={"group": 0}),
            Rules(allow=[1], deny=[1], pin={1: 1}),
        ],
    )
    def test_is_an_answer(self, model, ratings, rules):
        assert model.recommend(rules=rules).empty
        history = ratings.iloc[:3].assign(user=900)
        assert model.recommend([900, 901, 1], history=history, rules=rules).empty
        lists = model.recommend(rules=rules, rerank="mmr")
        assert list(lists.columns) == ["user", "item", "score", "rank", "source"]

    def test_the_last_resort_obeys_the_same_rules(self, dataset):
        """A model that reaches nothing of what is allowed falls back to popular items."""
        model = ItemKNN(neighbors=1).fit(dataset)
        reached = set(model.recommend([3], k=100)["item"])
        others = [one for one in range(60) if one not in reached and not dataset.matrix[3, one]]
        rules = Rules(allow=others[:12], quota={"block": 1}, user_deny={3: others[:1]})
        lists = model.recommend([3], k=100, rules=rules)
        assert set(lists["source"]) == {"popular"}
        assert set(lists["item"]) <= set(others[1:12])
        assert lists["item"].mod(7).is_unique


class TestRerank:
    def test_text_and_object_say_the_same(self, model):
        one = model.recommend(k=5, rerank="mmr:weight=0.9,block=columns")
        other = model.recommend(k=5, rerank=MMR(weight=0.9, block="columns"))
        pd.testing.assert_frame_equal(one, other)
        assert not one.equals(model.recommend(k=5))

    def test_weight_0_is_the_order_of_the_model(self, model):
        pd.testing.assert_frame_equal(
            model.recommend(k=5, rerank=MMR(weight=0)), model.recommend(k=5)
        )

    def test_under_all_rules(self, model, dataset, ratings):
        rules = Rules(where="\"group\" = 'odd'", quota={"block": 1}, pin={1: 9}, deny=[11])
        lists = model.recommend(k=10, rules=rules, rerank="mmr:weight=0.9")
        assert (lists["item"] % 2 == 1).all()
        assert 11 not in set(lists["item"])
        blocks = lists["item"].map(dataset.item_table["block"])
        assert not pd.DataFrame({"user": lists["user"], "block": blocks}).duplicated().any()
        assert lists.merge(ratings, on=["user", "item"]).empty

    def test_unknown(self, model):
        with pytest.raises(ParameterError, match="mmrr"):
            model.recommend(rerank="mmrr")


def test_no_table_no_quota(ratings):
    model = Popularity().fit(ratings)
    with pytest.raises(ParameterError, match="quota genre=1 needs an item table"):
        model.recommend(rules=Rules(quota={"genre": 1}))


def test_no_rules_cost_nothing(model, monkeypatch):
    expected = model.recommend(k=3)
    monkeypatch.setattr(Rules, "compile", None)
    pd.testing.assert_frame_equal(model.recommend(k=3, rules=Rules()), expected)


def test_any_library_of_frames(ratings):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: ratings[name].to_numpy() for name in ratings})
    model = Popularity().fit(frame)
    assert isinstance(model.recommend([1], rules=Rules(pin={1: 5})), polars.DataFrame)
    assert isinstance(model.audit([1], rules=Rules(deny=[5])), polars.DataFrame)


def test_threads_and_users_alone_say_the_same(model):
    rules = Rules(quota={"block": 1}, pin={1: 3, 4: 8}, user_deny={1: [2, 3]})
    together = model.recommend(k=8, rules=rules, num_threads=2)
    for user in (0, 1, 17):
        alone = model.recommend([user], k=8, rules=rules, num_threads=1)
        among = together[together["user"] == user].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, among)


def test_item_tables_of_awkward_columns(ratings):
    n = 60
    table = pd.DataFrame({"item": range(n)})
    table["genre"] = [["a", "b"] if one % 3 else None for one in range(n)]
    table["tags"] = ["x|y" if one % 2 else np.nan for one in range(n)]
    table["mixed"] = pd.Series([1 if one % 2 else "one" for one in range(n)], dtype=object)
    table["Ünïcode \"col'umn"] = "ß"
    table["nothing"] = None
    model = Popularity().fit(Dataset.build(ratings, item_table=table))
    for column, most in (("genre", 2), ("tags", 2), ("mixed", 4), ("Ünïcode \"col'umn", 2)):
        lists = model.recommend([0], k=60, rules=Rules(quota={column: 2}))
        bound = lists["item"].map(lambda one, at=column: model.item_table_[at][one]).notna()
        assert bound.sum() == most
    assert len(model.recommend([0], k=60, rules=Rules(quota={"nothing": 0}))) > 30


def test_rules_are_rules(model):
    with pytest.raises(ParameterError, match=r"rules must be a hybridrec\.Rules, got \{'deny'"):
        model.recommend([0], rules={"deny": [1]})


def test_not_fitted():
    with pytest.raises(NotFittedError, match="call fit first"):
        Popularity().audit()
