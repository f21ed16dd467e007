"""Knowledge-graph tokens: an item's facts (relation, entity) as sparse features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph


@dataclass(frozen=True)
class Facts:
    """Facts of items as columns: item row, directed relation (2r forward, 2r+1 back), entity.

    A triple (item, r, x) gives (item, 2r, x); a triple (x, r, item) gives (item, 2r + 1, x).
    """

    rows: np.ndarray
    relations: np.ndarray
    entities: np.ndarray


def item_facts(dataset: Dataset, base: KnowledgeGraph) -> Facts:
    """Return all facts of a dataset's items, in the codes of ``base``.

    Facts with a relation or entity that ``base`` does not know are left out; the items
    themselves need not be known to it. Where they are, its facts about them count as well.
    """
    knowledge = dataset.knowledge
    facts = _facts_of(item_entities(dataset, base), base)
    if knowledge is None or knowledge is base:
        return facts
    new = _facts_of(dataset.item_entities, knowledge)
    relations = _translate(knowledge.relations, base.relations)[new.relations // 2]
    entities = _translate(knowledge.entities, base.entities)[new.entities]
    translated = np.stack([new.rows, 2 * relations + new.relations % 2, entities])
    translated = translated[:, (relations >= 0) & (entities >= 0)]
    known = np.stack([facts.rows, facts.relations, facts.entities])
    return Facts(*np.unique(np.concatenate([known, translated], axis=1), axis=1))


def item_entities(dataset: Dataset, base: KnowledgeGraph) -> np.ndarray:
    """Return the entity of every item in the codes of ``base``, -1 where it does not know it."""
    knowledge = dataset.knowledge
    if knowledge is base:
        return dataset.item_entities
    known = base.entity_of(dataset.items)
    if knowledge is None:
        return known
    codes = _translate(knowledge.entities, base.entities)[dataset.item_entities]
    return np.where((dataset.item_entities >= 0) & (codes >= 0), codes, known)


def _facts_of(item_entities: np.ndarray, knowledge: KnowledgeGraph) -> Facts:
    """Join items and triples on the items' entities, both ways."""
    rows, triples = _triples_at(item_entities, knowledge.head)
    back_rows, back_triples = _triples_at(item_entities, knowledge.tail)
    relation = knowledge.relation.astype(np.int64)
    return Facts(
        np.concatenate([rows, back_rows]),
        np.concatenate([2 * relation[triples], 2 * relation[back_triples] + 1]),
        np.concatenate([knowledge.tail[triples], knowledge.head[back_triples]]).astype(np.int64),
    )


def _triples_at(item_entities: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (item row, triple) wherever the item's entity is the end of the triple."""
    linked = np.flatnonzero(item_entities >= 0)
    order = linked[np.argsort(item_entities[linked], kind="stable")]
    entities = item_entities[order]
    start = np.searchsorted(entities, ends, side="left")
    count = np.searchsorted(entities, ends, side="right") - start
    triples = np.repeat(np.arange(len(ends)), count)
    offset = np.arange(len(triples)) - np.repeat(np.cumsum(count) - count, count)
    return order[np.repeat(start, count) + offset], triples


def _translate(source: IdMap, target: IdMap) -> np.ndarray:
    """Return the code in ``target`` of every id of ``source``, -1 where it is unknown.

    Integers and the same numbers as text are one id, as everywhere in a knowledge graph.
    """
    ids = source.ids
    if source.is_text != target.is_text:
        ids, target = ids.astype(str).astype(object), IdMap(target.ids.astype(str), target.name)
    return target.codes(ids, unknown="skip")


class KnowledgeTokens:
    """One token per (relation, entity) an item has, weighted by rarity.

    With ``hops=2`` the tokens are the facts of the item's neighbours instead: a film gets the
    tokens of its director, actors, ... Neighbours with more than ``max_degree`` facts are not
    passed through, so the work stays linear in the triples.

    Parameters
    ----------
    hops : {1, 2}, default 1
    min_items : int, default 2
        Tokens of fewer items are dropped: they tell nothing about any other item.
    max_degree : int, default 50
        Only for ``hops=2``.
    relation_weights : mapping of relation to float, optional
        What the tokens of some relations weigh beside those of the others, which weigh 1; 0
        leaves a relation out. `hybridrec.evaluation.selection.learn_relation_weights` finds them
        on validation.
    source : str, optional
        Only facts of this source of the knowledge graph (see `KnowledgeGraph.merge`); the block
        is called "tokens.SOURCE" then.

    Notes
    -----
    Values are the inverse document frequency ``log((1 + n) / (1 + df)) + 1`` (times the number
    of paths, for two hops, and the weight of the relation), with df counted over the items the
    block was fitted on.
    """

    side = "item"

    def __init__(
        self,
        hops: int = 1,
        *,
        min_items: int = 2,
        max_degree: int = 50,
        relation_weights: Mapping[str, float] | None = None,
        source: str | None = None,
    ) -> None:
        if hops not in (1, 2):
            raise ParameterError(f"hops must be 1 or 2, got {hops!r}")
        if min_items < 1 or max_degree < 1:
            raise ParameterError("min_items and max_degree must be at least 1")
        self.hops, self.min_items, self.max_degree = hops, min_items, max_degree
        self.source = source
        self.relation_weights = {str(name): one for name, one in (relation_weights or {}).items()}
        for name, one in self.relation_weights.items():
            if not (np.isfinite(one) and one >= 0):
                raise ParameterError(f"the weight of relation {name!r} must be >= 0, got {one}")

    @property
    def name(self) -> str:
        """Name of the block."""
        kind = "tokens" if self.hops == 1 else "two-hop-tokens"
        return kind if self.source is None else f"{kind}.{self.source}"

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Learn the vocabulary from a dataset whose knowledge graph is ``base``."""
        if base is None:
            raise ParameterError(f"the feature block {self.name!r} needs a knowledge graph")
        if self.source is not None and self.source not in base.sources:
            raise ParameterError(
                f"the knowledge graph has no source {self.source!r}"
                f"{did_you_mean(self.source, base.sources)} (there are"
                f" {', '.join(map(str, base.sources))})"
            )
        self.keys_ = np.unique(_entity_keys(_part(base, self.source)))
        counts = self._counts(dataset, base)
        df = np.bincount(counts.indices, minlength=counts.shape[1])
        weights = self._weights(base)[self.relations(base)]
        keep = (df >= self.min_items) & (weights > 0)
        self.keys_ = self.keys_[keep]
        rarity = np.log((1 + counts.shape[0]) / (1 + df[keep])) + 1
        self.idf_ = (weights[keep] * rarity).astype(np.float32)

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> csr_matrix:
        """Return the tokens of a dataset's items, CSR float32 (n_items, tokens)."""
        from scipy.sparse import csr_matrix, diags

        assert base is not None
        return csr_matrix(self._counts(dataset, base) @ diags(self.idf_), dtype=np.float32)

    def relations(self, base: KnowledgeGraph) -> np.ndarray:
        """Return the relation of every column, int64 (tokens,), in the codes of ``base``."""
        relations: np.ndarray = self.keys_ // (2 * len(base.entities))
        return relations

    def _weights(self, base: KnowledgeGraph) -> np.ndarray:
        """Return the weight of every relation of ``base``, float64."""
        names = base.relations.ids.astype(str)
        for name in self.relation_weights:
            if name not in names:
                raise ParameterError(
                    f"weight for unknown relation {name!r}{did_you_mean(name, names)}"
                )
        return np.array([self.relation_weights.get(name, 1.0) for name in names])

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return "relation>entity" for every column ("relation<entity" for the way back)."""
        assert base is not None
        relation, entity = np.divmod(self.keys_, len(base.entities))
        arrow = np.where(relation % 2 == 0, ">", "<")
        columns = zip(
            base.relations.ids[relation // 2], arrow, base.entities.ids[entity], strict=True
        )
        return np.array([f"{a}{b}{c}" for a, b, c in columns], dtype=object)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters and arrays from which `restore` makes the same block."""
        names = ("hops", "min_items", "max_degree", "relation_weights", "source")
        config = {name: getattr(self, name) for name in names}
        return config, {"keys": self.keys_, "idf": self.idf_}

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> KnowledgeTokens:
        """Rebuild a fitted block."""
        block = cls(**config)
        block.keys_, block.idf_ = arrays["keys"], arrays["idf"]
        return block

    def _counts(self, dataset: Dataset, base: KnowledgeGraph) -> csr_matrix:
        """Return how often each item has each token of the vocabulary."""
        if self.source is not None:
            part = _part(base, self.source)
            own = part if dataset.knowledge in (None, base) else dataset.knowledge
            base, dataset = part, replace(dataset, knowledge=own)
        facts = item_facts(dataset, base)
        n_items, n_entities = len(dataset.items), len(base.entities)
        if self.hops == 1:
            keys = facts.relations * n_entities + facts.entities
            return _count(facts.rows, keys, self.keys_, n_items)
        degree = np.bincount(base.head, minlength=n_entities)
        degree += np.bincount(base.tail, minlength=n_entities)
        near = degree[facts.entities] <= self.max_degree
        every = np.arange(n_entities)
        neighbours = _count(facts.rows[near], facts.entities[near], every, n_items)
        ends = np.concatenate([base.head, base.tail])
        tokens = _count(ends, _entity_keys(base), self.keys_, n_entities)
        return neighbours @ tokens


def _part(knowledge: KnowledgeGraph, source: str | None) -> KnowledgeGraph:
    """Return the triples of a source, all for None."""
    if source is None:
        return knowledge
    return knowledge.take(np.array([one == source for one in knowledge.sources])[knowledge.source])


def _entity_keys(base: KnowledgeGraph) -> np.ndarray:
    """Return the token that each triple gives its head, then the one it gives its tail."""
    n = len(base.entities)
    relation = base.relation.astype(np.int64)
    return np.concatenate([2 * relation * n + base.tail, (2 * relation + 1) * n + base.head])


def _count(rows: np.ndarray, keys: np.ndarray, vocabulary: np.ndarray, n_rows: int) -> csr_matrix:
    """Count (row, key) pairs whose key is in the sorted vocabulary."""
    from scipy.sparse import csr_matrix

    shape = (n_rows, len(vocabulary))
    if len(vocabulary) == 0:
        return csr_matrix(shape, dtype=np.float32)
    column = np.minimum(np.searchsorted(vocabulary, keys), len(vocabulary) - 1)
    known = vocabulary[column] == keys
    ones = np.ones(int(known.sum()), dtype=np.float32)
    counts = csr_matrix((ones, (rows[known], column[known])), shape=shape)
    counts.sum_duplicates()
    return counts
