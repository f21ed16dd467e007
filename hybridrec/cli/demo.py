"""``hybridrec demo``: the whole pipeline on bundled data, every number computed on the spot."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.data import LIKED
from hybridrec.cli.describe import show_knowledge
from hybridrec.cli.output import console, working
from hybridrec.cli.scores import show_comparison
from hybridrec.cli.tables import Alignment, print_table, print_title
from hybridrec.dataset.cleaning import clean
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import make_frame
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.named import load_dataset, relation_labels
from hybridrec.evaluation import (
    Comparison,
    Evaluation,
    Split,
    cold_items,
    evaluate,
    random_split,
)
from hybridrec.features.blocks import FeatureBlock, Features, scale_rows
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.graph import Graph, node_embeddings
from hybridrec.models.base import Recommender
from hybridrec.models.registry import make_model
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from rich.console import Console

NAME = "movielens-small"
METRICS, K = ("recall", "ndcg"), 10
COLD_SEEDS = 3
TASTE = "Star Wars: Episode IV - A New Hope"
NEW_USER = ("Toy Story", "Finding Nemo", "Shrek")
NO_GRAPH, NO_AWARDS, GRAPH, WALKED = (
    "hybrid-als, no KG", "hybrid-als, KG less awards", "hybrid-als, KG", "hybrid-als, KG and walks"
)  # fmt: skip

NEXT = (
    f"hybridrec fit --dataset {NAME} -o films.model",
    "hybridrec recommend films.model --user 1",
    f"hybridrec evaluate --dataset {NAME} --split cold-items",
    "hybridrec datasets",
)


@click.command("demo")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all randomness."
)
def command(seed: int) -> None:
    """See it work: fit, compare and recommend on bundled data.

    Ratings of films (MovieLens) meet a knowledge graph about these films (Freebase). It takes
    less than a minute, writes nothing and needs no network.
    """
    start = time.perf_counter()
    screen = console()
    data = _clean(screen)
    _show_graph(screen, data)
    vectors = _embed(screen, data, seed)
    split = random_split(data, by="user", random_state=seed)
    model = _known_films(screen, split, seed)
    _new_films(screen, data, vectors, seed)
    _one_user(screen, split, model)
    _new_user(screen, model, data)
    _step(screen, f"Done in {time.perf_counter() - start:.0f} s. Now with commands of your own:")
    for line in NEXT:
        screen.print(f"  {line}")
    _explain(screen, f"{NAME} is for non-commercial use; the last command shows its terms.")


def _clean(screen: Console) -> Dataset:
    """Load and clean."""
    _step(
        screen,
        "1. Clean the interactions",
        f"A rating of {LIKED[NAME]} to 5 stars says that a user liked a film; others are dropped.",
    )
    data = load_dataset(NAME)
    interactions, report = clean(data.interactions, min_weight=LIKED[NAME])
    screen.print(str(report))
    return data.with_interactions(interactions)


def _show_graph(screen: Console, data: Dataset) -> None:
    """Show what is known about the films."""
    _step(
        screen,
        "2. Look at the knowledge graph (KG)",
        "A fact is a triple such as (film, directed by, person); films that share directors,"
        " actors or genres are alike. Awards come after a film's success, so facts about them"
        " tell of a known film what nobody knows of a new one.",
    )
    show_knowledge(screen, data, relation_labels(NAME))


def _embed(screen: Console, data: Dataset, seed: int) -> np.ndarray:
    """Embed the graph, show the neighbours of a film, return one vector a film."""
    graph = Graph.from_knowledge(_graph(data))
    _step(
        screen,
        "3. Embed the graph",
        f"Random walks along the facts give each of {graph.num_nodes:,} films, people, genres, ..."
        f" a vector. Without a look at any rating, the films nearest to {TASTE!r} are:",
    )
    with working("Embedding"):
        entities = node_embeddings(
            graph, dimensions=32, num_walks=3, walk_length=20, random_state=seed
        )
    vectors = np.zeros((len(data.items), entities.shape[1]), dtype=np.float32)
    linked = data.item_entities >= 0
    vectors[linked] = entities[data.item_entities[linked]]
    vectors = np.asarray(scale_rows(vectors))
    film = _codes_of(data, [TASTE])[0]
    cosine = np.where(_in_freebase(data), vectors @ vectors[film], -1)
    nearest = [code for code in np.argsort(-cosine, kind="stable") if code != film][:5]
    _show_films(screen, data, nearest, cosine=[f"{one:.2f}" for one in cosine[nearest]])
    return vectors


def _known_films(screen: Console, split: Split, seed: int) -> Recommender:
    """Compare models on films that others have rated; return the hybrid with the graph."""
    _step(
        screen,
        "4. Recommend films that others have rated",
        f"A fifth of the films that each user liked is hidden. How many of them are among the {K}"
        f" that a model recommends (recall@{K}), and how high (ndcg@{K})? Where there are many"
        " ratings, expect little from the KG.",
    )
    found = [
        _scores(make_model(name).fit(split.train), split, name, seed)
        for name in ("popularity", "item-knn", "als")
    ]
    for label, blocks in ((NO_GRAPH, ["columns"]), (GRAPH, ["tokens", "columns"])):
        with working(label):
            model = make_model("hybrid-als", random_state=seed)
            model.fit(split.train, item_features=blocks)
        found.append(_scores(model, split, label, seed))
    show_comparison(screen, Comparison(found), slices=["all"])
    _explain(
        screen,
        'als sees ratings alone, "no KG" genres and years too. The best of each column is'
        f" {'bold' if screen.is_terminal else 'starred'}.",
    )
    return model


def _new_films(screen: Console, data: Dataset, vectors: np.ndarray, seed: int) -> None:
    """Compare models on films that nobody has rated."""
    _step(
        screen,
        "5. Recommend new films",
        "A fifth of the films is hidden with all their ratings, as if they came out tomorrow;"
        " only these are recommended, and only films with Freebase facts take part. Popularity"
        " and als know nothing of a new film. What the KG says about it decides, with awards or,"
        " as for a film that is really new, without.",
    )
    rated = data.interactions
    data = data.with_interactions(rated.take(_in_freebase(data)[rated.item_codes]))
    variants = _variants(data, vectors)
    data = replace(data, item_table=None)  # the features are made; every fit would copy it
    found: list[Evaluation] = []
    for one in range(seed, seed + COLD_SEEDS):
        split = cold_items(data, random_state=one)
        found.append(_scores(_random_lists(split, one), split, "random order", one))
        found += [
            _scores(make_model(name).fit(split.train), split, name, one)
            for name in ("popularity", "als")
        ]
        for label, features in variants.items():
            with working(label):
                model = make_model("hybrid-als", random_state=one)
                model.fit(split.train, item_features=features)
            found.append(_scores(model, split, label, one))
    show_comparison(screen, Comparison(found))


def _variants(data: Dataset, vectors: np.ndarray) -> dict[str, Features]:
    """Return what the hybrid may know of the films, from little to much."""
    known_before = data.with_knowledge(_graph(data).without_after_release())
    whole = FeaturePipeline(["tokens", "columns"]).fit(data)
    names = np.arange(vectors.shape[1]).astype(str)
    return {
        NO_GRAPH: FeaturePipeline(["columns"]).fit(data),
        NO_AWARDS: FeaturePipeline(["tokens", "columns"]).fit(known_before),
        GRAPH: whole,
        WALKED: Features([*whole.blocks, FeatureBlock("walks", vectors, names)]),
    }


def _one_user(screen: Console, split: Split, model: Recommender) -> None:
    """Show what a user likes and is recommended: the one with the median recall."""
    recall = evaluate(model, split, metrics=["recall"], k=K).values("recall", K)
    liked, hidden = split.train.matrix, split.test.matrix
    order = np.lexsort((np.diff(liked.indptr)[split.test_users], recall))
    user = int(split.test_users[order[len(order) // 2]])
    name = split.train.users.ids[user]
    row = liked[user]
    _step(
        screen,
        f"6. Recommend to user {name}",
        f"Of all users the one with the median recall. Some of {row.nnz} films that the model"
        " knows this user liked:",
    )
    favourites = row.indices[np.argsort(-row.data, kind="stable")][:5]
    _show_films(screen, split.train, favourites)
    codes = split.train.items.codes(model.recommend([name], K)["item"])
    found = np.isin(codes, hidden[user].indices)
    screen.print()
    _explain(
        screen,
        f"Recommended by the hybrid with the KG; {found.sum()} of the {hidden[user].nnz} films of"
        " this user that were hidden in step 4 are among them:",
    )
    screen.print()
    _show_films(screen, split.train, codes, hidden=np.where(found, "liked", "").tolist())


def _new_user(screen: Console, model: Recommender, data: Dataset) -> None:
    """Serve somebody whom the model has never seen."""
    _step(
        screen,
        "7. Recommend to a new user",
        f"Somebody likes {' and '.join(NEW_USER)}. The same model takes this in without a new fit:",
    )
    items = data.items.ids[_codes_of(data, NEW_USER)]
    history = make_frame({"user": np.zeros(len(items), dtype=np.int64), "item": items})
    found = model.recommend(history=history, k=K)
    _show_films(screen, data, data.items.codes(found["item"]), source=found["source"].tolist())


def _step(screen: Console, title: str, text: str = "") -> None:
    """Begin a step: what is done, and what is to be seen."""
    screen.print()
    print_title(screen, title)
    if text:
        _explain(screen, text)
        screen.print()


def _explain(screen: Console, text: str) -> None:
    screen.print(textwrap.fill(text, min(screen.width, 88)))


def _scores(source: Any, split: Split, name: str, seed: int) -> Evaluation:
    return evaluate(source, split, metrics=METRICS, k=K, name=name, seed=seed)


def _random_lists(split: Split, seed: int) -> Any:
    """Return the candidates in an order that knows nothing, for every tested user."""
    assert split.candidates is not None
    users = split.train.users.ids[split.test_users]
    items = split.train.items.ids[split.candidates]
    scores = random_stream(seed).random(len(users) * len(items))
    return make_frame(
        {"user": np.repeat(users, len(items)), "item": np.tile(items, len(users)), "score": scores}
    )


def _in_freebase(data: Dataset) -> np.ndarray:
    """Mark the films that Freebase has facts about, bool (n_items,)."""
    graph = _graph(data)
    told = np.zeros(len(graph.entities) + 1, dtype=bool)  # the last: not linked
    told[graph.head[graph.source == graph.sources.index("freebase")]] = True
    marked: np.ndarray = told[data.item_entities]
    return marked


def _graph(data: Dataset) -> KnowledgeGraph:
    assert data.knowledge is not None
    return data.knowledge


def _codes_of(data: Dataset, titles: Sequence[str]) -> np.ndarray:
    """Return the codes of films by their titles."""
    assert data.titles is not None
    return np.array([np.flatnonzero(data.titles == title)[0] for title in titles])


def _show_films(
    screen: Console, data: Dataset, codes: Sequence[int] | np.ndarray, **extra: Sequence[str]
) -> None:
    """Print films with year and genres, and what else is known of each."""
    assert data.item_table is not None
    films = data.item_table.iloc[list(codes)]
    columns: dict[str, Alignment] = {"title": "wrap", "year": "right", "genres": "wrap"}
    columns.update(dict.fromkeys(extra, "left"))
    rows = [
        [title, f"{year:.0f}", ", ".join(genres), *others]
        for title, year, genres, *others in zip(
            films["title"], films["year"], films["genres"], *extra.values(), strict=True
        )
    ]
    print_table(screen, columns, rows)
