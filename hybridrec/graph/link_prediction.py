"""How well vectors tell held-out links of a knowledge graph from other pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec import runtime
from hybridrec.errors import DataError, ParameterError
from hybridrec.graph.csr import Graph
from hybridrec.graph.embeddings import node_embeddings

if TYPE_CHECKING:
    from hybridrec.dataset.knowledge import KnowledgeGraph

_ORDER, _PAIRS = range(2)  # what a random stream is for
_NEAR, _ROUNDS = 8, 12  # places in the order by degree; each round looks twice as far
_BLOCK = 1 << 16  # pairs scored at a time


@dataclass(frozen=True, eq=False)
class HeldOutLinks:
    """Links kept back from training, and as many pairs without a link; see `hold_out_links`.

    Attributes
    ----------
    rest : KnowledgeGraph
        The graph without these links, with the same entity codes.
    links : ndarray
        int32 (links, 2), entity codes.
    others : ndarray
        int32 (links, 2). Row i holds one end of ``links[i]``, and in place of the other end an
        entity of about its degree.
    """

    rest: KnowledgeGraph
    links: np.ndarray
    others: np.ndarray

    def __len__(self) -> int:
        return len(self.links)

    def auc(self, vectors: np.ndarray) -> float:
        """Return how often a link scores above a pair without one; ties count one half.

        Parameters
        ----------
        vectors : ndarray
            float (entities, dimensions), trained on ``rest``. The score of a pair is the cosine
            of its vectors, 0 where one of them is zero.

        Raises
        ------
        DataError
            If there is no link, or not one finite vector an entity.
        """
        if not len(self):
            raise DataError(
                "no link can be held out: each is the only one of an entity, or has no match"
            )
        entities = len(self.rest.entities)
        if vectors.ndim != 2 or len(vectors) != entities or not np.isfinite(vectors).all():
            raise DataError(
                f"vectors must be finite and of shape ({entities}, dimensions), got {vectors.shape}"
            )
        below = np.sort(_cosines(vectors, self.others))
        links = _cosines(vectors, self.links)
        wins = np.searchsorted(below, links, "left") + np.searchsorted(below, links, "right")
        return float(wins.mean() / (2 * len(below)))


def hold_out_links(
    knowledge: KnowledgeGraph, share: float = 0.1, random_state: int = 0
) -> HeldOutLinks:
    """Keep back links, and find pairs to compare them with.

    A link is a pair of different entities with at least one triple; all its triples are kept
    back. No entity loses its last link, so fewer than ``share`` of them may be kept back. A pair
    without a link is made of a link: its end of higher degree stays, the other is exchanged with
    that of another held-out link of the same relation and nearly the same degree. So neither
    degrees nor the kinds of entities tell links from other pairs. A link without such a match
    is kept back but not in the result.

    Parameters
    ----------
    knowledge : KnowledgeGraph
    share : float
        Of all links, above 0 and below 1.
    random_state : int

    Returns
    -------
    HeldOutLinks

    Raises
    ------
    ParameterError
        If ``share`` is out of range.
    """
    if not 0 < share < 1:
        raise ParameterError(f"share must be above 0 and below 1, got {share!r}")
    seed = runtime.check_random_state(random_state)
    size = len(knowledge.entities)
    keys = _pair_keys(knowledge.head, knowledge.tail, size)
    linked, triple = np.unique(keys, return_index=True)
    distinct = knowledge.head[triple] != knowledge.tail[triple]
    linked, triple = linked[distinct], triple[distinct]
    ends = np.stack([knowledge.head[triple], knowledge.tail[triple]], axis=1)
    order = runtime.random_stream(seed, _ORDER).permutation(len(ends))
    chosen = _spare(ends, order, size)[: round(share * len(ends))]
    degree = np.bincount(ends.ravel(), minlength=size)
    links, others = _matched(
        ends[chosen],
        knowledge.relation[triple[chosen]],
        degree,
        linked,
        runtime.random_stream(seed, _PAIRS),
    )
    kept = ~_among(keys, np.sort(linked[chosen]))
    return HeldOutLinks(knowledge.take(kept), links, others)


def link_prediction_auc(
    knowledge: KnowledgeGraph,
    method: str = "node2vec",
    dimensions: int = 64,
    *,
    share: float = 0.1,
    random_state: int = 0,
    **parameters: Any,
) -> float:
    """Embed a part of a knowledge graph and return how well the vectors tell the other links.

    Parameters
    ----------
    knowledge : KnowledgeGraph
    method, dimensions, **parameters
        As in `node_embeddings`.
    share : float
        Of the links, kept back as `hold_out_links` says.
    random_state : int
        Of the links and of the vectors.

    Returns
    -------
    float
        From 0 to 1, 0.5 by chance; see `HeldOutLinks.auc`.

    Raises
    ------
    DataError
        If no link can be held out.
    ParameterError
        If a parameter is out of range.
    """
    held = hold_out_links(knowledge, share, random_state)
    rest = Graph.from_knowledge(held.rest)
    return held.auc(
        node_embeddings(rest, method, dimensions, random_state=random_state, **parameters)
    )


def _pair_keys(one: np.ndarray, other: np.ndarray, size: int) -> np.ndarray:
    """Return a number for each pair of nodes, the same in both orders, int64."""
    keys: np.ndarray = np.minimum(one, other).astype(np.int64) * size + np.maximum(one, other)
    return keys


def _among(keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which keys are among others, which ascend."""
    if known.size == 0:
        return np.zeros(keys.shape, bool)
    place = np.minimum(np.searchsorted(known, keys), known.size - 1)
    found: np.ndarray = known[place] == keys
    return found


def _spare(ends: np.ndarray, order: np.ndarray, size: int) -> np.ndarray:
    """Return the links, in order, that are not the first in ``order`` of either of their ends."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first = np.full(size, len(order))
    np.minimum.at(first, ends, place[:, None])
    spare = (first[ends] < place[:, None]).all(axis=1)
    found: np.ndarray = order[spare[order]]
    return found


def _matched(
    links: np.ndarray,
    relation: np.ndarray,
    degree: np.ndarray,
    linked: np.ndarray,
    stream: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the links that have a match, and their matches."""
    lower = (degree[links[:, 0]] >= degree[links[:, 1]]).astype(np.int64)  # column of that end
    rows = np.arange(len(links))
    group = 2 * relation + lower
    order = np.lexsort((stream.permutation(rows), degree[links[rows, lower]], group))
    links, lower, group = links[order], lower[order], group[order]
    stays, goes = links[rows, 1 - lower], links[rows, lower]
    first, last = np.searchsorted(group, group, "left"), np.searchsorted(group, group, "right")
    found = np.full(len(links), -1, np.int32)
    for reach in _NEAR << np.arange(_ROUNDS):
        left = np.flatnonzero(found < 0)
        low, high = np.maximum(first[left], left - reach), np.minimum(last[left], left + reach + 1)
        drawn = goes[stream.integers(low, high)]
        keys = _pair_keys(stays[left], drawn, len(degree))
        free = (drawn != stays[left]) & ~_among(keys, linked)
        found[left[free]] = drawn[free]
    others = links.copy()
    others[rows, lower] = found
    return links[found >= 0], others[found >= 0]


def _cosines(vectors: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the cosine of each pair, float64, block by block."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    found = np.zeros(len(pairs))
    for first in range(0, len(pairs), _BLOCK):
        one, other = pairs[first : first + _BLOCK].T
        dots = np.einsum("ij,ij->i", vectors[one], vectors[other], dtype=np.float64)
        scale = lengths[one] * lengths[other]
        np.divide(dots, scale, out=found[first : first + _BLOCK], where=scale > 0)
    return found
