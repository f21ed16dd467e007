"""LightFM in numba beside the package: ``python -m bench.lightfm --data DIR [--buffalo PYTHON]``.

The training file of amazon-book (KGAT), 64 factors, WARP, one thread, both engines with their
common defaults, in one run: ids only, 10 tokens an item, 64 dense features an item. The features
come from the training matrix: its truncated SVD, and hashes of that. Figures are CPU seconds of
whole fits, so that other work on the machine counts less, by epochs; compilation is done before.
``--buffalo`` names the Python of an environment with buffalo, for its WARP on ids only.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure import DEFAULT_DATA, markdown, run, write_results

if TYPE_CHECKING:
    from hybridrec.evaluation.splits.split import Split
    from hybridrec.features.blocks import Features

FACTORS, RATE, TOKENS, BITS = 64, 0.05, 10, 7


def main() -> None:
    """Measure everything and write the table, or train buffalo in its own environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--repeats", type=int, default=3, help="fits of our engine; the best counts"
    )
    parser.add_argument("--buffalo", help="the Python of an environment with buffalo")
    parser.add_argument("--train-buffalo", type=Path, help="only train on a folder's train.mtx")
    options = parser.parse_args()
    if options.train_buffalo:
        train_buffalo(options.train_buffalo, options.epochs)
    else:
        measure(options.data, options.epochs, options.repeats, options.buffalo)


def measure(data: Path, epochs: int, repeats: int, buffalo: str | None) -> None:
    """Fit all, and write the results."""
    from hybridrec.evaluation.splits import read_predefined

    folder = data / "amazon-book"
    split = read_predefined(folder / "train.txt.gz", folder / "test.txt.gz")
    rows: list[dict[str, Any]] = []
    for task, features in {"ids only": None, **item_features(split)}.items():
        fit(split, features, "numba", 1)  # compiles
        rows += [
            {"task": task, "engine": "hybridrec"} | best(split, features, "numba", epochs, repeats),
            {"task": task, "engine": "lightfm"} | best(split, features, "lightfm", epochs, 1),
        ]
        print(rows[-2:], flush=True)
    if buffalo:
        rows.append({"task": "ids only", "engine": "buffalo"} | of_buffalo(split, epochs, buffalo))
    ours = {row["task"]: row["seconds"] for row in rows if row["engine"] == "hybridrec"}
    body = [
        [
            row["task"],
            row["engine"],
            f"{row['seconds']:.2f}",
            f"{row['seconds'] / ours[row['task']]:.1f}",
            f"{row['ndcg@20']:.4f}",
        ]
        for row in rows
    ]
    header = ("items have", "engine", "CPU s per epoch", "times ours", "NDCG@20")
    title = (
        f"amazon-book, {split.train.matrix.nnz:,} interactions, {FACTORS} factors, WARP,"
        f" {epochs} epochs, one thread; NDCG@20 on KGAT's test"
    )
    note = "buffalo has its own defaults, nothing tuned: compare its seconds, not its NDCG"
    table = f"{title}; {note}\n\n{markdown(header, body)}"
    write_results("lightfm", {"epochs": epochs, "repeats": repeats, "rows": rows}, table)


def item_features(split: Split) -> dict[str, Features]:
    """Return features with structure: SVD vectors of the items, and hashes of them as tokens."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import svds

    from hybridrec.features.blocks import FeatureBlock, Features, scale_rows

    _, sizes, vectors = svds(split.train.matrix, FACTORS, random_state=0)
    dense = scale_rows(vectors.T * sizes)
    assert isinstance(dense, np.ndarray)
    rng = np.random.default_rng(0)
    spread = np.maximum(dense.std(axis=0), 1e-9)
    planes = rng.normal(size=(TOKENS, FACTORS, BITS))
    codes = ((dense / spread) @ planes > 0) @ (1 << np.arange(BITS))
    tokens = (codes + (np.arange(TOKENS) << BITS)[:, None]).T
    ones = np.ones(tokens.size, dtype=np.float32)
    starts = np.arange(0, tokens.size + 1, TOKENS)
    sparse = scale_rows(csr_matrix((ones, tokens.ravel(), starts), (len(dense), TOKENS << BITS)))
    blocks = {f"{TOKENS} tokens": sparse, f"{FACTORS} dense features": dense}
    return {
        name: Features([FeatureBlock(name, one, np.arange(one.shape[1]).astype(str))])
        for name, one in blocks.items()
    }


def best(
    split: Split, features: Features | None, engine: str, epochs: int, repeats: int
) -> dict[str, float]:
    """Return CPU seconds per epoch of the fastest fit, and NDCG@20 of the last."""
    from hybridrec import evaluate

    fits = [fit(split, features, engine, epochs) for _ in range(repeats)]
    found = evaluate(fits[-1][0], split, metrics=["ndcg"], k=20, num_threads=1)
    return {
        "seconds": min(seconds for _, seconds in fits) / epochs,
        "ndcg@20": found.mean("ndcg", 20),
    }


def fit(split: Split, features: Features | None, engine: str, epochs: int) -> tuple[Any, float]:
    """Return a fitted model and the CPU seconds it took."""
    from hybridrec import LightFM

    model = LightFM(
        engine=engine, factors=FACTORS, learning_rate=RATE, epochs=epochs, num_threads=1
    )
    start = time.process_time()
    model.fit(split.train, item_features=[] if features is None else features)
    return model, time.process_time() - start


def of_buffalo(split: Split, epochs: int, python: str) -> dict[str, float]:
    """Return the same of buffalo's WARP, trained in its own environment."""
    import pandas as pd
    from scipy.io import mmwrite

    from hybridrec import evaluate

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mmwrite(folder / "train.mtx", split.train.matrix)
        command = [python, "-m", "bench.lightfm", "--train-buffalo", name, "--epochs", str(epochs)]
        seconds = json.loads(run(command).stdout.splitlines()[-1])
        with np.load(folder / "factors.npz") as stored:
            users, items, bias = stored["users"], stored["items"], stored["bias"]
    top = []
    seen = split.train.matrix
    for user in np.unique(split.test.user_codes):
        scores = items @ users[user] + bias
        scores[seen[user].indices] = -np.inf
        chosen = np.argpartition(-scores, 20)[:20]
        top.append((np.full(20, user), chosen, scores[chosen]))
    user_codes, item_codes, scores = (np.concatenate(part) for part in zip(*top, strict=True))
    lists = pd.DataFrame(
        {
            "user": split.train.users.ids[user_codes],
            "item": split.train.items.ids[item_codes],
            "score": scores,
        }
    )
    found = evaluate(lists, split, metrics=["ndcg"], k=20)
    return {"seconds": seconds / epochs, "ndcg@20": found.mean("ndcg", 20)}


def train_buffalo(folder: Path, epochs: int) -> None:
    """Train buffalo's WARP, write its factors and print CPU seconds of the training alone."""
    from buffalo import WARP, MatrixMarketOptions, WARPOption

    data = MatrixMarketOptions().get_default_option()
    data.input.main = str(folder / "train.mtx")
    data.data.path = str(folder / "train.h5py")
    data.data.tmp_dir = str(folder)
    data.data.validation = {}
    option = WARPOption().get_default_option()
    option.update({"d": FACTORS, "num_iters": epochs, "num_workers": 1, "lr": RATE})
    option.update({"compute_loss_on_training": False})
    model = WARP(option, data_opt=data)
    model.initialize()
    start = time.process_time()
    model.train()
    seconds = time.process_time() - start
    bias = np.ravel(model.Qb) if hasattr(model, "Qb") else np.zeros(len(model.Q))
    np.savez(folder / "factors.npz", users=model.P, items=model.Q, bias=bias)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
