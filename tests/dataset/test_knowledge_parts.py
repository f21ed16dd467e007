from __future__ import annotations

import json

import numpy as np
import pytest

from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.knowledge_parts import KnowledgeParts

LINK = ([10, 20], ["m1", "m2"])


def graph(link=LINK) -> KnowledgeGraph:
    facts = KnowledgeGraph.from_triples(
        ["m1", "m2"], ["genre", "won"], ["drama", "prize"],
        link=link, after_release=["won"], name="facts",
    )  # fmt: skip
    return facts.merge(KnowledgeGraph.from_triples(["m1"], ["of"], ["m2"], name="more"))


def facts_of(knowledge: KnowledgeGraph) -> list[tuple]:
    return [
        (
            knowledge.entities.ids[head],
            knowledge.relations.ids[relation],
            knowledge.entities.ids[tail],
            knowledge.sources[source],
        )
        for head, relation, tail, source in zip(
            knowledge.head, knowledge.relation, knowledge.tail, knowledge.source, strict=True
        )
    ]


@pytest.mark.parametrize("link", [LINK, None])
def test_what_is_taken_apart_can_be_put_together(link):
    whole = graph(link)
    parts = KnowledgeParts.of(whole)
    kept = KnowledgeParts(json.loads(json.dumps(parts.about)), parts.ids, parts.arrays)
    found = kept.graph()
    assert facts_of(found) == facts_of(whole)
    assert len(facts_of(found)) == 3
    assert (found.sources, found.after_release) == (("facts", "more"), frozenset({"won"}))
    items = IdMap([20, 10, 5])
    if link is None:
        assert found.link is None
        assert "linked_items" not in parts.ids
    else:
        entities = found.entity_of(items)
        assert found.entities.ids[entities[:2]].tolist() == ["m2", "m1"]
        assert entities[2] == -1
    for name in ("head", "relation", "tail", "source"):
        kept_dtype, dtype = getattr(found, name).dtype, getattr(whole, name).dtype
        assert kept_dtype == dtype


def test_other_keys_are_passed_over_and_missing_ones_are_not():
    parts = KnowledgeParts.of(graph())
    more = KnowledgeParts(
        {**parts.about, "model": "als"}, {**parts.ids, "users": np.arange(3)}, parts.arrays
    )
    assert facts_of(more.graph()) == facts_of(graph())
    for name in ("entities", "linked_items"):
        ids = {key: value for key, value in parts.ids.items() if key != name}
        with pytest.raises(KeyError, match=name):
            KnowledgeParts(parts.about, ids, parts.arrays).graph()
