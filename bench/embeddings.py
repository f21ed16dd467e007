"""Node embeddings: ``python -m bench.embeddings [--data DIR] [--peer PYTHON] [--only PART ...]``.

``--peer`` names the Python of an environment with gensim. Parts: "speed", skip-gram over the same
walks in turns with gensim's, one worker each, 64 dimensions, window 5, 5 negatives; "start", the
seconds from triples to item vectors and of the first call ever; and the name of a graph: AUC of
held-out links (`hybridrec.graph.hold_out_links`), and recall of new items when hybrid-als has the
vectors as its only features. Every method has its defaults, gensim the walks of ours; vectors are
trained without the held-out links for both. Parts not asked for are kept as they were.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from bench.accuracy import films, positives
from bench.measure import DEFAULT_DATA, RESULTS, markdown, run, write_results
from hybridrec import HybridALS, evaluate, load_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.splits import SPLITS
from hybridrec.features.blocks import FeatureBlock, Features, scale_rows
from hybridrec.graph import Graph, hold_out_links, node_embeddings
from hybridrec.graph.node2vec import Corpus
from hybridrec.kernels.skipgram import alias_table, train
from hybridrec.runtime import threads

SETTINGS = {
    "dimensions": 64,
    "window": 5,
    "negatives": 5,
    "learning_rate": 0.025,
    "epochs": 1,
}
GRAPHS: dict[str, Callable[[Path], Dataset]] = {
    "movielens-small": lambda _data: films(),
    "lastfm": lambda data: positives(data / "lastfm"),
    "book": lambda data: positives(data / "book"),
}
METHODS = ("node2vec", "ppmi-svd", "prone", "fast-rp")
SEEDS, REPEATS, WORDS = 3, 3, 1_000_000
FRESH = """
import time; start = time.perf_counter()
from hybridrec.graph import Graph, node_embeddings
imported = time.perf_counter()
node_embeddings(Graph.from_edges([0, 1, 2], [1, 2, 3]), num_threads=1)
print(time.perf_counter() - imported)
"""

Rows = list[dict[str, Any]]


def main() -> None:
    """Measure the parts asked for and write all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--peer", help="the Python of an environment with gensim")
    parser.add_argument("--only", nargs="+", metavar="PART")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(SEEDS))
    options = parser.parse_args()
    path = RESULTS / "embeddings.json"
    found: dict[str, Rows] = json.loads(path.read_text())["parts"] if path.exists() else {}
    for part in options.only or ("speed", "start", *GRAPHS):
        if part == "speed":
            found[part] = list(speed(options.data, options.peer))
        elif part == "start":
            found[part] = list(from_nothing())
        else:
            kept = [row for row in found.get(part, []) if row["seed"] not in options.seeds]
            data = GRAPHS[part](options.data)
            new = [row for seed in options.seeds for row in quality(data, seed, options.peer)]
            found[part] = kept + new
        write_results("embeddings", {"parts": found}, tables(found))


def speed(data: Path, peer: str | None) -> Iterator[dict[str, Any]]:
    """Train on the same walks in turns."""
    for name, make in GRAPHS.items():
        graph = Graph.from_knowledge(make(data).knowledge)
        walks = corpus(graph, 0)[: WORDS // 20]
        words = int((walks >= 0).sum())
        runs: dict[str, Rows] = {"hybridrec": [], "gensim": []}
        skipgram(graph, walks[:100], 0)  # compiles
        for _ in range(REPEATS):
            runs["hybridrec"].append(skipgram(graph, walks, 0)[1])
            if peer:
                runs["gensim"].append(gensim(peer, graph, walks, 0)[1])
        for system, times in runs.items():
            if times:
                best = {key: words / min(one[key] for one in times) for key in ("seconds", "cpu")}
                yield {"graph": name, "system": system, "words": words, **best}


def corpus(graph: Graph, seed: int) -> np.ndarray:
    """Return the walks that `node_embeddings` makes by default, in its order."""
    return np.concatenate(list(Corpus.of(graph, 10, 20, 1.0, 1.0, seed)))


def skipgram(graph: Graph, walks: np.ndarray, seed: int) -> tuple[np.ndarray, dict[str, float]]:
    """Train our kernel on one thread."""
    size = SETTINGS["dimensions"]
    visits = np.bincount(walks[walks >= 0], minlength=graph.num_nodes)
    vectors = np.random.default_rng(seed).random((graph.num_nodes, size), np.float32) - 0.5
    vectors /= np.float32(size)
    contexts = np.zeros_like(vectors)
    steps = (SETTINGS["window"], SETTINGS["negatives"], SETTINGS["learning_rate"])
    with threads(1):
        tables = (*alias_table(visits**0.75), vectors, contexts)
        start, cpu = time.perf_counter(), time.process_time()
        train(walks, np.uint64(seed), 0, len(walks), *tables, *steps)
        spent = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    return vectors, spent


def gensim(
    peer: str, graph: Graph, walks: np.ndarray, seed: int
) -> tuple[np.ndarray, dict[str, float]]:
    """Train gensim in its own environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "walks.npy", walks)
        settings = {**SETTINGS, "nodes": graph.num_nodes, "random_state": seed}
        (folder / "settings.json").write_text(json.dumps(settings))
        script = str(Path(__file__).with_name("embeddings_peers.py"))
        spent = json.loads(run([peer, script, name]).stdout.splitlines()[-1])
        return np.load(folder / "vectors.npy"), spent


def from_nothing() -> Iterator[dict[str, Any]]:
    """Time the way from the bundled triples to item vectors, and the first call ever."""
    data = load_dataset("movielens-small")
    for method in METHODS:
        for count in (1, 2):
            yield item_vectors(data, method, count)
    yield item_vectors(data, "node2vec", 2, hogwild=True)
    with tempfile.TemporaryDirectory() as name:
        os.environ["NUMBA_CACHE_DIR"] = name
        for what in ("first node2vec call ever, compiling", "first call of the next process"):
            seconds = float(run([sys.executable, "-c", FRESH]).stdout)
            yield {"what": what, "seconds": seconds}
        del os.environ["NUMBA_CACHE_DIR"]


def item_vectors(data: Dataset, method: str, count: int, **settings: Any) -> dict[str, Any]:
    """Time one method from triples to item vectors; the faster of two."""
    best = np.inf
    for _ in range(2):
        start = time.perf_counter()
        graph = Graph.from_knowledge(data.knowledge)
        of_items(data, node_embeddings(graph, method, num_threads=count, **settings))
        best = min(best, time.perf_counter() - start)
    named = " ".join([method, *settings])
    return {"what": f"{named}, triples to item vectors, threads: {count}", "seconds": best}


def quality(data: Dataset, seed: int, peer: str | None) -> Iterator[dict[str, Any]]:
    """Tell held-out links, and recommend new items, by the vectors of every system."""
    held = hold_out_links(data.knowledge, random_state=seed)
    graph = Graph.from_knowledge(held.rest)
    for name, make in systems(graph, seed, peer):
        vectors = make()
        found = {"auc": held.auc(vectors), "recall": new_items(data, vectors, seed)}
        yield {"seed": seed, "system": name, **found}
    told = data.with_knowledge(held.rest)
    yield {"seed": seed, "system": "tokens", "recall": new_items(told, None, seed)}


def systems(
    graph: Graph, seed: int, peer: str | None
) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    """Yield all ways to make vectors."""
    for method in METHODS:
        yield (
            f"hybridrec, {method}",
            lambda method=method: node_embeddings(graph, method, random_state=seed, num_threads=1),
        )
    if peer:
        yield "gensim", lambda: gensim(peer, graph, corpus(graph, seed), seed)[0]


def new_items(data: Dataset, vectors: np.ndarray | None, seed: int) -> float:
    """Return recall@20 among new items of hybrid-als with these features, or with tokens."""
    split = SPLITS["cold-items"](data, random_state=seed)
    features: Any = ["tokens"]
    if vectors is not None:
        matrix = scale_rows(of_items(split.train, vectors))
        features = Features(
            [FeatureBlock("vectors", matrix, np.arange(matrix.shape[1]).astype(str))]
        )
    model = HybridALS(random_state=seed, num_threads=1).fit(split.train, item_features=features)
    return evaluate(model, split, metrics=["recall"], k=20, num_threads=1).mean("recall", 20)


def of_items(data: Dataset, vectors: np.ndarray) -> np.ndarray:
    """Return the vectors of the items' entities, 0 where an item has none."""
    entities = data.item_entities
    return np.where((entities >= 0)[:, None], vectors[np.maximum(entities, 0)], np.float32(0))


def tables(found: dict[str, Rows]) -> str:
    """Return all tables."""
    texts = []
    if "speed" in found:
        peers = {row["graph"]: row for row in found["speed"] if row["system"] == "gensim"}
        body = [
            [
                *(row["graph"], row["system"], f"{row['words']:,}"),
                *(f"{row[key]:,.0f}" for key in ("seconds", "cpu")),
                f"{row['seconds'] / peers[row['graph']]['seconds']:.1f}"
                if row["graph"] in peers
                else "",
            ]
            for row in found["speed"]
        ]
        header = ("graph", "system", "words", "words/s", "words per CPU s", "times gensim")
        texts.append(f"**Skip-gram, the same walks, one worker**\n\n{markdown(header, body)}")
    if "start" in found:
        body = [[row["what"], f"{row['seconds']:.2f}"] for row in found["start"]]
        texts.append(f"**Bundled knowledge graph**\n\n{markdown(('what', 'seconds'), body)}")
    texts += [of_quality(name, found[name]) for name in GRAPHS if name in found]
    return "\n\n".join(texts)


def of_quality(name: str, rows: Rows) -> str:
    """Return mean and spread of every system on one graph."""
    body = []
    for system in dict.fromkeys(row["system"] for row in rows):
        mine = [row for row in rows if row["system"] == system]
        cells = [spread([row[key] for row in mine if key in row]) for key in ("auc", "recall")]
        body.append([system, len(mine), *cells])
    header = ("vectors", "seeds", "AUC of held-out links", "recall@20 of new items")
    return f"**{name}**\n\n{markdown(header, body)}"


def spread(values: list[float]) -> str:
    """Return mean and standard deviation."""
    if len(values) > 1:
        return f"{mean(values):.4f} ± {stdev(values):.4f}"
    return f"{values[0]:.4f}" if values else ""


if __name__ == "__main__":
    main()
