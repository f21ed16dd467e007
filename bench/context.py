"""Does the context help: ``python -m bench.context [--frappe FILE] [--depaul FILE]``.

Models with and without the context of the held-out interactions: one list for every user and
context of the test (`hybridrec.evaluation.compare_in_context`). Strengths are chosen inside each
fit, on interactions held out of the training rows; nothing is chosen on the test. "shuffled" is
the control: the same model with contexts dealt out to the training rows at random.

- movielens-small (ratings of at least 3.5), part of the day and weekend of the rating, in UTC. Its
  times are those of rating, and most users rated all their films in one or two sittings, so in a
  random split the context tells the sitting; the split by time says what is left without that.
- Frappe, use of apps by part of the day (Baltrunas et al. 2015), and DePaulMovie, ratings of at
  least 4 with time, location and companion (Zheng et al. 2015): frappe/frappe.csv and ratings.txt
  of context-aware_data_sets at https://github.com/irecsys/CARSKit. Left out if not given.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from bench.measure import markdown, write_results
from hybridrec import Contextual, Dataset, Interactions, Popularity, clean, load_dataset
from hybridrec.dataset.context import with_context
from hybridrec.evaluation import Split, by_time, compare_in_context, random_split
from hybridrec.models.spec import ModelSpec

BASE, K = "hybrid-als:factors=32", 10
CONTEXTS = {
    "movielens-small": ("daypart", "weekend"),
    "frappe": ("daytime",),
    "depaul": ("When", "Location", "Companion"),
}
Row = dict[str, Any]


def main() -> None:
    """Measure, and write the table after every data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frappe", type=Path)
    parser.add_argument("--depaul", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    rows: list[Row] = []
    for data in datasets(options.frappe, options.depaul):
        for kind, split in splits(data, options.seeds):
            rows += measured(data.name, kind, split)
            write_results("context", {"base": BASE, "rows": rows}, table(rows))


def datasets(frappe: Path | None, depaul: Path | None) -> Iterator[Dataset]:
    """Yield the data sets that there are."""
    import pandas as pd

    if depaul is not None:
        frame = pd.read_csv(depaul).rename(columns={"Time": "When"})  # no timestamp
        yield _dataset("depaul", frame[frame["rating"] >= 4])
    films = load_dataset("movielens-small")
    liked, _ = clean(films.interactions, min_weight=3.5)
    liked = with_context(liked, CONTEXTS["movielens-small"])
    yield Dataset(liked, name="movielens-small")
    if frappe is not None:
        frame = pd.read_csv(frappe, sep="\t").replace("unknown", None)
        columns = ["user", "item", *CONTEXTS["frappe"]]
        yield _dataset("frappe", frame[columns].drop_duplicates())


def _dataset(name: str, frame: Any) -> Dataset:
    return Dataset(Interactions.from_frame(frame, context=CONTEXTS[name]), name=name)


def splits(data: Dataset, seeds: int) -> Iterator[tuple[str, Split]]:
    """Yield random splits, and one by time where there are times."""
    for seed in range(100, 100 + seeds):
        yield "random", random_split(data, random_state=seed)
    if data.interactions.timestamps is not None:
        yield "by time", by_time(data)


def measured(name: str, kind: str, split: Split) -> list[Row]:
    """Return a row for each model."""
    train, context = split.train, CONTEXTS[name]
    models: dict[str, Any] = {
        "popularity": Popularity().fit(train),
        "popularity in context": Contextual(base="popularity", context=context).fit(train),
        "base": ModelSpec.parse(BASE).fit(train, random_state=0, threads=0),
    }
    for method in ("post-filter", "pre-filter", "factors"):
        model = Contextual(base=BASE, context=context, method=method)
        models[method] = model.fit(train)
        control = Contextual(base=BASE, context=context, method=method)
        models[f"{method}, shuffled"] = control.fit(shuffled(train, split.seed or 0))
    found = compare_in_context(models, split, context, metrics=("ndcg", "recall"), k=K)
    tests = found.significance("ndcg", K, baseline="base").set_index("model")["p_holm"]
    return [
        {
            "data": name,
            "split": kind,
            "seed": split.seed,
            "model": one,
            **{metric: found.mean(one, metric, K) for metric in ("ndcg", "recall")},
            "p": float(tests.get(one, np.nan)),
            "strengths": getattr(model, "strengths_", None),
        }
        for one, model in models.items()
    ]


def shuffled(data: Dataset, seed: int) -> Dataset:
    """Return the data with the contexts of all rows dealt out anew."""
    rows = data.interactions
    order = np.random.default_rng(seed).permutation(len(rows))
    context = {name: values[order] for name, values in rows.context.items()}
    return data.with_interactions(replace(rows, context=context))


def table(rows: list[Row]) -> str:
    """Return means and standard deviations over the splits."""
    body = []
    groups = dict.fromkeys((row["data"], row["split"], row["model"]) for row in rows)
    for data, kind, model in groups:
        own = [
            row for row in rows if (row["data"], row["split"], row["model"]) == (data, kind, model)
        ]
        better = sum(row["p"] < 0.05 for row in own)
        body.append(
            [
                *(data, kind, model),
                *(_spread([row[metric] for row in own]) for metric in ("ndcg", "recall")),
                f"{better} of {len(own)}" if model != "base" else "",
                _strengths(own),
            ]
        )
    header = ["data", "split", "model", f"NDCG@{K}", f"recall@{K}", "p < .05", "strengths"]
    text = (
        f"Base: {BASE}. One list for every user and context; means ± standard deviations over the"
        " splits. p: NDCG differs from that of the base (either way), Holm-corrected randomisation"
        " test over users, in so many of the splits. Strengths: means of those that validation"
        " chose; 0 where it found no use."
    )
    return f"{text}\n\n{markdown(header, body)}"


def _spread(values: list[float]) -> str:
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def _strengths(rows: list[Row]) -> str:
    if rows[0]["strengths"] is None:
        return ""
    names = rows[0]["strengths"]
    return ", ".join(f"{one} {mean(row['strengths'][one] for row in rows):.2f}" for one in names)


if __name__ == "__main__":
    main()
