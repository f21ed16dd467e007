from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec import KnowledgeGraph
from hybridrec.dataset.idmap import IdMap
from hybridrec.graph.item_paths import ItemPaths, Trail

ITEMS = IdMap(["a", "b", "c", "d"], "item")


def paths_of(*triples, items=ITEMS, link=None):
    graph = KnowledgeGraph.from_triples(*zip(*triples, strict=True), link=link)
    return ItemPaths.over(graph, items), graph


def trails(triples, origins, target, **options):
    """Return the trails with ids in place of codes."""
    paths, graph = paths_of(*triples, **options)
    items = options.get("items", ITEMS)
    entity, relation = graph.entities.ids, graph.relations.ids
    return [
        (
            items.ids[trail.item],
            [entity[one] for one in trail.nodes],
            [relation[one // 2] + "<>"[one % 2 == 0] for one in trail.relations],
            trail.rarity,
        )
        for trail in paths.between(items.codes(origins), int(items.codes([target])[0]))
    ]


def test_a_shared_entity():
    triples = [("a", "by", "x"), ("b", "by", "x"), ("c", "by", "y")]
    found = trails(triples, ["a", "c"], "b")
    # 3 linked items with facts, 2 of them about x; "d" is not in the graph.
    assert found == [("a", ["x", "b"], ["by>", "by<"], pytest.approx(np.log(3 / 2) / np.log(3)))]


def test_a_direct_fact_either_way():
    triples = [("a", "sequel", "b"), ("c", "sequel", "b"), ("b", "like", "c")]
    found = trails(triples, ["a", "c"], "b")
    assert found == [
        ("a", ["b"], ["sequel>"], 1.0),
        ("c", ["b"], ["like<"], 1.0),
        ("c", ["b"], ["sequel>"], 1.0),
    ]


def test_the_same_relation_is_preferred():
    triples = [("a", "writer", "x"), ("a", "director", "x"), ("b", "writer", "x")]
    assert [found[2] for found in trails(triples, ["a"], "b")] == [["writer>", "writer<"]]


def test_one_entity_more_only_if_nothing_is_shorter():
    far = [("a", "by", "x"), ("x", "born in", "y"), ("b", "set in", "y")]
    found = trails(far, ["a"], "b")
    assert [one[1:3] for one in found] == [(["x", "y", "b"], ["by>", "born in>", "set in<"])]
    near = [*far, ("c", "by", "z"), ("b", "by", "z")]
    assert [one[0] for one in trails(near, ["a", "c"], "b")] == ["c"]


def test_items_of_one_entity_and_items_of_none():
    link = (["a", "b", "c"], ["e", "e", "f"])
    triples = [("e", "by", "x"), ("f", "by", "x")]
    assert trails(triples, ["a", "c"], "b", link=link)[0] == ("a", [], [], 1.0)
    assert trails(triples, ["a"], "d", link=link) == []
    assert trails(triples, ["d"], "a", link=link) == []
    assert trails(triples, ["a"], "a", link=link) == []


ENDS = st.sampled_from(["a", "b", "c", "d", "x", "y", "z"])


@given(st.lists(st.tuples(ENDS, st.sampled_from(["r", "s"]), ENDS), min_size=1, max_size=12))
def test_paths_follow_facts(triples):
    paths, graph = paths_of(*triples)
    facts = set(zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True))
    assert ((paths.rarity >= 0) & (paths.rarity <= 1)).all()
    for target in range(4):
        for trail in paths.between(np.arange(4), target):
            assert isinstance(trail, Trail)
            here = paths.entity_of[trail.item]
            for node, relation in zip(trail.nodes, trail.relations, strict=True):
                ends = (node, here) if relation % 2 else (here, node)
                assert (ends[0], relation // 2, ends[1]) in facts
                here = node
            assert here == paths.entity_of[target]
            nodes = [paths.entity_of[trail.item], *trail.nodes]
            assert len(set(nodes)) == len(nodes)


@given(st.lists(st.tuples(ENDS, st.sampled_from(["r", "s"]), ENDS), min_size=1, max_size=12))
def test_whoever_shares_an_entity_has_a_path(triples):
    paths, graph = paths_of(*triples)
    near = [set() for _ in graph.entities.ids]
    for head, tail in zip(graph.head.tolist(), graph.tail.tolist(), strict=True):
        near[head].add(tail)
        near[tail].add(head)
    for target in range(4):
        end = paths.entity_of[target]
        expected = {
            item
            for item in range(4)
            if item != target
            and end >= 0
            and (own := paths.entity_of[item]) >= 0
            and (end in near[own] or (near[own] - {own, end}) & (near[end] - {own, end}))
        }
        found = paths.between(np.arange(4), target)
        if expected:
            assert {trail.item for trail in found} == expected
        else:
            assert all(len(trail.nodes) == 3 for trail in found)
