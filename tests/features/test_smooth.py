"""Smoothed tokens: walks between items and their tokens, counted by hand and in plain numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.features.smooth import SmoothTokens, largest_products
from hybridrec.features.tokens import KnowledgeTokens

FACTS = [("a", "x"), ("b", "x"), ("b", "y"), ("c", "y"), ("c", "z"), ("d", "z"), ("d", "y")]


def data(facts=FACTS, items="abcde"):
    triples = pd.DataFrame(facts, columns=["head", "tail"]).assign(relation="r")
    link = pd.DataFrame({"item": list(items), "entity": list(items)})
    kg = KnowledgeGraph.from_frame(triples, link=link)
    rows = pd.DataFrame({"user": [0, 0], "item": ["a", "b"]})
    return Dataset.build(rows, knowledge=kg, item_table=pd.DataFrame({"item": list(items)}))


def smoothed(dataset, **params):
    block = SmoothTokens(**params)
    block.fit(dataset, dataset.knowledge)
    return block, block.transform(dataset, dataset.knowledge)


def twin(dataset, restart, steps):
    """The same from dense matrices, nothing left out."""
    tokens = KnowledgeTokens()
    tokens.fit(dataset, dataset.knowledge)
    owned = tokens.transform(dataset, dataset.knowledge).toarray().astype(np.float64)

    def rows(matrix):
        total = matrix.sum(axis=1, keepdims=True)
        return np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)

    here, step = rows(owned), rows(owned.T) @ rows(owned)
    ended = np.zeros_like(here)
    for trip in range(steps):
        ended += restart * (1 - restart) ** trip * here
        here = here @ step
    return np.sqrt(ended + (1 - restart) ** steps * here)


@pytest.mark.parametrize(("restart", "steps"), [(0.3, 2), (0.5, 1), (0.1, 4)])
def test_it_is_where_walks_with_restart_are(restart, steps):
    dataset = data()
    _, found = smoothed(dataset, restart=restart, steps=steps)
    np.testing.assert_allclose(found.toarray(), twin(dataset, restart, steps), atol=1e-6)
    assert found.dtype == np.float32


def test_rows_have_length_one_but_those_without_facts():
    _, found = smoothed(data())
    np.testing.assert_allclose(np.square(found.toarray()).sum(axis=1), [1, 1, 1, 1, 0], atol=1e-6)


def test_items_without_a_common_fact_are_alike_through_others():
    dataset = data()
    plain = FeaturePipeline(["tokens"]).fit(dataset).matrix()
    _, found = smoothed(dataset)
    assert (plain[0] @ plain[2].T).nnz == 0
    assert (found[0] @ found[2].T).sum() > 0.2
    assert (found[0] @ found[1].T).sum() > (found[0] @ found[2].T).sum()


def test_new_items_are_smoothed_over_the_known_ones():
    """One that has the facts of a known item, and one without any."""
    block, found = smoothed(data())
    later = data([*FACTS, ("f", "x"), ("f", "y")], items="fg")
    codes = later.items.codes(["f", "g"])
    new = block.transform(later, data().knowledge).toarray()[codes]
    np.testing.assert_allclose(new[0], found.toarray()[1], rtol=1e-6)
    assert not new[1].any()


def test_only_the_likeliest_are_walked_on_from():
    _, narrow = smoothed(data(), width=1, steps=3)
    assert narrow.getnnz(axis=1).max() <= 3  # its own tokens, and one more of each trip


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150), st.integers(1, 6), st.integers(1, 8))
def test_largest_products(seed, rows, middle, width):
    rng = np.random.default_rng(seed)
    left, right = (
        rng.integers(0, 3, shape) * (rng.random(shape) < 0.5)
        for shape in ((rows, middle), (middle, 7))
    )
    found = largest_products(
        csr_matrix(left, dtype=np.float64), csr_matrix(right, dtype=np.float64), width
    )
    for got, row in zip(found.toarray(), left @ right, strict=True):
        order = np.argsort(-row, kind="stable")[:width]
        expected = np.zeros(7)
        expected[order] = row[order]
        assert got.tolist() == expected.tolist()


def test_state_makes_the_same_block():
    dataset = data()
    block, found = smoothed(dataset, restart=0.4, steps=3, width=20)
    again = SmoothTokens.restore(*block.state())
    other = again.transform(dataset, dataset.knowledge)
    np.testing.assert_array_equal(found.toarray(), other.toarray())
    names = again.feature_names(dataset.knowledge)
    assert names.tolist() == ["r>x", "r>y", "r>z"]
    assert len(names) == found.shape[1]


@pytest.mark.parametrize(
    "params",
    [
        {"restart": 0},
        {"restart": 1.0},
        {"steps": 0},
        {"width": 0},
        {"restart": "x"},
        {"steps": 1.5},
    ],
)
def test_bad_parameters(params):
    with pytest.raises(ParameterError, match="must be"):
        SmoothTokens(**params)


def test_without_a_graph():
    rows = pd.DataFrame({"user": [0], "item": [1]})
    with pytest.raises(ParameterError, match="'smooth-tokens' needs a knowledge graph"):
        FeaturePipeline(["smooth-tokens"]).fit(Dataset.build(rows))
