"""Paths from a user's items to a recommended one, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.graph.item_paths import ItemPaths, Trail
from hybridrec.models.kept import kept
from hybridrec.models.names import EntityNames, FeatureNames, title_of
from hybridrec.ranking.explanation import Path, PathStep, Shares
from hybridrec.ranking.path_text import path_text

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

ORIGINS = 50  # items of the history from which paths are looked for
UNUSED = 0.1  # support of a fact that the model does not use
LARGEST, MOST = 10, 20  # rating, and number of different ones


def strongest_paths(
    model: Recommender,
    history: csr_matrix,
    shares: Shares,
    told: Shares | None,
    target: int,
    count: int,
) -> list[Path]:
    """Return the paths of the largest weights, from as many items of the history as possible.

    Paths begin at the items that add most to the score; of those that read the same the first is
    taken. The weight of a path is what its item adds, times the rarity of the entities between
    (`ItemPaths.rarity`); where the model tells what each fact of the recommended item adds, also
    times `_support`.

    Parameters
    ----------
    model : Recommender
    history : csr_matrix, shape (1, n_items)
    shares : Shares
        What the items of the history add.
    told : Shares or None
        What the features of the item add.
    target : int
    count : int
    """
    knowledge = model.knowledge_
    if knowledge is None or count == 0:
        return []
    order = np.argsort(-shares.values, kind="stable")[:ORIGINS]
    order = order[shares.values[order] > 0]
    value = dict(zip(shares.codes[order].tolist(), shares.values[order].tolist(), strict=True))
    made_of = (knowledge, model.items_)
    graph = kept(model, "paths", made_of, lambda: ItemPaths.over(knowledge, model.items_))
    trails = graph.between(shares.codes[order], target)
    weights = np.array([value[trail.item] * trail.rarity for trail in trails])
    weights = weights * _support(model, told, trails)
    had = dict(zip(history.indices.tolist(), history.data.tolist(), strict=True))
    found: dict[str, Path] = {}
    for at in _firsts_ahead([trail.item for trail in trails], weights):
        trail = trails[at]
        path = _path(model, trail, float(weights[at]), had.get(trail.item))
        found.setdefault(path.text, path)  # two awards without a name read the same
        if len(found) == count:
            break
    return sorted(found.values(), key=lambda path: -path.weight)


def _support(model: Recommender, told: Shares | None, trails: list[Trail]) -> np.ndarray:
    """Return how much the model makes of each trail's fact of the item, ``UNUSED`` to 1.

    Relative to the fact that adds most; 1 for all where the model does not tell.
    """
    knowledge, everything = model.knowledge_, np.ones(len(trails))
    tokens = FeatureNames(model).tokens() if told is not None else None
    if told is None or tokens is None or knowledge is None:
        return everything
    first, keys = tokens
    size = len(knowledge.entities)
    facts = [(one.relations[-1] ^ 1) * size + one.nodes[-2] for one in trails if one.nodes[:-1]]
    shared = np.array([bool(one.nodes[:-1]) for one in trails], dtype=np.bool_)
    column = np.full(len(trails), -1, dtype=np.int64)
    column[shared] = facts
    at = np.minimum(np.searchsorted(keys, column), len(keys) - 1)
    value = dict(zip(told.codes.tolist(), told.values.tolist(), strict=True))
    known = keys[at] == column
    found = np.array([max(value.get(int(first + one), 0.0), 0.0) for one in at]) * known
    largest = found.max(initial=0.0)
    if largest == 0:
        return everything
    support: np.ndarray = UNUSED + (1 - UNUSED) * found / largest
    return np.where(shared, support, 1.0)


def _firsts_ahead(items: list[int], weights: np.ndarray) -> list[int]:
    """Return positions by falling weight, but before a second one of an item the firsts of all.

    Those of weight 0 are left out: they are about what all items have.
    """
    order = [at for at in np.argsort(-weights, kind="stable").tolist() if weights[at] > 0]
    firsts = set({items[at]: at for at in reversed(order)}.values())
    return sorted(order, key=lambda at: at not in firsts)  # stable


def _path(model: Recommender, trail: Trail, weight: float, own: float | None) -> Path:
    """Return a trail in words; ``own`` is the weight of its item in the history."""
    knowledge, names = model.knowledge_, EntityNames(model)
    assert knowledge is not None
    steps = tuple(
        PathStep(
            _id(knowledge.entities.ids[node]),
            names.of(node),
            _id(knowledge.relations.ids[relation // 2]),
            "backward" if relation % 2 else "forward",
        )
        for node, relation in zip(trail.nodes, trail.relations, strict=True)
    )
    text = path_text(steps, f"{title_of(model, trail.item)}, {_had(model, own)}")
    return Path(_id(model.items_.ids[trail.item]), steps, text, weight)


def _had(model: Recommender, weight: float | None) -> str:
    """Return "which you rated 5" where weights look like ratings."""
    history = model.history_
    rated = kept(model, "rated", (history,), lambda: _are_ratings(history.data))
    return f"which you rated {weight:g}" if rated and weight is not None else "which you had"


def _are_ratings(weights: np.ndarray) -> bool:
    """Tell whether weights differ, and are as small and as few as ratings are."""
    return bool(weights.max(initial=0) <= LARGEST and 1 < len(np.unique(weights)) <= MOST)


def _id(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
