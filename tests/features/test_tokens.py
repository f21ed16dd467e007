"""Knowledge-graph tokens by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.features.tokens import KnowledgeTokens, item_entities, item_facts

TRIPLES = [
    ("m1", "by", "ann"),
    ("m2", "by", "ann"),
    ("m3", "by", "bob"),
    ("m1", "genre", "war"),
    ("m3", "genre", "war"),
    ("m2", "sequel", "m1"),
    ("ann", "knows", "bob"),
]
LINK = {"f1": "m1", "f1b": "m1", "f2": "m2", "f3": "m3"}


def graph(triples=TRIPLES, link=LINK):
    pair = None if link is None else (list(link), list(link.values()))
    return KnowledgeGraph.from_triples(*map(list, zip(*triples, strict=True)), link=pair)


def dataset(knowledge, items=("f1", "f1b", "f2", "f3", "f4")):
    rows = pd.DataFrame({"user": "u", "item": list(items)})
    return Dataset.build(rows, knowledge)


def tokens(data, base, **params):
    """Return {item: {token: count}} of a fitted block, the rarity weights divided out."""
    block = KnowledgeTokens(**params)
    block.fit(data, base)
    matrix = block.transform(data, base).toarray() / block.idf_
    names = block.feature_names(base)
    return {
        item: {name: round(float(row[at])) for at, name in enumerate(names) if row[at] > 0}
        for item, row in zip(data.items.ids, matrix, strict=True)
    }


class TestOneHop:
    def test_facts_in_both_directions(self):
        kg = graph()
        assert tokens(dataset(kg), kg, min_items=1) == {
            "f1": {"by>ann": 1, "genre>war": 1, "sequel<m2": 1},
            "f1b": {"by>ann": 1, "genre>war": 1, "sequel<m2": 1},  # two items, one entity
            "f2": {"by>ann": 1, "sequel>m1": 1},
            "f3": {"by>bob": 1, "genre>war": 1},
            "f4": {},  # not linked
        }

    def test_tokens_of_few_items_are_dropped(self):
        kg = graph()
        found = tokens(dataset(kg), kg, min_items=3)
        assert found["f1"] == {"by>ann": 1, "genre>war": 1}
        assert found["f2"] == {"by>ann": 1}
        assert found["f3"] == {"genre>war": 1}

    def test_rare_tokens_count_more(self):
        kg = graph()
        block = KnowledgeTokens(min_items=1)
        block.fit(dataset(kg), kg)
        idf = dict(zip(block.feature_names(kg), block.idf_, strict=True))
        assert idf["by>bob"] == pytest.approx(np.log(6 / 2) + 1)
        assert idf["by>ann"] == pytest.approx(np.log(6 / 4) + 1)

    def test_without_a_link_items_are_entities_of_the_same_id(self):
        kg = graph(link=None)
        found = tokens(dataset(kg, ["m1", "m2", "x"]), kg, min_items=1)
        assert found["m2"] == {"by>ann": 1, "sequel>m1": 1}
        assert found["x"] == {}

    def test_a_triple_of_an_item_with_itself(self):
        kg = graph([("m1", "like", "m1"), ("m1", "by", "ann")], {"f1": "m1"})
        assert tokens(dataset(kg, ["f1"]), kg, min_items=1) == {
            "f1": {"like>m1": 1, "like<m1": 1, "by>ann": 1}
        }

    def test_no_token_is_left(self):
        kg = graph()
        block = KnowledgeTokens(min_items=9)
        block.fit(dataset(kg), kg)
        assert block.transform(dataset(kg), kg).shape == (5, 0)
        features = FeaturePipeline([KnowledgeTokens(min_items=9)]).fit(dataset(kg))
        assert features.matrix().shape == (5, 0)


def two_hop_twin(data, kg, max_degree):
    """Walk all pairs of facts, in Python."""
    head, relation, tail = kg.head.tolist(), kg.relation.tolist(), kg.tail.tolist()
    triples = list(zip(head, relation, tail, strict=True))
    entity, kind = kg.entities.ids, kg.relations.ids
    out = {}
    for item, own in zip(data.items.ids, data.item_entities.tolist(), strict=True):
        counts: dict[str, int] = {}
        neighbours = [t for h, _, t in triples if h == own] + [h for h, _, t in triples if t == own]
        for near in neighbours:
            if head.count(near) + tail.count(near) > max_degree:
                continue
            names = [f"{kind[r]}>{entity[t]}" for h, r, t in triples if h == near]
            names += [f"{kind[r]}<{entity[h]}" for h, r, t in triples if t == near]
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        out[item] = counts
    return out


class TestTwoHops:
    @given(st.integers(0, 2**32), st.sampled_from([1, 2, 3, 50]))
    @settings(max_examples=40, deadline=None)
    def test_brute_force(self, seed, max_degree):
        rng = np.random.default_rng(seed)
        ends = rng.choice([f"e{i}" for i in range(8)], size=(15, 2))
        triples = {(a, f"r{rng.integers(2)}", b) for a, b in ends}
        known = sorted({one for a, _, b in triples for one in (a, b)})
        link = {f"i{at}": known[rng.integers(len(known))] for at in range(4)}
        kg = graph(sorted(triples), link)
        data = dataset(kg, link)
        found = tokens(data, kg, hops=2, min_items=1, max_degree=max_degree)
        assert found == two_hop_twin(data, kg, max_degree)

    def test_hubs_are_not_passed_through(self):
        """War has two facts, Ann three: only war is passed, and m1 itself over the sequel."""
        kg = graph()
        found = tokens(dataset(kg), kg, hops=2, min_items=1, max_degree=2)
        assert found["f3"] == {"genre<m1": 1, "genre<m3": 1, "by<m3": 1, "knows<ann": 1}
        assert found["f1"] == {"genre<m1": 1, "genre<m3": 1, "by>ann": 1, "sequel>m1": 1}


class TestNewItems:
    """Items that join later, through graphs with codes of their own."""

    EXTRA = (
        ("m9", "genre", "war"),
        ("m9", "by", "ann"),
        ("m9", "by", "zoe"),
        ("m9", "colour", "red"),
        ("m1", "sequel", "m9"),
    )

    @pytest.mark.parametrize("hops", [1, 2])
    def test_get_what_a_refit_would_give_for_the_shared_vocabulary(self, hops):
        base = graph()
        block = KnowledgeTokens(hops, min_items=1)
        block.fit(dataset(base), base)
        later = graph(self.EXTRA[::-1], {"f9": "m9"})
        new = block.transform(dataset(later, ["f9"]), base).toarray()[0]

        both = graph([*TRIPLES, *self.EXTRA], LINK | {"f9": "m9"})
        again = KnowledgeTokens(hops, min_items=1)
        again.fit(dataset(both), both)
        row = again._counts(dataset(both), both).toarray()[dataset(both).items.codes(["f9"])[0]]
        refit = dict(zip(again.feature_names(both), row, strict=True))
        names = block.feature_names(base)
        expected = np.array([refit.get(name, 0) for name in names]) * block.idf_
        if hops == 2:  # facts *of neighbours* that name the new item are not in the graph yet
            assert not any("m9" in name for name in names)
        np.testing.assert_allclose(new, expected, rtol=1e-6)
        assert (new > 0).sum() >= 2

    def test_facts_that_the_base_has_already_count_once(self):
        """m2 is an entity of the base, now it becomes an item; one of its facts comes again."""
        base = graph(link={"f1": "m1"})
        later = graph([("m2", "by", "ann"), ("m2", "genre", "war")], {"f2": "m2"})
        data = dataset(later, ["f2"])
        facts = item_facts(data, base)
        named = {
            (base.relations.ids[relation // 2], "<>"[1 - relation % 2], base.entities.ids[entity])
            for relation, entity in zip(facts.relations, facts.entities, strict=True)
        }
        assert named == {("by", ">", "ann"), ("sequel", ">", "m1"), ("genre", ">", "war")}
        assert len(facts.rows) == 3
        assert base.entities.ids[item_entities(data, base)].tolist() == ["m2"]

    def test_item_without_a_graph_of_its_own(self):
        """Where ids are entities, the base may know the item."""
        base = graph(link=None)
        data = dataset(None, ["m3", "nobody"])
        assert item_entities(data, base)[1] == -1
        assert len(item_facts(data, base).rows) == 2

    def test_numbers_as_text_are_the_same_entity(self):
        base = graph([(1, "by", 7), (2, "by", 7)], link=None)
        assert not base.entities.is_text
        block = KnowledgeTokens(min_items=1)
        block.fit(dataset(base, [1, 2]), base)
        later = graph([("new", "by", "7"), ("new", "by", "x")], link=None)
        assert later.entities.is_text
        row = block.transform(dataset(later, ["new"]), base).toarray()[0]
        assert block.feature_names(base)[row > 0].tolist() == ["by>7"]

    def test_relations_the_base_does_not_know(self):
        base = graph()
        later = graph([("m9", "colour", "war"), ("m9", "genre", "blue")], {"f9": "m9"})
        assert len(item_facts(dataset(later, ["f9"]), base).rows) == 0


class TestParameters:
    @pytest.mark.parametrize(
        "params", [{"hops": 0}, {"hops": 3}, {"min_items": 0}, {"max_degree": 0}]
    )
    def test_refused(self, params):
        with pytest.raises(ParameterError, match="must be"):
            KnowledgeTokens(**params)

    def test_needs_a_graph(self):
        with pytest.raises(ParameterError, match="'two-hop-tokens' needs a knowledge graph"):
            KnowledgeTokens(2).fit(dataset(None), None)


class TestRelationWeights:
    def test_weights_scale_the_tokens_of_a_relation(self):
        kg = graph()
        data = dataset(kg)
        plain, weighted = (
            KnowledgeTokens(min_items=1),
            KnowledgeTokens(min_items=1, relation_weights={"genre": 3.0, "sequel": 0.0}),
        )
        plain.fit(data, kg)
        weighted.fit(data, kg)
        before = dict(
            zip(plain.feature_names(kg), plain.transform(data, kg).toarray().T, strict=True)
        )
        after = dict(
            zip(weighted.feature_names(kg), weighted.transform(data, kg).toarray().T, strict=True)
        )
        assert set(after) == {name for name in before if not name.startswith("sequel")}
        for name, column in after.items():
            factor = 3.0 if name.startswith("genre") else 1.0
            np.testing.assert_allclose(column, factor * before[name])

    def test_they_survive_storage(self):
        kg = graph()
        block = KnowledgeTokens(min_items=1, relation_weights={"genre": 3.0})
        block.fit(dataset(kg), kg)
        again = KnowledgeTokens.restore(*block.state())
        assert again.relation_weights == {"genre": 3.0}
        expected = block.transform(dataset(kg), kg).toarray()
        np.testing.assert_array_equal(again.transform(dataset(kg), kg).toarray(), expected)

    def test_bad_weights(self):
        with pytest.raises(ParameterError, match="weight of relation 'genre' must be >= 0"):
            KnowledgeTokens(relation_weights={"genre": -1.0})
        block = KnowledgeTokens(relation_weights={"genres": 1.0})
        with pytest.raises(ParameterError, match=r"unknown relation 'genres'.*genre"):
            block.fit(dataset(graph()), graph())
