"""Metrics against the fastest peers: ``python -m bench.metrics [--peer NAME=PYTHON ...]``.

amazon-book: its test set and the 20 best items of a factor model for every test user. Six metrics
at three cut-offs, from data frames and from arrays; accuracy and AUC from factors. ranx, implicit
and LightFM are measured here; RecTools and LensKit, which need environments of their own
(``--peer rectools=VENV/bin/python``), by ``bench/metrics_peers.py`` in these. Median of several
calls after the first one, which compiles; of what takes minutes, one call.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import evaluate, read_dataset
from hybridrec.evaluation import Split
from hybridrec.evaluation.metrics import METRICS, PLACEMENT_METRICS, Judgement, place_tests
from hybridrec.ranking.scorer import FactorScorer
from hybridrec.ranking.topk import top_k
from hybridrec.runtime import available_cpus, threads

Values = dict[str, float]

ACCURACY = ("recall", "ndcg", "map", "mrr", "hit-rate")
SIX = (*ACCURACY, "coverage")
CUTOFFS = (5, 10, 20)
FACTORS = 64
FRAMES = "six metrics at 5, 10, 20 from frames"
ARRAYS = "the same from arrays"
ACCURACY_TASK = "accuracy at 20 from factors"
AREA_TASK = "AUC over all items from factors"


class Results:
    """What was measured, in rows; the first row of a task is ours."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, task: str, system: str, measured: tuple[float, Values], **facts: Any) -> None:
        """Note a measurement, and print it at once."""
        seconds, values = measured
        load = round(os.getloadavg()[0], 1)  # our own threads are part of it
        row = {"task": task, "system": system, "seconds": round(seconds, 4), "load": load, **facts}
        self.rows.append({**row, "values": values})
        print(json.dumps(row), flush=True)

    def table(self) -> str:
        """Return a table with how many times the time of ours each system takes."""
        ours: dict[str, float] = {}
        for row in self.rows:
            ours.setdefault(row["task"], row["seconds"])
        cells = []
        for row in self.rows:
            ratio = round(row["seconds"] / ours[row["task"]], 1)
            cells.append((row["task"], row["system"], row["seconds"], ratio, row["load"]))
        return markdown(["task", "system", "seconds", "times ours", "load"], cells)


def timed(work: Callable[[], Values], repeats: int) -> tuple[float, Values]:
    """Return the median time of ``repeats`` calls after a first one, and what that returned.

    With 0 repeats the first call is measured.
    """
    start = time.perf_counter()
    found = work()
    seconds = [time.perf_counter() - start]
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:] or seconds), found


def load(data: Path) -> Split:
    """Return KGAT's split of amazon-book."""
    dataset = read_dataset(data / "amazon-book")
    rows = dataset.interactions
    train, test = (rows.take(rows.context["part"] == name) for name in ("train", "test"))
    return Split("predefined", {}, dataset.with_interactions(train), test)


def fit(split: Split) -> Any:
    """Fit the model whose lists and factors are judged."""
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=FACTORS, iterations=5, random_state=0)
    with threadpool_limits(1, "blas"):
        model.fit(split.train.matrix, show_progress=False)
    return model


def scorer_of(
    users: np.ndarray, items: np.ndarray, biases: np.ndarray | None = None
) -> FactorScorer:
    """Return factors as a scorer."""
    return FactorScorer(users, items, np.zeros(len(items)) if biases is None else biases)


# ---- six metrics of lists ------------------------------------------------------------------------


def from_arrays(split: Split, lists: np.ndarray) -> Values:
    """Compute the six metrics from lists of codes."""
    users = split.test_users
    every = np.ones(len(split.train.items), dtype=bool)
    judged = Judgement(users, lists, split.test.matrix[users], CUTOFFS, every)
    values = {name: METRICS[name](judged) for name in SIX}
    return {
        f"{name}@{k}": float(values[name][..., at].mean())
        for name in SIX
        for at, k in enumerate(CUTOFFS)
    }


def from_frames(split: Split, frame: pd.DataFrame) -> Values:
    """Compute the six metrics from a data frame of user, item and score."""
    found = evaluate(frame, split, metrics=SIX, k=CUTOFFS)
    return {f"{name}@{k}": found.mean(name, k) for name in SIX for k in CUTOFFS}


def from_frames_by_ranx(frame: pd.DataFrame, test: pd.DataFrame) -> Values:
    """Let ranx compute five of the six metrics; it has no coverage."""
    import ranx

    columns = {"q_id_col": "user", "doc_id_col": "item"}
    qrels = ranx.Qrels.from_df(test, score_col="relevance", **columns)
    run = ranx.Run.from_df(frame, score_col="score", **columns)
    asked = [f"{name.replace('-', '_')}@{k}" for name in ACCURACY for k in CUTOFFS]
    found = ranx.evaluate(qrels, run, asked, make_comparable=True)
    return {name.replace("_", "-"): float(found[name]) for name in asked}


def by_peer(peer: str, python: str, parts: dict[str, pd.DataFrame]) -> tuple[float, Values]:
    """Let a peer in an environment of its own compute the metrics and measure itself."""
    script = Path(__file__).with_name("metrics_peers.py")
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in parts.items():
            np.savez(Path(folder) / name, **{column: frame[column] for column in frame})
        command = [python, str(script), peer, folder]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(out.splitlines()[-1])
    return found["seconds"], found["values"]


def measure_lists(split: Split, model: Any, peers: dict[str, str], results: Results) -> None:
    """Measure the six metrics at three cut-offs on the lists of a model."""
    users, items = split.test_users, split.train.items
    lists, scores = top_k(
        scorer_of(model.user_factors, model.item_factors),
        *(users, CUTOFFS[-1]),
        exclude=split.seen[users],
        tie=items.tie_order,
    )
    frame = pd.DataFrame(
        {
            "user": np.repeat(split.train.users.ids[users], lists.shape[1]),
            "item": items.ids[lists].ravel(),
            "score": scores.ravel().astype(np.float64),
        }
    )
    test = split.test.to_frame()[["user", "item"]].assign(relevance=1)
    ranks = np.tile(np.arange(1, lists.shape[1] + 1), len(lists))
    parts = {
        "reco": frame.assign(rank=ranks),
        "test": test,
        "items": pd.DataFrame({"item": items.ids}),
    }
    texts = [
        table.assign(**{side: table[side].astype(str).astype(object) for side in ("user", "item")})
        for table in (frame, test)
    ]
    results.add(FRAMES, "hybridrec", timed(lambda: from_frames(split, frame), 7))
    results.add(ARRAYS, "hybridrec", timed(lambda: from_arrays(split, lists), 7))
    theirs = {peer: by_peer(peer, python, parts) for peer, python in peers.items()}
    theirs["ranx"] = timed(lambda: from_frames_by_ranx(*texts), 1)
    for peer, measured in theirs.items():
        results.add(FRAMES, peer, measured)
        results.add(ARRAYS, f"{peer}, from frames", measured)


# ---- from factors --------------------------------------------------------------------------------


def placed_metrics(split: Split, scorer: FactorScorer, *, accuracy: bool) -> Values:
    """Compute AUC, and accuracy at 20, over all items for all test users."""
    users = split.test_users
    placed = place_tests(
        *(scorer, users, split.test.matrix[users]),
        seen=split.seen[users],
        tie=split.train.items.tie_order,
    )
    values = {"auc": float(PLACEMENT_METRICS["auc"](placed).mean())}
    if accuracy:
        ranked = placed.at([20])
        for name in (*ACCURACY, "precision"):
            values[f"{name}@20"] = float(METRICS[name](ranked).mean())
    return values


def product(scorer: FactorScorer, users: np.ndarray) -> Values:
    """Multiply the factors of users and items, in tiles of our size, and keep nothing."""
    step, width = 1024, 768
    starts = range(0, scorer.n_items, width)
    parts = [np.ascontiguousarray(scorer.item_factors[at : at + width].T) for at in starts]

    def multiply(start: int) -> None:
        block = scorer.user_factors[users[start : start + step]]
        buffer = np.empty((len(block), width), dtype=np.float32)
        for part in parts:
            np.matmul(block, part, out=buffer[:, : part.shape[1]])

    with threads() as count, ThreadPoolExecutor(count) as pool:
        list(pool.map(multiply, range(0, len(users), step)))
    return {}


def measure_accuracy(split: Split, model: Any, results: Results) -> None:
    """Measure accuracy from factors against implicit, which computes four metrics at one k."""
    from implicit.evaluation import ranking_metrics_at_k

    scorer = scorer_of(model.user_factors, model.item_factors)

    def theirs() -> Values:
        matrices = split.train.matrix, split.test.matrix
        with threadpool_limits(1, "blas"):
            return dict(ranking_metrics_at_k(model, *matrices, K=20, show_progress=False))

    measured = timed(lambda: placed_metrics(split, scorer, accuracy=True), 3)
    tracemalloc.start()
    placed_metrics(split, scorer, accuracy=True)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    results.add(ACCURACY_TASK, "hybridrec, six and AUC", measured, peak_mb=round(peak))
    results.add(ACCURACY_TASK, "implicit, ranking_metrics_at_k", timed(theirs, 1))


def measure_areas(split: Split, results: Results) -> None:
    """Measure AUC from the factors of LightFM models against LightFM.

    After one pass over the data, items differ so much in length that bounds spare a good part
    of the product; after ten, little of it.
    """
    from lightfm import LightFM
    from lightfm.evaluation import auc_score

    train, test = split.train.matrix, split.test.matrix
    options = {"num_threads": available_cpus(), "check_intersections": False}
    for epochs in (1, 10):
        task = f"{AREA_TASK}, {epochs} {'epoch' if epochs == 1 else 'epochs'}"
        model = LightFM(no_components=FACTORS, loss="warp", random_state=0)
        model.fit(train, epochs=epochs, num_threads=available_cpus())
        biases, items = model.get_item_representations()
        scorer = scorer_of(model.get_user_representations()[1], items, biases)
        ours = timed(partial(placed_metrics, split, scorer, accuracy=False), 3)
        results.add(task, "hybridrec", ours)
        results.add(task, "SGEMM alone", timed(partial(product, scorer, split.test_users), 3))
        start = time.perf_counter()
        found = auc_score(model, test, train_interactions=train, **options)
        seconds = time.perf_counter() - start
        results.add(task, "LightFM, auc_score", (seconds, {"auc": float(found.mean())}))


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="rectools or lenskit, and the interpreter of an environment that has it",
    )
    options = parser.parse_args()
    split = load(options.data)
    results = Results()
    model = fit(split)
    measure_accuracy(split, model, results)
    measure_areas(split, results)
    measure_lists(split, model, dict(one.split("=", 1) for one in options.peer), results)
    note = f"{len(split.test_users):,} users, {len(split.train.items):,} items, {FACTORS} factors"
    write_results("metrics", {"rows": results.rows}, f"{note}\n\n{results.table()}")


if __name__ == "__main__":
    main()
