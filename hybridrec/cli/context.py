"""A model under the circumstances that a command is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hybridrec.cli.output import say
from hybridrec.models.base import unknown_context_text
from hybridrec.ranking.texts import split_pairs

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender


def in_context(model: Recommender, texts: Iterable[str]) -> Recommender:
    """Return the model in the context that texts such as ``daypart=evening`` give.

    Raises
    ------
    ParameterError
        If a text makes no sense, or the model knows no such column.
    """
    context = split_pairs(texts, "context")
    if not context:
        return model
    found = model.in_context(context)
    for name, value in found.unknown_context_.items():
        say(unknown_context_text(name, value))
    return found
