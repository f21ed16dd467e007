"""All tables of accuracy: ``python -m bench.accuracy --data DIR [--only TABLE ...]``.

Published protocols with the published numbers beside ours, what each known artefact of the
click-through data would have bought, new films with and without facts from after their release,
and new users with a few interactions. Five seeds each. No parameter is tuned on a test: models
have their defaults, which were found on validation splits (``bench/defaults``); ensembles weigh
their members on held-out training rows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from bench.measure import DEFAULT_DATA, RESULTS, markdown, run, write_results
from bench.pipeline import command
from hybridrec import clean, load_dataset, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.splits import SPLITS, Split
from hybridrec.models.spec import ModelSpec

SEEDS = 5
LIKED = 3.5  # least rating of a film that counts as an interaction

WITHOUT_KG = ("popularity", "item-knn", "rp3-beta", "als", "hybrid-als:features=none")
WITH_KG = ("content", "hybrid-als", "personalized-page-rank")
PAIRS = (*WITHOUT_KG, *WITH_KG, "stack")
LISTS = (*WITHOUT_KG, "ease:features=none", *WITH_KG, "blend")
LARGE = ("popularity", "item-knn", "rp3-beta", "als", "hybrid-als")  # dense weights do not fit
COLD = (
    *("content", "hybrid-als:prior_share=0", "hybrid-als", "hybrid-als:features=smooth-tokens"),
    *("personalized-page-rank", "blend"),
)
COLD_SMALL = ("ease", "graph-filter", *COLD)
PROTOCOLS = {
    "click-through, Last.FM": ("kgcn-ctr", "lastfm", PAIRS),
    "click-through, Book-Crossing": ("kgcn-ctr", "book", PAIRS),
    "full ranking, Last.FM": ("full-ranking", "lastfm", LISTS),
    "full ranking, amazon-book": ("full-ranking", "amazon-book", LARGE),
    "cold items, Last.FM": ("cold-items", "lastfm", COLD_SMALL),
    "cold items, Book-Crossing": ("cold-items", "book", COLD),
    "mixed lists, Last.FM": ("warm-and-cold", "lastfm", ("als", *COLD_SMALL)),
}
NEW_USERS = ("popularity", "item-knn", "als", "hybrid-als", "personalized-page-rank")
SUPPORTS = (1, 3, 5)
FILMS = "new films, movielens-small"

Rows = list[dict[str, Any]]


def main() -> None:
    """Make the tables asked for, and keep the others as they were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--only", nargs="+", metavar="TABLE", help="By default all.")
    options = parser.parse_args()
    tables = {
        **{name: lambda name=name: by_protocol(name, options.data) for name in PROTOCOLS},
        FILMS: new_films,
        "new users, movielens-small": lambda: new_users(films()),
        "new users, Last.FM": lambda: new_users(positives(options.data / "lastfm")),
    }
    path = RESULTS / "accuracy.json"
    found = json.loads(path.read_text())["tables"] if path.exists() else {}
    for name, make in tables.items():
        if options.only is None or name in options.only:
            start = time.perf_counter()
            found[name] = list(make())
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
            save({name: found[name] for name in tables if name in found})


def save(tables: dict[str, Rows]) -> None:
    """Write all tables found so far."""
    texts = [f"**{name}**\n\n{table(rows)}" for name, rows in tables.items()]
    write_results("accuracy", {"tables": tables}, "\n\n".join(texts))


def by_protocol(name: str, data: Path) -> Rows:
    """Evaluate models under a published protocol, through the command line."""
    protocol, folder, models = PROTOCOLS[name]
    named = [part for model in models for part in ("--model", model)]
    done = run(
        command(
            *("evaluate", "--protocol", protocol, "--data", str(data / folder)),
            *("--seeds", str(SEEDS), *named, "--format", "json"),
        )
    )
    rows: Rows = json.loads(done.stdout)
    return rows


def new_films() -> Iterator[dict[str, Any]]:
    """Rank new films that are linked to the knowledge graph, by what is known of them."""
    everything = linked(films())
    assert everything.knowledge is not None
    before = everything.with_knowledge(everything.knowledge.without_after_release())
    for facts, dataset, features in (
        ("genres and years", everything, "columns"),
        ("KG without facts from after release", before, "tokens"),
        ("the same, genres and years", before, "tokens+columns"),
        ("KG", everything, "tokens"),
        ("KG, genres and years", everything, "tokens+columns"),
    ):
        for model in ("content", "hybrid-als", "personalized-page-rank"):
            named = f"{model}:features={features}"
            yield from measured(f"{model}, {facts}", named, dataset, "cold-items")


def new_users(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Fold in users that no model has seen, from one, three or five interactions."""
    for support in SUPPORTS:
        for model in NEW_USERS:
            for row in measured(model, model, dataset, "cold-users", support=support):
                yield row | {"slice": f"{support} known"}


def measured(
    name: str, model: str, dataset: Dataset, split: str, **params: Any
) -> Iterator[dict[str, Any]]:
    """Fit and measure a model on one split a seed."""
    spec = ModelSpec.parse(model)
    for seed in range(SEEDS):
        cut: Split = SPLITS[split](dataset, random_state=seed, **params)
        fitted = spec.fit(cut.train, random_state=seed, threads=0)
        found = evaluate(fitted, cut, metrics=("recall", "ndcg"), k=20)
        for metric in ("recall", "ndcg"):
            value = found.mean(metric, 20)
            row = {"model": name, "seed": seed, "slice": "all", "metric": metric, "k": 20}
            yield {**row, "value": value, "published": False, "source": None}


def films() -> Dataset:
    """Return the bundled ratings, as the films that users like."""
    data = load_dataset("movielens-small")
    return with_interactions(data, min_weight=LIKED)


def positives(folder: Path) -> Dataset:
    """Return labelled pairs without the negatives."""
    return with_interactions(read_dataset(folder))


def linked(data: Dataset) -> Dataset:
    """Return the interactions with films of which Freebase tells something, and its facts."""
    assert data.knowledge is not None
    names = data.knowledge.relations.ids
    facts = data.knowledge.without_relations(names[~np.char.startswith(names.astype(str), "film.")])
    data = data.with_knowledge(facts)
    told = np.zeros(len(facts.entities) + 1, dtype=bool)  # the last: no entity
    told[facts.head] = told[facts.tail] = True
    told[-1] = False
    rows = data.interactions
    return data.with_interactions(rows.take(told[data.item_entities[rows.item_codes]]))


def with_interactions(data: Dataset, **options: Any) -> Dataset:
    """Return a data set whose interactions are cleaned, all its items kept."""
    rows, _ = clean(data.interactions, **options)
    item_table = data.item_table
    if item_table is not None:
        item_table = item_table.assign(item=data.items.ids)
    return Dataset.build(rows, data.knowledge, item_table=item_table, name=data.name)


def table(rows: Rows) -> str:
    """Return mean and standard deviation over seeds, ours first, then the published."""
    slices = list(dict.fromkeys(row["slice"] for row in rows if not row["published"]))
    metrics = list(dict.fromkeys((row["metric"], row["k"]) for row in rows))
    columns = [(on, *metric) for on in slices for metric in metrics]
    values: dict[tuple[str, str], dict[Any, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        who = row["model"], row["source"] or ""
        values[who][row["slice"], row["metric"], row["k"]].append(row["value"])
    header = [
        "model",
        *(f"{metric}{'' if k is None else f'@{k}'}, {on}" for on, metric, k in columns),
        "published in",
    ]
    body = [
        [model, *(cell(found.get(column, [])) for column in columns), source]
        for (model, source), found in values.items()
    ]
    return markdown(header, body)


def cell(values: list[float]) -> str:
    """Return the mean, of several seeds with the standard deviation."""
    if len(values) > 1:
        return f"{mean(values):.4f} ± {stdev(values):.4f}"
    return f"{values[0]:.4f}" if values else ""


if __name__ == "__main__":
    main()
