"""Exact top-20 without seen items against other libraries: ``python -m bench.topk``.

All systems score the same users over the same factors, one after the other in each of some
rounds; the best round of each counts. "SGEMM alone" multiplies tile by tile and keeps nothing.
faiss knows no seen items: "faiss-filtered" asks for as many more as the user of a block with the
longest history has seen, and filters. ``--only`` runs some of the tasks and keeps the other rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.sparse import csr_matrix, random_array
from threadpoolctl import threadpool_limits

from bench.measure import DEFAULT_DATA, RESULTS, markdown, write_results
from hybridrec import ALS, HybridALS, RP3Beta, read_dataset
from hybridrec.ranking.item_index import ItemIndex
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer
from hybridrec.ranking.topk import top_k
from hybridrec.runtime import threads

K = 20
ROUNDS = 4
BLOCK, WIDTH = 1024, 768  # users and items of a tile of the plain product
Row = dict[str, Any]
Work = Callable[[int], Any]


def data_of(options: argparse.Namespace) -> Any:
    """Read the interactions of amazon-book."""
    return read_dataset(options.data / "amazon-book")


def trained(options: argparse.Namespace, kind: Any, factors: int) -> tuple[Any, csr_matrix]:
    """Return the scorer of a fitted model, and what its users have seen."""
    model = kind(factors=factors).fit(data_of(options))
    return model.scorer_, model.history_


def drawn(n_users: int, n_items: int, factors: int) -> tuple[FactorScorer, csr_matrix]:
    """Return random factors, the worst case for bounds, and histories of ten items."""
    rng = np.random.default_rng(0)
    users = rng.standard_normal((n_users, factors), dtype=np.float32)
    items = rng.standard_normal((n_items, factors), dtype=np.float32)
    seen = random_array((n_users, n_items), density=10 / n_items, format="csr", rng=rng)
    return FactorScorer(users, items, np.zeros(n_items)), csr_matrix(seen, dtype=np.float32)


def product(scorer: FactorScorer, rows: np.ndarray) -> Work:
    """Return the matrix product alone, in the tiles found to be the fastest, kept nowhere."""
    starts = range(0, scorer.n_items, WIDTH)
    parts = [np.ascontiguousarray(scorer.item_factors[at : at + WIDTH].T) for at in starts]

    def multiply(part: slice) -> None:
        block = scorer.user_factors[rows[part]]
        buffer = np.empty((len(block), WIDTH), dtype=np.float32)
        for tile in parts:
            np.matmul(block, tile, out=buffer[:, : tile.shape[1]])

    return lambda count: over_blocks(multiply, len(rows), count)


def without_bounds(scorer: FactorScorer, rows: np.ndarray, seen: csr_matrix) -> Work:
    """Return a run of ours in which no user leaves before the last tile."""
    true = ItemIndex.bound

    def bound(index: ItemIndex, lengths: np.ndarray, tile: int = 0) -> np.ndarray:
        return true(index, lengths) if tile == 0 else np.full(len(lengths), np.inf)

    def work(num_threads: int) -> Any:
        with patch.object(ItemIndex, "bound", bound):
            return top_k(scorer, rows, K, exclude=seen, num_threads=num_threads)

    return work


def plain(scorer: FactorScorer, rows: np.ndarray, seen: csr_matrix) -> Work:
    """Return what one writes in numpy: a product, a mask, a partition, a sort."""

    def rank(part: slice) -> np.ndarray:
        hidden = seen[part]
        scores = scorer.user_factors[rows[part]] @ scorer.item_factors.T
        owners = np.repeat(np.arange(len(scores)), np.diff(hidden.indptr))
        scores[owners, hidden.indices] = -np.inf
        best = np.argpartition(scores, -K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        return np.take_along_axis(best, order, axis=1)

    return lambda count: over_blocks(rank, len(rows), count, BLOCK // 4)


def over_blocks(work: Callable[[slice], Any], users: int, count: int, most: int = BLOCK) -> None:
    """Call a function with every block of users; no thread goes without."""
    step = min(most, -(-users // count))
    with threads(count) as workers, ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, [slice(at, at + step) for at in range(0, users, step)]))


def implicit_model(scorer: FactorScorer, num_threads: int) -> Any:
    """Return a model of implicit with the same factors."""
    from implicit.cpu.als import AlternatingLeastSquares

    width = scorer.item_factors.shape[1]
    model = AlternatingLeastSquares(factors=width, num_threads=num_threads)
    model.user_factors, model.item_factors = scorer.user_factors, scorer.item_factors
    return model


def implicit_factors(scorer: FactorScorer, rows: np.ndarray, seen: csr_matrix) -> Work:
    """Return `recommend` of implicit over the same factors."""
    models = {count: implicit_model(scorer, count) for count in (1, 2)}

    def work(num_threads: int) -> Any:
        with threadpool_limits(1, "blas"):
            return models[num_threads].recommend(rows, seen, N=K)[0]

    return work


def implicit_items(scorer: HistoryScorer, rows: np.ndarray, seen: csr_matrix) -> Work:
    """Return `recommend` of implicit over the same item-item weights."""
    from implicit._nearest_neighbours import NearestNeighboursScorer
    from implicit.nearest_neighbours import ItemItemRecommender

    models = {}
    for count in (1, 2):
        model = ItemItemRecommender(K=K, num_threads=count)
        model.similarity = csr_matrix(scorer.weights, dtype=np.float64)
        model.scorer = NearestNeighboursScorer(model.similarity)
        models[count] = model
    histories = csr_matrix(seen, dtype=np.float64)
    return lambda num_threads: models[num_threads].recommend(rows, histories, N=K)[0]


class Peer:
    """A system in an environment of its own, which waits for its turns."""

    def __init__(
        self, name: str, python: str, scorer: FactorScorer, rows: np.ndarray, seen: csr_matrix
    ) -> None:
        self.folder = tempfile.TemporaryDirectory()
        np.savez(
            Path(self.folder.name) / "data.npz",
            users=scorer.user_factors[rows],
            items=scorer.item_factors,
            indptr=seen.indptr,
            indices=seen.indices,
        )
        script = str(Path(__file__).with_name("topk_peers.py"))
        command = [python, script, name, self.folder.name, str(K)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def __call__(self, num_threads: int) -> float:
        """Return the seconds of a run."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{num_threads}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """Send it home."""
        self.process.communicate()
        self.folder.cleanup()


def seconds_of(work: Work, num_threads: int) -> float:
    """Return the seconds of a run, of a peer as it measures itself."""
    start = time.perf_counter()
    found = work(num_threads)
    return found if isinstance(work, Peer) else time.perf_counter() - start


def rounds(task: str, systems: dict[str, Work], users: int, counts: tuple[int, ...]) -> list[Row]:
    """Run all systems in turn, at each number of threads, and return the best of each."""
    best: dict[tuple[str, int], float] = {}
    for number in range(ROUNDS + 1):
        for count in counts:
            for name, work in systems.items():
                seconds = seconds_of(work, count)
                if number:  # the first round warms up
                    best[name, count] = min(best.get((name, count), np.inf), seconds)
    for work in systems.values():
        if isinstance(work, Peer):
            work.close()
    return [
        {
            "task": task,
            "system": name,
            "threads": count,
            "users_per_second": round(users / seconds),
            "of_ours": round(best["hybridrec", count] / seconds, 2),
        }
        for (name, count), seconds in best.items()
    ]


def differences(scorer: FactorScorer, rows: np.ndarray, seen: csr_matrix) -> dict[str, int]:
    """Compare lists with a brute-force float32 reference, rank by rank.

    Where items differ, their scores must be within rounding: else it counts as wrong.
    """
    found, scores = top_k(scorer, rows, K, exclude=seen)
    block = scorer.user_factors[rows] @ scorer.item_factors.T + scorer.item_bias
    block[np.repeat(np.arange(len(rows)), np.diff(seen.indptr)), seen.indices] = -np.inf
    order = np.argsort(-block, axis=1, kind="stable")[:, :K]
    apart = np.abs(scores - np.take_along_axis(block, order, axis=1))
    within = apart <= 1e-5 * np.abs(block[np.isfinite(block)]).max()
    differ = found != order
    return {
        "ranks": found.size,
        "ties": int((differ & within).sum()),
        "wrong": int((~within).sum()),
    }


def dense(
    task: str, made: tuple[FactorScorer, csr_matrix], n_users: int, options: argparse.Namespace
) -> list[Row]:
    """Measure all systems over dense factors."""
    scorer, history = made
    rows = np.random.default_rng(1).permutation(scorer.n_users)[:n_users]
    seen = history[rows]
    systems: dict[str, Work] = {
        "hybridrec": lambda count: top_k(scorer, rows, K, exclude=seen, num_threads=count),
        "hybridrec, no bounds": without_bounds(scorer, rows, seen),
        "SGEMM alone": product(scorer, rows),
        "implicit": implicit_factors(scorer, rows, seen),
        "numpy, argpartition": plain(scorer, rows, seen),
    }
    for name, python in options.peers.items():
        kinds = ("faiss", "faiss-filtered") if name == "faiss" else (name,)
        for kind in kinds:
            systems[kind] = Peer(kind, python, scorer, rows, seen)
    result = rounds(task, systems, n_users, (1, 2))
    result[0].update(differences(scorer, rows[:500], seen[:500]))
    return result


def sparse(task: str, options: argparse.Namespace) -> list[Row]:
    """Measure item-item weights."""
    model = RP3Beta().fit(data_of(options))
    scorer, rows = model.scorer_, np.random.default_rng(1).permutation(70_000)[:20_000]
    seen = model.history_[rows]
    systems: dict[str, Work] = {
        "hybridrec": lambda count: top_k(scorer, rows, K, exclude=seen, num_threads=count),
        "implicit, item-item": implicit_items(scorer, rows, seen),
    }
    return rounds(task, systems, len(rows), (1, 2))


def one_by_one(task: str, options: argparse.Namespace) -> list[Row]:
    """Measure how long one user takes, without a pool, seen items left out."""
    result = []
    for factors in (64, 128):
        for name, (scorer, history) in (
            ("trained", trained(options, ALS, factors)),
            ("random", drawn(2_000, 25_000, factors)),
        ):
            users = np.random.default_rng(1).permutation(scorer.n_users)[:400]
            asked = [(np.array([user]), history[[user]]) for user in users]
            theirs = implicit_model(scorer, 1)
            systems: dict[str, Callable[[np.ndarray, csr_matrix], Any]] = {
                "hybridrec": lambda row, seen, of=scorer: top_k(of, row, K, exclude=seen),
                "implicit": lambda row, seen, of=theirs: of.recommend(row, seen, N=K),
            }
            for system, serve in systems.items():
                times = []
                for row, seen in asked:
                    start = time.perf_counter()
                    serve(row, seen)
                    times.append(1e6 * (time.perf_counter() - start))
                low, high = median(times), float(np.quantile(times, 0.99))
                result.append(
                    {
                        "task": f"{task}, {name}, {factors} factors",
                        "system": system,
                        "threads": 1,
                        "p50_us": round(low),
                        "p99_us": round(high),
                    }
                )
    return result


TASKS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "dense-25k": lambda o: dense("25k items x 64, trained (ALS)", trained(o, ALS, 64), 8192, o),
    "dense-25k-hybrid": lambda o: dense(
        "25k items x 64, trained (HybridALS)", trained(o, HybridALS, 64), 8192, o
    ),
    "dense-25k-random": lambda o: dense(
        "25k items x 64, random", drawn(70_679, 24_915, 64), 8192, o
    ),
    "dense-25k-128": lambda o: dense(
        "25k items x 128, random", drawn(20_000, 24_915, 128), 4096, o
    ),
    "dense-200k": lambda o: dense("200k items x 64, random", drawn(100_000, 200_000, 64), 1024, o),
    "sparse": lambda o: sparse("RP3beta, 25k items", o),
    "one": lambda o: one_by_one("one user, 25k items", o),
}


def table(rows: list[Row]) -> str:
    """Return the tables of throughput, ratios and single users."""
    many = [row for row in rows if "users_per_second" in row]
    names = list(dict.fromkeys(row["system"] for row in many))
    lines, ratios = [], []
    for task, count in dict.fromkeys((row["task"], row["threads"]) for row in many):
        own = {row["system"]: row for row in many if (row["task"], row["threads"]) == (task, count)}
        speed = {name: row["users_per_second"] for name, row in own.items()}
        lines.append(
            [task, count, *(f"{speed[name]:,}" if name in speed else "" for name in names)]
        )
        ours, sgemm = own["hybridrec"], speed.get("SGEMM alone")
        peer = next(speed[name] for name in names if name.startswith("implicit") and name in speed)
        ratios.append(
            [
                *(task, count, f"{speed['hybridrec'] / peer:.1f}x"),
                f"{speed['hybridrec'] / sgemm:.0%}" if sgemm else "",
                *(ours.get(key, "") for key in ("ties", "wrong")),
            ]
        )
    alone = [row for row in rows if "p50_us" in row]
    return "\n\n".join(
        [
            "Users a second, best round\n\n" + markdown(("task", "threads", *names), lines),
            markdown(
                ("task", "threads", "times implicit", "of SGEMM", "tied ranks", "wrong ranks"),
                ratios,
            ),
            markdown(
                ("task", "system", "p50, us", "p99, us"),
                [[row[key] for key in ("task", "system", "p50_us", "p99_us")] for row in alone],
            ),
        ]
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--only", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    options = parser.parse_args()
    options.peers = dict(one.split("=", 1) for one in options.peer)
    path = RESULTS / "topk.json"
    kept: dict[str, list[Row]] = json.loads(path.read_text())["tasks"] if path.exists() else {}
    for name in options.only:
        kept[name] = TASKS[name](options)
    tasks = {name: kept[name] for name in TASKS if name in kept}
    write_results("topk", {"tasks": tasks}, table([row for rows in tasks.values() for row in rows]))


if __name__ == "__main__":
    main()
