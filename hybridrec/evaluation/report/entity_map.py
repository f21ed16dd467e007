"""A map of vectors: entities of a knowledge graph in the plane, coloured by a relation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few
from hybridrec.evaluation.report.pictures import GREY, GROUPS, Picture, new_figure, short_labels
from hybridrec.evaluation.report.words import printable
from hybridrec.graph.checks import check_whole
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hybridrec.dataset.knowledge import KnowledgeGraph

_FEWEST = 4  # entities that make a map
_PERPLEXITY = 30
_SIZE = (6.8, 5.6)  # inches


@dataclass(frozen=True, eq=False)
class EntityMap(Picture):
    """Places of entities in the plane, and what a relation says about them.

    Attributes
    ----------
    title : str
        What the colours are: the relation.
    entities : ndarray
        int32 (points,), their codes.
    places : ndarray
        float32 (points, 2). Only who is near whom means something, not the axes.
    groups : ndarray
        int64 (points,), positions in ``names``; -1 for all other values.
    names : tuple of str
        The most frequent values, the most frequent first.
    """

    title: str
    entities: np.ndarray
    places: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        knowledge: KnowledgeGraph,
        vectors: np.ndarray,
        relation: Any,
        *,
        labels: Mapping[Any, str] | None = None,
        title: str | None = None,
        most: int = 1500,
        random_state: int = 0,
    ) -> EntityMap:
        """Lay out the heads of a relation by t-SNE (van der Maaten & Hinton, JMLR 2008).

        Cosines of vectors decide who is near whom. Entities with several values take the rarest
        of those that have a colour.

        Parameters
        ----------
        knowledge : KnowledgeGraph
        vectors : ndarray
            float (entities, dimensions), one an entity of ``knowledge``.
        relation : int or str
            An id among ``knowledge.relations``.
        labels : mapping of entity id to str, optional
            What values are called; by default their ids, without what all of them begin with.
        title : str, optional
            What the relation is called; by default its id.
        most : int
            Points on the map, 4 or more; of more entities a random sample is taken.
        random_state : int
            The same gives the same map on the same machine.

        Raises
        ------
        ParameterError
            If there is no such relation, or ``most`` is out of range.
        DataError
            If fewer than four entities have it, or ``vectors`` do not fit the graph.
        """
        stream = random_stream(check_random_state(random_state))
        most = check_whole("most", most, _FEWEST)
        entities = heads_of(knowledge, relation)
        if vectors.ndim != 2 or len(vectors) != len(knowledge.entities) or vectors.shape[1] < 2:
            raise DataError(
                f"a map needs vectors of shape ({len(knowledge.entities)}, 2 or more), got"
                f" {vectors.shape}"
            )
        if not np.isfinite(vectors[entities]).all():
            raise DataError("a map needs finite vectors, there are NaN or infinite values")
        if len(entities) > most:
            entities = np.sort(stream.choice(entities, most, replace=False))
        values, groups = _grouped(knowledge, relation, entities)
        return cls(
            printable(str(relation if title is None else title)),
            entities,
            _laid_out(vectors[entities], int(stream.integers(2**31))),
            groups,
            tuple(short_labels(knowledge.entities.ids[values].tolist(), labels)),
        )

    def _draw(self) -> Figure:
        figure = new_figure(*_SIZE)
        axes = figure.add_axes((0.01, 0.02, 0.76, 0.96))
        size = float(np.clip(12000 / len(self.places), 5, 40))
        for group, name in [*enumerate(self.names), (-1, "other")]:
            x, y = self.places[self.groups == group].T
            colour, above = (GREY, 1) if group < 0 else (GROUPS[group], 2)
            look: dict[str, Any] = {"color": colour, "linewidth": 0, "zorder": above}
            if len(x):
                # A legend leaves out what begins with "_".
                axes.scatter(x, y, size, label=f" {name}", rasterized=True, **look)
        axes.set_axis_off()
        figure.legend(
            title=self.title,
            loc="upper right",
            frameon=False,
            alignment="left",
            markerscale=float(np.sqrt(40 / size)),
            handletextpad=0,
        )
        return figure


def heads_of(knowledge: KnowledgeGraph, relation: Any) -> np.ndarray:
    """Return the codes of the entities that a map of a relation shows, int32, ascending.

    Raises
    ------
    ParameterError
        If there is no such relation; suggests the nearest name.
    DataError
        If there are fewer than four.
    """
    if relation not in knowledge.relations:
        known = knowledge.relations.ids
        raise ParameterError(
            f"unknown relation {relation!r}{did_you_mean(relation, known)} (there are"
            f" {first_few(known)})"
        )
    heads = np.unique(knowledge.head[_triples(knowledge, relation)])
    if len(heads) < _FEWEST:
        raise DataError(
            f"a map needs {_FEWEST} entities at least, {len(heads)} have the relation {relation!r}"
        )
    return heads


def _triples(knowledge: KnowledgeGraph, relation: Any) -> np.ndarray:
    """Return the rows of the triples of a relation."""
    return np.flatnonzero(knowledge.relation == knowledge.relations.codes([relation])[0])


def _grouped(
    knowledge: KnowledgeGraph, relation: Any, entities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the most frequent values, and the position among them of each entity's value."""
    triples = _triples(knowledge, relation)
    head, tail = knowledge.head[triples], knowledge.tail[triples]
    shown = np.isin(head, entities)
    head, tail = head[shown], tail[shown]
    values, counts = np.unique(tail, return_counts=True)
    values = values[np.lexsort((values, -counts))][: len(GROUPS)]
    rank = np.full(int(tail.max()) + 1, -1)
    rank[values] = np.arange(len(values))
    groups = np.full(len(entities), -1)
    np.maximum.at(groups, np.searchsorted(entities, head), rank[tail])
    return values, groups


def _laid_out(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Return places in the plane, float32 (points, 2)."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    perplexity = min(_PERPLEXITY, (len(unit) - 1) / 3)
    with threadpool_limits(1):  # its threads wait for each other in busy loops
        places: np.ndarray = TSNE(perplexity=perplexity, random_state=seed).fit_transform(unit)
    return places
