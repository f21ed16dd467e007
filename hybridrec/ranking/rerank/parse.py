"""Re-rankers by name: from texts, as the command line has them, and from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.ranking.rerank.calibrated import Calibrated
from hybridrec.ranking.rerank.damping import PopularityDamping
from hybridrec.ranking.rerank.dpp import DPP
from hybridrec.ranking.rerank.exposure import FairExposure
from hybridrec.ranking.rerank.mmr import MMR
from hybridrec.ranking.rerank.reranker import Reranker
from hybridrec.ranking.texts import inline_parts, split_pairs, typed

RERANKERS: Mapping[str, type[Reranker]] = {
    kind.name: kind for kind in (MMR, DPP, Calibrated, PopularityDamping, FairExposure)
}


def parse_reranker(text: str) -> Reranker:
    """Read ``mmr`` or ``mmr:weight=0.3,block=tokens``.

    Raises
    ------
    ParameterError
        If there is no such way of re-ranking, or a parameter or value makes no sense.
    """
    name, inline = inline_parts(text)
    kind = _kind(name)
    # What is no number by default (a column, a block) is a name.
    defaults = {
        one.name: one.default if isinstance(one.default, (int, float)) else ""
        for one in fields(kind)
    }
    return _made(kind, typed(split_pairs(inline, f"{name} parameter"), defaults, name))


def reranker_from_json(given: Any) -> Reranker:
    """Read ``{"name": "mmr", "weight": 0.3}``.

    Raises
    ------
    ParameterError
        As `parse_reranker`.
    """
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise ParameterError('rerank must be an object such as {"name": "mmr", "weight": 0.3}')
    kind = _kind(given["name"])
    params = {name: value for name, value in given.items() if name != "name"}
    known = [one.name for one in fields(kind)]
    for name in params:
        if name not in known:
            raise ParameterError(
                f"{kind.name} has no parameter {name!r}{did_you_mean(name, known)}"
                f" (there are {', '.join(known)})"
            )
    return _made(kind, params)


def _kind(name: str) -> type[Reranker]:
    if name not in RERANKERS:
        raise ParameterError(
            f"unknown re-ranking {name!r}{did_you_mean(name, RERANKERS)}"
            f" (there are {', '.join(RERANKERS)})"
        )
    return RERANKERS[name]


def _made(kind: type[Reranker], params: Mapping[str, Any]) -> Reranker:
    """Make a re-ranker of parameters that it has."""
    if kind is Calibrated and "column" not in params:
        raise ParameterError("calibrated needs a column of the item table, such as column=genres")
    return kind(**params)
