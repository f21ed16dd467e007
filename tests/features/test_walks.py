"""Walk embeddings as features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.features.walks import WalkEmbedding
from hybridrec.graph import Graph, node_embeddings

TRIPLES = (["m1", "m2", "m3", "m1"], ["by", "by", "by", "genre"], ["ann", "ann", "bob", "war"])


def dataset(knowledge, *items):
    return Dataset.build(pd.DataFrame({"user": "u", "item": items}), knowledge)


@pytest.fixture(scope="module")
def base():
    return KnowledgeGraph.from_triples(*TRIPLES, link=(["f1", "f3"], ["m1", "m3"]))


@pytest.fixture(scope="module")
def block(base):
    block = WalkEmbedding(6, p=0.5, q=2.0, random_state=3)
    block.fit(dataset(base, "f1", "f3", "f4"), base)
    return block


def vector(block, base, entity):
    return block.vectors_[base.entities.codes([entity])[0]]


def test_items_have_the_vectors_of_their_entities(block, base):
    expected = node_embeddings(
        Graph.from_knowledge(base), dimensions=6, p=0.5, q=2.0, random_state=3
    )
    np.testing.assert_array_equal(block.vectors_, expected)
    found = block.transform(dataset(base, "f1", "f3", "f4"), base)
    assert (found.shape, found.dtype) == ((3, 6), np.float32)
    np.testing.assert_array_equal(found[0], vector(block, base, "m1"))
    np.testing.assert_array_equal(found[1], vector(block, base, "m3"))
    np.testing.assert_array_equal(found[2], 0.0)  # not linked
    assert block.feature_names(base).tolist() == list("012345")


def test_new_items_have_the_mean_of_what_their_facts_are_about(block, base):
    later = KnowledgeGraph.from_triples(
        ["n", "n", "n", "n", "lost"], ["by", "genre", "by", "by", "by"],
        ["bob", "war", "zoe", "ann", "zoe"], link=(["new", "off"], ["n", "lost"]),
    )  # fmt: skip
    found = block.transform(dataset(later, "new", "off"), base)
    about = [vector(block, base, one) for one in ("bob", "war", "ann")]
    np.testing.assert_allclose(found[0], np.mean(about, axis=0), rtol=1e-5)
    np.testing.assert_array_equal(found[1], 0.0)


def test_a_new_item_whose_entity_is_known_has_its_vector(block, base):
    later = KnowledgeGraph.from_triples(["m2"], ["genre"], ["war"], link=(["f2"], ["m2"]))
    found = block.transform(dataset(later, "f2"), base)
    np.testing.assert_array_equal(found[0], vector(block, base, "m2"))


@pytest.mark.parametrize("method", ["ppmi-svd", "prone", "fast-rp"])
def test_any_method_is_stored_with_the_block(base, method):
    block = WalkEmbedding(4, method=method)
    block.fit(dataset(base, "f1"), base)
    expected = node_embeddings(Graph.from_knowledge(base), method, 4)
    np.testing.assert_array_equal(block.vectors_, expected)
    config, arrays = block.state()
    again = WalkEmbedding.restore(config, arrays)
    assert again.method == method
    np.testing.assert_array_equal(again.vectors_, block.vectors_)


def test_a_block_stored_before_there_were_methods(block):
    config, arrays = block.state()
    del config["method"]
    assert WalkEmbedding.restore(config, arrays).method == "node2vec"


def test_an_entity_told_of_twice_counts_twice(block, base):
    later = KnowledgeGraph.from_triples(
        ["n", "n", "n"], ["by", "genre", "genre"], ["bob", "bob", "war"], link=(["new"], ["n"])
    )
    bob, war = (vector(block, base, one) for one in ("bob", "war"))
    found = block.transform(dataset(later, "new"), base)
    np.testing.assert_allclose(found[0], (2 * bob + war) / 3, rtol=1e-5)


def test_the_same_graph_read_again_gives_the_same(block, base):
    twin = KnowledgeGraph.from_triples(
        *(column[::-1] for column in TRIPLES), link=(["f3", "f1"], ["m3", "m1"])
    )
    np.testing.assert_array_equal(
        block.transform(dataset(twin, "f1", "f3"), base),
        block.transform(dataset(base, "f1", "f3"), base),
    )


def test_needs_a_graph():
    with pytest.raises(ParameterError, match="'walks' needs a knowledge graph"):
        WalkEmbedding().fit(dataset(None, "f1"), None)
