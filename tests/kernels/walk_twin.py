"""Walks in plain Python: the published definitions, and the kernels step by step."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.stats import chi2

from hybridrec.graph import Graph
from hybridrec.graph.walks import Walker
from hybridrec.kernels.rng import uniform
from hybridrec.kernels.walks import walk_keys

DRAWS = 2**32
EXTRA_TRIES = 8
BIASES = [(1.0, 0.5), (1.0, 4.0), (0.25, 1.0), (0.25, 4.0), (4.0, 0.5), (0.05, 60.0), (50.0, 50.0)]

# Two triangles that share a node, a tail, a self-loop, a square and a node without edges.
EDGES = [
    (0, 1, 1.0), (1, 2, 2.5), (0, 2, 0.5), (2, 3, 4.0), (3, 4, 1.0), (2, 4, 0.1),
    (4, 5, 3.0), (5, 5, 2.0), (5, 6, 1.0), (6, 7, 0.7), (7, 4, 1.3),
]  # fmt: skip
SIZE = 9


class Rows:
    """A graph as plain dictionaries: node -> {neighbour: weight}; and as the kernels take it."""

    def __init__(self, edges, size, *, directed=False, weighted=True):
        total = {}
        for source, target, weight in edges:
            for pair in {(source, target), (source, target) if directed else (target, source)}:
                total[pair] = total.get(pair, 0.0) + weight
        self.rows = [
            {b: total[a, b] if weighted else 1.0 for a, b in sorted(total) if a == node}
            for node in range(size)
        ]
        src, dst, weights = zip(*edges, strict=True) if edges else ([], [], [])
        self.graph = Graph.from_edges(src, dst, weights if weighted else None, size, directed)
        self.size, self.directed, self.weighted = size, directed, weighted

    def loose(self, node, gamma):
        """The weight below which an edge at a node is loose (float32, as weights are)."""
        weights = np.array(list(self.rows[node].values()) or [0.0], np.float32).astype(float)
        return np.float32(weights.mean() + gamma * weights.std())

    def biased(self, previous, current, p=1.0, q=1.0, gamma=None):
        """The published definition: unnormalised probability of every next node."""
        row = self.rows[current]
        if previous is None:
            return dict(row)
        bias = self._node2vec if gamma is None else self._node2vec_plus
        return {
            x: w * (1 / p if x == previous else bias(previous, current, x, q, gamma))
            for x, w in row.items()
        }

    def _node2vec(self, previous, current, x, q, _gamma):
        return 1.0 if x in self.rows[previous] else 1 / q

    def _node2vec_plus(self, previous, current, x, q, gamma):
        tie = np.float32(self.rows[previous].get(x, 0.0))
        if tie > 0 and tie >= self.loose(x, gamma):
            return 1.0
        if np.float32(self.rows[current][x]) < self.loose(current, gamma):
            return min(1.0, 1 / q)
        return 1 / q + (1 - 1 / q) * (float(tie) / float(self.loose(x, gamma)) if tie > 0 else 0.0)

    def walker(self, p=1.0, q=1.0, restart=0.0, gamma=None, layers=None):
        extend = gamma is not None
        return Walker.prepare(
            self.graph, p, q, restart=restart, extend=extend, gamma=gamma or 0.0, layers=layers
        )

    def walk(
        self,
        starts,
        length,
        p=1.0,
        q=1.0,
        *,
        restart=0.0,
        gamma=None,
        seed=0,
        layers=None,
        part=None,
    ):
        part = slice(None) if part is None else part
        walks = np.full((len(starts), length), -7, np.int32)[part]
        walks[:, 0] = np.asarray(starts)[part]
        order = np.arange(len(starts))[part]
        self.walker(p, q, restart, gamma, layers).walk(walks, seed, order, np.zeros_like(order))
        return walks


def walk_twin(graph, starts, length, p=1.0, q=1.0, *, restart=0.0, gamma=None, seed=0):
    """The walks of the kernels, draw by draw."""
    twin = _Twin(graph, p, q, restart, gamma)
    return np.array([twin.walk(n, start, length, seed) for n, start in enumerate(starts)])


class _Twin:
    def __init__(self, graph, p, q, restart, gamma):
        self.graph, self.p, self.q, self.restart, self.gamma = graph, p, q, restart, gamma
        self.tables = graph.walker(p, q, restart, gamma).tables

    def walk(self, number, start, length, seed):
        key = walk_keys(np.uint64(seed), np.array([number]), np.array([0]))[0]
        walk, previous = [start], None
        for step in range(1, length):
            here = walk[-1]
            if here < 0 or (not self.graph.rows[here] and (self.restart == 0 or step == 1)):
                walk.append(-1)
            elif not self.graph.rows[here]:
                walk.append(start)
                previous = None
            else:
                there = self.step(key, step, previous, here)
                previous = here
                if self.restart > 0 and uniform(key, step * DRAWS + DRAWS - 1) < self.restart:
                    there, previous = start, None
                walk.append(there)
        return walk

    def slot(self, here, share):
        """The edge of the row at this share of its slots."""
        slot = int(share)
        if not self.graph.weighted:
            return slot
        entry = int(self.tables.alias[self.tables.indptr[here] + slot])
        return slot if (share - slot) * 2.0**32 < entry >> 32 else entry % 2**32

    def step(self, key, step, previous, here):
        row = self.graph.rows[here]
        nodes, size = list(row), len(row)
        if self.p == self.q == 1.0:
            return nodes[self.slot(here, uniform(key, step * DRAWS) * size)]
        biased = self.graph.biased(previous, here, self.p, self.q, self.gamma)
        top = max(1.0, 1 / self.q)
        ratio = max(0.0, (1 / self.p) / top - 1.0) if previous is not None else 0.0
        excess = ratio * row.get(previous, 0.0) / (sum(row.values()) / size)
        tries = size + EXTRA_TRIES
        for attempt in range(tries):
            draw = step * DRAWS + 2 * attempt
            share = uniform(key, draw) * (size + excess) - excess
            if share < 0.0:
                return previous
            node = nodes[self.slot(here, min(share, np.nextafter(size, 0)))]
            height = share - int(share)
            if self.graph.weighted:
                height = uniform(key, draw + 1)
            if size == 1 or previous is None or height * top * row[node] < biased[node]:
                return node
        rest = uniform(key, step * DRAWS + 2 * tries) * sum(biased.values())
        for node, mass in biased.items():
            rest -= mass
            if rest < 0.0:
                return node
        return nodes[-1]


@st.composite
def graphs(draw, weighted=None):
    """Small graphs with exact sums of weights, so that ties are the same everywhere."""
    size = draw(st.integers(1, 12))
    node = st.integers(0, size - 1)
    weight = st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0])
    edges = draw(st.lists(st.tuples(node, node, weight), max_size=40))
    weighted = draw(st.booleans()) if weighted is None else weighted
    return Rows(edges, size, directed=draw(st.booleans()), weighted=weighted)


def transition_p_value(graph, walks, column, p=1.0, q=1.0, *, gamma=None, restart=0.0):
    """P-value of the transitions seen at one column against the published definition.

    With ``restart`` those of first order, as a walk does not tell whether it has just restarted.
    """
    first = 0 if restart > 0.0 or column == 1 else column - 2
    seen = {}
    for walk in walks.tolist():
        if walk[column - 1] >= 0:
            seen.setdefault((walk[first], walk[column - 1]), []).append(walk[column])
    statistic, freedom = 0.0, 0
    for (before, current), nodes in seen.items():
        if len(nodes) < 200:
            continue
        previous = None if restart > 0.0 or column == 1 else before
        expected = graph.biased(previous, current, p, q, gamma)
        total = sum(expected.values())
        expected = {x: (1 - restart) * mass / total for x, mass in expected.items()}
        if not expected and (restart == 0.0 or current == before):
            assert set(nodes) == {-1}
            continue
        if restart > 0.0:
            expected[before] = expected.get(before, 0.0) + (restart if total > 0 else 1.0)
        counts = np.array([nodes.count(node) for node in expected])
        if counts.sum() != len(nodes):
            return 0.0  # something but neighbours
        share = np.array(list(expected.values())) * len(nodes)
        common = share >= 5
        counts = np.append(counts[common], counts[~common].sum())
        share = np.append(share[common], share[~common].sum())
        counts, share = counts[share > 0], share[share > 0]
        statistic += ((counts - share) ** 2 / share).sum()
        freedom += counts.size - 1
    return float(chi2.sf(statistic, freedom))
