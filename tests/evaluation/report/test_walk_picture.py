from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError
from hybridrec.evaluation.report.pictures import GROUPS
from hybridrec.evaluation.report.walk_picture import Step, WalkPicture
from hybridrec.graph import Graph, random_walks

ROWS = [
    *((f"film:{film}", "stars", f"actor:{film % 3}") for film in range(9)),
    *((f"film:{film}", "by", "director:x") for film in range(3)),
]
KNOWLEDGE = KnowledgeGraph.from_triples(*zip(*ROWS, strict=True))


def codes(*entities: str) -> list[int]:
    return KNOWLEDGE.entities.codes(entities).tolist()


WALK = codes("film:0", "actor:0", "film:3", "actor:0", "film:0", "director:x")


@pytest.fixture(scope="module")
def picture() -> WalkPicture:
    return WalkPicture.of(KNOWLEDGE, WALK, neighbours=2)


def test_nodes_of_the_walk_come_first_and_steps_keep_its_order(picture):
    assert picture.labels[:4] == ("film:0", "actor:0", "film:3", "director:x")
    assert picture.on_walk == 4
    assert picture.steps == (
        Step(0, 1, "stars"),
        Step(1, 2, "stars"),
        Step(2, 1, "stars"),
        Step(1, 0, "stars"),
        Step(0, 3, "by"),
    )


def test_neighbours_are_drawn_around(picture):
    # actor:0 has film:6 beside the walk, director:x film:1 and film:2; the films have no others.
    assert sorted(picture.labels[4:]) == ["film:1", "film:2", "film:6"]
    names = picture.labels
    links = {(names[one], names[other]) for one, other in picture.links.tolist()}
    assert links == {
        *(("film:0", "actor:0"), ("actor:0", "film:3"), ("film:0", "director:x")),
        *(("actor:0", "film:6"), ("director:x", "film:1"), ("director:x", "film:2")),
    }
    assert picture.is_item.tolist() == [name.startswith("film") for name in names]


def test_a_link_says_what_items_are():
    rows = [("d", "made", "f"), ("d", "made", "g")]
    knowledge = KnowledgeGraph.from_triples(*zip(*rows, strict=True), link=(["F", "G"], ["f", "g"]))
    picture = WalkPicture.of(knowledge, knowledge.entities.codes(["f", "d"]))
    assert dict(zip(picture.labels, picture.is_item.tolist(), strict=True)) == {
        "f": True,
        "d": False,
        "g": True,
    }


def test_hubs_show_a_few_neighbours():
    picture = WalkPicture.of(KNOWLEDGE, codes("actor:0", "film:0"), neighbours=1)
    assert len(picture.nodes) == 4
    other = WalkPicture.of(KNOWLEDGE, codes("actor:0", "film:0"), neighbours=0)
    assert other.labels == ("actor:0", "film:0")


def test_the_figure_shows_nodes_arrows_and_numbers(picture):
    figure = picture.figure()
    axes = figure.axes[0]
    drawn = {
        (to_hex(dots.get_facecolor()[0]), float(dots.get_sizes()[0])): len(dots.get_offsets())
        for dots in axes.collections
        if len(dots.get_offsets())
    }
    films, others = GROUPS[:2]
    assert {colour: count for (colour, size), count in drawn.items() if size > 50} == {
        films: 2,
        others: 2,
    }
    assert sum(drawn.values()) == 7
    arrows = [text for text in axes.texts if text.arrow_patch is not None]
    assert len(arrows) == 5  # no step is taken twice
    texts = [text.get_text() for text in axes.texts if text.arrow_patch is None]
    assert texts[:4] == ["film:0", "actor:0", "film:3", "director:x"]
    assert texts[4:9] == ["1  stars", "2  stars", "3  stars", "4  stars", "5  by"]
    assert sorted(texts[9:]) == ["film:1", "film:2", "film:6"]
    places = axes.collections[0].get_offsets()
    np.testing.assert_allclose(arrows[0].xy, axes.collections[2].get_offsets()[0])
    np.testing.assert_allclose(arrows[0].xyann, places[0])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["item", "other entity"]


def test_a_step_taken_again_is_one_arrow_with_both_numbers():
    picture = WalkPicture.of(KNOWLEDGE, codes("film:0", "actor:0", "film:0", "actor:0"))
    texts = [text.get_text() for text in picture.figure().axes[0].texts]
    assert {"1, 3  stars", "2  stars"} <= set(texts)


def test_texts_lie_apart(picture):
    texts = [text for text in picture.figure().axes[0].texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    for at, one in enumerate(boxes):
        assert not one.count_overlaps(boxes[at + 1 :])


def test_labels_may_be_given():
    labels = {"film:0": "Nulla", "film:6": "Sexta"}
    relations = {"stars": "played by"}
    picture = WalkPicture.of(KNOWLEDGE, WALK[:3], labels=labels, relation_labels=relations)
    assert picture.labels[:3] == ("Nulla", "actor:0", "film:3")
    assert sorted(picture.labels[3:]) == ["", "Sexta"]
    assert picture.steps[0].relation == "played by"
    text = picture.svg()
    for name in ("Nulla", "Sexta", "1  played by"):
        assert f"<!-- {name} -->" in text


def test_walks_of_the_library_are_drawn_and_padding_is_left_out():
    walk = random_walks(Graph.from_knowledge(KNOWLEDGE), 1, 5, start_nodes=WALK[:1])[0]
    picture = WalkPicture.of(KNOWLEDGE, np.append(walk, [-1, -1]))
    assert len(picture.steps) == 4
    steps = [(picture.nodes[step.source], picture.nodes[step.target]) for step in picture.steps]
    assert steps == list(pairwise(walk))


def test_self_loops_are_steps():
    knowledge = KnowledgeGraph.from_triples(["a", "a"], ["is", "has"], ["a", "b"])
    picture = WalkPicture.of(knowledge, knowledge.entities.codes(["a", "a", "b"]))
    assert [(step.source, step.target) for step in picture.steps] == [(0, 0), (0, 1)]
    assert "<!-- 1" in picture.svg()


def test_the_same_gives_the_same(picture):
    assert WalkPicture.of(KNOWLEDGE, WALK, neighbours=2).svg() == picture.svg()
    assert "#ffffff" not in picture.svg()


@pytest.mark.parametrize(
    ("walk", "message"),
    [
        (WALK[:1], "a walk needs two entity codes"),
        ([0.5, 1.0], "a walk needs two entity codes"),
        ([WALK, WALK], "a walk needs two entity codes"),
        ([-1, -1, -1], "a walk needs two entity codes"),
        ([0, 99], "entity codes from 0 to 12"),
        (codes("film:0", "film:1"), "no triple joins 'film:0' and 'film:1'"),
    ],
)
def test_a_walk_that_is_none_is_refused(walk, message):
    with pytest.raises(DataError, match=message):
        WalkPicture.of(KNOWLEDGE, walk)
