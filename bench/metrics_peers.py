"""What RecTools and LensKit do for ``bench.metrics``, in environments of their own.

``PYTHON bench/metrics_peers.py rectools FOLDER``: reads ``reco.npz``, ``test.npz`` and
``items.npz`` there and prints seconds and means as JSON. Nothing of hybridrec is imported.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CUTOFFS = (5, 10, 20)
PARTS = ("reco", "test", "items")


def rectools(reco: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame) -> Callable[[], Any]:
    """All six metrics in one call of ``calc_metrics``."""
    from rectools.metrics import MAP, MRR, NDCG, CatalogCoverage, HitRate, Recall, calc_metrics

    kinds = {
        "recall": lambda k: Recall(k=k),
        "ndcg": lambda k: NDCG(k=k, divide_by_achievable=True),
        "map": lambda k: MAP(k=k),
        "mrr": lambda k: MRR(k=k),
        "hit-rate": lambda k: HitRate(k=k),
        "coverage": lambda k: CatalogCoverage(k=k, normalize=True),
    }
    metrics = {f"{name}@{k}": make(k) for name, make in kinds.items() for k in CUTOFFS}
    names = {"user": "user_id", "item": "item_id"}
    reco, test = reco.rename(columns=names), test.rename(columns=names)
    return lambda: calc_metrics(metrics, reco, test, catalog=items["item"].to_numpy())


def lenskit(reco: pd.DataFrame, test: pd.DataFrame, _items: pd.DataFrame) -> Callable[[], Any]:
    """Five metrics in one ``RunAnalysis``, from frames to item lists to values."""
    from lenskit.data import ItemListCollection, UserIDKey
    from lenskit.metrics import NDCG, Hit, Recall, RecipRank, RunAnalysis
    from lenskit.metrics.ranking import AveragePrecision

    kinds = {"recall": Recall, "ndcg": NDCG, "map": AveragePrecision, "mrr": RecipRank}
    kinds["hit-rate"] = Hit
    names = {"user": "user_id", "item": "item_id"}
    reco, test = reco.rename(columns=names), test.rename(columns=names)

    def work() -> dict[str, float]:
        analysis = RunAnalysis()
        for name, kind in kinds.items():
            for k in CUTOFFS:
                analysis.add_metric(kind(k), f"{name}@{k}")
        lists = ItemListCollection.from_df(reco, UserIDKey)
        found = analysis.measure(lists, ItemListCollection.from_df(test, UserIDKey))
        return dict(found.list_summary()["mean"])

    return work


def main() -> None:
    """Measure one peer: the median of some calls after the first, of LensKit's minutes one."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    tables = {part: pd.DataFrame(dict(np.load(folder / f"{part}.npz"))) for part in PARTS}
    peers = {"rectools": (rectools, 6), "lenskit": (lenskit, 1)}
    prepare, calls = peers[name]
    work = prepare(*tables.values())
    seconds, found = [], {}
    for _ in range(calls):
        start = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - start)
    values = {one: float(value) for one, value in found.items()}
    print(json.dumps({"seconds": statistics.median(seconds[1:] or seconds), "values": values}))


if __name__ == "__main__":
    main()
