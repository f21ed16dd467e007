from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec import runtime
from hybridrec.errors import ParameterError
from hybridrec.graph import Graph, checks, iter_walks, random_walks
from hybridrec.graph.walks import timed_chunks

BIASES = [(1.0, 1.0), (0.25, 4.0), (2.0, 0.5)]


def ring(size=300, weighted=True):
    """A ring with chords, so that every node has several ways to go."""
    node = np.arange(size)
    src, dst = np.tile(node, 3), np.concatenate([(node + jump) % size for jump in (1, 2, 7)])
    return Graph.from_edges(src, dst, 1.0 + src % 5 if weighted else None)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25),
    st.booleans(),
    st.sampled_from(BIASES),
)
def test_walks_follow_edges_and_end_only_at_dead_ends(edges, directed, bias):
    src, dst = np.array(edges, int).reshape(-1, 2).T
    graph = Graph.from_edges(src, dst, num_nodes=10, directed=directed)
    walks = random_walks(graph, 2, 6, *bias)
    assert walks.shape == (20, 6)
    assert walks.dtype == np.int32
    np.testing.assert_array_equal(walks[:, 0], np.repeat(np.arange(10), 2))
    rows = [graph.indices[low:high].tolist() for low, high in pairwise(graph.indptr)]
    for walk in walks.tolist():
        for here, there in pairwise(walk):
            expected = rows[here] if here >= 0 else []
            assert there in expected if expected else there == -1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", BIASES)
def test_same_walks_at_any_number_of_threads(bias, weighted):
    graph = ring(weighted=weighted)
    arrays = [graph.indptr.copy(), graph.indices.copy()]
    one = random_walks(graph, 5, 20, *bias, num_threads=1)
    np.testing.assert_array_equal(one, random_walks(graph, 5, 20, *bias, num_threads=2))
    assert (one != random_walks(graph, 5, 20, *bias, random_state=1)).any()
    np.testing.assert_array_equal(arrays[0], graph.indptr)
    np.testing.assert_array_equal(arrays[1], graph.indices)


def test_longer_and_more_walks_begin_like_the_shorter_and_fewer():
    graph = ring()
    few = random_walks(graph, 2, 5, 0.5, 2.0).reshape(300, 2, 5)
    many = random_walks(graph, 4, 9, 0.5, 2.0).reshape(300, 4, 9)
    np.testing.assert_array_equal(many[:, :2, :5], few)


def test_walks_start_where_they_are_told():
    graph = ring()
    starts = np.array([7, 3, 7], np.int64)
    starts.flags.writeable = False
    walks = random_walks(graph, 40, 12, start_nodes=starts)
    np.testing.assert_array_equal(walks[:, 0], np.repeat(starts, 40))
    assert (walks[:40] != walks[80:]).any()  # the same node, another stream


def test_walk_of_one_node_is_its_start():
    np.testing.assert_array_equal(random_walks(ring(5), 1, 1), np.arange(5)[:, None])


def test_no_starts_no_walks():
    assert random_walks(ring(), 3, 4, start_nodes=[]).shape == (0, 4)
    assert random_walks(Graph.from_edges([], []), 3, 4).shape == (0, 4)


def test_a_very_large_seed_is_a_seed():
    graph = ring()
    assert (random_walks(graph, 1, 9, random_state=2**64 - 1) >= 0).all()
    assert (random_walks(graph, 1, 9, random_state=2**70 + 5) >= 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_walks": 0}, "num_walks"),
        ({"walk_length": 0}, "walk_length"),
        ({"walk_length": 2.5}, "walk_length"),
        ({"p": 0}, "p must be positive"),
        ({"q": -1.0}, "q must be positive"),
        ({"q": np.nan}, "q must be positive"),
        ({"p": np.inf}, "p must be positive"),
        ({"p": "1"}, "p must be a number"),
        ({"start_nodes": [0, 300, 5, -1]}, "start_nodes must be from 0 to 299, got 300, -1"),
        ({"start_nodes": [0.5]}, "start_nodes must be one-dimensional whole numbers"),
        ({"start_nodes": [[1]]}, "start_nodes must be one-dimensional whole numbers"),
        ({"emit": [True, False]}, "emit must tell it of 300 nodes or number some"),
        ({"emit": [300]}, "emit must be from 0 to 299, got 300"),
        ({"restart": 1.0}, "restart must be from 0 to below 1, got 1.0"),
        ({"restart": -0.1}, "restart must be from 0"),
        ({"restart": np.nan}, "restart must be a finite number"),
        ({"extend": True, "gamma": "x"}, "gamma must be a finite number"),
        ({"gamma": 0.5}, "gamma is for walks with extend=True"),
        ({"start_nodes": [[1], [1, 2]]}, "start_nodes must be an array"),
        ({"emit": [[1], [1, 2]]}, "emit must be an array"),
        ({"graph": np.eye(3)}, "graph must be a Graph, got ndarray; Graph.from_knowledge"),
        ({"num_walks": 10**30}, "num_walks must be at most"),
        ({"random_state": -1}, "random_state"),
        ({"num_threads": -1}, "num_threads"),
        ({"num_walks": 10**9, "walk_length": 10**6}, "GiB are available; take fewer"),
    ],
)
def test_bad_parameters_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        random_walks(**{"graph": ring(), "num_walks": 1, "walk_length": 5, **change})


def test_the_bias_of_the_weights_needs_weights():
    with pytest.raises(ParameterError, match="extend=True is for weighted graphs"):
        random_walks(ring(weighted=False), 1, 5, extend=True)


@given(st.integers(0, 20_000), st.lists(st.floats(0, 10), max_size=30))
def test_chunks_cover_every_row_once(total, seconds):
    clock = iter(seconds)
    rows = []
    for first, last in timed_chunks(total):
        rows.extend(range(first, last))
        next(clock, None)
    assert rows == list(range(total))


def test_chunks_follow_the_pace_of_the_caller(monkeypatch):
    now = [0.0]
    clock = SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr("hybridrec.graph.walks.time", clock)
    sizes = []
    for first, last in timed_chunks(10**7):
        sizes.append(last - first)
        now[0] += (last - first) / 100_000  # rows a second
        if len(sizes) == 20:
            break
    assert sizes[-1] == pytest.approx(20_000, rel=1e-3)  # 0.2 seconds


def test_the_first_chunk_is_one_walk_for_it_may_be_a_long_one():
    assert next(timed_chunks(10**7)) == (0, 1)


def test_an_interrupt_stops_between_chunks(monkeypatch):
    seen = []

    @contextmanager
    def interrupted(total, description, *, show):
        def advance(done):
            seen.append(done)
            raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(runtime, "progress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        random_walks(ring(), 10_000, 4)
    assert len(seen) == 1
    assert seen[0] < 3_000_000


OPTIONS = [{}, {"restart": 0.2}, {"p": 0.25, "q": 4.0, "extend": True}, {"q": 0.5, "restart": 0.1}]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_stream_yields_the_same_walks_in_blocks(options, monkeypatch):
    monkeypatch.setattr("hybridrec.graph.walks._BLOCK_BYTES", 4 * 9 * 100)
    graph = ring()
    blocks = list(iter_walks(graph, 3, 9, **options, num_threads=2))
    assert [len(block) for block in blocks] == [100] * 9
    np.testing.assert_array_equal(
        np.concatenate(blocks), random_walks(graph, 3, 9, **options, num_threads=1)
    )


def test_a_stream_checks_at_once_and_can_be_left(monkeypatch):
    with pytest.raises(ParameterError, match="walk_length"):
        iter_walks(ring(), 1, 0)
    with pytest.raises(ParameterError, match="num_threads"):
        iter_walks(ring(), 1, 5, num_threads=-1)
    monkeypatch.setattr(checks, "_available_memory", lambda: 10**7)
    with pytest.raises(ParameterError, match="1 walks of 10000000 nodes would take"):
        iter_walks(ring(), 1, 10**7)
    monkeypatch.undo()
    stream = iter_walks(ring(), 10**9, 80)  # far beyond any memory
    assert next(stream).shape == (2**24 // 320, 80)
    stream.close()


@pytest.mark.parametrize("as_mask", [False, True])
def test_only_what_is_emitted_comes_out(as_mask):
    graph = ring()
    wanted = np.arange(300) % 3 == 0
    walks = random_walks(graph, 4, 30, q=0.5)
    emitted = random_walks(
        graph, 4, 30, q=0.5, emit=wanted if as_mask else np.flatnonzero(wanted), num_threads=2
    )
    for walk, row in zip(walks, emitted, strict=True):
        kept = walk[wanted[walk]]
        np.testing.assert_array_equal(row, np.append(kept, [-1] * (30 - kept.size)))


def test_emit_passes_over_the_end_of_a_walk():
    graph = Graph.from_edges([0, 1], [1, 2], directed=True)
    walks = random_walks(graph, 1, 4, emit=[2, 0])
    assert walks.tolist() == [[0, 2, -1, -1], [2, -1, -1, -1], [2, -1, -1, -1]]


def test_a_dead_end_leads_back_to_the_start_of_a_walk_with_restart():
    graph = Graph.from_edges([0, 1], [1, 2], num_nodes=4, directed=True)
    walks = random_walks(graph, 1, 7, restart=1e-12)
    assert walks.tolist() == [
        [0, 1, 2, 0, 1, 2, 0],
        [1, 2, 1, 2, 1, 2, 1],
        [2, -1, -1, -1, -1, -1, -1],  # nowhere to go from the start itself
        [3, -1, -1, -1, -1, -1, -1],
    ]
    np.testing.assert_array_equal(walks, random_walks(graph, 1, 7, q=0.5, restart=1e-12))


def test_several_threads_of_a_service_may_walk_at_once():
    graph = ring(weighted=False)
    expected = random_walks(graph, 5, 20, 0.5, 2.0)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(random_walks, graph, 5, 20, 0.5, 2.0, num_threads=2) for _ in range(8)]
        for job in jobs:
            np.testing.assert_array_equal(job.result(), expected)


def test_a_graph_without_edges():
    graph = Graph.from_edges([], [], num_nodes=3)
    for options in ({}, {"q": 0.5}, {"restart": 0.5}, {"p": 0.1, "q": 3.0, "restart": 0.5}):
        walks = random_walks(graph, 2, 3, **options)
        np.testing.assert_array_equal(
            walks, np.repeat([[0], [1], [2]], 2, axis=0) * [1, 0, 0] - [0, 1, 1]
        )
