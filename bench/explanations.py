"""Are explanations faithful? On the bundled films: ``python -m bench.explanations``.

Two questions, for (user, item) pairs from the top-10 lists of users who are folded in.

1. The past items that an explanation names as the strongest are left out of the history, and the
   user is folded in again; so are as many past items drawn at random. "falls" is the share of
   pairs whose score is lower then, "places" how many places the item loses on average among all
   items the user does not know, "beats" the share in which the strongest item costs more score
   than the random one.
2. Some items lose all their interactions before the fit. Of each pair's first path through the
   knowledge graph, the fact that the item shares with the past item is taken away: the item comes
   again as two new items (`add_items`), with all its facts and without that one, or without
   another one drawn at random.

Milliseconds are of `explain` for users of the fit, one thread, after a first call.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, vstack

from bench.measure import RESULTS, markdown, write_results
from hybridrec import KnowledgeGraph, Recommender, load_dataset
from hybridrec.dataset.cleaning import clean
from hybridrec.dataset.dataset import Dataset
from hybridrec.models.explain import Asked
from hybridrec.models.registry import model_class
from hybridrec.runtime import random_stream, threads

MODELS: Mapping[str, dict[str, Any]] = {
    "popularity": {},
    "bias-baseline": {},
    "item-knn": {},
    "rp3-beta": {},
    "ease": {},
    "graph-filter": {},
    "als": {},
    "hybrid-als": {"factors": 64},
    "bpr": {},
    "logistic-mf": {},
    "lightfm": {},
    "personalized-page-rank": {},
    "content": {},
    "blend": {"weights": (1.0, 1.0, 1.0)},
    "stack": {"members": ("popularity", "item-knn", "content"), "folds": 3},
}
BY_FEATURES = (
    *("hybrid-als", "lightfm", "content", "personalized-page-rank"),
    *("ease", "graph-filter", "blend"),
)
LIKED = 3.5
USERS, K = 40, 10
LEAST = 10  # items of a user's history
REMOVED = (1, 3, 5)
HELD_OUT = 300
CLONES = 10_000_000  # ids of new items
SEED = 20261122


class Pair(NamedTuple):
    """A recommendation, and what its explanation names: positions in the history."""

    target: int
    strongest: np.ndarray
    drawn: np.ndarray


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--users", type=int, default=USERS)
    options = parser.parse_args()
    data = films()
    history, facts = [], []
    with threads(1):
        for name in options.models:
            model = model_class(name)(**MODELS[name]).fit(data)
            history.append({"model": name, **left_out(model, options.users)})
            if name in BY_FEATURES:
                facts.append({"model": name, **fact_gone(name, data, options.users)})
    history, facts = with_others("history", history), with_others("facts", facts)
    text = f"{history_table(history)}\n\n{fact_table(facts)}"
    write_results("explanations", {"history": history, "facts": facts}, text)


def with_others(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with those of the models that were measured before, in the order of models."""
    path = RESULTS / "explanations.json"
    before = json.loads(path.read_text())[kind] if path.exists() else []
    found = {row["model"]: row for row in [*before, *rows]}
    return [found[name] for name in MODELS if name in found]


def films() -> Dataset:
    """Return what users liked, with all that is known of the films."""
    data = load_dataset("movielens-small")
    rows, _ = clean(data.interactions, min_weight=LIKED)
    table = data.item_table
    assert table is not None
    return Dataset.build(
        rows, data.knowledge, item_table=table.assign(item=data.items.ids), item="item"
    )


def some_users(history: csr_matrix, count: int) -> np.ndarray:
    """Return some users with enough history."""
    able = np.flatnonzero(np.diff(history.indptr) >= LEAST)
    return np.sort(random_stream(SEED, 1).choice(able, size=min(count, len(able)), replace=False))


# ---- 1: past items ----------------------------------------------------------------------------


def left_out(model: Recommender, count: int) -> dict[str, Any]:
    """Return what the removal of past items does to scores and places."""
    cases: list[dict[str, float]] = []
    for user in some_users(model.history_, count).tolist():
        row = csr_matrix(model.history_[user])
        cases += removals(model, row, list(pairs(model, user, row)))
    found = {"pairs": len(cases), **milliseconds(model, count)}
    for name in cases[0] if cases else ():
        found[name] = float(np.mean([case[name] for case in cases]))
    return found


def pairs(model: Recommender, user: int, row: csr_matrix) -> Iterator[Pair]:
    """Yield the items recommended to a user who is folded in, explained."""
    scorer, rows, _ = model.scorer_for(np.array([-1]), row)
    stream = random_stream(SEED, 2, user)
    items = model.recommend_codes(np.array([-1]), K, history=row).items[0]
    for target in items[items >= 0].tolist():
        place = np.array([[target]], dtype=np.int32)
        score = float(scorer.chosen(rows, place)[0, 0])
        asked = Asked(scorer, int(rows[0]), row, target, -1, True, score)
        shares = model._history_shares(asked)
        best = shares.codes[np.argsort(-shares.values, kind="stable")][
            : int((shares.values > 0).sum())
        ]
        if len(best) < max(REMOVED):
            continue
        order = np.searchsorted(row.indices, best)
        yield Pair(target, order, stream.permutation(row.nnz))


def removals(model: Recommender, row: csr_matrix, found: list[Pair]) -> list[dict[str, float]]:
    """Return scores and places of a user's items without some of the history."""
    if not found:
        return []
    rows = [row]
    for pair in found:
        for order in (pair.strongest, pair.drawn):
            rows += [without(row, order[:size]) for size in REMOVED]
    batch = vstack(rows, format="csr")
    scorer, places, _ = model.scorer_for(np.full(len(rows), -1), batch)
    block = scorer.block(places)
    unseen = model.scorable_.copy()
    unseen[row.indices] = False
    ways = [f"{way} {size}" for way in ("strongest", "random") for size in REMOVED]
    cases = []
    for number, pair in enumerate(found):
        own = [0, *range(1 + number * len(ways), 1 + (number + 1) * len(ways))]
        target = np.full((len(own), 1), pair.target, dtype=np.int32)
        scores = scorer.chosen(places[own], target)[:, 0].astype(np.float64)
        ranks = (block[own][:, unseen] > block[own, pair.target][:, None]).sum(axis=1)
        case = {"beats": float(scores[1] < scores[1 + len(REMOVED)])}
        for at, way in enumerate(ways, 1):
            case[f"{way} falls"] = float(scores[at] < scores[0])
            case[f"{way} places"] = float(ranks[at] - ranks[0])
        cases.append(case)
    return cases


def without(row: csr_matrix, positions: np.ndarray) -> csr_matrix:
    """Return a history without the entries at some positions."""
    kept = np.delete(np.arange(row.nnz), positions)
    return csr_matrix((row.data[kept], row.indices[kept], [0, len(kept)]), shape=row.shape)


def milliseconds(model: Recommender, count: int) -> dict[str, float]:
    """Return the median and the 95th percentile of the time of an explanation."""
    spent = []
    codes = some_users(model.history_, count)
    lists = model.recommend(model.users_.ids[codes].tolist(), k=3)
    for user, item in zip(lists["user"].tolist(), lists["item"].tolist(), strict=True):
        start = time.perf_counter()
        model.explain(user, item)
        spent.append(time.perf_counter() - start)
    spent = spent[1:]
    return {f"ms p{share}": 1000 * float(np.percentile(spent, share)) for share in (50, 95)}


# ---- 2: facts ---------------------------------------------------------------------------------


def fact_gone(name: str, data: Dataset, count: int) -> dict[str, Any]:
    """Return what the removal of a fact of a new item does to its scores."""
    data, held = held_out(data)
    model = model_class(name)(**MODELS[name]).fit(data)
    allowed = np.zeros(len(model.items_), dtype=bool)
    allowed[held] = True
    users = some_users(model.history_, count)
    lists = model.recommend_codes(users, K, items=allowed)
    asked = []
    for user, items in zip(users.tolist(), lists.items, strict=True):
        for item in items[items >= 0].tolist():
            paths = model.explain(model.users_.ids[user], model.items_.ids[item], paths=1).paths
            if paths and len(paths[0].steps) == 2:
                asked.append((user, item, paths[0].steps))
    clones = Clones(data)
    stream = random_stream(SEED, 4)
    triples = [clones.three(item, steps, stream) for _, item, steps in asked]
    kept = [at for at, codes in enumerate(triples) if codes is not None]
    clones.add_to(model)
    lost: dict[str, list[float]] = {"named": [], "random": [], "score": []}
    for at in kept:
        codes = model.items_.codes(triples[at])
        row = np.full(1, asked[at][0])
        scores = model.scorer_.chosen(row, codes[None].astype(np.int32))[0].astype(np.float64)
        if np.isfinite(scores).all():
            lost["score"].append(abs(scores[0]))
            lost["named"].append(scores[0] - scores[1])
            lost["random"].append(scores[0] - scores[2])
    size = float(np.mean(lost["score"]))
    named, drawn = (np.array(lost[way]) for way in ("named", "random"))
    return {
        "pairs": len(named),
        "named falls": float((named > 0).mean()),
        "random falls": float((drawn > 0).mean()),
        "beats": float((named > drawn).mean()),
        "named loss": float(named.mean() / size),
        "random loss": float(drawn.mean() / size),
    }


def held_out(data: Dataset) -> tuple[Dataset, np.ndarray]:
    """Return the data without the interactions of some items, and these items."""
    users = data.matrix.getnnz(axis=0)
    able = np.flatnonzero(users >= 5)
    held = random_stream(SEED, 3).choice(able, size=HELD_OUT, replace=False)
    rows = np.flatnonzero(~np.isin(data.interactions.item_codes, held))
    return data.with_interactions(data.interactions.take(rows)), held


class Clones:
    """Items that come again as new ones, with all their facts or without one."""

    def __init__(self, data: Dataset) -> None:
        assert data.knowledge is not None
        self.data, self.knowledge, self.entities = data, data.knowledge, data.item_entities
        self.items: list[int] = []
        self.facts: list[np.ndarray] = []

    def three(
        self, item: int, steps: tuple[Any, ...], stream: np.random.Generator
    ) -> list[int] | None:
        """Make an item with all its facts, without the one a path names, and without another."""
        graph, own = self.knowledge, self.entities[item]
        rows = np.flatnonzero((graph.head == own) | (graph.tail == own))
        shared = graph.entities.codes([steps[0].entity])[0]
        relation = graph.relations.codes([steps[1].relation])[0]
        about = (graph.head[rows] == shared) | (graph.tail[rows] == shared)
        named = about & (graph.relation[rows] == relation)
        others = np.flatnonzero(~named)
        if not others.size:
            return None
        drawn = np.arange(len(rows)) == stream.choice(others)
        return [self._new(item, rows[~gone]) for gone in (np.zeros_like(named), named, drawn)]

    def _new(self, item: int, rows: np.ndarray) -> int:
        self.items.append(item)
        self.facts.append(rows)
        return CLONES + len(self.items) - 1

    def add_to(self, model: Recommender) -> None:
        """Add all of them to a model."""
        table, graph = self.data.item_table, self.knowledge
        assert table is not None
        ids = CLONES + np.arange(len(self.items))
        names = np.array([f"clone:{one}" for one in ids], dtype=object)
        columns: list[list[Any]] = [[], [], []]
        for item, name, rows in zip(self.items, names, self.facts, strict=True):
            own = self.entities[item]
            for head, relation, tail in zip(
                graph.head[rows], graph.relation[rows], graph.tail[rows], strict=True
            ):
                columns[0].append(name if head == own else graph.entities.ids[head])
                columns[1].append(graph.relations.ids[relation])
                columns[2].append(name if tail == own else graph.entities.ids[tail])
        facts = KnowledgeGraph.from_triples(*columns, link=(ids, names))
        model.add_items(table.iloc[self.items].assign(item=ids), knowledge=facts, item="item")


# ---- tables -----------------------------------------------------------------------------------


def history_table(rows: list[dict[str, Any]]) -> str:
    """Return what removing past items does, as Markdown."""
    header = ["model", "pairs", "ms p50", "ms p95", "falls", "falls (random)", "beats random"]
    header += [f"places lost, {size} gone" for size in REMOVED]
    body = []
    for row in rows:
        cells = [row["model"], row["pairs"], f"{row['ms p50']:.1f}", f"{row['ms p95']:.1f}"]
        if row["pairs"]:
            shares = ("strongest 1 falls", "random 1 falls", "beats")
            cells += [f"{100 * row[name]:.0f} %" for name in shares]
            cells += [
                f"{row[f'strongest {n} places']:.1f} ({row[f'random {n} places']:.1f})"
                for n in REMOVED
            ]
        body.append(cells + ["-"] * (len(header) - len(cells)))
    return markdown(header, body)


def fact_table(rows: list[dict[str, Any]]) -> str:
    """Return what removing a fact does, as Markdown."""
    header = ["model", "pairs", "falls without the named fact", "without a random one"]
    header += ["named costs more than random", "score lost, named", "score lost, random"]
    body = [
        [
            *(row["model"], row["pairs"]),
            *(f"{100 * row[name]:.0f} %" for name in ("named falls", "random falls", "beats")),
            *(f"{100 * row[name]:.2f} %" for name in ("named loss", "random loss")),
        ]
        for row in rows
    ]
    return markdown(header, body)


if __name__ == "__main__":
    main()
