from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.graph import metapath_walks

FILMS = KnowledgeGraph.from_triples(
    ["Alien", "Blade Runner", "Alien", "Heat", "Heat", "Alien", "Alien"],
    ["directed_by"] * 2 + ["starring"] + ["directed_by", "starring", "follows", "follows"],
    ["Scott", "Scott", "Weaver", "Mann", "Pacino", "Alien", "Heat"],
)
NODE = {name: code for code, name in enumerate(FILMS.entities.ids)}


def named(walks):
    return [["-" if one < 0 else FILMS.entities.ids[one] for one in walk] for walk in walks]


def test_films_of_the_same_director():
    walks = metapath_walks(FILMS, ["directed_by", "~directed_by"], 400, 5)
    assert walks.dtype == np.int32
    assert walks.shape == (3 * 400, 5)  # the films that have a director
    seen = {tuple(walk) for walk in named(walks)}
    assert ("Heat", "Mann", "Heat", "Mann", "Heat") in seen
    assert seen - {("Heat", "Mann", "Heat", "Mann", "Heat")} == {
        (a, "Scott", b, "Scott", c)
        for a in ("Alien", "Blade Runner")
        for b in ("Alien", "Blade Runner")
        for c in ("Alien", "Blade Runner")
    }


def test_walks_end_where_the_next_relation_does_not_leave():
    starts = [NODE["Blade Runner"], NODE["Scott"]]
    walks = metapath_walks(FILMS, ["directed_by", "starring"], 1, 4, start_nodes=starts)
    assert named(walks) == [["Blade Runner", "Scott", "-", "-"], ["Scott", "-", "-", "-"]]


def test_each_edge_is_as_likely_and_self_loops_are_edges():
    walks = metapath_walks(FILMS, ["follows"], 3000, 2)
    counts = np.bincount(walks[:, 1], minlength=len(NODE))[[NODE["Alien"], NODE["Heat"]]]
    assert counts.sum() == 3000
    assert chisquare(counts).pvalue > 1e-3


def test_only_what_is_emitted_comes_out():
    films = [NODE[name] for name in ("Alien", "Blade Runner", "Heat")]
    path = ["directed_by", "~directed_by"]
    walks = metapath_walks(FILMS, path, 2, 5, emit=films)
    whole = metapath_walks(FILMS, path, 2, 5)
    np.testing.assert_array_equal(walks[:, :3], whole[:, ::2])
    np.testing.assert_array_equal(walks[:, 3:], -1)


TRIPLES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 6)), min_size=1, max_size=40
)
STEP = st.tuples(st.integers(0, 2), st.booleans())


@settings(max_examples=50, deadline=None)
@given(TRIPLES, st.lists(STEP, min_size=1, max_size=4))
def test_every_step_is_an_edge_of_its_relation_and_ends_are_dead_ends(triples, steps):
    kg = KnowledgeGraph.from_triples(*zip(*triples, strict=True))
    present = set(kg.relations.ids)
    steps = [step for step in steps if step[0] in present] or [(triples[0][1], False)]
    path = [f"~{name}" if inverse else name for name, inverse in steps]
    code = {name: place for place, name in enumerate(kg.entities.ids)}
    edges = {
        (name, inverse): {
            (code[b], code[a]) if inverse else (code[a], code[b])
            for a, r, b in triples
            if r == name
        }
        for name, inverse in steps
    }
    walks = metapath_walks(kg, path, 2, 6, start_nodes=range(len(code)), num_threads=1)
    assert walks.shape == (2 * len(code), 6)
    for walk in walks.tolist():
        for place in range(5):
            leads = {b for a, b in edges[steps[place % len(steps)]] if a == walk[place]}
            assert walk[place + 1] in (leads or {-1})
    np.testing.assert_array_equal(
        walks, metapath_walks(kg, path, 2, 6, start_nodes=range(len(code)), num_threads=2)
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ([], "path must be a list of at least one relation"),
        ("directed_by", "path must be a list of at least one relation, got 'directed_by'"),
        (["direct_by"], "unknown relation 'direct_by' in path; did you mean 'directed_by'"),
        (["~staring"], "unknown relation '~staring' in path; did you mean 'starring'"),
    ],
)
def test_bad_paths_are_refused(path, message):
    with pytest.raises(ParameterError, match=message):
        metapath_walks(FILMS, path, 1, 3)


def test_nodes_are_those_of_the_knowledge_graph():
    with pytest.raises(ParameterError, match="start_nodes must be from 0 to 6, got 7"):
        metapath_walks(FILMS, ["starring", "~starring"], 1, 3, start_nodes=[7])
