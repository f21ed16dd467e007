"""A random walk drawn on its neighbourhood in a knowledge graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError
from hybridrec.evaluation.report.pictures import (
    FAINT,
    GROUPS,
    TEXT,
    Labels,
    Picture,
    new_figure,
    short_labels,
)
from hybridrec.graph.checks import check_whole
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hybridrec.dataset.knowledge import KnowledgeGraph

_SIZE = (8.3, 4.8)  # inches
_BEND = 0.12  # of an arrow, so that there is room for the one back
_SAMPLES = 15  # points of a line that labels keep away from


@dataclass(frozen=True)
class Step:
    """One step of a walk: from one node of the picture to another, by a relation."""

    source: int
    target: int
    relation: str


@dataclass(frozen=True, eq=False)
class WalkPicture(Picture):
    """A walk and its neighbourhood.

    Attributes
    ----------
    nodes : ndarray
        int32 (nodes,), entity codes; those of the walk first, in the order in which it came to
        them.
    labels : tuple of str
        One a node, "" for those without.
    is_item : ndarray
        bool (nodes,).
    on_walk : int
        How many nodes the walk came to.
    steps : tuple of Step
        In the order of the walk; nodes by their positions in ``nodes``.
    links : ndarray
        int64 (links, 2), positions in ``nodes``, of all that a triple joins to a node of the walk.
    """

    nodes: np.ndarray
    labels: tuple[str, ...]
    is_item: np.ndarray
    on_walk: int
    steps: tuple[Step, ...]
    links: np.ndarray

    @classmethod
    def of(
        cls,
        knowledge: KnowledgeGraph,
        walk: Sequence[int] | np.ndarray,
        *,
        labels: Mapping[Any, str] | None = None,
        relation_labels: Mapping[Any, str] | None = None,
        neighbours: int = 4,
        random_state: int = 0,
    ) -> WalkPicture:
        """Gather what is around a walk.

        Items are the entities that are linked to items, or, in a graph without a link, the heads
        of triples.

        Parameters
        ----------
        knowledge : KnowledgeGraph
        walk : sequence of int
            Entity codes, such as a row of ``random_walks(Graph.from_knowledge(knowledge), ...)``;
            -1 at its end is left out.
        labels : mapping of entity id to str, optional
            By default ids. Where given, neighbours that are not in it have no label.
        relation_labels : mapping of relation id to str, optional
            By default ids.
        neighbours : int
            Other entities drawn around each of the walk, at random.
        random_state : int

        Raises
        ------
        ParameterError
            If ``neighbours`` is negative.
        DataError
            If the walk has no step, leaves the graph, or takes a step that no triple allows.
        """
        path = _path(knowledge, walk)
        neighbours = check_whole("neighbours", neighbours, 0)
        stream = random_stream(check_random_state(random_state))
        on_walk = list(dict.fromkeys(path.tolist()))
        nodes = np.array(on_walk + _around(knowledge, on_walk, neighbours, stream), np.int32)
        ids = knowledge.entities.ids[nodes].tolist()
        texts = short_labels(ids, labels)
        for at in range(len(on_walk), len(ids)):
            if labels is not None and ids[at] not in labels:
                texts[at] = ""
        place = {code: at for at, code in enumerate(nodes.tolist())}
        return cls(
            nodes,
            tuple(texts),
            np.isin(nodes, _items(knowledge)),
            len(on_walk),
            tuple(_steps(knowledge, path, place, relation_labels or {})),
            _links(knowledge, nodes, len(on_walk)),
        )

    def _draw(self) -> Figure:
        figure = new_figure(*_SIZE)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        places = self._laid_out()
        axes.set_xlim(-0.12, 1.12)
        axes.set_ylim(-0.1, 1.12)
        for one, other in self.links:
            axes.plot(*places[[one, other]].T, color=FAINT, linewidth=0.8, zorder=1)
        self._draw_nodes(axes, places, self.is_item, GROUPS[0], "o", "item")
        self._draw_nodes(axes, places, ~self.is_item, GROUPS[1], "s", "other entity")
        self._draw_steps(axes, places)
        figure.legend(loc="upper left", ncols=2, frameon=False, handletextpad=0.2)
        return figure

    def _laid_out(self) -> np.ndarray:
        """Return places of the nodes, float (nodes, 2) from 0 to 1."""
        import networkx as nx

        graph = nx.Graph(self.links.tolist())
        graph.add_nodes_from(range(len(self.nodes)))
        found = nx.kamada_kawai_layout(graph)
        places = np.array([found[node] for node in range(len(self.nodes))])
        low, high = places.min(axis=0), places.max(axis=0)
        scaled: np.ndarray = (places - low) / np.where(high > low, high - low, 1)
        return scaled

    def _draw_nodes(
        self, axes: Axes, places: np.ndarray, which: np.ndarray, colour: str, marker: str, name: str
    ) -> None:
        """Draw one kind of nodes: those on the walk full, the others small."""
        walked = np.arange(len(self.nodes)) < self.on_walk
        look: dict[str, Any] = {"color": colour, "marker": marker, "linewidth": 0, "zorder": 3}
        for on, size in ((True, 60), (False, 14)):
            x, y = places[which & (walked == on)].T
            axes.scatter(x, y, size, label=name if on else None, **look)

    def _draw_steps(self, axes: Axes, places: np.ndarray) -> None:
        """Draw an arrow for each step, and all labels where there is room."""
        numbers: dict[Step, list[int]] = {}
        for number, step in enumerate(self.steps, 1):
            numbers.setdefault(step, []).append(number)
        for step in numbers:
            axes.annotate(
                "", places[step.target], places[step.source],
                arrowprops={
                    "arrowstyle": "-|>", "color": TEXT, "linewidth": 1.3, "shrinkA": 6,
                    "shrinkB": 6, "connectionstyle": f"arc3,rad={_BEND}", "mutation_scale": 10,
                },
                zorder=2,
            )  # fmt: skip
        pixels = axes.transData.transform(places)
        curves = {step: _curve(pixels[step.source], pixels[step.target], _BEND) for step in numbers}
        lines = [_curve(pixels[one], pixels[other], 0) for one, other in self.links]
        drawn = np.concatenate([pixels, *curves.values()])
        labels = Labels(axes, drawn, np.concatenate([drawn[:0], *lines]))
        for text, pixel in zip(self.labels[: self.on_walk], pixels, strict=False):
            labels.write(text, pixel, weight="bold")
        for step, at in numbers.items():
            text = f"{', '.join(map(str, at))}  {step.relation}"
            labels.write(text, curves[step][_SAMPLES // 2], style="italic")
        for text, pixel in zip(self.labels[self.on_walk :], pixels[self.on_walk :], strict=True):
            if text:
                labels.write(text, pixel)


def _curve(start: np.ndarray, end: np.ndarray, bend: float) -> np.ndarray:
    """Return points along an arrow, which matplotlib draws as a parabola, float (points, 2)."""
    across = (end - start)[::-1] * (1, -1)
    t = np.linspace(0, 1, _SAMPLES)[:, None]
    line: np.ndarray = start + t * (end - start) + 2 * t * (1 - t) * bend * across
    return line


def _path(knowledge: KnowledgeGraph, walk: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the checked nodes of a walk."""
    given = np.asarray(walk)
    path: np.ndarray = given[given != -1]
    if given.ndim != 1 or path.size < 2 or path.dtype.kind not in "iu":
        raise DataError(f"a walk needs two entity codes at least, got {walk!r}")
    if path.min() < 0 or path.max() >= len(knowledge.entities):
        raise DataError(
            f"a walk holds entity codes from 0 to {len(knowledge.entities) - 1}, got {walk!r}"
        )
    return path


def _touching(knowledge: KnowledgeGraph, node: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the triples of a node, and the node at the other end of each."""
    rows = np.flatnonzero((knowledge.head == node) | (knowledge.tail == node))
    head, tail = knowledge.head[rows], knowledge.tail[rows]
    return rows, np.where(head == node, tail, head)


def _around(
    knowledge: KnowledgeGraph, on_walk: list[int], most: int, stream: np.random.Generator
) -> list[int]:
    """Return up to ``most`` other neighbours of each node of a walk."""
    found: dict[int, None] = {}
    for node in on_walk:
        others = np.setdiff1d(_touching(knowledge, node)[1], [*on_walk, *found])
        chosen = stream.permutation(others)[:most]
        found.update(dict.fromkeys(chosen.tolist()))
    return list(found)


def _items(knowledge: KnowledgeGraph) -> np.ndarray:
    return knowledge.head if knowledge.link is None else knowledge.link[1]


def _steps(
    knowledge: KnowledgeGraph,
    path: np.ndarray,
    place: Mapping[int, int],
    relation_labels: Mapping[Any, str],
) -> Iterator[Step]:
    """Yield the steps of a path, each by its first relation."""
    for source, target in pairwise(path.tolist()):
        rows, ends = _touching(knowledge, source)
        rows = rows[ends == target]
        if rows.size == 0:
            ids = knowledge.entities.ids[[source, target]].tolist()
            raise DataError(f"no triple joins {ids[0]!r} and {ids[1]!r}, a step of the walk")
        relation = knowledge.relations.ids[knowledge.relation[rows[0]]]
        yield Step(place[source], place[target], relation_labels.get(relation, str(relation)))


def _links(knowledge: KnowledgeGraph, nodes: np.ndarray, on_walk: int) -> np.ndarray:
    """Return the links between the first nodes and all, as positions, each once."""
    place = np.full(len(knowledge.entities), -1)
    place[nodes] = np.arange(len(nodes))
    ends = np.sort(np.stack([place[knowledge.head], place[knowledge.tail]], axis=1), axis=1)
    shown = (ends[:, 0] >= 0) & (ends[:, 0] < on_walk) & (ends[:, 0] != ends[:, 1])
    distinct: np.ndarray = np.unique(ends[shown], axis=0)
    return distinct
