"""A knowledge graph taken apart into what folders hold, and put together again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.knowledge import KnowledgeGraph


@dataclass(frozen=True, eq=False)
class KnowledgeParts:
    """All of a knowledge graph, in a form that folders hold.

    Attributes
    ----------
    about : mapping
        What JSON holds: "after_release" and "sources". Other keys are passed over.
    ids : mapping of str to ndarray
        "entities" and "relations", in the order of their codes, "linked_items" where the graph
        has a link, and "labels" (texts) where it has any. Other keys are passed over.
    arrays : mapping of str to ndarray
        "head", "relation", "tail" and "source" of every triple, "link", the entity of every
        linked item, and "labelled", that of every label.
    """

    about: Mapping[str, Any]
    ids: Mapping[str, np.ndarray]
    arrays: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, knowledge: KnowledgeGraph) -> KnowledgeParts:
        """Take a graph apart."""
        about = {
            "after_release": sorted(knowledge.after_release),
            "sources": list(knowledge.sources),
        }
        ids = {"entities": knowledge.entities.ids, "relations": knowledge.relations.ids}
        arrays = {
            "head": knowledge.head,
            "relation": knowledge.relation,
            "tail": knowledge.tail,
            "source": knowledge.source,
        }
        if knowledge.link is not None:
            ids["linked_items"], arrays["link"] = knowledge.link
        if knowledge.labels is not None:
            arrays["labelled"], ids["labels"] = knowledge.labels
        return cls(about, ids, arrays)

    def graph(self) -> KnowledgeGraph:
        """Put the graph together.

        Raises
        ------
        KeyError
            If a part is missing.
        """
        ids, arrays = self.ids, self.arrays
        return KnowledgeGraph(
            IdMap(ids["entities"], "entity"),
            IdMap(ids["relations"], "relation"),
            arrays["head"],
            arrays["relation"],
            arrays["tail"],
            arrays["source"],
            (ids["linked_items"], arrays["link"]) if "link" in arrays else None,
            frozenset(self.about["after_release"]),
            tuple(self.about["sources"]),
            (arrays["labelled"], ids["labels"]) if "labelled" in arrays else None,
        )
