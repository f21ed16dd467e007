"""A catalogue of six films that tests of several re-rankers share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError
from hybridrec.ranking.catalogue import Catalogue


@pytest.fixture
def films() -> Catalogue:
    """Return films 0-2 with the vector x, 3 and 4 with y, 5 of which nothing is known."""
    x, y = [1.0, 0.0], [0.0, 1.0]
    vectors = np.array([x, x, x, y, y, [0.0, 0.0]], dtype=np.float32)
    genres = [["War"], ["War"], ["War", "Love"], ["Love"], ["Love"], None]
    table = pd.DataFrame({"genres": genres, "maker": ["a", "a", "a", "b", "b", None]})

    def make(block):
        if block not in (None, "given", "sparse"):
            raise ParameterError(f"unknown feature block {block!r}")
        return csr_matrix(vectors) if block == "sparse" else vectors

    popularity = np.array([15, 7, 3, 1, 1, 0], dtype=np.float32)
    return Catalogue(IdMap(np.arange(6), "item"), popularity, table, make)


@pytest.fixture
def ordered(films):
    """Return a function: a re-ranker, scores of all films, a history -> films in their order."""

    def order(reranker, scores, history=()):
        items = np.argsort(-np.asarray(scores), kind="stable").astype(np.int32)[None]
        best = np.asarray(scores, dtype=np.float32)[items]
        row = np.zeros((1, 6), dtype=np.float32)
        row[0, list(history)] = 1
        found = reranker.prepared(films)(items, best, csr_matrix(row))
        return [int(one) for one in items[0, found[0]]]

    return order
