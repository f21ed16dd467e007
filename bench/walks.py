"""Random walks beside other libraries: ``python -m bench.walks [--peers PYTHON] [--only PART]``.

Millions of steps a second. Graphs: power laws with shuffled labels, and the bundled knowledge
graph. Ours is the whole call of `random_walks` on one thread, tables included; the peers (see
`bench.walks_peers`; ``--peers`` names the Python that has them) are timed without reading the
graph, their tables and compilation. Samples take turns in one run, the best of some counts.
``--only`` measures one part again and keeps the others as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import RESULTS, markdown, write_results
from hybridrec import load_dataset
from hybridrec.graph import Graph, random_walks
from hybridrec.graph.walks import Walker

LENGTH = 80
REPEATS = 3  # and one before that does not count
STEPS = {(1.0, 1.0): 32_000_000, (1.0, 0.5): 16_000_000, (0.25, 4.0): 16_000_000}  # of ours
LARGE = {"nodes": 5_000_000, "edges": 100_000_000}
BIASES = [(1.0, 1.0), (1.0, 0.5), (0.25, 4.0)]
PEERS = ["fastnode2vec", "fastnode2vec-kernel", "graph-walker", "csrgraph", "pecanpy"]
SMALL_ONLY = {(1.0, 0.5): ["pecanpy-precomputed", "node2vec"]}
TARGETS = {(1.0, 1.0): (10, 13), (1.0, 0.5): (4, 6), (0.25, 4.0): (4, 6)}
FIRST_CALL = """
import time, sys
from hybridrec.graph import Graph, random_walks
graph = Graph.from_edges([0, 1, 2], [1, 2, 0])
for q in (1.0, 0.5):
    start = time.perf_counter()
    random_walks(graph, 1, 5, q=q, num_threads=1)
    print(time.perf_counter() - start)
"""


def main() -> None:
    """Measure what is asked for and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the peers")
    parser.add_argument("--only", choices=[*GRAPHS, "variants", "large", "compile"])
    options = parser.parse_args()
    parts: dict[str, Callable[[], Any]] = {
        **{name: partial(speed, name, options.peers) for name in GRAPHS},
        "variants": variants,
        "large": large,
        "compile": first_calls,
    }
    stored = RESULTS / "walks.json"
    found = json.loads(stored.read_text())["parts"] if options.only and stored.exists() else {}
    for name, measure in parts.items():
        if options.only in (None, name):
            found[name] = measure()
    write_results("walks", {"parts": found}, tables(found))


def power_law(nodes: int, edges: int) -> Graph:
    """Return a graph whose node of rank i is an end of an edge in proportion to i ** -0.5."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(nodes).astype(np.int32)

    def ends() -> np.ndarray:
        share = rng.random(edges, np.float32)
        share *= share
        return labels[np.minimum((share * nodes).astype(np.int32), nodes - 1)]

    return Graph.from_edges(ends(), ends(), num_nodes=nodes)


def bundled() -> Graph:
    """Return the knowledge graph that comes with the package."""
    knowledge = load_dataset("movielens-small").knowledge
    assert knowledge is not None
    return Graph.from_knowledge(knowledge)


GRAPHS: dict[str, Callable[[], Graph]] = {
    "200k / 3M": partial(power_law, 200_000, 3_000_000),
    "30k / 150k": partial(power_law, 30_000, 150_000),
    "bundled KG": bundled,
}


def speed(name: str, python: str) -> list[dict[str, Any]]:
    """Return the best rate of ours, on one and two threads, and of every peer, for each bias."""
    graph = GRAPHS[name]()
    rows = []
    with peers_on(graph, python) as peer:
        for p, q in BIASES:
            names = PEERS + (SMALL_ONLY.get((p, q), []) if name == "30k / 150k" else [])
            found: dict[str, list[float]] = {}
            failed: dict[str, str] = {}
            for _ in range(1 + REPEATS):  # the first one compiles, reads and builds
                for threads in (1, 2):
                    rate = ours(graph, p, q, num_threads=threads)
                    found.setdefault(f"hybridrec, {threads}", []).append(rate)
                for other in [one for one in names if one not in failed]:
                    answer = peer(other, p, q)
                    if "error" in answer:
                        failed[other] = answer["error"]
                    else:
                        rate = answer["steps"] / answer["seconds"] / 1e6
                        found.setdefault(other, []).append(rate)
            best = {one: max(rates[1:]) for one, rates in found.items()}
            rows.append({"graph": name, "p": p, "q": q, "best": best, "failed": failed})
            print(rows[-1], flush=True)
    return rows


def ours(graph: Graph, p: float = 1.0, q: float = 1.0, **options: Any) -> float:
    """Return millions of steps a second of one call."""
    starts = np.flatnonzero(graph.degrees)
    count = max(1, STEPS[p, q] // (LENGTH * starts.size))
    start = time.perf_counter()
    random_walks(graph, count, LENGTH, p, q, start_nodes=starts, **options)
    return count * starts.size * (LENGTH - 1) / (time.perf_counter() - start) / 1e6


@contextmanager
def peers_on(graph: Graph, python: str) -> Iterator[Callable[[str, float, float], dict[str, Any]]]:
    """Yield what takes a sample of a peer; each has a process, as some set up numba their way."""
    processes: dict[str, subprocess.Popen[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.npz"
        np.savez(path, indptr=graph.indptr, indices=graph.indices)

        def sample(name: str, p: float, q: float) -> dict[str, Any]:
            place = name.removesuffix("-kernel")
            if place not in processes:
                processes[place] = subprocess.Popen(
                    [python, str(Path(__file__).with_name("walks_peers.py")), str(path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                    text=True,
                )
            questions, answers = processes[place].stdin, processes[place].stdout
            assert questions is not None
            assert answers is not None
            questions.write(f"{name} {p} {q}\n")
            questions.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        try:
            yield sample
        finally:
            for process in processes.values():
                process.communicate()


def variants() -> list[dict[str, Any]]:
    """Return our rates with weights, node2vec+ and restart on the graph of 3M edges."""
    plain = power_law(200_000, 3_000_000)
    source = np.repeat(np.arange(plain.num_nodes), plain.degrees)
    once = source <= plain.indices
    weights = np.random.default_rng(1).random(int(once.sum())) + 0.01
    weighted = Graph.from_edges(source[once], plain.indices[once], weights, plain.num_nodes)
    cases: list[tuple[str, Graph, dict[str, Any]]] = [
        ("first order", plain, {}),
        ("first order, restart .15", plain, {"restart": 0.15}),
        ("first order, every second node emitted", plain, {"emit": np.arange(0, 200_000, 2)}),
        ("p = 1, q = .5, restart .15", plain, {"q": 0.5, "restart": 0.15}),
        ("first order, weighted", weighted, {}),
        ("p = 1, q = .5, weighted", weighted, {"q": 0.5}),
        ("p = .25, q = 4, weighted", weighted, {"p": 0.25, "q": 4.0}),
        ("p = 1, q = .5, node2vec+", weighted, {"q": 0.5, "extend": True}),
    ]
    rates: dict[str, list[float]] = {name: [] for name, _, _ in cases}
    for _ in range(REPEATS):
        for name, graph, options in cases:
            rates[name].append(ours(graph, num_threads=1, **options))
    return [{"case": name, "rate": max(found)} for name, found in rates.items()]


def large() -> dict[str, Any]:
    """Return seconds, bytes and rates of a graph larger than the caches by far."""
    start = time.perf_counter()
    graph = power_law(**LARGE)
    found: dict[str, Any] = {"build": time.perf_counter() - start, "edges": graph.indices.size // 2}
    found["graph_bytes"] = graph.indptr.nbytes + graph.indices.nbytes
    starts = np.random.default_rng(0).choice(graph.num_nodes, 200_000, replace=False)
    starts = starts[graph.degrees[starts] > 0]
    for p, q in BIASES:
        start = time.perf_counter()
        walker = Walker.prepare(graph, p, q)
        tables = time.perf_counter() - start
        walks = np.empty((starts.size, LENGTH), np.int32)
        number = np.zeros(starts.size, np.int64)
        rates = []
        for _ in range(REPEATS):
            walks[:, 0] = starts
            start = time.perf_counter()
            walker.walk(walks, 0, np.arange(starts.size), number)
            rates.append(starts.size * (LENGTH - 1) / (time.perf_counter() - start) / 1e6)
        kept = walker.tables.filter.nbytes
        found[f"p = {p:g}, q = {q:g}"] = {"tables": tables, "bytes": kept, "rate": max(rates)}
    return found


def first_calls() -> list[dict[str, Any]]:
    """Return seconds of the first calls of a process, with an empty cache and with a full one."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for name in ("compiles", "finds it compiled"):
            done = subprocess.run(
                [sys.executable, "-c", FIRST_CALL],
                env={**os.environ, "NUMBA_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=True,
            )
            first, second = (float(line) for line in done.stdout.split())
            rows.append({"process": name, "first": first, "second": second})
    return rows


def tables(parts: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    makers = {"variants": variant_table, "large": large_table, "compile": compile_table}
    speeds = [row for name in GRAPHS if name in parts for row in parts[name]]
    others = [makers[name](parts[name]) for name in makers if name in parts]
    return "\n\n".join([*([speed_tables(speeds)] if speeds else []), *others])


def speed_tables(rows: list[dict[str, Any]]) -> str:
    """Return a table of every peer, and one of ours against the targets."""
    body, against = [], []
    for row in rows:
        best, bias = row["best"], f"p = {row['p']:g}, q = {row['q']:g}"
        one, two = best["hybridrec, 1"], best["hybridrec, 2"]
        for name, rate in best.items():
            body.append([row["graph"], bias, name, f"{rate:.2f}", f"{one / rate:.1f}x"])
        for name, why in row["failed"].items():
            body.append([row["graph"], bias, name, "-", why.split("\n")[0]])
        target, stretch = TARGETS[row["p"], row["q"]]
        ratio = f"{one / best['fastnode2vec']:.1f}x" if "fastnode2vec" in best else "-"
        wanted = f"{target}x, stretch {stretch}x"
        against.append([row["graph"], bias, f"{one:.1f}", ratio, wanted, f"{two / one:.2f}x"])
    header = ("graph", "bias", "Msteps/s", "times fastnode2vec's API", "target")
    titles = ("graph", "bias", "library, threads", "Msteps/s", "ours on one thread is")
    return (
        f"Walks of {LENGTH} nodes.\n\n{markdown((*header, 'second core'), against)}\n\n"
        f"The second core's target is 1.8x.\n\n{markdown(titles, body)}"
    )


def variant_table(rows: list[dict[str, Any]]) -> str:
    """Return our rates with options."""
    body = [[row["case"], f"{row['rate']:.1f}"] for row in rows]
    return "200k / 3M, one thread:\n\n" + markdown(("walks", "Msteps/s"), body)


def large_table(found: dict[str, Any]) -> str:
    """Return the graph that fits no cache."""
    edges = found["edges"]
    body = [
        [bias, f"{row['rate']:.1f}", f"{row['tables']:.1f}", f"{row['bytes'] / edges:.1f}"]
        for bias, row in found.items()
        if bias.startswith("p =")
    ]
    return (
        f"{LARGE['nodes']:,} nodes, {edges:,} edges, one thread; the graph takes"
        f" {found['graph_bytes'] / edges:.1f} bytes an edge and {found['build']:.0f} s to draw and"
        " build:\n\n" + markdown(("bias", "Msteps/s", "tables, s", "tables, bytes an edge"), body)
    )


def compile_table(rows: list[dict[str, Any]]) -> str:
    """Return the seconds of first calls."""
    body = [[row["process"], f"{row['first']:.2f}", f"{row['second']:.2f}"] for row in rows]
    header = ("a process that", "first order, s", "then second order, s")
    return "First call on a graph of three nodes:\n\n" + markdown(header, body)


if __name__ == "__main__":
    main()
