"""The base of all models, beyond the contract suite: ids, frames, memory, odd data."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, UnknownIdError
from hybridrec.models.base import Recommender
from hybridrec.models.bias import BiasBaseline
from hybridrec.models.content import Content
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.implicit_factors import ALS
from hybridrec.models.item_knn import ItemKNN
from hybridrec.models.popularity import Popularity
from hybridrec.ranking.rules import Rules
from hybridrec.ranking.scorer import FactorScorer


class Given(Recommender):
    """A model of given factors, so that every list is known."""

    model_name = "given"

    def __init__(self, *, width=2):
        self.width = width

    def _fit(self, matrix, item_features, user_features):
        rng = np.random.default_rng(self.width)
        P, Q = (rng.normal(size=(n, self.width)) for n in matrix.shape)
        return FactorScorer(P, Q, np.zeros(matrix.shape[1]))

    def _fold_in(self, history):
        factors = history @ self.scorer_.item_factors
        return FactorScorer(factors, self.scorer_.item_factors, self.scorer_.item_bias)


@pytest.fixture
def model(ratings):
    return Given().fit(ratings)


class TestIds:
    def test_integers_and_text_are_different_ids(self, model):
        with pytest.raises(UnknownIdError, match=r"unknown user id '3' \(ids here are integers"):
            model.recommend(["3"])
        with pytest.raises(UnknownIdError, match="unknown item id 'x'"):
            model.similar_items(["x"])

    def test_ids_come_back_in_their_type(self, ratings):
        assert Given().fit(ratings).recommend([3])["item"].dtype == np.int64
        text = ratings.assign(item="i" + ratings["item"].astype(str))
        lists = Given().fit(text).recommend([3])
        assert all(isinstance(one, str) for one in lists["item"])
        assert lists["user"].dtype == np.int64

    def test_whole_floats_are_integers(self, model):
        pd.testing.assert_frame_equal(model.recommend([3.0, 5.0]), model.recommend([3, 5]))

    def test_any_sequence_of_users(self, model):
        expected = model.recommend([3, 5])
        for users in ((3, 5), np.array([3, 5]), pd.Series([3, 5]), pl.Series([3, 5])):
            pd.testing.assert_frame_equal(model.recommend(users), expected)

    def test_one_id_instead_of_a_sequence(self, model):
        with pytest.raises(DataError, match="one-dimensional"):
            model.recommend(3)

    def test_unknown_policy(self, model):
        with pytest.raises(ParameterError, match="unknown must be 'raise' or 'skip'"):
            model.recommend([3], unknown="ignore")
        assert model.recommend([999], unknown="skip").empty


class TestHistory:
    HISTORY = pd.DataFrame({"user": [900, 900, 5], "item": [1, 2, 3]})

    def test_order_and_sources(self, model):
        lists = model.recommend([7, 900, 901, 5], k=2, history=self.HISTORY)
        assert lists["user"].tolist() == [7, 7, 900, 900, 901, 901, 5, 5]
        assert lists["source"].tolist()[::2] == ["model", "fold-in", "popular", "fold-in"]

    def test_the_history_is_the_whole_history(self, model):
        """User 5 has other items in the model; those may come out again."""
        known = set(model.items_.ids[model.history_[[5]].indices])
        lists = model.recommend([5], k=60, history=self.HISTORY)
        assert 3 not in set(lists["item"])
        assert known - {3} <= set(lists["item"])

    def test_users_of_another_type_than_the_history(self, model):
        with pytest.raises(DataError, match="users are asked for by ids like '900', the history"):
            model.recommend(["900"], history=self.HISTORY)

    def test_a_new_user_may_have_an_id_of_another_type_than_the_model(self, model):
        lists = model.recommend(history=self.HISTORY.assign(user=["a", "a", "b"]), k=1)
        assert lists["user"].tolist() == ["a", "b"]

    def test_weights_and_repeats(self, model):
        twice = pd.concat([self.HISTORY, self.HISTORY])
        heavy = self.HISTORY.assign(weight=2.0)
        pd.testing.assert_frame_equal(
            model.recommend(history=twice), model.recommend(history=heavy)
        )

    def test_items_of_weight_zero_are_no_history(self, model):
        lists = model.recommend(history=self.HISTORY.assign(weight=[0.0, 0.0, 1.0]), k=1)
        assert dict(zip(lists["user"], lists["source"], strict=True)) == {
            900: "popular", 5: "fold-in",
        }  # fmt: skip

    def test_interactions_and_polars(self, model):
        expected = model.recommend(history=self.HISTORY)
        for given in (Interactions.from_frame(self.HISTORY), pl.from_pandas(self.HISTORY)):
            pd.testing.assert_frame_equal(model.recommend(history=given), expected)

    def test_items_nobody_had_and_nothing_is_known_of(self, dataset):
        """Items 60 and 61 have no interaction, and ALS knows no features."""
        model = ALS(factors=2, iterations=2).fit(dataset)
        lists = model.recommend(history=pd.DataFrame({"user": ["x"], "item": [60]}), k=3)
        assert set(lists["source"]) == {"popular"}


class TestFrames:
    def test_polars_in_polars_out(self, ratings):
        model = Given().fit(pl.from_pandas(ratings))
        expected = Given().fit(ratings)
        for found, twin in (
            (model.recommend([1, 2], k=3), expected.recommend([1, 2], k=3)),
            (model.similar_items([1, 2], k=3), expected.similar_items([1, 2], k=3)),
            (model.score(pl.from_pandas(ratings)), expected.score(ratings)),
        ):
            assert isinstance(found, pl.DataFrame)
            assert found.columns == list(twin.columns)
            for name in found.columns:
                np.testing.assert_array_equal(found[name].to_numpy(), twin[name].to_numpy())

    def test_an_empty_frame_has_its_columns(self, ratings):
        for data in (ratings, pl.from_pandas(ratings)):
            found = Given().fit(data).recommend([])
            assert list(found.columns) == ["user", "item", "score", "rank", "source"]

    def test_score_keeps_the_order_and_the_library_of_the_pairs(self, model, ratings):
        pairs = pd.DataFrame({"who": [5, 1, 5], "what": [2, 9, 2]}, index=[7, 7, 1])
        found = model.score(pairs, user="who", item="what")
        assert found["user"].tolist() == [5, 1, 5]
        assert found["score"][0] == found["score"][2]
        P, Q = model.scorer_.user_factors, model.scorer_.item_factors
        np.testing.assert_allclose(found["score"][1], P[1] @ Q[9], rtol=1e-5)
        assert isinstance(model.score(pl.DataFrame({"user": [1], "item": [2]})), pl.DataFrame)


class TestSimilar:
    def test_cosine_of_the_factors(self, model):
        found = model.similar_items([4], k=5)
        Q = model.scorer_.item_factors.astype(np.float64)
        unit = Q / np.linalg.norm(Q, axis=1, keepdims=True)
        cosine = unit @ unit[4]
        expected = np.argsort(-cosine)[1:6]
        assert found["similar"].tolist() == expected.tolist()
        np.testing.assert_allclose(found["score"], cosine[expected], rtol=1e-5)

    def test_an_item_named_twice_is_answered_twice(self, model):
        found = model.similar_items([4, 4], k=2)
        assert found["item"].tolist() == [4] * 4
        assert found["similar"].tolist()[:2] == found["similar"].tolist()[2:]

    def test_items_nothing_is_known_of(self, dataset):
        model = ALS(factors=2, iterations=2).fit(dataset)
        with pytest.raises(DataError, match="items 60 have neither interactions nor features"):
            model.similar_items([1, 60])


class TestOddData:
    def test_no_interactions(self):
        nothing = pd.DataFrame({"user": [], "item": []})
        with pytest.raises(DataError, match="no interaction to fit on"):
            Given().fit(nothing)
        with pytest.raises(DataError, match=r"no interaction to fit on \(all were dropped or weig"):
            Given().fit(pd.DataFrame({"user": [1], "item": [2], "weight": [0.0]}))

    def test_explicit_zeros_are_no_interactions(self, ratings):
        zero = pd.DataFrame({"user": [0, 77], "item": [99, 99], "weight": [0.0, 0.0]})
        model = Popularity().fit(pd.concat([ratings, zero]))
        assert 99 not in set(model.recommend([0], k=100)["item"])
        assert set(model.recommend([77], k=3)["source"]) == {"popular"}
        assert model.popularity_[model.items_.codes([99])].tolist() == [0.0]

    @pytest.mark.parametrize("kind", [Popularity, BiasBaseline, ItemKNN, ALS, HybridALS])
    def test_one_user_and_one_item(self, kind):
        model = kind().fit(pd.DataFrame({"user": [1], "item": [2]}))
        assert model.recommend().empty
        lists = model.recommend(history=pd.DataFrame({"user": [9], "item": [2]}))
        assert lists.empty
        assert model.recommend([9], history=pd.DataFrame({"user": [8], "item": [2]}))[
            "item"
        ].tolist() == [2]

    @pytest.mark.parametrize("kind", [Popularity, BiasBaseline, ItemKNN, ALS, HybridALS, Content])
    def test_users_and_items_without_interactions(self, kind, dataset):
        """They are known; such a user gets the popular items."""
        rows = dataset.interactions
        some = dataset.with_interactions(rows.take(rows.user_codes > 4))
        model = kind().fit(some)
        lists = model.recommend([0, 9], k=4)
        assert lists[lists["user"] == 0]["source"].tolist() == ["popular"] * 4
        assert set(lists[lists["user"] == 9]["source"]) <= {"model", "features"}
        pairs = pd.DataFrame({"user": [0, 9], "item": [1, 1]})
        assert not model.score(pairs)["score"].isna().any()

    def test_a_second_fit_that_fails_leaves_the_first(self, model, ratings):
        before = model.recommend(k=3)
        with pytest.raises(DataError):
            model.fit(ratings.assign(weight=0.0))
        pd.testing.assert_frame_equal(model.recommend(k=3), before)

    def test_a_list_that_rules_leave_empty_is_filled_from_what_they_allow(self, dataset):
        """ItemKNN reaches nothing here but the popular items still obey the rules."""
        model = ItemKNN(neighbors=1).fit(dataset)
        lists = model.recommend([3], k=5, rules=Rules(allow=[7, 8, 60]))
        assert set(lists["item"]) <= {7, 8}


class TestArguments:
    @pytest.mark.parametrize("call", ["recommend", "similar_items"])
    def test_threads(self, model, call):
        with pytest.raises(ParameterError, match="num_threads must be 0"):
            getattr(model, call)([1], num_threads=-1)

    def test_huge_k_takes_no_memory(self, model):
        assert len(model.recommend([1], k=10**12)) == 60 - model.history_[[1]].nnz

    def test_a_history_of_another_catalogue(self, model):
        """Kernels would read past the end of the factors."""
        with pytest.raises(ValueError, match="mismatch"):
            model.recommend_codes(np.array([-1]), 3, history=csr_matrix((1, 61)))

    def test_recommend_codes_of_a_mask(self, model):
        mask = np.zeros(60, dtype=bool)
        mask[[2, 50]] = True
        lists = model.recommend_codes(np.arange(40), 5, items=mask)
        assert lists.items.shape == (40, 5)
        assert set(np.unique(lists.items)) <= {-1, 2, 50}


def test_memory_of_many_users():
    """Lists of 30,000 users over 3,000 items: all scores at once would be 343 MB."""
    n_users, n_items = 30_000, 3_000
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": range(n_users), "item": rng.integers(0, n_items, n_users)})
    model = Given(width=4).fit(frame)
    model.recommend([0])  # compiled
    tracemalloc.start()
    model.recommend_codes(np.arange(n_users), 5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6


def test_several_threads_of_the_host_at_once(ratings):
    """Recommend and fold in from four threads, as a service does."""
    model = HybridALS(factors=4, iterations=2).fit(ratings)
    history = pd.DataFrame({"user": [900, 900], "item": [1, 2]})
    expected = model.recommend(k=4), model.recommend(history=history)
    wrong = []

    def serve():
        for _ in range(10):
            for found, twin in zip(
                (model.recommend(k=4), model.recommend(history=history)), expected, strict=True
            ):
                if not found.equals(twin):
                    wrong.append(found)

    workers = [threading.Thread(target=serve) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert wrong == []


def test_a_matrix_with_unsorted_rows(ratings):
    """SciPy does not promise order; top-k and fold-in must not depend on it."""
    model = ItemKNN().fit(ratings)
    history = model.history_[[3]].copy()
    shuffled = csr_matrix(
        (history.data[::-1], history.indices[::-1], history.indptr), shape=history.shape
    )
    lists = [model.recommend_codes(np.array([-1]), 60, history=one) for one in (history, shuffled)]
    np.testing.assert_array_equal(lists[0].items, lists[1].items)
    assert not set(lists[1].items[0]) & set(history.indices)


def test_datasets_are_not_copied(dataset):
    model = Popularity().fit(dataset)
    assert model.history_ is dataset.matrix
    assert isinstance(dataset, Dataset)
