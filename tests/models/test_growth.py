"""New users, items and events without a refit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.bias import BiasBaseline
from hybridrec.models.content import Content
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.implicit_factors import ALS, BPR
from hybridrec.models.item_knn import ItemKNN
from hybridrec.models.popularity import Popularity
from hybridrec.ranking.rules import Rules


def events(*pairs, **columns):
    users, items = zip(*pairs, strict=True)
    return pd.DataFrame({"user": users, "item": items, **columns})


def row(model, user):
    """Return what the model scores for one user, all items."""
    code = model.users_.codes([user])
    items = np.arange(len(model.items_), dtype=np.int32)[None, :]
    return model.scorer_.chosen(code, items)[0]


class TestUpdate:
    @pytest.mark.parametrize("kind", [ALS, HybridALS, BiasBaseline, ItemKNN])
    def test_the_whole_history_is_folded_in(self, kind, ratings):
        """One event after the other, all at once, or as a history: the same user."""
        new = [(900, 1), (900, 3), (900, 5)]
        at_once, in_turn, told = (kind().fit(ratings) for _ in range(3))
        at_once.update(events(*new))
        for one in new:
            in_turn.update(events(one))
        np.testing.assert_allclose(row(at_once, 900), row(in_turn, 900), rtol=1e-5)
        lists, told = at_once.recommend([900]), told.recommend(history=events(*new))
        np.testing.assert_allclose(lists["score"], told["score"], rtol=1e-5)
        assert lists["item"].tolist() == told["item"].tolist()
        assert set(lists["source"]) == {"model"}

    def test_known_users_are_folded_in_with_what_they_had(self, ratings):
        model = ALS(factors=4).fit(ratings)
        before = set(model.items_.ids[model.history_[[0]].indices])
        unseen = next(one for one in range(60) if one not in before)
        model.update(events((0, unseen)))
        assert set(model.items_.ids[model.history_[[0]].indices]) == before | {unseen}
        assert not (before | {unseen}) & set(model.recommend([0], k=60)["item"])

    def test_weights_are_added_up(self, ratings):
        one, other = ALS(factors=4).fit(ratings), ALS(factors=4).fit(ratings)
        one.update(events((900, 1), (900, 1), (900, 2), weight=[2.0, 3.0, 1.0]))
        other.update(events((900, 1), (900, 2), weight=[5.0, 1.0]))
        assert one.history_[-1, 1] == 5.0
        np.testing.assert_allclose(row(one, 900), row(other, 900), rtol=1e-6)

    def test_events_of_weight_zero_tell_nothing(self, ratings):
        model = ALS(factors=4).fit(ratings)
        before = row(model, 0)
        model.update(events((0, 1), (901, 2), weight=[0.0, 0.0]))
        np.testing.assert_array_equal(row(model, 0), before)
        assert set(model.recommend([901], k=3)["source"]) == {"popular"}

    def test_others_stay_bit_for_bit(self, ratings):
        model = HybridALS(factors=4).fit(ratings)
        before = model.scorer_
        model.update(events((3, 7), (900, 777), (4, 777)))
        after = model.scorer_
        kept = [one for one in range(40) if one not in (3, 4)]
        np.testing.assert_array_equal(after.user_factors[kept], before.user_factors[kept])
        np.testing.assert_array_equal(after.item_factors[:60], before.item_factors)

    @pytest.mark.parametrize("kind", [ALS, HybridALS, BiasBaseline, Popularity])
    def test_new_items_of_known_users_come_out(self, kind, ratings):
        model = kind().fit(ratings)
        model.update(events(*((user, 777) for user in range(0, 20, 2))))
        assert 777 in set(model.recommend([22, 24, 26], k=60)["item"])

    def test_a_new_item_finds_its_group(self, ratings):
        model = ALS(factors=4, regularization=1.0).fit(ratings)
        model.update(events(*((user, 777) for user in range(0, 20, 2))))
        scores = {user: row(model, user)[-1] for user in range(20, 40)}
        even = np.mean([score for user, score in scores.items() if user % 2 == 0])
        odd = np.mean([score for user, score in scores.items() if user % 2])
        assert even > odd + 0.1

    @pytest.mark.parametrize("kind", [BPR, ItemKNN])
    def test_new_items_wait_for_the_next_fit_elsewhere(self, kind, ratings):
        model = kind().fit(ratings)
        model.update(events((2, 777), (4, 777)))
        assert 777 not in set(model.recommend(k=60)["item"])
        assert model.popularity_[-1] == 2.0
        with pytest.raises(DataError, match="items 777 have neither"):
            model.similar_items([777])

    @pytest.mark.parametrize("kind", [ALS, HybridALS, BiasBaseline, ItemKNN, BPR])
    def test_a_user_of_new_items_only(self, kind, ratings):
        model = kind().fit(ratings)
        model.update(events((900, 777), (900, 778)))
        assert set(model.recommend([900], k=3)["source"]) == {"popular"}
        model.update(events((900, 1)))
        assert set(model.recommend([900], k=3)["source"]) == {"model"}

    def test_an_item_that_was_cold_keeps_what_its_features_say(self, dataset):
        model = HybridALS(factors=4).fit(dataset)
        before = model.scorer_.item_factors[60].copy()
        assert model.recommend([0], k=60).query("item == 60")["source"].tolist() == ["features"]
        model.update(events((2, 60)))
        np.testing.assert_array_equal(model.scorer_.item_factors[60], before)
        assert model.recommend([0], k=60).query("item == 60")["source"].tolist() == ["model"]

    def test_any_frame(self, ratings):
        one, other = Popularity().fit(ratings), Popularity().fit(ratings)
        new = events((900, 1))
        one.update(new)
        other.update(pl.from_pandas(new))
        pd.testing.assert_frame_equal(one.recommend([900]), other.recommend([900]))
        assert one.update(new) is one

    def test_the_dataset_stays_as_it_was(self, dataset):
        before = dataset.matrix.copy()
        table = dataset.item_table.copy()
        model = HybridALS(factors=2, iterations=1).fit(dataset)
        model.update(events((0, 777), (900, 1)))
        model.add_items(pd.DataFrame({"item": [500], "group": ["odd"]}))
        assert dataset.matrix.shape == before.shape
        assert (dataset.matrix != before).nnz == 0
        pd.testing.assert_frame_equal(dataset.item_table, table)
        assert len(dataset.items) == 62


class TestAddItems:
    @pytest.fixture
    def model(self, dataset):
        return HybridALS(factors=4, iterations=3).fit(dataset)

    def test_frames_and_integer_ids(self, model):
        assert model.add_items(pl.DataFrame({"item": [70, 71], "group": ["odd", "even"]})) is model
        assert model.items_.ids[-2:].tolist() == [70, 71]
        lists = model.recommend([0, 1], k=100).query("item >= 70")
        assert set(lists["source"]) == {"features"}

    def test_the_item_table_grows(self, model):
        model.add_items(pd.DataFrame({"extra": [1, 2], "group": ["odd", None], "item": [70, 71]}))
        assert list(model.item_table_.columns) == ["group", "block"]
        assert model.item_table_["group"][62] == "odd"
        assert model.item_table_.loc[63].isna().all()
        odd = Rules(where="\"group\" = 'odd'").compile(model.items_, model.item_table_).allowed
        assert odd[62]
        assert not odd[63]

    def test_columns_may_be_missing(self, model):
        model.add_items(pd.DataFrame({"item": [70, 71], "block": ["b1", "unheard"]}))
        assert model.scorable_[-2:].tolist() == [True, False]
        model.add_items(pd.DataFrame({"item": [72]}))
        assert not model.scorable_[-1]

    def test_numbers_stay_numbers(self, ratings):
        table = pd.DataFrame({"item": range(60), "year": range(60), "free": [True, False] * 30})
        model = Content().fit(Dataset.build(ratings, item_table=table))
        model.add_items(pd.DataFrame({"item": [70, 71], "year": [5, None], "free": [True, None]}))
        assert model.item_table_["year"].dtype == np.float64
        found = Rules(where="free and year <= 5").compile(model.items_, model.item_table_).allowed
        assert model.items_.ids[found].tolist() == [0, 2, 4, 70]

    def test_lists_stay_lists(self, ratings):
        table = pd.DataFrame({"item": range(60), "genre": [["a", "b"], ["c"]] * 30})
        model = Content().fit(Dataset.build(ratings, item_table=table))
        model.add_items(pd.DataFrame({"item": [70, 71], "genre": [["a"], None]}))
        rules = Rules(where="list_contains(genre, 'a')")
        found = rules.compile(model.items_, model.item_table_).allowed
        assert model.items_.ids[found][-1] == 70

    def test_the_id_column_by_name(self, model):
        model.add_items(pd.DataFrame({"sku": [70], "group": ["odd"]}), item="sku")
        assert 70 in model.items_
        with pytest.raises(DataError, match="new items: no column 'skew' for the item"):
            model.add_items(pd.DataFrame({"sku": [71]}), item="skew")

    def test_nothing_to_add(self, model):
        before = model.recommend(k=3)
        model.add_items(pd.DataFrame({"item": [], "group": []}))
        pd.testing.assert_frame_equal(model.recommend(k=3), before)

    def test_refused(self, model):
        for table, message in (
            (pd.DataFrame({"item": [70, 5]}), "items 5 are already known"),
            (pd.DataFrame({"item": [70, 70]}), "duplicate item ids 70"),
            (pd.DataFrame({"item": ["x"]}), "item ids are integers here, cannot add 'x'"),
            (pd.DataFrame({"group": ["odd"]}), "no column looks like the item"),
        ):
            with pytest.raises(DataError, match=message):
                model.add_items(table)
        assert len(model.items_) == 62

    def test_added_items_take_part_in_what_follows(self, model):
        model.add_items(pd.DataFrame({"item": [70], "group": ["odd"], "block": ["b1"]}))
        model.update(events((900, 70), (901, 70)))
        assert 70 not in set(model.recommend([900], k=100)["item"])
        assert set(model.recommend([900], k=3)["source"]) <= {"model", "features"}
        assert model.recommend([0], k=100).query("item == 70")["source"].tolist() == ["model"]


class TestKnowledge:
    """New items through graphs."""

    @pytest.fixture
    def model(self, ratings):
        films = [f"m{one}" for one in range(60)]
        makers = [f"p{one % 6}" for one in range(60)]
        graph = KnowledgeGraph.from_triples(
            [*films, "m99"], ["by"] * 61, [*makers, "p0"], link=(range(60), films)
        )
        return HybridALS(factors=4, iterations=3).fit(Dataset.build(ratings, graph))

    def test_new_entities(self, model):
        facts = KnowledgeGraph.from_triples(["n"], ["by"], ["p3"], link=([70], ["n"]))
        model.add_items(pd.DataFrame({"item": [70]}), knowledge=facts)
        cold = model._item_rows(
            model.item_pipeline_.transform(
                Dataset.build(events((0, 3)), model.item_pipeline_.knowledge_)
            ).matrix()[:1]
        )
        np.testing.assert_allclose(model.scorer_.item_factors[-1], cold[0][0], rtol=1e-4)

    def test_an_entity_that_the_graph_knows_already(self, model):
        """What the model's own graph says of it counts, with or without further facts."""
        link_only = KnowledgeGraph.from_triples(["m99"], ["seen"], ["x"], link=([70], ["m99"]))
        model.add_items(pd.DataFrame({"item": [70]}), knowledge=link_only)
        assert model.scorable_[-1]
        facts = KnowledgeGraph.from_triples(["m98"], ["by"], ["p0"], link=([71], ["m98"]))
        model.add_items(pd.DataFrame({"item": [71]}), knowledge=facts)
        np.testing.assert_allclose(*model.scorer_.item_factors[-2:], rtol=1e-5)

    def test_relations_nobody_knows(self, model):
        strange = KnowledgeGraph.from_triples(["n"], ["via"], ["p3"], link=([70], ["n"]))
        model.add_items(pd.DataFrame({"item": [70]}), knowledge=strange)
        assert not model.scorable_[-1]
        assert 70 not in set(model.recommend(k=100)["item"])

    def test_links_of_other_items_are_left_alone(self, model):
        facts = KnowledgeGraph.from_triples(
            ["n", "o"], ["by", "by"], ["p3", "p3"], link=([70, 71], ["n", "o"])
        )
        model.add_items(pd.DataFrame({"item": [70]}), knowledge=facts)
        assert len(model.items_) == 61

    def test_no_new_item_is_linked(self, model):
        facts = KnowledgeGraph.from_triples(["n"], ["by"], ["p3"], link=([71], ["n"]))
        message = "no new item is linked to the knowledge graph: they are 70, linked are 71"
        with pytest.raises(DataError, match=message):
            model.add_items(pd.DataFrame({"item": [70]}), knowledge=facts)
        assert len(model.items_) == 60

    def test_items_of_the_graph_that_were_not_in_the_data(self, ratings):
        """Where ids of items are entities, the graph may know more items than were rated."""
        items = [f"i{one}" for one in range(70)]
        graph = KnowledgeGraph.from_triples(
            items, ["by"] * 70, [f"p{one % 6}" for one in range(70)]
        )
        text = ratings.assign(item="i" + ratings["item"].astype(str))
        model = HybridALS(factors=4, iterations=3).fit(Dataset.build(text, graph))
        assert len(model.items_) == 60
        model.add_items(pd.DataFrame({"item": ["i66", "unheard"]}))
        assert model.scorable_[-2:].tolist() == [True, False]

    def test_links_by_numbers_to_items_of_text(self, ratings):
        text = ratings.assign(item=ratings["item"].astype(str))
        graph = KnowledgeGraph.from_triples(
            [f"m{one}" for one in range(60)], ["by"] * 60, [f"p{one % 6}" for one in range(60)],
            link=(range(60), [f"m{one}" for one in range(60)]),
        )  # fmt: skip
        model = HybridALS(factors=4, iterations=3).fit(Dataset.build(text, graph))
        facts = KnowledgeGraph.from_triples(["n"], ["by"], ["p3"], link=([70], ["n"]))
        model.add_items(pd.DataFrame({"item": ["70"]}), knowledge=facts)
        assert model.scorable_[-1]


@pytest.mark.parametrize("kind", [Popularity, ALS, ItemKNN, BiasBaseline])
def test_models_without_features(kind, dataset):
    with pytest.raises(ParameterError, match="was fitted without item features"):
        kind().fit(dataset).add_items(pd.DataFrame({"item": [70]}))
