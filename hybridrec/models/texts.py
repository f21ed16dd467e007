"""Texts about a fitted model, such as its card, that lie in its folder beside the arrays.

Nothing here knows what they say. A text of data (".json") is of the fit and stays with the model
whatever is learned later; one for people (".md") is of the model as it is, and is left out when
the model is saved after users, items or interactions have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

_LASTING = ".json"


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts by file name, and what of the model they were written about."""

    content: Mapping[str, str]
    about: tuple[Any, ...]


def attach_texts(model: Recommender, texts: Mapping[str, str]) -> None:
    """Let a fitted model keep texts, in place of those it had."""
    model.__dict__["texts_"] = Texts(dict(texts), _about(model))


def texts_of(model: Recommender) -> Mapping[str, str]:
    """Return the texts of a model by file name."""
    found = model.__dict__.get("texts_")
    return {} if found is None else found.content


def texts_to_save(model: Recommender) -> dict[str, str]:
    """Return the texts of a model that are still true of it."""
    texts = texts_of(model)
    if not texts or _same(model.__dict__["texts_"].about, _about(model)):
        return dict(texts)
    return {name: text for name, text in texts.items() if name.endswith(_LASTING)}


def _about(model: Recommender) -> tuple[Any, ...]:
    return model.users_, model.items_, model.history_


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(a is b for a, b in zip(one, other, strict=True))
