"""HybridALS against other ALS: ``python -m bench.hybrid_als [--peer NAME=PYTHON ...]``.

amazon-book, 64 factors, one thread, without features and with 64 dense ones (the first singular
vectors of the training data). Every system is fitted for few and for more iterations, in turns;
the seconds of an iteration are the difference of the best times by that of the iterations, and
NDCG@20 is that of the longer fit. Times are of the CPU, which other work on the machine hardly
changes. Ours has its defaults; what implicit is given was found on a
validation part of the training data, and the others of its kind have the same.
RecTools and cmfrec run by ``bench/hybrid_als_peers.py`` in environments of their own
(``--peer rectools=VENV/bin/python``).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, save_npz
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

from bench.hybrid_als_peers import ALPHA, FACTORS, IMPLICIT, Fitted
from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import evaluate, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.protocols import protocol
from hybridrec.evaluation.splits import Split
from hybridrec.features.blocks import FeatureBlock, Features, scale_rows
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.popularity import Popularity
from hybridrec.ranking.scorer import FactorScorer

FEW, MORE = 2, 15
WIDTH = 64
PEERS = {"rectools": (True,), "cmfrec": (False, True)}  # with features or not

Fit = Callable[[int], Fitted]


def singular_vectors(train: csr_matrix) -> np.ndarray:
    """Return dense features of items, float32 (n_items, 64)."""
    start = np.random.default_rng(0).normal(size=min(train.shape))
    _, _, vectors = svds(train, k=WIDTH, v0=start, return_singular_vectors="vh")
    return scale_rows(np.ascontiguousarray(vectors.T, dtype=np.float32))


def ours(train: Dataset, features: np.ndarray | None, solver: str, iterations: int) -> Fitted:
    """Fit HybridALS, from the dataset on."""
    given: Any = []
    if features is not None:
        names = np.arange(WIDTH).astype(str)
        given = Features([FeatureBlock("singular-vectors", features, names)])
    model = HybridALS(factors=FACTORS, solver=solver, iterations=iterations, num_threads=1)
    start = time.process_time()
    model.fit(train, item_features=given)
    seconds = time.process_time() - start
    assert isinstance(model.scorer_, FactorScorer)
    return seconds, model.scorer_.user_factors, model.scorer_.item_factors


def implicit(train: csr_matrix, use_cg: bool, iterations: int) -> Fitted:
    """Fit the package's ALS."""
    from implicit.cpu.als import AlternatingLeastSquares

    params = {**IMPLICIT, "alpha": ALPHA, "iterations": iterations, "use_cg": use_cg}
    with threadpool_limits(1):
        model = AlternatingLeastSquares(**params)
        start = time.process_time()
        model.fit(train, show_progress=False)
        seconds = time.process_time() - start
    return seconds, model.user_factors, model.item_factors


def peer(name: str, python: str, folder: Path, with_features: bool, iterations: int) -> Fitted:
    """Let a peer in an environment of its own fit and measure itself."""
    script = Path(__file__).with_name("hybrid_als_peers.py")
    command = [python, str(script), name, str(folder), str(iterations), str(with_features)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    factors = np.load(folder / "factors.npz")
    return json.loads(done.stdout.splitlines()[-1]), factors["users"], factors["items"]


def systems(split: Split, folder: Path, peers: dict[str, str]) -> dict[tuple[str, str], Fit]:
    """Return what is measured, by features and name."""
    train, matrix = split.train, split.train.matrix
    features = singular_vectors(matrix)
    save_npz(folder / "train.npz", matrix)
    np.save(folder / "features.npy", features)
    found: dict[tuple[str, str], Fit] = {}
    for label, given in (("none", None), (f"{WIDTH} dense", features)):
        for solver in ("cholesky", "cg"):
            found[label, f"hybridrec, {solver}"] = partial(ours, train, given, solver)
        if given is None:
            found[label, "implicit, cg"] = partial(implicit, matrix, True)
            found[label, "implicit, cholesky"] = partial(implicit, matrix, False)
        for name, python in peers.items():
            if (given is not None) in PEERS[name]:
                found[label, name] = partial(peer, name, python, folder, given is not None)
    return found


def ndcg(split: Split, fitted: Fitted) -> float:
    """Return NDCG@20 of factors on the test."""
    _, users, items = fitted
    model = Popularity().fit(split.train)  # for its history and ids
    users, items = users.astype(np.float32), np.ascontiguousarray(items, dtype=np.float32)
    model.scorer_ = FactorScorer(users, items, np.zeros(len(items), dtype=np.float32))
    return evaluate(model, split, metrics=["ndcg"], k=20).mean("ndcg", 20)


def measure(found: dict[tuple[str, str], Fit], split: Split, rounds: int) -> list[dict[str, Any]]:
    """Fit all systems in turns and return one row for each."""
    seconds: dict[tuple[str, str], dict[int, list[float]]] = {
        key: defaultdict(list) for key in found
    }
    quality = {}
    for _ in range(rounds):
        for key, fit in found.items():
            for iterations in (FEW, MORE):
                fitted = fit(iterations)
                seconds[key][iterations].append(round(fitted[0], 3))
            if key not in quality:
                quality[key] = round(ndcg(split, fitted), 4)
            print(*key, dict(seconds[key]), quality[key], flush=True)
    rows = []
    for (label, system), times in seconds.items():
        each = (min(times[MORE]) - min(times[FEW])) / (MORE - FEW)
        row = {"features": label, "system": system, "iteration": round(each, 3)}
        row |= {"fit": min(times[MORE]), "ndcg@20": quality[label, system]}
        rows.append(row | {"seconds": {str(n): values for n, values in times.items()}})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown; times are compared with the first row of the same features."""
    first: dict[str, float] = {}
    for row in rows:
        first.setdefault(row["features"], row["iteration"])
    names = ("features", "system", "iteration", "fit", "ndcg@20")
    cells = [
        [*(row[name] for name in names), round(row["iteration"] / first[row["features"]], 2)]
        for row in rows
    ]
    header = ["features", "system", "s per iteration", f"s for {MORE}", "NDCG@20", "times ours"]
    return markdown(header, cells)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="rectools or cmfrec, and the interpreter of an environment that has it",
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each fit is measured")
    options = parser.parse_args()
    peers = dict(one.split("=", 1) for one in options.peer)
    split = protocol("full-ranking").cut(read_dataset(options.data / "amazon-book"), 0)
    ours(split.train, None, "cholesky", 1), ours(split.train, None, "cg", 1)  # compiled
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(systems(split, Path(folder), peers), split, options.rounds)
    write_results("hybrid_als", {"rows": rows}, table(rows))


if __name__ == "__main__":
    main()
