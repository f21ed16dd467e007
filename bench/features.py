"""Which side information helps where, and what noise does: ``python -m bench.features``.

``blocks``: blocks of features alone and together, on new items (ranked among themselves) and on
held-out interactions of known ones; texts, given vectors, two knowledge graphs apart and fused.
``noise``: models learned from interactions, or triples, of which a share was replaced at random.
Three seeds each, which change the split and the model. Models have their defaults but for 64
factors; weights that are learned are learned from the training part alone.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.accuracy import films, positives
from bench.measure import DEFAULT_DATA, RESULTS, markdown, write_results
from hybridrec import FeaturePipeline, GivenVectors, HybridALS, SumFusion, TextColumns, read_vectors
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.selection import learn_block_weights
from hybridrec.evaluation.splits import SPLITS, Split
from hybridrec.features.walks import WalkEmbedding
from hybridrec.models.spec import ModelSpec
from hybridrec.runtime import random_stream

SEEDS = 3
FILMS = "movielens-small, the films that are linked to Freebase"
LASTFM = "Last.FM"
SPLIT_NAMES = {"cold-items": "new items", "random": "known items"}
LEARNED, SUM = "learned: ", "sum: "
BLOCKS: dict[str, tuple[Any, ...]] = {
    "columns": ("columns",),
    "text.title": (TextColumns(["title"]),),
    "text.title, every word a column": (TextColumns(["title"], dimensions=0),),
    "text.title, hashed": (TextColumns(["title"], vectorizer="hashing"),),
    "tokens": ("tokens",),
    "vectors.walks": ("vectors.walks",),
    "tokens.freebase": ("tokens.freebase",),
    "tokens.movielens": ("tokens.movielens",),
}
SOURCES = ("tokens.freebase", "tokens.movielens")
EVERYTHING = ("tokens", "columns", "text.title", "vectors.walks")
ALSO_ALONE = {"tokens + columns (default)": ("tokens", "columns")}
TOGETHER = {
    "freebase + movielens": SOURCES,
    "tokens + columns + text.title + walks": EVERYTHING,
}
OF_LASTFM = {
    "tokens": ("tokens",),
    "two-hop-tokens": ("two-hop-tokens",),
    "vectors.walks": ("vectors.walks",),
}
TOGETHER_LASTFM = {"tokens + two-hop + walks": ("tokens", "two-hop-tokens", "vectors.walks")}

SHARES = (0.0, 0.05, 0.1, 0.2, 0.5)
FACTORS = 64
MODELS = ("popularity", "als", "hybrid-als", "personalized-page-rank", "content")
WITH_FACTS = MODELS[2:]
COLOURS = ("#a2a9b2", "#7a5bb5", "#2b87c8", "#d9822b", "#3a9a5b")
_NOISE = 7

Rows = list[dict[str, Any]]


def main() -> None:
    """Make the tables of the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--part", choices=["blocks", "noise"], help="By default both.")
    parser.add_argument("--only", choices=[FILMS, LASTFM], help="Of the data sets of blocks.")
    options = parser.parse_args()
    if options.part != "noise":
        blocks(options.data, options.only)
    if options.part != "blocks":
        noise()


# ---- blocks -----------------------------------------------------------------------------------


def blocks(data: Path, only: str | None) -> None:
    """Fit HybridALS with blocks of features alone and together, and write the tables."""
    sets = {FILMS: (linked_films, {**BLOCKS, **ALSO_ALONE}, TOGETHER)}
    if (data / "lastfm").exists():
        sets[LASTFM] = (lambda: positives(data / "lastfm"), OF_LASTFM, TOGETHER_LASTFM)
    new: dict[str, Rows] = {}
    for name, (load, alone, together) in sets.items():
        if only not in (None, name):
            continue
        with_walks = given_back(load())
        new[name] = [
            row
            for split in SPLIT_NAMES
            for seed in range(SEEDS)
            for row in _told(_with_blocks(with_walks, split, seed, alone, together))
        ]
    path = RESULTS / "features.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    write_blocks({name: {**found, **new}[name] for name in sets if name in {**found, **new}})


def write_blocks(found: dict[str, Rows]) -> None:
    """Write the tables, and the weights that were learned."""
    tables = [
        f"**{name}**, HybridALS\n\n{_table(rows, 'features')}" for name, rows in found.items()
    ]
    learned = [
        f"- {name}, {SPLIT_NAMES[row['split']]}, seed {row['seed']}: {row['weights']}"
        for name, rows in found.items()
        for row in rows
        if "weights" in row
    ]
    write_results(
        "features", found, "\n\n".join([*tables, "Learned weights\n", "\n".join(learned)])
    )


def linked_films() -> Dataset:
    """Return the films of which Freebase tells something, their ratings, and both graphs."""
    data = films()
    graph, table = data.knowledge, data.item_table
    assert graph is not None
    assert graph.link is not None
    assert table is not None
    told = graph.source == graph.sources.index("freebase")
    entities = np.union1d(graph.head[told], graph.tail[told])
    ours = np.isin(graph.link[1], entities)
    own = np.isin(graph.head, graph.link[1][ours])
    graph = replace(graph.take(told | own), link=tuple(part[ours] for part in graph.link))
    kept = np.isin(data.item_entities, entities)
    rows = data.interactions.take(kept[data.interactions.item_codes]).to_frame()
    table = table.assign(item=data.items.ids)[kept]
    return Dataset.build(rows, graph, item_table=table, name=data.name)


def _told(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Print rows as they come."""
    for row in rows:
        print(row, flush=True)
        yield row


def given_back(dataset: Dataset) -> Dataset:
    """Return a data set with walk embeddings as given vectors, written to a file and read back."""
    block = WalkEmbedding()
    block.fit(dataset, dataset.knowledge)
    made = block.transform(dataset, dataset.knowledge)
    with TemporaryDirectory() as folder:
        np.save(Path(folder) / "walks.npy", made)
        ids = "".join(f"{one}\n" for one in dataset.items.ids)
        (Path(folder) / "walks.ids.txt").write_text(ids)
        given = dataset.with_vectors(read_vectors(Path(folder) / "walks.npy"))
    back = GivenVectors("walks")
    back.fit(given, None)
    if not np.array_equal(back.transform(given, None), made):
        raise SystemExit("given vectors are not what was written")
    return given


def _with_blocks(
    dataset: Dataset, split: str, seed: int, alone: Any, together: Any
) -> Iterator[dict[str, Any]]:
    cut = SPLITS[split](dataset, random_state=seed)

    def measured(name: str, features: Any, **more: Any) -> dict[str, Any]:
        model = HybridALS(factors=FACTORS, random_state=seed, num_threads=1).fit(
            cut.train, item_features=features
        )
        return {"features": name, "split": split, "seed": seed, **_accuracy(model, cut), **more}

    if split == "random":
        yield measured("none", [])
    for name, chosen in alone.items():
        yield measured(name, list(chosen))
    for name, chosen in together.items():
        yield measured(name, list(chosen))
        yield measured(f"{SUM}{name}", FeaturePipeline([SumFusion(list(chosen))]))
        weights = learn_block_weights(
            HybridALS(factors=FACTORS, random_state=seed, num_threads=1),
            cut.train,
            item_features=list(chosen),
            random_state=seed,
            num_threads=1,
        )
        listed = ", ".join(f"{block.name} {one:g}" for block, one in weights.weights.items())
        yield measured(f"{LEARNED}{name}", weights.features(), weights=listed)


# ---- noise ------------------------------------------------------------------------------------


def noise() -> None:
    """Corrupt what models learn from, write the tables and draw them."""
    dataset = linked_films()
    rows: Rows = []
    for seed in range(SEEDS):
        for split in SPLIT_NAMES:
            cut = SPLITS[split](dataset, random_state=seed)
            rows += _told(_with_noise(cut, split, seed))
    write_noise(rows)


def write_noise(rows: Rows) -> None:
    """Write the tables, and draw them."""
    names = {"interactions": "replaced interactions", "triples": "replaced triples"}
    tables = [
        f"**{names[what]}, {title}**, {FILMS}\n\n{_by_share(rows, what, split)}"
        for what, split, title in (
            ("interactions", "random", "known items"),
            *(("triples", split, title) for split, title in SPLIT_NAMES.items()),
        )
    ]
    write_results("robustness", {"rows": rows}, "\n\n".join(tables))
    draw(rows, RESULTS / "robustness.svg")


def _with_noise(cut: Split, split: str, seed: int) -> Iterator[dict[str, Any]]:
    corrupt: dict[str, Callable[[Split, float, int], Dataset]] = {
        "interactions": with_wrong_items,
        "triples": with_wrong_tails,
    }
    for what, spoil in corrupt.items():
        for share in SHARES:
            if what == "triples" and share == 0:
                continue  # the same as with no wrong interaction
            if (what, split) == ("interactions", "cold-items") and share:
                continue  # what new items are placed by are triples
            train = spoil(cut, share, seed)
            for name in MODELS if (what, split) == ("interactions", "random") else WITH_FACTS:
                params = [f"factors={FACTORS}"] if name.endswith("als") else []
                model = ModelSpec.parse(name, params).fit(train, random_state=seed, threads=1)
                kind = {"model": name, "what": what, "share": share, "split": split, "seed": seed}
                yield {**kind, **_accuracy(model, cut)}


def with_wrong_items(cut: Split, share: float, seed: int) -> Dataset:
    """Return training data in which a share of the interactions are with a random known item.

    Pairs that are drawn twice, or are in the test, are left out.
    """
    train, test = cut.train, cut.test_matrix.tocoo()
    rows = train.interactions
    stream = random_stream(seed, _NOISE, 0)
    wrong = stream.permutation(len(rows))[: round(share * len(rows))]
    known = np.flatnonzero(train.matrix.getnnz(axis=0))
    items = rows.item_codes.copy()
    items[wrong] = stream.choice(known, len(wrong))
    held_out = cut.test_users[test.row].astype(np.int64) * len(train.items) + test.col
    pairs = rows.user_codes.astype(np.int64) * len(train.items) + items
    first = np.unique(pairs, return_index=True)[1]
    kept = first[~np.isin(pairs[first], held_out)]
    return train.with_interactions(replace(rows, item_codes=items).take(kept))


def with_wrong_tails(cut: Split, share: float, seed: int) -> Dataset:
    """Return training data in which a share of the triples have the tail of another at random."""
    train, graph = cut.train, cut.train.knowledge
    assert graph is not None
    stream = random_stream(seed, _NOISE, 1)
    wrong = stream.permutation(len(graph))[: round(share * len(graph))]
    tail = graph.tail.copy()
    tail[wrong] = stream.choice(np.unique(graph.tail), len(wrong))
    return train.with_knowledge(replace(graph, tail=tail))


# ---- tables and picture -----------------------------------------------------------------------


def _accuracy(model: Any, cut: Split) -> dict[str, float]:
    found = evaluate(model, cut, metrics=("recall", "ndcg"), k=20, num_threads=1)
    return {metric: found.mean(metric, 20) for metric in ("recall", "ndcg")}


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.4f} ± {stdev(values):.4f}" if len(values) > 1 else ""


def _table(rows: Rows, key: str) -> str:
    """Return the means and spreads of each kind of features."""
    cells: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for metric in ("recall", "ndcg"):
            cells[row[key]][row["split"], metric].append(row[metric])
    columns = [(split, metric) for split in SPLIT_NAMES for metric in ("recall", "ndcg")]
    header = [key, *(f"{SPLIT_NAMES[split]}: {metric}@20" for split, metric in columns)]
    order = sorted(cells, key=lambda name: name != "none")
    return markdown(header, [[one, *(_spread(cells[one][at]) for at in columns)] for one in order])


def _curve(rows: Rows, what: str, split: str, model: str, metric: str) -> list[list[float]]:
    """Return the values of the seeds at each share; without noise both kinds are the same."""
    return [
        [
            row[metric]
            for row in rows
            if (row["model"], row["split"], row["share"]) == (model, split, share)
            and (row["what"] == what or share == 0)
        ]
        for share in SHARES
    ]


def _by_share(rows: Rows, what: str, split: str) -> str:
    models = MODELS if what == "interactions" and split == "random" else WITH_FACTS
    header = ["model", "metric", *(f"{share:.0%}" for share in SHARES)]
    return markdown(
        header,
        [
            [model, f"{metric}@20", *map(_spread, _curve(rows, what, split, model, metric))]
            for model in models
            for metric in ("recall", "ndcg")
        ],
    )


def draw(rows: Rows, path: Path) -> None:
    """Draw NDCG over the share of noise, as a part of that without."""
    import matplotlib as mpl

    from bench.figures import STYLE, TEXT, WIDTH, save

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    panels = [("interactions", "random"), ("triples", "random"), ("triples", "cold-items")]
    colours = dict(
        zip(MODELS, ("#a2a9b2", "#7a5bb5", "#2b87c8", "#d9822b", "#3a9a5b"), strict=True)
    )
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.7), sharey=True)
        for axis, (what, split) in zip(axes, panels, strict=True):
            for model in MODELS if what == "interactions" else WITH_FACTS:
                values = [mean(one) for one in _curve(rows, what, split, model, "ndcg")]
                shown = [value / values[0] for value in values]
                axis.plot(SHARES, shown, color=colours[model], marker="o", ms=3, label=model)
            axis.set_title(f"wrong {what}: {SPLIT_NAMES[split]}")
            axis.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES], fontsize=7)
            axis.set_ylim(0, 1.1)
        axes[0].set_ylabel("NDCG@20, as a part of that without noise")
        axes[0].legend(frameon=False, fontsize=7, labelcolor=TEXT, loc="lower left")
        figure.tight_layout()
        save(figure, path)
        plt.close(figure)


if __name__ == "__main__":
    main()
