"""How a cluster should embed a graph: ``python -m bench.cluster_embeddings [--data DIR]``.

Skip-gram whose vectors are averaged over workers after every round of walks (each worker trains on
the walks of its share of the starts, from the common vectors), beside PPMI and SVD of counts, which
add up exactly. AUC of held-out links, as in `bench.embeddings`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import load_dataset, read_dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.graph import Graph, hold_out_links, node_embeddings
from hybridrec.graph.node2vec import Corpus
from hybridrec.kernels.skipgram import alias_table, train
from hybridrec.runtime import random_stream, threads

SEEDS = 3
WORKERS = (1, 2, 8)
ROUNDS, LENGTH, WINDOW, NEGATIVES, RATE, DIMENSIONS = 10, 20, 5, 5, 0.025, 64


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    options = parser.parse_args()
    graphs = {
        "movielens-small": load_dataset("movielens-small").knowledge,
        "Last.FM": read_dataset(options.data / "lastfm").knowledge,
    }
    found: dict[str, dict[str, list[float]]] = {}
    for name, graph in graphs.items():
        assert graph is not None
        for seed in range(SEEDS):
            for method, auc in of_seed(graph, seed).items():
                found.setdefault(method, {}).setdefault(name, []).append(auc)
    rows = [
        [method, *(f"{mean(told[name]):.4f} ± {stdev(told[name]):.4f}" for name in graphs)]
        for method, told in found.items()
    ]
    table = markdown(["AUC of held-out links", *graphs], rows)
    write_results("cluster_embeddings", {"seeds": SEEDS, "auc": found}, table)


def of_seed(knowledge: KnowledgeGraph, seed: int) -> dict[str, float]:
    """Return the AUC of every method on the links that a seed holds out."""
    held = hold_out_links(knowledge, random_state=seed)
    graph = Graph.from_knowledge(held.rest)
    walks = {"num_walks": ROUNDS, "walk_length": LENGTH, "window": WINDOW}
    counted = node_embeddings(
        graph, "ppmi-svd", DIMENSIONS, **walks, transitions="walks", random_state=seed
    )
    found = {"ppmi-svd of counts": held.auc(counted)}
    for workers in WORKERS:
        label = f"skip-gram, averaged over {workers}" if workers > 1 else "skip-gram, one worker"
        found[label] = held.auc(averaged(graph, workers, seed))
    return found


def averaged(graph: Graph, workers: int, seed: int) -> np.ndarray:
    """Train skip-gram on shares of the walks, and average the vectors after every round."""
    corpus = Corpus.of(graph, ROUNDS, LENGTH, 1.0, 1.0, seed)
    noise = alias_table(corpus.visits() ** 0.75)
    stream = random_stream(seed, 7)
    size = (graph.num_nodes, DIMENSIONS)
    vectors = ((stream.random(size) - 0.5) / DIMENSIONS).astype(np.float32)
    contexts, key = np.zeros_like(vectors), stream.integers(2**64, dtype=np.uint64)
    done = 0
    with threads(1):
        for number in range(ROUNDS):
            shares = np.array_split(stream.permutation(corpus.starts), workers)
            sums = np.zeros((2, *size))
            for starts in shares:
                own = vectors.copy(), contexts.copy()
                walks = corpus.walks_from(starts, number)
                train(walks, key, done, len(corpus), *noise, *own, WINDOW, NEGATIVES, RATE)
                sums += own
            vectors, contexts = (sums / workers).astype(np.float32)
            done += len(corpus.starts)
    vectors[graph.degrees == 0] = 0.0
    return np.ascontiguousarray(vectors)


if __name__ == "__main__":
    main()
