from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from hybridrec.kernels.rng import stream_key, uniform
from hybridrec.kernels.walks import first_order, row_cumulative, second_order, walk_keys

DRAWS = 2**32
EXTRA_TRIES = 8
BIASES = [(1.0, 0.5), (1.0, 4.0), (0.25, 1.0), (0.25, 4.0), (4.0, 0.5), (0.05, 60.0), (50.0, 50.0)]


class Rows:
    """A graph as plain dictionaries: node -> {neighbour: weight}, and its CSR arrays."""

    def __init__(self, edges, size, *, directed=False, weighted=True):
        self.rows = [{} for _ in range(size)]
        for source, target, weight in edges:
            self.rows[source][target] = float(np.float32(weight)) if weighted else 1.0
            if not directed:
                self.rows[target][source] = self.rows[source][target]
        self.rows = [dict(sorted(row.items())) for row in self.rows]
        self.indptr = np.cumsum([0] + [len(row) for row in self.rows]).astype(np.int64)
        self.indices = np.array([x for row in self.rows for x in row], np.int32)
        self.weights = np.array([w for row in self.rows for w in row.values()], np.float32)
        self.cumulative = row_cumulative(self.indptr, self.weights) if weighted else np.empty(0)

    def biased(self, previous, current, p, q):
        """The published definition: unnormalised probability of every next node."""
        return {
            x: w * (1 / p if x == previous else 1.0 if x in self.rows[previous] else 1 / q)
            for x, w in self.rows[current].items()
        }

    def walk(self, starts, length, p=1.0, q=1.0, seed=0):
        walks = np.full((len(starts), length), -7, np.int32)
        walks[:, 0] = starts
        keys = walk_keys(np.uint64(seed), np.arange(len(starts)), np.zeros(len(starts), np.int64))
        arrays = (self.indptr, self.indices, self.cumulative, keys, walks)
        if p == q == 1.0:
            first_order(*arrays)
        else:
            second_order(*arrays, 1 / p, 1 / q)
        return walks


# Two triangles that share a node, a tail, a self-loop, a square and a node without edges.
EDGES = [
    (0, 1, 1.0), (1, 2, 2.5), (0, 2, 0.5), (2, 3, 4.0), (3, 4, 1.0), (2, 4, 0.1),
    (4, 5, 3.0), (5, 5, 2.0), (5, 6, 1.0), (6, 7, 0.7), (7, 4, 1.3),
]  # fmt: skip
SIZE = 9


def pick_twin(weights, share):
    """The first entry whose running sum is above the share of the total."""
    total, sums = 0.0, []
    for weight in weights:
        total += weight
        sums.append(total)
    above = [i for i, value in enumerate(sums) if value > share * total]
    return above[0] if above else len(sums) - 1


def step_twin(graph, key, step, previous, current, p, q):
    row = graph.rows[current]
    if not row:
        return -1
    nodes, weights = list(row), list(row.values())
    if previous is None or p == q == 1.0:
        return nodes[pick_twin(weights, uniform(key, step * DRAWS))]
    biased = graph.biased(previous, current, p, q)
    top = max(1.0, 1 / q)
    total = top * sum(weights)
    excess = max(0.0, 1 / p - top) * row.get(previous, 0.0)
    tries = len(nodes) + EXTRA_TRIES
    for attempt in range(tries):
        draw = step * DRAWS + 2 * attempt
        mass = uniform(key, draw) * (total + excess) - excess
        if mass < 0.0:
            return previous
        node = nodes[pick_twin(weights, mass / total)]
        if uniform(key, draw + 1) * top * row[node] < biased[node]:
            return node
    return nodes[pick_twin(list(biased.values()), uniform(key, step * DRAWS + 2 * tries))]


def walk_twin(graph, starts, length, p, q, seed):
    walks = []
    for number, start in enumerate(starts):
        key = walk_keys(np.uint64(seed), np.array([number]), np.array([0]))[0]
        walk = [start]
        for step in range(1, length):
            previous = walk[-2] if step > 1 else None
            stopped = walk[-1] < 0
            walk.append(-1 if stopped else step_twin(graph, key, step, previous, walk[-1], p, q))
        walks.append(walk)
    return np.array(walks)


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 12))
    node = st.integers(0, size - 1)
    weight = st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0])  # exact sums, so that ties are the same
    edges = draw(st.lists(st.tuples(node, node, weight), max_size=40))
    return Rows(edges, size, directed=draw(st.booleans()), weighted=draw(st.booleans()))


@settings(max_examples=60, deadline=None)
@given(graphs(), st.sampled_from([(1.0, 1.0), *BIASES]), st.integers(0, 2**32))
def test_walks_equal_twin_and_follow_edges(graph, bias, seed):
    starts = list(range(len(graph.rows))) * 2
    walks = graph.walk(starts, 12, *bias, seed=seed)
    np.testing.assert_array_equal(walks, walk_twin(graph, starts, 12, *bias, seed))
    for walk in walks.tolist():
        for here, there in pairwise(walk):
            assert there in graph.rows[here] if there >= 0 else here < 0 or not graph.rows[here]


def transition_p_value(graph, walks, p, q, column):
    """P-value of the transitions seen at one column against the published definition."""
    statistic, freedom = 0.0, 0
    seen = {}
    for row in walks[:, column - 2 : column + 1].tolist():
        seen.setdefault((row[0], row[1]), []).append(row[2])
    for (previous, current), nodes in seen.items():
        if current < 0 or len(nodes) < 200:
            continue
        expected = graph.biased(previous, current, p, q)
        counts = np.array([nodes.count(node) for node in expected])
        assert counts.sum() == len(nodes)  # nothing but neighbours
        share = np.array(list(expected.values())) / sum(expected.values())
        common = share * len(nodes) >= 5
        counts = np.append(counts[common], counts[~common].sum())
        share = np.append(share[common], share[~common].sum()) * len(nodes)
        counts, share = counts[share > 0], share[share > 0]
        statistic += ((counts - share) ** 2 / share).sum()
        freedom += counts.size - 1
    return float(chi2.sf(statistic, freedom))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), *BIASES])
def test_transitions_have_the_published_distribution(p, q, directed, weighted):
    back_too = [(b, a, 2 * w) for a, b, w in EDGES[::2]] if directed else []
    graph = Rows([*EDGES, *back_too], SIZE, directed=directed, weighted=weighted)
    walks = graph.walk(np.arange(60_000) % SIZE, 6, p, q, seed=3)
    assert transition_p_value(graph, walks, p, q, 2) > 1e-3
    assert transition_p_value(graph, walks, p, q, 5) > 1e-3
    if (p, q) != (1.0, 1.0):
        assert transition_p_value(graph, walks, 1.0, 1.0, 2) < 1e-9  # the test can tell


def test_rows_are_scanned_when_rejection_would_go_on_and_stay_exact():
    """A star of stars: no neighbour is near, so a large q and p reject nearly everything."""
    edges = [(0, leaf, 1.0 + leaf % 3) for leaf in range(1, 7)]
    graph = Rows(edges, 7)
    walks = graph.walk(np.full(20_000, 1), 3, 1e6, 1e6, seed=1)
    assert transition_p_value(graph, walks, 1e6, 1e6, 2) > 1e-3


def test_a_small_p_goes_back():
    graph = Rows(EDGES, SIZE)
    walks = graph.walk(np.zeros(100, int), 9, 1e-90, 1.0)
    np.testing.assert_array_equal(walks[:, ::2], np.zeros((100, 5)))


def test_weights_of_very_different_size_stay_within_the_row():
    """The running sum may round; a draw must still end in the row (PecanPy #367)."""
    rng = np.random.default_rng(0)
    edges = [(0, node, weight) for node, weight in enumerate(10 ** rng.uniform(-12, 6, 400), 1)]
    graph = Rows([*edges, (401, 402, 1.0)], 403, directed=True)
    walks = graph.walk(np.zeros(50_000, int), 2)
    assert walks[:, 1].min() >= 1
    assert walks[:, 1].max() <= 400


def test_cumulative_restarts_in_each_row():
    indptr = np.array([0, 2, 2, 5])
    sums = row_cumulative(indptr, np.array([1, 2, 3, 4, 5], np.float32))
    assert sums.dtype == np.float64
    np.testing.assert_array_equal(sums, [1, 3, 3, 7, 12])


def test_walks_do_not_depend_on_the_block_they_are_in():
    graph = Rows(EDGES, SIZE)
    starts = np.arange(200) % SIZE
    whole = graph.walk(starts, 10, 0.5, 2.0)
    part = np.full((50, 10), -7, np.int32)
    part[:, 0] = starts[90:140]
    keys = walk_keys(np.uint64(0), np.arange(90, 140), np.zeros(50, np.int64))
    second_order(graph.indptr, graph.indices, graph.cumulative, keys, part, 2.0, 0.5)
    np.testing.assert_array_equal(part, whole[90:140])


def test_keys_nest_the_walk_in_the_start():
    starts, numbers = np.array([0, 0, 7]), np.array([0, 3, 3])
    keys = walk_keys(np.uint64(5), starts, numbers)
    for key, start, number in zip(keys, starts, numbers, strict=True):
        outer = np.uint64(stream_key(np.uint64(5), int(start)))
        assert int(key) == stream_key(outer, int(number))
