from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import ALS, Content, Dataset, ItemKNN, KnowledgeGraph, load
from hybridrec.dataset.named import load_dataset
from hybridrec.models.explain_paths import _firsts_ahead
from hybridrec.models.hybrid_als import HybridALS

RATED = pd.DataFrame(
    [("u", "a", 5.0), ("u", "b", 4.5), ("v", "a", 3.0), ("v", "c", 4.0), ("v", "b", 2.0)],
    columns=["user", "item", "rating"],
)
TRIPLES = [("a", "directed_by", "q"), ("c", "directed_by", "q"), ("b", "genre", "genre:Drama"),
           ("c", "genre", "genre:Drama"), ("a", "genre", "genre:Drama")]  # fmt: skip


def dataset(rows=RATED, titles=True, labels=None):
    graph = KnowledgeGraph.from_triples(*zip(*TRIPLES, strict=True))
    if labels:
        graph = graph.with_labels(labels)
    items = pd.DataFrame({"item": ["a", "b", "c"], "title": ["A film", None, "See"]})
    return Dataset.build(rows, graph, item_table=items if titles else None)


def texts(model):
    return [path.text for path in model.explain("u", "c").paths]


def test_texts():
    assert texts(ItemKNN(similarity="cosine").fit(dataset(labels={"q": "Quentin"}))) == [
        "same director (Quentin) as A film, which you rated 5",
    ]
    more = pd.DataFrame({"user": ["w"], "item": ["d"], "rating": [3.0]})
    items = pd.DataFrame({"item": list("abcd"), "title": ["A film", None, "See", "Dee"]})
    graph = KnowledgeGraph.from_triples(*zip(*TRIPLES, ("d", "genre", "x"), strict=True))
    data = Dataset.build(pd.concat([RATED, more]), graph, item_table=items)
    assert "same genre (Drama) as b, which you rated 4.5" in texts(
        ItemKNN(similarity="cosine").fit(data)
    )
    assert texts(ItemKNN(similarity="cosine").fit(dataset(titles=False)))[0] == (
        "same director as a, which you rated 5"
    )


@pytest.mark.parametrize("weights", [1.0, [57.0, 3, 1, 2, 3]])
def test_weights_that_are_no_ratings_are_not_told(weights):
    model = ItemKNN(similarity="cosine").fit(dataset(RATED.assign(rating=weights)))
    assert texts(model)[0].endswith("A film, which you had")


def test_weights_of_paths():
    model = ItemKNN(similarity="cosine").fit(dataset())
    told = model.explain("u", "c")
    value = {part.item: part.value for part in told.parts}
    # All three items have the genre, which so says nothing; two of three have the director.
    rarity = np.log(3 / 2) / np.log(3)
    assert [path.item for path in told.paths] == ["a"]
    assert told.paths[0].weight == pytest.approx(value["a"] * rarity)
    steps = told.paths[0].steps
    assert [(one.entity, one.relation, one.direction) for one in steps] == [
        ("q", "directed_by", "forward"),
        ("c", "directed_by", "backward"),
    ]
    assert [one.label for one in steps] == [None, "See"]


def test_facts_that_the_model_uses_come_first():
    model = Content().fit(dataset(), item_features=["tokens"])
    told = model.explain("u", "c")
    fact = {part.name: part.value for part in told.features}
    assert set(fact) == {"directed_by = q", "genre = Drama"}
    value = {part.item: part.value for part in told.parts}
    support = 0.1 + 0.9 * fact["directed_by = q"] / max(fact.values())
    rarity = np.log(3 / 2) / np.log(3)
    assert told.paths[0].weight == pytest.approx(value["a"] * rarity * support)


def test_every_item_gets_its_path_before_one_gets_two():
    weights = np.array([5.0, 4.0, 3.0, 2.0])
    assert _firsts_ahead([1, 1, 2, 3], weights) == [0, 2, 3, 1]
    assert _firsts_ahead([1, 1], np.array([0.0, 4.0])) == [1]


def test_paths_that_read_the_same_are_told_once():
    told = HybridALS(factors=4).fit(load_dataset("movielens-small")).explain(1, 1, paths=8)
    assert len({path.text for path in told.paths}) == len(told.paths) > 3


def test_the_graph_is_kept_with_every_model(tmp_path):
    data = dataset(labels={"q": "Quentin"})
    model = ALS(factors=2).fit(data)
    assert model.knowledge_ is data.knowledge
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert texts(again) == texts(model) != []
    assert "_kept" in vars(again)


def test_models_without_a_graph_give_no_reasons(tmp_path):
    model = Content().fit(dataset())
    model.knowledge_ = None  # as in folders that older versions wrote for such models
    assert model.explain("u", "c", parts=0).paths == ()
    plain = ItemKNN(similarity="cosine").fit(RATED)
    plain.save(tmp_path / "model")
    assert load(tmp_path / "model").explain("u", "c").paths == ()
