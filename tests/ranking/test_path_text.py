from __future__ import annotations

import pytest

from hybridrec.ranking.explanation import PathStep
from hybridrec.ranking.path_text import path_text, relation_noun, relation_words

PAST = "Pulp Fiction, which you rated 5"


def steps(*found):
    """Return steps of (relation, label), the relation with < where it is told of the entity."""
    return [
        PathStep("id", label, name.strip("<"), "backward" if "<" in name else "forward")
        for name, label in found
    ]


@pytest.mark.parametrize(
    ("relation", "words", "noun"),
    [
        ("film.film.directed_by", "directed by", "director"),
        ("film.film.production_companies", "production companies", "production company"),
        ("http://schema.org/hasGenre", "genre", "genre"),
        ("http://example.org/a#actors", "actors", "actor"),
        ("bookSeries", "book series", "book series"),
        ("schema:author/", "author", "author"),
        ("bus", "bus", "bus"),
        (7, "7", "7"),
        ("...", "...", "..."),
    ],
)
def test_relations_in_words(relation, words, noun):
    assert (relation_words(relation), relation_noun(relation)) == (words, noun)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([("x.directed_by", "Q"), ("x.directed_by<", "T")], f"same director (Q) as {PAST}"),
        ([("x.directed_by", None), ("x.directed_by<", "T")], f"same director as {PAST}"),
        ([("actor", "Q"), ("directed_by<", "T")], f"its director (Q) is the actor of {PAST}"),
        ([("film<", "Q"), ("film", "T")], f"film of Q, like {PAST}"),
        ([("sequel", "Q"), ("remake", "T")], f"remake of the sequel (Q) of {PAST}"),
        ([("film<", "Q"), ("sequel<", "T")], f"its sequel (Q) has {PAST} as film"),
        ([("sequel", "T")], f"sequel of {PAST}"),
        ([("sequel<", "T")], f"its sequel is {PAST}"),
        ([], f"another edition of {PAST}"),
        (
            [("directed_by", "Q"), ("born_in", None), ("set_in<", "T")],
            f"its set in is linked to the director (Q) of {PAST} (born in)",
        ),
    ],
)
def test_paths_in_words(path, text):
    assert path_text(steps(*path), PAST) == text
