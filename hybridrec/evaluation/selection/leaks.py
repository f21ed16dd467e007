"""Relations of the knowledge graph that tell how popular an item has become."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.features.tokens import item_facts
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph

FEWEST_ITEMS = 30  # to speak of a relation

_STREAM = zlib.crc32(b"popularity leaks")
_DRAWS = 200
_LEVEL = 0.05


@dataclass(frozen=True)
class RelationLeak:
    """A relation and how well the number of its facts about an item tells the item's users.

    Attributes
    ----------
    relation : str or int
    correlation : float
        Spearman's, over the items that the relation's source has any fact about.
    chance : float
        What 19 of 20 random orders of the items stay below with every relation.
    items : int
        How many items have a fact of it.
    after_release : bool
        Whether the graph says that its facts appear after an item succeeds.
    """

    relation: Any
    correlation: float
    chance: float
    items: int
    after_release: bool

    def __str__(self) -> str:
        marked = ", known only after release" if self.after_release else ""
        return (
            f"{self.relation} tells popularity: facts and users of an item correlate by"
            f" {self.correlation:.2f} (chance: below {self.chance:.2f}){marked}"
        )


def popularity_leaks(
    dataset: Dataset, *, least: float = 0.3, random_state: int = 0
) -> tuple[RelationLeak, ...]:
    """Return the relations whose facts grow with an item's success, the worst first.

    Awards, sequels and list memberships come after an item was liked by many. A new item has none
    of them yet, so figures of new items that rest on them are too good. A relation is named if
    the number of its facts about an item correlates with the number of the item's users by
    ``least`` or more and beyond chance, or if the graph marks it as ``after_release``.

    Only items with users count that the source of the relation says anything about: that a source
    knows popular items only is no fault of the relation.

    Parameters
    ----------
    dataset : Dataset
        With a knowledge graph, else there is nothing to name.
    least : float, default 0.3
        Spearman's correlation.
    random_state : int, default 0
        Of the orders that tell what is chance.
    """
    graph = dataset.knowledge
    if graph is None:
        return ()
    counts = _facts_of_items(dataset, graph)
    source = _sources_of_relations(graph)
    users = dataset.matrix.getnnz(axis=0)
    found = []
    for own in np.unique(source[source >= 0]):
        relations = np.flatnonzero(source == own)
        items = (counts[relations].sum(axis=0) > 0) & (users > 0)
        if items.sum() >= FEWEST_ITEMS:
            part = counts[np.ix_(relations, items)]
            values, chance = _correlations(part, users[items], random_state)
            found += [
                RelationLeak(
                    graph.relations.ids[relation],
                    float(value),
                    chance,
                    int((counts[relation] > 0).sum()),
                    graph.relations.ids[relation] in graph.after_release,
                )
                for relation, value in zip(relations, values, strict=True)
            ]
    named = [
        leak for leak in found if leak.after_release or leak.correlation >= max(least, leak.chance)
    ]
    return tuple(sorted(named, key=lambda leak: -leak.correlation))


def _facts_of_items(dataset: Dataset, graph: KnowledgeGraph) -> np.ndarray:
    """Return how many facts of each relation each item has, int64 (relations, items)."""
    facts, n_items = item_facts(dataset, graph), len(dataset.items)
    cells = (facts.relations // 2) * n_items + facts.rows
    counts = np.bincount(cells, minlength=len(graph.relations) * n_items)
    return counts.reshape(len(graph.relations), n_items)


def _sources_of_relations(graph: KnowledgeGraph) -> np.ndarray:
    """Return the source that most triples of each relation come from, -1 without any triple."""
    n = len(graph.sources)
    cells = graph.relation.astype(np.int64) * n + graph.source
    table = np.bincount(cells, minlength=len(graph.relations) * n).reshape(-1, n)
    source: np.ndarray = np.where(table.any(axis=1), table.argmax(axis=1), -1)
    return source


def _correlations(
    counts: np.ndarray, users: np.ndarray, random_state: int
) -> tuple[np.ndarray, float]:
    """Return Spearman's correlations, and the bound that the largest of chance rarely passes."""
    facts = np.stack([_standard_ranks(row) for row in counts])
    popularity = _standard_ranks(users)
    stream = random_stream(random_state, _STREAM)
    orders = np.stack([stream.permutation(popularity) for _ in range(_DRAWS)])
    largest = (facts @ orders.T).max(axis=0) / len(users)
    return facts @ popularity / len(users), float(np.quantile(largest, 1 - _LEVEL))


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks of mean 0 and variance 1, ties in the middle; 0 where all are equal."""
    from scipy.stats import rankdata

    ranks = rankdata(values)
    ranks = ranks - ranks.mean()
    spread = ranks.std()
    standard: np.ndarray = ranks / spread if spread > 0 else ranks
    return standard
