"""How the models' defaults were chosen: grids on validation data, ``python -m bench.defaults``.

A fifth of the interactions is set aside as test data and never looked at here; of the rest, a
fifth is the validation part. Bundled data (ratings of at least 3.5) and Last.FM.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import clean, evaluate, load_dataset, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.splits import Split, cold_items, random_split
from hybridrec.models.registry import make_model

GRIDS: dict[str, list[dict[str, Any]]] = {
    "item-knn": [
        {"similarity": similarity, "neighbors": neighbors}
        for similarity in ("cosine", "tfidf", "bm25")
        for neighbors in (50, 200, 1000)
    ],
    "rp3-beta": [
        *({"beta": value} for value in (0.1, 0.2, 0.4, 0.5)),
        *({"alpha": value} for value in (0.4, 0.6, 0.8)),
        {"neighbors": 1000},
    ],
    "ease": [
        {"features": []},
        *({"feature_weight": value} for value in (0.5, 1.0, 2.0)),
        *({"feature_regularization": value} for value in (0.1, 1.0)),
    ],
    "graph-filter": [
        {"features": []},
        *({"feature_weight": value} for value in (0.1, 0.3, 1.0)),
    ],
    "als": [
        {"alpha": alpha, "regularization": regularization}
        for alpha, regularization in ((10, 1), (10, 20), (10, 40), (10, 60), (20, 80), (5, 20))
    ],
    "bpr": [
        {"learning_rate": rate, "regularization": regularization}
        for rate in (0.01, 0.02, 0.05)
        for regularization in (0.01, 0.02, 0.05)
    ],
    "logistic-mf": [{"regularization": value} for value in (0.6, 1.0, 2.0, 4.0)],
    "hybrid-als": [
        *({"features": [], "regularization": value} for value in (0.5, 0.7, 1.0, 1.4, 2.0)),
        *({"features": [], "alpha": value} for value in (0.5, 2)),
        *({"prior_share": value} for value in (0.1, 0.3, 0.5, 0.7)),
        *({"feature_regularization": value} for value in (0.3, 3.0, 10.0)),
        *({"calibration": value} for value in (0.3, 0.5, 0.7, 1.0)),
    ],
}


def datasets(data: Path) -> Iterator[Dataset]:
    """Yield the data sets, cleaned."""
    bundled = load_dataset("movielens-small")
    kept, _ = clean(bundled.interactions, min_weight=3.5)
    yield bundled.with_interactions(kept)
    if (data / "lastfm").exists():
        lastfm = read_dataset(data / "lastfm")
        kept, _ = clean(lastfm.interactions)
        yield lastfm.with_interactions(kept)


def splits(dataset: Dataset) -> tuple[Split, Split]:
    """Return the validation splits, warm and cold, of what is not test data."""
    warm = random_split(random_split(dataset, random_state=100).train, random_state=101)
    cold = cold_items(cold_items(dataset, random_state=100).train, random_state=101)
    return warm, cold


def measure(name: str, params: dict[str, Any], warm: Split, cold: Split) -> dict[str, float]:
    """Return recall@20 of one setting on the warm split, and on cold items where it applies."""
    params = dict(params)
    model = make_model(name)
    features = {"item_features": params.pop("features", None)} if model.uses_item_features else {}
    model.set_params(**params)
    out = {}
    for split, kind in ((warm, "warm"), (cold, "cold")):
        if kind == "cold" and not (model.uses_item_features and features["item_features"] is None):
            continue
        model.fit(split.train, **features)
        result = evaluate(model, split, metrics=["recall"], k=20)
        out[kind] = round(result.mean("recall", 20), 4)
    return out


def main() -> None:
    """Run all grids and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    rows: list[dict[str, Any]] = []
    for dataset in datasets(parser.parse_args().data):
        warm, cold = splits(dataset)
        for name, grid in GRIDS.items():
            for params in grid:
                row = {"data": dataset.name, "model": name, "params": params}
                rows.append({**row, **measure(name, params, warm, cold)})
    table = markdown(
        ["data", "model", "setting (others default)", "warm R@20", "cold R@20"],
        [(r["data"], r["model"], r["params"], r.get("warm", ""), r.get("cold", "")) for r in rows],
    )
    write_results("defaults", {"rows": rows}, table)


if __name__ == "__main__":
    main()
