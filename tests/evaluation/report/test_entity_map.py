from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.report.entity_map import EntityMap, heads_of
from hybridrec.evaluation.report.pictures import GREY, GROUPS

# Films 0 to 39; film n is of kind:0, of kind:(n % 9) and, if even, of kind:even.
ROWS = [
    (f"film{film:02}", "kind", f"kind:{kind}")
    for film in range(40)
    for kind in (0, film % 9, *(["even"] if film % 2 == 0 else []))
]
KNOWLEDGE = KnowledgeGraph.from_triples(
    *zip(*ROWS, ("film00", "year", "1999"), strict=True),
)
VECTORS = np.random.default_rng(0).standard_normal((len(KNOWLEDGE.entities), 5)).astype(np.float32)


def code_of(entity: str) -> int:
    return int(KNOWLEDGE.entities.codes([entity])[0])


@pytest.fixture(scope="module")
def drawn() -> EntityMap:
    return EntityMap.of(KNOWLEDGE, VECTORS, "kind")


def test_each_head_has_a_place_and_the_rarest_of_the_frequent_values(drawn):
    films = [code_of(f"film{film:02}") for film in range(40)]
    assert drawn.entities.tolist() == films
    assert drawn.places.shape == (40, 2)
    assert np.isfinite(drawn.places).all()
    assert len(np.unique(drawn.places, axis=0)) == 40
    # 40 films of kind 0, 20 even ones, 5 of kind 1, 2 and 3 each, 4 of kind 4 and the others.
    assert drawn.names == ("0", "even", "1", "2", "3", "4")
    groups = dict(zip(range(40), drawn.groups.tolist(), strict=True))
    assert (groups[0], groups[9], groups[1], groups[5], groups[22]) == (1, 0, 2, 0, 5)
    assert np.bincount(drawn.groups, minlength=6).tolist() == [
        sum(film % 2 == 1 and film % 9 not in (1, 2, 3, 4) for film in range(40)),
        sum(film % 2 == 0 and film % 9 not in (1, 2, 3, 4) for film in range(40)),
        *(5, 5, 5, 4),
    ]


def test_values_without_a_colour_are_grey():
    rows = [(f"film{film}", "actor", f"actor:{film % 10}") for film in range(40)]
    knowledge = KnowledgeGraph.from_triples(*zip(*rows, strict=True))
    vectors = np.eye(len(knowledge.entities), dtype=np.float32)
    drawn = EntityMap.of(knowledge, vectors, "actor")
    assert np.bincount(drawn.groups + 1).tolist() == [16, 4, 4, 4, 4, 4, 4]
    dots = {d.get_label().strip(): d for d in drawn.figure().axes[0].collections}
    assert list(dots) == ["0", "1", "2", "3", "4", "5", "other"]
    assert len(dots["other"].get_offsets()) == 16
    assert to_hex(dots["other"].get_facecolor()[0]) == GREY


def test_the_figure_shows_the_points_in_their_colours(drawn):
    figure = drawn.figure()
    dots = figure.axes[0].collections
    for group, one in enumerate(dots):
        np.testing.assert_allclose(one.get_offsets(), drawn.places[drawn.groups == group])
        assert to_hex(one.get_facecolor()[0]) == GROUPS[group]
    assert len(dots) == 6
    legend = figure.legends[0]
    assert [text.get_text().strip() for text in legend.get_texts()] == list(drawn.names)
    assert legend.get_title().get_text() == "kind"


def test_similar_vectors_are_near():
    centres = np.eye(4, dtype=np.float32)[np.arange(40) % 4]
    vectors = np.zeros((len(KNOWLEDGE.entities), 4), np.float32)
    films = heads_of(KNOWLEDGE, "kind")
    vectors[films] = centres + np.random.default_rng(0).normal(0, 0.02, (40, 4))
    vectors[films] *= np.random.default_rng(1).uniform(0.1, 9, (40, 1))  # lengths mean nothing
    places = EntityMap.of(KNOWLEDGE, vectors, "kind").places
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(axis=1) % 4 == np.arange(40) % 4).all()


def test_names_and_title_may_be_given():
    labels = {"kind:even": "Even $x_1$", "kind:0": "_all"}
    drawn = EntityMap.of(KNOWLEDGE, VECTORS, "kind", labels=labels, title="sort of film")
    assert drawn.names[:3] == ("_all", "Even $x_1$", "1")
    text = drawn.svg()
    for name in ("sort of film", "_all", "Even $x_1$"):
        assert f"<!-- {name} -->" in text or f"<!--  {name} -->" in text


def test_of_many_entities_a_sample_is_drawn():
    drawn = EntityMap.of(KNOWLEDGE, VECTORS, "kind", most=12)
    again = EntityMap.of(KNOWLEDGE, VECTORS, "kind", most=12, random_state=1)
    assert len(drawn.entities) == len(drawn.places) == 12
    assert np.isin(drawn.entities, heads_of(KNOWLEDGE, "kind")).all()
    assert drawn.entities.tolist() != again.entities.tolist()


def test_the_same_gives_the_same(drawn):
    assert EntityMap.of(KNOWLEDGE, VECTORS, "kind").svg() == drawn.svg()


def test_svg_is_one_for_white_and_black_pages(drawn):
    text = drawn.svg()
    assert text.startswith("<?xml")
    assert "#ffffff" not in text
    assert "#000000" not in text
    assert len(text) < 60_000


def test_bad_input_is_refused():
    with pytest.raises(ParameterError, match=r"unknown relation 'kinds'; did you mean 'kind'\?"):
        EntityMap.of(KNOWLEDGE, VECTORS, "kinds")
    with pytest.raises(DataError, match="4 entities at least, 1 have the relation 'year'"):
        EntityMap.of(KNOWLEDGE, VECTORS, "year")
    with pytest.raises(ParameterError, match="most must be a whole number of at least 4"):
        EntityMap.of(KNOWLEDGE, VECTORS, "kind", most=3)
    with pytest.raises(DataError, match="finite vectors"):
        EntityMap.of(KNOWLEDGE, VECTORS * np.nan, "kind")
    for vectors in (VECTORS[1:], VECTORS[:, :1], VECTORS[0]):
        with pytest.raises(DataError, match=r"a map needs vectors of shape \(\d+, 2 or more\)"):
            EntityMap.of(KNOWLEDGE, vectors, "kind")
