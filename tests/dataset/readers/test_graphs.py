from __future__ import annotations

import networkx as nx
import pytest

from hybridrec.dataset.readers import read_interactions, read_knowledge
from hybridrec.errors import DataError


def triples(graph) -> set[tuple[str, str, str]]:
    entities, relations = graph.entities.ids, graph.relations.ids
    return set(
        zip(entities[graph.head], relations[graph.relation], entities[graph.tail], strict=True)
    )


@pytest.mark.parametrize("name", ["g.graphml", "g.graphml.gz", "g.xml"])
@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiDiGraph])
def test_graphml(save, name, kind):
    graph = kind()
    graph.add_edge("film", "ann", relation="actor")
    graph.add_edge("film", "bob", relation="director")
    content = "\n".join(nx.generate_graphml(graph))
    read = read_knowledge(save(name, content))
    assert triples(read) == {("film", "actor", "ann"), ("film", "director", "bob")}
    assert read.sources == ("g",)


def test_the_relation_may_have_another_name_or_none(save):
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", kind="likes", note="x")
    path = save("g.graphml", "\n".join(nx.generate_graphml(graph)))
    assert triples(read_knowledge(path, relation="kind")) == {("a", "likes", "b")}
    with pytest.raises(DataError, match=r"no column looks like the relation .*'kind', 'note'"):
        read_knowledge(path)
    bare = nx.MultiDiGraph([("a", "b"), ("a", "b")])  # edge keys are no relations
    path = save("bare.graphml", "\n".join(nx.generate_graphml(bare)))
    assert triples(read_knowledge(path)) == {("a", "related", "b")}


def test_a_link_beside_a_graph(save):
    link = save("link.csv", "item,entity\n1,a\n")
    read = read_knowledge(save("g.edgelist", "a b likes\n"), link=link)
    assert read.link[0].tolist() == [1]
    assert read.entities.ids[read.link[1]].tolist() == ["a"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a b\nb c\n", {("a", "related", "b"), ("b", "related", "c")}),
        ("a b likes\na b hates\n", {("a", "likes", "b"), ("a", "hates", "b")}),
        ("a b 0.5\n", {("a", "related", "b")}),
        ("a b {'relation': 'likes'}\n", {("a", "likes", "b")}),
        ("# comment\n\nhttp://x#a http://x#b likes\n", {("http://x#a", "likes", "http://x#b")}),
    ],
)
@pytest.mark.parametrize("name", ["g.edgelist", "g.edges.gz"])
def test_edge_lists(save, name, content, expected):
    assert triples(read_knowledge(save(name, content))) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("g.graphml", "<graphml><graph>", r"g\.graphml is no GraphML that can be read"),
        ("g.graphml", "<html></html>", r"g\.graphml is no GraphML that can be read"),
        ("g.edgelist", "a b\nc\n", r"g\.edgelist:2: not an edge of the form: head tail: 'c'"),
        ("g.edgelist", "a b x\nc d\n", r"g\.edgelist:2: not an edge .* relation .*: 'c d'"),
        ("g.edgelist", "a b {oops\n", r"g\.edgelist is no edge list that can be read"),
        ("g.edgelist", "# nothing\n", "the graph has no edge"),
    ],
)
def test_bad_graphs(save, name, content, message):
    with pytest.raises(DataError, match=message):
        read_knowledge(save(name, content))


def test_a_graph_holds_no_interactions(save):
    with pytest.raises(DataError, match=r"is a graph, but interactions must be a table"):
        read_interactions(save("g.edgelist", "a b\n"))
