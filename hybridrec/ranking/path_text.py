"""Paths through a knowledge graph in plain English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridrec.ranking.explanation import PathStep

# What somebody is who did something.
_WHO = {
    "directed by": "director",
    "written by": "writer",
    "produced by": "producer",
    "composed by": "composer",
    "created by": "creator",
    "edited by": "editor",
    "performed by": "performer",
    "published by": "publisher",
    "distributed by": "distributor",
    "painted by": "painter",
    "starring": "actor",
    "stars": "actor",
}
_NO_PLURAL = ("ss", "us", "is", "series", "species", "news")


def relation_words(relation: Any) -> str:
    """Return the words of a relation: "directed by" of "film.film.directed_by".

    The last part of a name of several counts, as of an IRI.
    """
    name = re.split(r"[./#:]", str(relation).rstrip("./#:"))[-1]
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.sub(r"[_\-\s]+", " ", spaced).strip().lower()
    return re.sub(r"^has (?=\w)", "", words) or str(relation)


def relation_noun(relation: Any) -> str:
    """Return what something is by a relation: "director" of "film.film.directed_by"."""
    words = relation_words(relation)
    if words in _WHO:
        return _WHO[words]
    if len(words) < 4 or words.endswith(_NO_PLURAL):
        return words
    return re.sub(r"(?<=\w)ies$", "y", words) if words.endswith("ies") else words.removesuffix("s")


def path_text(steps: Sequence[PathStep], past: str) -> str:
    """Return what leads from an item of the history to the recommended one.

    Parameters
    ----------
    steps : sequence of PathStep
        At most three.
    past : str
        The item of the history, such as "Pulp Fiction, which you had".
    """
    if not steps:
        return f"another edition of {past}"
    nouns = [relation_noun(step.relation) for step in steps]
    forward = [step.direction == "forward" for step in steps]
    if len(steps) == 1:
        return f"{nouns[0]} of {past}" if forward[0] else f"its {nouns[0]} is {past}"
    if len(steps) == 2:
        return _by_one(steps[0], nouns, forward, past)
    first, last = (_bracketed(step.label) for step in steps[:2])
    return (
        f"its {nouns[2]}{last} is linked to the {nouns[0]}{first} of {past}"
        f" ({relation_words(steps[1].relation)})"
    )


def _by_one(shared: PathStep, nouns: Sequence[str], forward: Sequence[bool], past: str) -> str:
    """Return what an entity says that both items have facts about."""
    label = _bracketed(shared.label)
    # The way to the recommended item goes against the fact where that is told of the item.
    has = [forward[0], not forward[1]]
    if nouns[0] == nouns[1] and has == [True, True]:
        return f"same {nouns[0]}{label} as {past}"
    if has == [True, True]:
        return f"its {nouns[1]}{label} is the {nouns[0]} of {past}"
    if has == [False, False]:
        return f"{nouns[1]} of {shared.label or 'the same'}, like {past}"
    if has == [True, False]:
        return f"{nouns[1]} of the {nouns[0]}{label} of {past}"
    return f"its {nouns[1]}{label} has {past} as {nouns[0]}"


def _bracketed(label: str | None) -> str:
    return "" if label is None else f" ({label})"
