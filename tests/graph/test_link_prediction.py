from __future__ import annotations

import numpy as np
import pytest

from hybridrec import load_dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError
from hybridrec.graph import (
    Graph,
    HeldOutLinks,
    hold_out_links,
    link_prediction_auc,
    node_embeddings,
)

SMALL = {"dimensions": 8, "num_walks": 4, "walk_length": 10}


def pairs_of(knowledge: KnowledgeGraph) -> set[frozenset[int]]:
    ends = zip(knowledge.head.tolist(), knowledge.tail.tolist(), strict=True)
    return {frozenset(pair) for pair in ends if pair[0] != pair[1]}


def random_knowledge(seed: int, triples: int = 600, entities: int = 80) -> KnowledgeGraph:
    """Return a graph with hubs, repeated pairs under several relations, and self-loops."""
    rng = np.random.default_rng(seed)
    head = rng.integers(0, entities, triples)
    tail = (entities * rng.random(triples) ** 3).astype(int)
    return KnowledgeGraph.from_triples(head, rng.choice(["is", "has"], triples), tail)


def communities(groups: int = 6, size: int = 12) -> KnowledgeGraph:
    """Return a graph in which nearly all links stay within a group."""
    rng = np.random.default_rng(0)
    node = np.arange(groups * size)
    head = np.repeat(node, 5)
    tail = head // size * size + rng.integers(0, size, head.size)
    return KnowledgeGraph.from_triples(head, np.full(head.size, "knows"), tail)


@pytest.mark.parametrize("seed", range(5))
def test_links_are_kept_back_with_all_their_triples(seed):
    knowledge = random_knowledge(seed)
    held = hold_out_links(knowledge, 0.2, seed)
    every, rest = pairs_of(knowledge), pairs_of(held.rest)
    kept_back = every - rest
    assert 0.15 * len(every) < len(kept_back) <= 0.2 * len(every) + 1
    assert {frozenset(link) for link in held.links.tolist()} <= kept_back
    assert len(held) > 0.8 * len(kept_back)
    assert held.rest.entities == knowledge.entities
    nodes = set().union(*every)
    assert set().union(*rest) == nodes  # none lost its last link


@pytest.mark.parametrize("seed", range(5))
def test_pairs_without_link_match_in_degree_and_relation(seed):
    knowledge = random_knowledge(seed)
    held = hold_out_links(knowledge, 0.2, seed)
    every = pairs_of(knowledge)
    assert not any(frozenset(pair) in every for pair in held.others.tolist())
    assert (held.others[:, 0] != held.others[:, 1]).all()
    same = held.links == held.others
    assert (same.sum(axis=1) == 1).all()
    degree = np.bincount([node for pair in every for node in pair], minlength=80)
    stays, goes = degree[held.links[same]], degree[held.links[~same]]
    assert (stays >= goes).all()
    heads = set(knowledge.head.tolist())
    assert set(held.others[:, 0].tolist()) <= heads


def test_degrees_tell_nothing_on_real_knowledge():
    knowledge = load_dataset("movielens-small").knowledge
    held = hold_out_links(knowledge)
    assert len(held) > 8_000
    ends = np.concatenate([held.rest.head, held.rest.tail])
    degree = np.bincount(ends, minlength=len(knowledge.entities)).astype(float)
    # A vector whose cosine with another rises with both degrees.
    angle = np.pi / 4 * degree / degree.max()
    vectors = np.stack([np.cos(angle), np.sin(angle) / np.sqrt(2)], axis=1)
    assert held.auc(vectors) == pytest.approx(0.5, abs=0.05)


def test_auc_is_the_share_of_pairs_in_order():
    rest = random_knowledge(0, triples=30, entities=5)
    vectors = np.array([[1, 0], [2, 0], [1, 1], [0, 3], [0, 0]])[: len(rest.entities)]
    # Cosines of links: 1 and .71; of others: .71 and 0 (a zero vector).
    held = HeldOutLinks(rest, np.array([[0, 1], [0, 2]]), np.array([[2, 3], [0, 4]]))
    assert held.auc(vectors) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert held.auc(np.zeros((5, 2))) == 0.5


def test_vectors_of_a_graph_with_structure_score_high_and_random_ones_do_not():
    knowledge = communities()
    assert link_prediction_auc(knowledge, **SMALL, epochs=5) > 0.8
    held = hold_out_links(knowledge)
    random = np.random.default_rng(1).standard_normal((len(knowledge.entities), 64))
    assert held.auc(random) == pytest.approx(0.5, abs=0.25)


def test_the_function_is_its_steps():
    knowledge = communities()
    held = hold_out_links(knowledge, 0.3, 7)
    vectors = node_embeddings(Graph.from_knowledge(held.rest), random_state=7, **SMALL)
    auc = link_prediction_auc(knowledge, share=0.3, random_state=7, **SMALL)
    assert auc == held.auc(vectors)


def test_the_seed_decides():
    knowledge = random_knowledge(0)
    one, same, other = (hold_out_links(knowledge, 0.1, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.links, same.links)
    np.testing.assert_array_equal(one.others, same.others)
    assert one.links.tolist() != other.links.tolist()


@pytest.mark.parametrize(
    "knowledge",
    [
        KnowledgeGraph.from_triples(["a"], ["is"], ["a"]),
        KnowledgeGraph.from_triples(["a", "b"], ["is", "is"], ["c", "c"]),  # a star
        KnowledgeGraph.from_triples(["a", "b", "c"], ["is"] * 3, ["b", "c", "a"]),  # no other pair
    ],
)
def test_a_graph_without_spare_links(knowledge):
    held = hold_out_links(knowledge, 0.5)
    assert len(held) == 0
    with pytest.raises(DataError, match="no link can be held out"):
        link_prediction_auc(knowledge)


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ParameterError, match="share must be above 0 and below 1"):
        hold_out_links(communities(), share)


def test_vectors_that_do_not_fit_are_refused():
    held = hold_out_links(communities())
    for vectors in (np.ones((3, 2)), np.ones(72), np.full((72, 2), np.nan)):
        with pytest.raises(DataError, match=r"vectors must be finite and of shape \(72"):
            held.auc(vectors)
