"""Node embeddings from random walks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hybridrec import runtime
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.graph.checks import check_memory, check_positive, check_whole
from hybridrec.graph.csr import Graph
from hybridrec.graph.walks import Walker, timed_chunks

_METHODS = ("node2vec",)
_NOISE_POWER = 0.75  # of the visits of a node, as in word2vec
_INITIAL, _ORDER, _NOISE = range(3)  # what a random stream is for


def node_embeddings(
    graph: Graph,
    method: str = "node2vec",
    dimensions: int = 64,
    *,
    num_walks: int = 10,
    walk_length: int = 20,
    p: float = 1.0,
    q: float = 1.0,
    window: int = 5,
    negatives: int = 5,
    epochs: int = 1,
    learning_rate: float = 0.025,
    random_state: int = 0,
    num_threads: int = 0,
    progress: bool = False,
) -> np.ndarray:
    """Embed the nodes of a graph: nodes that share neighbourhoods get similar vectors.

    ``node2vec`` (Grover & Leskovec, KDD 2016; with p = q = 1 also known as DeepWalk) trains
    skip-gram with negative sampling (Mikolov et al., NeurIPS 2013) on random walks. Walks are
    made in blocks, once to count visits and once per epoch, and are never all in memory.
    Training is one sequence of steps whatever ``num_threads`` (the walks use them all): the
    same graph and ``random_state`` give the same vectors.

    Parameters
    ----------
    graph : Graph
    method : {"node2vec"}
    dimensions : int
    num_walks, walk_length, p, q
        As in `random_walks`; walks start at every node that has an edge to leave by.
    window : int
        Nodes up to this many steps apart in a walk are drawn together.
    negatives : int
        Noise nodes per position, drawn by visits to the power of 0.75.
    epochs : int
        Passes over the walks.
    learning_rate : float
        At the start; it falls linearly to nearly 0.
    random_state : int
    num_threads : int
        0 means all.
    progress : bool
        Show a bar on a terminal.

    Returns
    -------
    ndarray
        float32 (num_nodes, dimensions). A node that no walk came across (one without edges)
        has the zero vector.

    Raises
    ------
    ParameterError
        If a parameter is out of range, the training diverged, or the vectors are larger than
        the memory available.
    """
    if method not in _METHODS:
        raise ParameterError(
            f"unknown method {method!r}{did_you_mean(method, _METHODS)};"
            f" known: {', '.join(_METHODS)}"
        )
    dimensions = check_whole("dimensions", dimensions, 1)
    trainer = _SkipGram(
        window=check_whole("window", window, 1),
        negatives=check_whole("negatives", negatives, 1),
        epochs=check_whole("epochs", epochs, 1),
        learning_rate=check_positive("learning_rate", learning_rate),
        random_state=runtime.check_random_state(random_state),
    )
    corpus = _Corpus(
        walker=Walker.prepare(graph, p, q),
        starts=np.flatnonzero(graph.degrees),
        num_walks=check_whole("num_walks", num_walks, 1),
        walk_length=check_whole("walk_length", walk_length, 2),
        random_state=trainer.random_state,
    )
    check_memory(
        2 * 4 * graph.num_nodes * dimensions,
        f"{dimensions} dimensions of {graph.num_nodes} nodes",
        "take fewer dimensions",
    )
    if corpus.starts.size == 0:
        return np.zeros((graph.num_nodes, dimensions), np.float32)
    with runtime.threads(num_threads):
        return trainer.fit(corpus, dimensions, progress)


@dataclass(frozen=True, eq=False)
class _Corpus:
    """The walks of a training, made anew, and the same, each time one goes through them."""

    walker: Walker
    starts: np.ndarray
    num_walks: int
    walk_length: int
    random_state: int

    def __len__(self) -> int:
        return self.num_walks * self.starts.size

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield blocks of walks: one from every start in random order, then the next."""
        for number in range(self.num_walks):
            stream = runtime.random_stream(self.random_state, _ORDER, number)
            order = stream.permutation(self.starts)
            for first, last in timed_chunks(order.size):
                nodes = order[first:last]
                walks = np.empty((nodes.size, self.walk_length), np.int32)
                walks[:, 0] = nodes
                self.walker.walk(walks, self.random_state, nodes, np.full(nodes.size, number))
                yield walks

    def visits(self) -> np.ndarray:
        """Count how often each node is come across."""
        counts = np.zeros(self.walker.graph.num_nodes + 1, np.int64)
        for walks in self:
            counts += np.bincount(walks.ravel() + 1, minlength=counts.size)
        return counts[1:]  # without the padding, -1


@dataclass(frozen=True)
class _SkipGram:
    """Skip-gram with negative sampling; parameters as in `node_embeddings`."""

    window: int
    negatives: int
    epochs: int
    learning_rate: float
    random_state: int

    def fit(self, corpus: _Corpus, dimensions: int, progress: bool) -> np.ndarray:
        """Return the vectors, float32 (nodes, dimensions)."""
        from hybridrec.kernels.skipgram import alias_table, train

        visits = corpus.visits()
        keep, other = alias_table(visits**_NOISE_POWER)
        seed = runtime.random_stream(self.random_state, _NOISE).integers(2**64, dtype=np.uint64)
        vectors = self._initial(visits.size, dimensions)
        contexts = np.zeros_like(vectors)
        done, total = 0, self.epochs * len(corpus)
        with runtime.progress(total, "Node embeddings", show=progress) as advance:
            for _ in range(self.epochs):
                for walks in corpus:
                    train(
                        walks,
                        seed,
                        done,
                        total,
                        keep,
                        other,
                        vectors,
                        contexts,
                        self.window,
                        self.negatives,
                        self.learning_rate,
                    )
                    done += len(walks)
                    advance(len(walks))
        if not np.isfinite(vectors).all():
            raise ParameterError(
                f"the training diverged with learning_rate={self.learning_rate}; take a smaller one"
            )
        vectors[visits == 0] = 0.0
        return vectors

    def _initial(self, nodes: int, dimensions: int) -> np.ndarray:
        """Return small random vectors, as word2vec starts from."""
        stream = runtime.random_stream(self.random_state, _INITIAL)
        vectors = stream.random((nodes, dimensions), np.float32)
        vectors -= 0.5
        vectors /= dimensions
        return vectors
