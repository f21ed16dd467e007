"""Two knowledge graphs in one: where both know an item, their entities for it are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.idmap import as_ids

if TYPE_CHECKING:
    from hybridrec.dataset.knowledge import KnowledgeGraph


def entities_of_same_items(mine: KnowledgeGraph, theirs: KnowledgeGraph) -> dict[str, Any]:
    """Return, for entities of ``theirs``, the entity of ``mine`` that is the same item."""
    if mine.link is None and theirs.link is None:
        return {}
    if theirs.link is None:
        assert mine.link is not None
        return dict(zip(map(str, mine.link[0]), mine.entities.ids[mine.link[1]], strict=True))
    own = dict(zip(map(str, theirs.link[0]), theirs.entities.ids[theirs.link[1]], strict=True))
    if mine.link is None:
        return {str(entity): item for item, entity in own.items()}
    other = dict(zip(map(str, mine.link[0]), mine.entities.ids[mine.link[1]], strict=True))
    return {str(entity): other[item] for item, entity in own.items() if item in other}


def renamed(ids: np.ndarray, rename: Mapping[str, Any]) -> np.ndarray:
    """Return ids with others in the place of some."""
    if not rename:
        return ids
    names = [rename.get(str(one), one) for one in ids.tolist()]
    is_text = any(isinstance(one, str) for one in names)
    return as_ids([str(one) for one in names] if is_text else names)
