"""Paths between items in a knowledge graph: by a fact, a shared entity, or two linked entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hybridrec.dataset.idmap import IdMap
    from hybridrec.dataset.knowledge import KnowledgeGraph

MAX_LINKS = 200  # of an entity that a path of three facts goes on from


class Trail(NamedTuple):
    """A path between two items, in codes.

    Attributes
    ----------
    item : int
        Where it begins.
    nodes : tuple of int
        The entities it comes to, the last one that of the other item.
    relations : tuple of int
        One for each node: ``2 r`` for a fact of the node before, ``2 r + 1`` for one of the node.
    rarity : float
        Of the entities between the two, multiplied; 1 if there are none.
    """

    item: int
    nodes: tuple[int, ...]
    relations: tuple[int, ...]
    rarity: float


class _Edges(NamedTuple):
    """Facts around some entities: the position of the entity, the other end, the relation."""

    own: np.ndarray
    to: np.ndarray
    relation: np.ndarray


@dataclass(frozen=True, eq=False)
class ItemPaths:
    """A knowledge graph by entity, and the entities of items.

    Attributes
    ----------
    entity_of : ndarray of int32, shape (n_items,)
        -1 where an item is not linked.
    starts : ndarray of int64, shape (n_entities + 1,)
    to, relation : ndarray of int32, shape (2 * triples,)
        The facts of every entity, each once from either end; relations as in `Trail`.
    rarity : ndarray of float64, shape (n_entities,)
        ``log(n / df) / log(n)`` with n the linked items and df those with a fact about the
        entity: 1 where it is one item's own, 0 where all have it.
    """

    entity_of: np.ndarray
    starts: np.ndarray
    to: np.ndarray
    relation: np.ndarray
    rarity: np.ndarray

    @classmethod
    def over(cls, knowledge: KnowledgeGraph, items: IdMap) -> ItemPaths:
        """Order a graph by entity: the work of a sort, done once."""
        entity_of = knowledge.entity_of(items)
        size = len(knowledge.entities)
        head, tail = knowledge.head, knowledge.tail
        own, to = np.concatenate([head, tail]), np.concatenate([tail, head])
        relation = np.concatenate([2 * knowledge.relation, 2 * knowledge.relation + 1])
        order = np.lexsort((relation, to, own))
        own, to, relation = own[order], to[order], relation[order].astype(np.int32)
        starts = np.concatenate([[0], np.cumsum(np.bincount(own, minlength=size))])
        linked = np.bincount(entity_of[entity_of >= 0], minlength=size)
        first = np.ones(len(own), dtype=np.bool_)
        first[1:] = (own[1:] != own[:-1]) | (to[1:] != to[:-1])
        df = np.bincount(to[first], weights=linked[own[first]], minlength=size)
        n = max(int(linked.sum()), 2)
        rarity = np.log(n / np.clip(df, 1, n)) / np.log(n)
        return cls(entity_of, starts.astype(np.int64), to, relation, rarity)

    def between(self, origins: np.ndarray, target: int) -> list[Trail]:
        """Return the trails from some items to another one.

        Parameters
        ----------
        origins : ndarray of int, shape (n,)
            Codes of items.
        target : int

        Returns
        -------
        list of Trail
            Of no fact (both items are one entity), one or two facts; of three only if there is
            no other. Where two entities are joined by several relations, the path that uses the
            same one twice is taken, else the first.
        """
        end = int(self.entity_of[target])
        origins = origins[(self.entity_of[origins] >= 0) & (origins != target)]
        if end < 0 or len(origins) == 0:
            return []
        same = self.entity_of[origins] == end
        found = [Trail(int(item), (), (), 1.0) for item in origins[same]]
        origins = origins[~same]
        near, about = self._edges(self.entity_of[origins]), self._edges(np.array([end]))
        found += self._direct(origins, near, end)
        found += self._by_one(origins, near, about, end)
        return found or self._by_two(origins, near, about, end)

    def _edges(self, entities: np.ndarray) -> _Edges:
        """Return the facts around some entities."""
        begin, count = self.starts[entities], self.starts[entities + 1] - self.starts[entities]
        own = np.repeat(np.arange(len(entities)), count)
        at = np.arange(count.sum()) + np.repeat(begin - np.cumsum(count) + count, count)
        return _Edges(own, self.to[at], self.relation[at])

    def _direct(self, origins: np.ndarray, near: _Edges, end: int) -> list[Trail]:
        """Return the facts that tell of an item and the target."""
        return [
            Trail(int(origins[near.own[at]]), (end,), (int(near.relation[at]),), 1.0)
            for at in np.flatnonzero(near.to == end)
        ]

    def _by_one(self, origins: np.ndarray, near: _Edges, about: _Edges, end: int) -> list[Trail]:
        """Return the trails by one entity that both have facts about."""
        left, right = _meetings(near.to, about.to)
        apart = self.entity_of[origins][near.own[left]] != near.to[left]  # no fact about itself
        left, right = left[apart & (near.to[left] != end)], right[apart & (near.to[left] != end)]
        differs = near.relation[left] != about.relation[right]
        order = np.lexsort((right, left, differs, near.to[left], near.own[left]))
        left, right = left[order], right[order]
        key = near.own[left].astype(np.int64) * len(self.rarity) + near.to[left]
        _, first = np.unique(key, return_index=True)
        left, right = left[first], right[first]
        shared = near.to[left]
        columns = (origins[near.own[left]], shared, near.relation[left], about.relation[right] ^ 1)
        return [
            Trail(item, (entity, end), (there, back), rarity)
            for item, entity, there, back, rarity in zip(
                *(one.tolist() for one in columns), self.rarity[shared].tolist(), strict=True
            )
        ]

    def _by_two(self, origins: np.ndarray, near: _Edges, about: _Edges, end: int) -> list[Trail]:
        """Return the trails by two entities that a fact joins."""
        few = self.starts[about.to + 1] - self.starts[about.to] <= MAX_LINKS
        last, first_about = np.unique(about.to[few & (about.to != end)], return_index=True)
        back = about.relation[few & (about.to != end)][first_about]
        beyond = self._edges(last)
        left, right = _meetings(near.to, beyond.to)
        here, there = near.to[left], last[beyond.own[right]]
        own = self.entity_of[origins][near.own[left]]
        apart = (here != end) & (here != there) & (here != own) & (there != own)
        nodes = np.column_stack([here, there, np.full(len(here), end)])[apart]
        relations = np.column_stack(
            [near.relation[left], beyond.relation[right] ^ 1, back[beyond.own[right]] ^ 1]
        )[apart]
        rarity = (self.rarity[here] * self.rarity[there])[apart]
        return [
            Trail(item, tuple(path), tuple(by), weight)
            for item, path, by, weight in zip(
                origins[near.own[left[apart]]].tolist(),
                nodes.tolist(),
                relations.tolist(),
                rarity.tolist(),
                strict=True,
            )
        ]


def _meetings(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all pairs of positions at which two arrays hold the same."""
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    begin, stop = (np.searchsorted(ordered, left, side=side) for side in ("left", "right"))
    count = stop - begin
    at = np.arange(count.sum()) + np.repeat(begin - np.cumsum(count) + count, count)
    return np.repeat(np.arange(len(left)), count), order[at]
