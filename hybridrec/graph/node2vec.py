"""node2vec: skip-gram with negative sampling over random walks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hybridrec import runtime
from hybridrec.errors import ParameterError
from hybridrec.graph.checks import check_memory
from hybridrec.graph.csr import Graph
from hybridrec.graph.run import Run
from hybridrec.graph.walks import Walker, timed_chunks

_NOISE_POWER = 0.75  # of the visits of a node, as in word2vec
_INITIAL, _ORDER, _NOISE = range(3)  # what a random stream is for


@dataclass(frozen=True, eq=False)
class Corpus:
    """The walks of a training, made anew, and the same, each time one goes through them.

    They start at every node that has an edge to leave by, ``num_walks`` from each.
    """

    walker: Walker
    starts: np.ndarray
    num_walks: int
    walk_length: int
    random_state: int

    @classmethod
    def of(
        cls, graph: Graph, num_walks: int, walk_length: int, p: float, q: float, random_state: int
    ) -> Corpus:
        """Return the walks over a graph; parameters as in `random_walks`."""
        walker = Walker.prepare(graph, p, q)
        return cls(walker, np.flatnonzero(graph.degrees), num_walks, walk_length, random_state)

    def __len__(self) -> int:
        return self.num_walks * self.starts.size

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield blocks of walks: one from every start in random order, then the next."""
        for number in range(self.num_walks):
            stream = runtime.random_stream(self.random_state, _ORDER, number)
            order = stream.permutation(self.starts)
            for first, last in timed_chunks(order.size):
                yield self.walks_from(order[first:last], number)

    def walks_from(self, nodes: np.ndarray, number: int) -> np.ndarray:
        """Return walk ``number`` from each of some starts, int32 (nodes, walk_length)."""
        walks = np.empty((nodes.size, self.walk_length), np.int32)
        walks[:, 0] = nodes
        self.walker.walk(walks, self.random_state, nodes, np.full(nodes.size, number))
        return walks

    def visits(self) -> np.ndarray:
        """Count how often each node is come across."""
        counts = np.zeros(self.walker.graph.num_nodes + 1, np.int64)
        for walks in self:
            counts += np.bincount(walks.ravel() + 1, minlength=counts.size)
        return counts[1:]  # without the padding, -1


def node2vec(
    graph: Graph,
    dimensions: int,
    run: Run,
    *,
    num_walks: int,
    walk_length: int,
    p: float,
    q: float,
    window: int,
    negatives: int,
    epochs: int,
    learning_rate: float,
    hogwild: bool,
) -> np.ndarray:
    """Embed by skip-gram over walks; see `node_embeddings`.

    Walks are made in blocks, once to count visits and once per epoch, and are never all in
    memory.
    """
    from hybridrec.kernels.skipgram import alias_table, scratch_bytes, train

    workers = run.threads if hogwild else 1
    check_memory(
        workers * scratch_bytes(walk_length, dimensions, window, negatives),
        f"{negatives} negatives, window {window} and {dimensions} dimensions",
        "take smaller ones",
    )
    corpus = Corpus.of(graph, num_walks, walk_length, p, q, run.seed)
    visits = corpus.visits()
    keep, other = alias_table(visits**_NOISE_POWER)
    seed = runtime.random_stream(run.seed, _NOISE).integers(2**64, dtype=np.uint64)
    vectors = _initial(visits.size, dimensions, run.seed)
    contexts = np.zeros_like(vectors)
    total = epochs * len(corpus)

    def learn(walks: np.ndarray, done: int) -> None:
        tables = (keep, other, vectors, contexts)
        train(walks, seed, done, total, *tables, window, negatives, learning_rate)

    done = 0
    with (
        ThreadPoolExecutor(workers) as pool,
        runtime.progress(total, "Node embeddings", show=run.progress) as advance,
    ):
        for _ in range(epochs):
            for walks in corpus:
                parts = np.array_split(walks, workers)
                sizes = [len(part) for part in parts]
                list(pool.map(learn, parts, done + np.cumsum(sizes) - sizes))
                done += len(walks)
                advance(len(walks))
    if not np.isfinite(vectors).all():
        raise ParameterError(
            f"the training diverged with learning_rate={learning_rate}; take a smaller one"
        )
    vectors[visits == 0] = 0.0
    return vectors


def _initial(nodes: int, dimensions: int, random_state: int) -> np.ndarray:
    """Return small random vectors, as word2vec starts from."""
    stream = runtime.random_stream(random_state, _INITIAL)
    vectors = stream.random((nodes, dimensions), np.float32)
    vectors -= 0.5
    vectors /= dimensions
    return vectors
