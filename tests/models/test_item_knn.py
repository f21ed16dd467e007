"""Neighbours are those of the package, lists those of the product."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

from hybridrec.errors import ParameterError
from hybridrec.models.item_knn import ItemKNN

KINDS = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}


@pytest.mark.filterwarnings("ignore:Method expects CSR input")  # of its own conversion
@pytest.mark.parametrize("similarity", KINDS)
def test_scores_and_lists_of_the_package(similarity, dataset):
    """With all neighbours; the package scores the seen items too, so it is asked for all."""
    model = ItemKNN(neighbors=62, similarity=similarity).fit(dataset)
    package = KINDS[similarity](K=63, num_threads=1)
    package.fit(dataset.matrix.astype(np.float64), show_progress=False)
    for user in range(40):
        row = dataset.matrix[[user]]
        ids, theirs = package.recommend(user, row, N=8, filter_already_liked_items=True)
        lists = model.recommend_codes(np.array([user]), 8)
        np.testing.assert_allclose(lists.scores[0], theirs, rtol=1e-5)
        distinct = np.diff(theirs, prepend=np.inf, append=-np.inf)
        alone = (np.abs(distinct[:-1]) > 1e-6) & (np.abs(distinct[1:]) > 1e-6)
        np.testing.assert_array_equal(lists.items[0][alone], ids[alone])


def test_cosine_by_hand():
    rows = pd.DataFrame({"user": list("aabbbc"), "item": list("xyxyzz")})
    model = ItemKNN(similarity="cosine").fit(rows)
    weights = model.scorer_.weights.toarray()
    np.testing.assert_allclose(weights, [[0, 1, 0.5], [1, 0, 0.5], [0.5, 0.5, 0]], rtol=1e-6)
    lists = model.recommend(["a", "c"])
    assert lists["item"].tolist()[0] == "z"
    np.testing.assert_allclose(lists["score"], [1.0, 0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize("neighbors", [3, 62])
def test_jaccard(neighbors, dataset):
    """The users of both over those of either, whatever the ratings."""
    weights = ItemKNN(neighbors=neighbors, similarity="jaccard").fit(dataset).scorer_.weights
    has = dataset.matrix.toarray() > 0
    both = (has[:, :, None] & has[:, None, :]).sum(axis=0)
    either = (has[:, :, None] | has[:, None, :]).sum(axis=0)
    expected = both / np.maximum(either, 1)
    np.fill_diagonal(expected, 0.0)
    largest = -np.sort(-expected, axis=1)[:, :neighbors]
    kept = weights.toarray()
    np.testing.assert_allclose(-np.sort(-kept, axis=1)[:, :neighbors], largest, rtol=1e-6)
    np.testing.assert_allclose(kept[kept > 0], expected[kept > 0], rtol=1e-6)
    assert (np.count_nonzero(kept, axis=1) <= neighbors).all()


@pytest.mark.parametrize("neighbors", [1, 3])
def test_number_of_neighbours(neighbors, dataset):
    weights = ItemKNN(neighbors=neighbors, similarity="cosine").fit(dataset).scorer_.weights
    assert np.diff(weights.indptr).max() == neighbors
    assert (weights.diagonal() == 0).all()


def test_neighbours_of_items_that_are_all_alike():
    """Among many equal similarities the item itself must not use up a place twice."""
    rows = pd.DataFrame([(u, i) for u in range(3) for i in range(9)], columns=["user", "item"])
    weights = ItemKNN(neighbors=4, similarity="cosine").fit(rows).scorer_.weights
    assert (weights.diagonal() == 0).all()
    assert set(np.diff(weights.indptr)) <= {4, 5}


def test_similar_items_have_the_similarity_as_score(dataset):
    model = ItemKNN(similarity="cosine").fit(dataset)
    found = model.similar_items([0, 7], k=3)
    weights = model.scorer_.weights.toarray()
    for item, other, score in found[["item", "similar", "score"]].itertuples(index=False):
        assert score == pytest.approx(weights[item, other])
        assert score >= np.sort(weights[item])[-3] - 1e-6


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"similarity": "cosin"}, "similarity must be one of .*; did you mean 'cosine'"),
        ({"neighbors": 0}, "neighbors must be a whole number"),
        ({"neighbors": 2.5}, "neighbors must be a whole number"),
        ({"num_threads": -1}, "num_threads must be"),
    ],
)
def test_bad_parameters(params, message, dataset):
    with pytest.raises(ParameterError, match=message):
        ItemKNN(**params).fit(dataset)
