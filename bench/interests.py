"""What age, sessions, people and layers bring to interests: ``python -m bench.interests``.

*Recency*: half-life and sessions of 30 minutes against neither, on data with times. What comes
last is held out: everybody's last five items, or the newest fifth. The half-life was chosen on the
last of the training rows, held out in the same way; then the test was looked at once. Differences
are NDCG@20 of the same users, with the standard error of their mean. That a session's weights are
divided by the root of their number, not by the number, was chosen on the validation rows of "last
5" as well: .140 against .099 for ease, .142 against .140 for hybrid-als, .142 against .143 for
item-knn.

*People*: users of whom 0, 1, 3 or 5 items are known, with a table of the users (age, gender,
occupation) or their friends, and without. Default parameters, nothing chosen; means over splits.

*Graph*: ``GraphFilter`` with facts as nodes or without, and 1 to 3 layers; random splits. The row
that was best on the mean of the validation parts is marked.

For time's sake only users with 5 and items with 20 interactions count on the bundled data (ratings
of at least 3.5), with 5 and 5 on KGCN's Last.FM, and hybrid-als has 32 factors. In *Recency* only
"content" uses features. Data that is not bundled:

- ``--ml-100k DIR``: ``ml-100k.inter`` and ``ml-100k.user`` from ``dataset/ml-100k`` of
  https://github.com/RUCAIBox/RecBole; ratings of at least 4.
- ``--lastfm-social DIR``: ``data1.txt``, ``test1.txt`` and ``trustnetwork.txt`` from
  ``data/lastfm`` of https://github.com/gusye1234/LightGCN-PyTorch; all interactions together.
- ``--data DIR``: KGCN's ``lastfm``, as for other benchmarks.

What is not there is skipped. ``--only`` measures a part anew and keeps all else.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd

from bench.measure import DEFAULT_DATA, RESULTS, markdown, write_results
from hybridrec import HybridALS, Popularity, clean, evaluate, load_dataset, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.recency import Recency
from hybridrec.dataset.social import SocialGraph
from hybridrec.evaluation.splits import Split, by_time, cold_users, leave_last_n, random_split
from hybridrec.evaluation.tuning.validation import validation_split
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.features.social import SocialEdges
from hybridrec.models.registry import make_model
from hybridrec.runtime import threads

PARTS = ("recency", "people", "graph")
MODELS: Mapping[str, dict[str, Any]] = {
    "item-knn": {},
    "ease": {},
    "personalized-page-rank": {},
    "content": {},
    "hybrid-als": {"factors": 32},
}
HALF_LIVES = {"movielens-small": (30, 90, 365, 1000), "ml-100k": (1, 7, 30, 90)}
GAP = 30.0
LEAST = {"min_user_interactions": 5, "min_item_interactions": 20}
SUPPORT = (0, 1, 3, 5)
K = 20
Row = dict[str, Any]


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--ml-100k", type=Path)
    parser.add_argument("--lastfm-social", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    rows: dict[str, list[Row]] = {part: [] for part in PARTS}
    if options.only:
        rows |= json.loads((RESULTS / "interests.json").read_text())["rows"]
    asked = PARTS if options.only is None else (options.only,)
    with threads(1):
        if "recency" in asked:
            rows["recency"] = [row for data in timed(options) for row in recency(data)]
        if "people" in asked:
            found = (people(data, options.seeds) for data in described(options))
            rows["people"] = [row for data in found for row in data]
        if "graph" in asked:
            found = (graph(data, options.seeds) for data in with_facts(options))
            rows["graph"] = [row for data in found for row in data]
    write_results("interests", {"rows": rows}, tables(rows))


# ---- data -------------------------------------------------------------------------------------


def bundled() -> Dataset:
    """Return the bundled data without rare users and items."""
    data = load_dataset("movielens-small")
    kept, _ = clean(data.interactions, min_weight=3.5, **LEAST)
    kept = Interactions.from_frame(kept.to_frame())  # without items that nobody likes
    table = data.item_table.assign(item=data.items.ids)  # type: ignore[union-attr]
    table = table[kept.items.codes(table["item"], unknown="skip") >= 0]
    return Dataset.build(kept, item_table=table, item="item", name=data.name)


def ml_100k(folder: Path) -> Dataset:
    """Return MovieLens 100K with age, gender and occupation of its users."""
    people = read_dataset(folder / "ml-100k.inter", users=folder / "ml-100k.user")
    table = people.user_table.drop(columns="zip_code")  # type: ignore[union-attr]
    items = folder / "ml-100k.item"
    kept, _ = clean(people.interactions, min_weight=4)
    data = read_dataset(kept, items=items if items.exists() else None)
    users = table.assign(user=people.users.ids)
    users["age"] = pd.to_numeric(users["age"])
    return Dataset.build(
        data.interactions,
        item_table=None if data.item_table is None else data.item_table.assign(item=data.items.ids),
        user_table=users,
        item="item",
        user="user",
        name="ml-100k",
    )


def lastfm_social(folder: Path) -> Dataset:
    """Return Last.FM with the friends of its users."""
    names = ["user", "item", "plays"]
    files = (folder / name for name in ("data1.txt", "test1.txt"))
    rows = pd.concat([pd.read_csv(one, sep="\t", names=names) for one in files])
    edges = pd.read_csv(folder / "trustnetwork.txt", sep="\t", names=["user", "friend"])
    social = SocialGraph.from_frame(edges)
    return Dataset.build(rows[["user", "item"]], social=social, name="lastfm-social")


def timed(options: argparse.Namespace) -> Iterator[Dataset]:
    """Yield the data sets with times."""
    yield bundled()
    if options.ml_100k is not None:
        yield ml_100k(options.ml_100k)


def described(options: argparse.Namespace) -> Iterator[Dataset]:
    """Yield the data sets that tell of their users."""
    if options.ml_100k is not None:
        yield ml_100k(options.ml_100k)
    if options.lastfm_social is not None:
        yield lastfm_social(options.lastfm_social)


def with_facts(options: argparse.Namespace) -> Iterator[Dataset]:
    """Yield the data sets with a knowledge graph."""
    small, facts = bundled(), load_dataset("movielens-small").knowledge
    assert facts is not None
    assert facts.link is not None
    ids, entities = facts.link
    linked = small.items.codes(ids, unknown="skip") >= 0
    facts = replace(facts, link=(ids[linked], entities[linked]))
    yield Dataset.build(small.interactions, facts, name=small.name)
    if (options.data / "lastfm").exists():
        data = read_dataset(options.data / "lastfm")
        kept, _ = clean(data.interactions, min_user_interactions=5, min_item_interactions=5)
        kept = Interactions.from_frame(kept.to_frame())  # without items that nobody has
        yield Dataset.build(kept, data.knowledge, name=data.name)


# ---- recency ----------------------------------------------------------------------------------


def recency(data: Dataset) -> Iterator[Row]:
    """Yield a row for every split, model and way of weighting."""
    for name, split in (("last 5", leave_last_n(data, n=5)), ("by time", by_time(data))):
        validation = validation_split(split)
        for model in MODELS:
            ages = {one: Recency(half_life_days=one) for one in HALF_LIVES[data.name]}
            found = {one: scores(validation, model, age).mean() for one, age in ages.items()}
            best = max(found, key=lambda one: found[one])
            ways = {
                "neither": None,
                f"half-life {best} d": ages[best],
                "sessions": Recency(session_gap_minutes=GAP),
                f"sessions, half-life {best} d": Recency(best, GAP),
            }
            known = {
                way: found[best] if of == ages[best] else scores(validation, model, of).mean()
                for way, of in ways.items()
            }
            plain = scores(split, model, None)
            for way, of in ways.items():
                values = plain if of is None else scores(split, model, of)
                change = values - plain
                error = change.std(ddof=1) / len(change) ** 0.5
                about = {"data": data.name, "split": name, "model": model, "way": way}
                figures = {
                    "validation": float(known[way]),
                    "test": float(values.mean()),
                    "change": float(change.mean()),
                    "error": float(error),
                    "users": len(values),
                }
                print(about, figures, flush=True)
                yield {**about, **figures}


def scores(split: Split, name: str, weighted: Recency | None) -> np.ndarray:
    """Return NDCG@20 of every test user."""
    train = split.train.with_interactions(split.train.interactions.weighted_by(weighted))
    features = None if name == "content" else []
    return ndcg(make_model(name, **MODELS[name]).fit(train, item_features=features), split)


def ndcg(model: Any, split: Split) -> np.ndarray:
    """Return NDCG@20 of every test user."""
    found = evaluate(model, split, metrics=["ndcg"], k=K)
    values: np.ndarray = found.slices["all"].values["ndcg", K]
    return values


# ---- people -----------------------------------------------------------------------------------


def people(data: Dataset, seeds: int) -> Iterator[Row]:
    """Yield a row for every number of known items, split and way of knowing users."""
    ways: dict[str, Any] = {"nothing": []}
    if data.user_table is not None:
        ways["table"] = ["columns"]
    if data.social is not None:
        ways["friends"] = ["social"]
        ways["friends, 64 circles"] = FeaturePipeline([SocialEdges(64)], side="user")
    for support in SUPPORT:
        for seed in range(seeds):
            split = cold_users(data, support=support, random_state=seed)
            about = {"data": data.name, "known": support, "seed": seed}
            values = ndcg(Popularity().fit(split.train), split)
            yield {**about, "way": "popular items", "ndcg": float(values.mean())}
            for way, features in ways.items():
                model = HybridALS(factors=32, random_state=seed)
                model.fit(split.train, item_features=[], user_features=features)
                value = float(ndcg(model, split).mean())
                print(about, way, value, flush=True)
                yield {**about, "way": way, "ndcg": value}


# ---- graph ------------------------------------------------------------------------------------


def graph(data: Dataset, seeds: int) -> Iterator[Row]:
    """Yield a row for every split, kind of facts and number of layers."""
    for seed in range(seeds):
        split = random_split(data, random_state=seed)
        for part, one in (("validation", validation_split(split)), ("test", split)):
            for facts in ("none", "tokens", "two-hop-tokens"):
                for layers in (1, 2, 3):
                    model = make_model("graph-filter", layers=layers)
                    model.fit(one.train, item_features=[] if facts == "none" else [facts])
                    about = {"data": data.name, "seed": seed, "part": part, "facts": facts}
                    value = float(ndcg(model, one).mean())
                    print(about, layers, value, flush=True)
                    yield {**about, "layers": layers, "ndcg": value}


# ---- tables -----------------------------------------------------------------------------------


def tables(rows: Mapping[str, list[Row]]) -> str:
    """Return all that was measured as Markdown."""
    parts = []
    if rows["recency"]:
        parts += ["NDCG@20 by age and session, and the change from neither ± its standard error:"]
        parts += [_recency_table(rows["recency"])]
    if rows["people"]:
        parts += ["NDCG@20 of hybrid-als for users of whom few items are known:"]
        parts += [_people_table(rows["people"])]
    if rows["graph"]:
        parts += ["NDCG@20 of graph-filter (validation / test), best on validation in bold:"]
        parts += [_graph_table(rows["graph"])]
    return "\n\n".join(parts)


def _recency_table(rows: list[Row]) -> str:
    body = [
        [
            *(row["data"], row["split"], row["model"], row["way"]),
            *(f"{row['validation']:.4f}", f"{row['test']:.4f}"),
            "" if row["way"] == "neither" else f"{row['change']:+.4f} ± {row['error']:.4f}",
        ]
        for row in rows
    ]
    return markdown(["data", "split", "model", "weights by", "validation", "test", "change"], body)


def _people_table(rows: list[Row]) -> str:
    body = []
    for data, way in dict.fromkeys((row["data"], row["way"]) for row in rows):
        own = [row for row in rows if (row["data"], row["way"]) == (data, way)]
        cells = [[row["ndcg"] for row in own if row["known"] == known] for known in SUPPORT]
        body.append([data, way, *map(_spread, cells)])
    return markdown(["data", "known of users", *(f"{one} items" for one in SUPPORT)], body)


def _graph_table(rows: list[Row]) -> str:
    body = []
    for data in dict.fromkeys(row["data"] for row in rows):
        cells: dict[tuple[str, int], dict[str, list[float]]] = {}
        for row in rows:
            if row["data"] == data:
                cell = cells.setdefault((row["facts"], row["layers"]), {})
                cell.setdefault(row["part"], []).append(row["ndcg"])
        best = max(cells, key=lambda key: mean(cells[key]["validation"]))
        for facts in dict.fromkeys(facts for facts, _ in cells):
            shown = []
            for layers in (1, 2, 3):
                cell = cells[facts, layers]
                text = f"{mean(cell['validation']):.4f} / {_spread(cell['test'])}"
                shown.append(f"**{text}**" if (facts, layers) == best else text)
            splits = len(cells[facts, 1]["test"])
            body.append([data, splits, facts, *shown])
    return markdown(["data", "splits", "facts", "1 layer", "2 layers", "3 layers"], body)


def _spread(values: list[float]) -> str:
    deviation = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
    return f"{mean(values):.4f}{deviation}"


if __name__ == "__main__":
    main()
