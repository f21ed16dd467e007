from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import NotFittedError, ParameterError
from hybridrec.features.blocks import scale_rows
from hybridrec.models.blend import Blend
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.implicit_factors import ALS
from hybridrec.models.item_knn import ItemKNN
from hybridrec.models.popularity import Popularity
from hybridrec.models.storage import load


def dense(vectors):
    return vectors if isinstance(vectors, np.ndarray) else vectors.toarray()


@pytest.fixture(scope="module")
def told(dataset):
    """Return the data with a fact or two about every item but the last."""
    rows = [(f"i{one}", "made by", f"m{one % 5}") for one in range(61)]
    rows += [(f"i{one}", "set in", f"p{one % 3}") for one in range(0, 61, 2)]
    heads, relations, tails = zip(*rows, strict=True)
    graph = KnowledgeGraph.from_frame(
        pd.DataFrame({"head": heads, "relation": relations, "tail": tails}),
        link=pd.DataFrame({"item": range(61), "entity": [f"i{one}" for one in range(61)]}),
    )
    return dataset.with_knowledge(graph)


def test_the_features_of_the_model_come_first(told):
    model = HybridALS().fit(told, item_features=["columns"])
    found = dense(model.catalogue.vectors())
    np.testing.assert_allclose(found, dense(model.catalogue.vectors("columns")))
    expected = scale_rows(model.item_pipeline_.transform(told).matrix()).toarray()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_a_model_without_features_has_those_of_its_table_and_graph(told):
    model = ItemKNN().fit(told)
    both = dense(model.catalogue.vectors())
    tokens, columns = (dense(model.catalogue.vectors(one)) for one in ("tokens", "columns"))
    assert both.shape[1] == tokens.shape[1] + columns.shape[1]
    assert (tokens[61:] == 0).all()  # of the last item the graph knows nothing
    cosines = tokens @ tokens.T
    assert cosines[0, 30] == pytest.approx(1)  # the same maker and place
    assert cosines[0, 1] == 0


def test_factors_are_those_of_the_model(ratings):
    model = ALS(factors=4).fit(ratings)
    found = model.catalogue.vectors()  # there is nothing else
    np.testing.assert_allclose(found, scale_rows(model.scorer_.item_factors))
    assert model.catalogue.vectors("factors").shape == found.shape


@pytest.mark.parametrize("kind", [ItemKNN, Popularity, Blend])
def test_a_model_without_factors_takes_them_from_the_interactions(kind, dataset, ratings):
    model = kind().fit(ratings)
    vectors = model.catalogue.vectors("factors")
    taste = model.items_.ids.astype(int) % 2
    cosines = vectors @ vectors.T
    alike = cosines[taste[:, None] == taste].mean()
    assert alike > 2 * cosines[taste[:, None] != taste].mean()
    np.testing.assert_array_equal(vectors, kind().fit(ratings).catalogue.vectors("factors"))


def test_an_item_without_users_has_no_learned_vector(dataset):
    vectors = ItemKNN().fit(dataset).catalogue.vectors("factors")
    assert (vectors[60:] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(vectors[:60], axis=1), 1, atol=1e-6)


def test_bad_blocks(ratings, dataset):
    model = ALS(factors=4).fit(ratings)
    with pytest.raises(ParameterError, match="unknown feature block 'token'; did you mean"):
        model.catalogue.vectors("token")
    with pytest.raises(ParameterError, match="needs a knowledge graph"):
        model.catalogue.vectors("tokens")
    with pytest.raises(ParameterError, match="needs a table of items"):
        model.catalogue.vectors("columns")
    with pytest.raises(NotFittedError):
        _ = ALS().catalogue


def test_it_is_kept_until_the_items_change(dataset, ratings):
    model = HybridALS(factors=4).fit(dataset)
    first = model.catalogue
    assert model.catalogue is first
    model.add_items(pd.DataFrame({"item": [70], "group": ["odd"], "block": ["b0"]}))
    grown = model.catalogue
    assert grown is not first
    assert dense(grown.vectors())[-1].any()
    assert grown.groups("group").members.shape[0] == 63
    model.update(pd.DataFrame({"user": [1], "item": [70]}))
    assert model.catalogue.popularity[-1] == 1
    assert model.catalogue is not grown
    before = model.catalogue
    model.fit(ratings)
    assert model.catalogue is not before


def test_a_loaded_model_and_a_copy_have_the_same(told, tmp_path):
    model = HybridALS(factors=4).fit(told)
    expected = dense(model.catalogue.vectors())
    model.save(tmp_path / "model")
    for other in (load(tmp_path / "model"), copy.deepcopy(model)):
        np.testing.assert_allclose(dense(other.catalogue.vectors()), expected, atol=1e-6)
        assert list(other.catalogue.groups("group").names) == ["even", "odd"]


def test_lists_are_re_ranked(told):
    model = ItemKNN().fit(told)
    plain = model.recommend([0, 1], 5)
    same = model.recommend([0, 1], 5, rerank="mmr:weight=0")
    pd.testing.assert_frame_equal(plain, same)
    damped = model.recommend([0, 1], 5, rerank="popularity-damping:strength=3")
    popularity = pd.Series(model.popularity_, model.items_.ids)
    assert popularity[damped["item"]].mean() < popularity[plain["item"]].mean()
    assert not damped.duplicated(["user", "item"]).any()
