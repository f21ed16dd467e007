"""Personalized PageRank on Book-Crossing, kept or iterated: ``python -m bench.page_rank``.

One thread, seconds of the CPU. "iteration" walks the whole graph for every user, 256 users at a
time as one sparse times dense product: in float64, as the model's `exact_scores` does, and in
float32, without the walks that begin anywhere. AUC is of the click-through protocol, so far walks
count: lists need fewer neighbours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import PersonalizedPageRank, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.splits import Split, labelled_pairs
from hybridrec.runtime import threads

USERS = 256
REPEATS = 5
NEIGHBORS = (200, 500, 1000, 2000)
SEEDS = 3


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--folder", default="book")
    options = parser.parse_args()
    data = read_dataset(options.data / options.folder)
    splits = [labelled_pairs(data, random_state=seed) for seed in range(SEEDS)]
    fitted(splits[0].train, 10, steps=1)  # compiles
    rows: list[dict[str, Any]] = []
    with threads(1):
        for number, split in enumerate(splits):
            rows += measured(split, number)
    write_results("page_rank", {"rows": rows}, table(rows))


def measured(split: Split, seed: int) -> list[dict[str, Any]]:
    """Return build seconds, milliseconds a user and AUC of every way."""
    rows = []
    users = np.unique(split.test_pairs.users)
    for neighbors in NEIGHBORS:
        start = time.process_time()
        model = fitted(split.train, neighbors)
        seconds = time.process_time() - start
        row = of(model.scorer_.block, users, split)
        megabytes = model.scorer_.weights.nnz * 8 / 1e6
        rows.append({"way": f"{neighbors} neighbours", "build": seconds, "mb": megabytes, **row})
    for name, kind in (("iteration, float64", np.float64), ("iteration, float32", np.float32)):
        row = of(iteration(model, kind), users, split)
        rows.append({"way": name, "build": 0.0, "mb": 0.0, **row})
    return [{"seed": seed, **row} for row in rows]


def fitted(train: Dataset, neighbors: int, **params: Any) -> PersonalizedPageRank:
    """Return a model fitted on one thread."""
    return PersonalizedPageRank(neighbors=neighbors, num_threads=1, **params).fit(train)


def iteration(
    model: PersonalizedPageRank, kind: type[np.floating[Any]]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what walks the whole graph for some users."""
    if kind is np.float64:
        return model.exact_scores
    walks = model._walks_over(model.history_)
    there, back = walks.from_items, walks.to_items
    profiles = model.scorer_.profiles

    def scores(users: np.ndarray) -> np.ndarray:
        here = np.ascontiguousarray(profiles[users].toarray().T)
        total, left = np.zeros_like(here), np.float32(1)
        for _ in range(walks.steps):
            total += left * np.float32(walks.restart) * here
            left *= np.float32(1 - walks.restart)
            here = back @ (there @ here)
        return np.ascontiguousarray((total + left * here).T)

    return scores


def of(
    score: Callable[[np.ndarray], np.ndarray], users: np.ndarray, split: Split
) -> dict[str, Any]:
    """Return milliseconds a user, the best of some runs, and AUC over the test pairs."""
    best = np.inf
    for repeat in range(REPEATS):
        part = users[repeat * USERS : (repeat + 1) * USERS]
        start = time.process_time()
        score(part)
        best = min(best, (time.process_time() - start) / len(part))
    pairs = split.test_pairs
    place = np.searchsorted(users, pairs.users)
    found = np.empty(len(place))
    for first in range(0, len(users), USERS):
        block = score(users[first : first + USERS])
        rows = (place >= first) & (place < first + USERS)
        found[rows] = block[place[rows] - first, pairs.items[rows]]
    known = np.diff(split.train.matrix.indptr)[pairs.users] > 0
    found = np.where(np.isneginf(found), -1.0, found)
    return {
        "ms": 1000 * best,
        "auc": roc_auc_score(pairs.labels, found),
        "auc_known": roc_auc_score(pairs.labels[known], found[known]),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the means over splits as Markdown."""
    ways = list(dict.fromkeys(row["way"] for row in rows))
    by_way = {way: [row for row in rows if row["way"] == way] for way in ways}
    slowest = mean(row["ms"] for row in by_way["iteration, float32"])
    body = []
    for way, found in by_way.items():
        milliseconds = mean(row["ms"] for row in found)
        body.append(
            [
                way,
                f"{mean(row['build'] for row in found):.1f}",
                f"{mean(row['mb'] for row in found):.0f}",
                f"{milliseconds:.3f}",
                f"{slowest / milliseconds:.0f}x",
                *(spread([row[name] for row in found]) for name in ("auc", "auc_known")),
            ]
        )
    header = [
        *("way", "build, s", "MB", "ms a user", "faster than iteration in float32"),
        *("AUC", "AUC, users with a training positive"),
    ]
    return markdown(header, body)


def spread(values: list[float]) -> str:
    """Return mean and standard deviation."""
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


if __name__ == "__main__":
    main()
