from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.relations import relation_contributions
from hybridrec.evaluation.significance import bootstrap_interval
from hybridrec.evaluation.splits.at_random import random_split
from hybridrec.evaluation.splits.cold import cold_items, warm_and_cold
from hybridrec.features.pipeline import FeaturePipeline

TASTES, PER_TASTE, USERS = 4, 10, 60


def world(library=pd.DataFrame) -> Dataset:
    """Users like items of one genre; makers stand for genres, colour and prize mean nothing."""
    rng = np.random.default_rng(0)
    genre = np.repeat(np.arange(TASTES), PER_TASTE)
    liked = [
        (user, int(item))
        for user in range(USERS)
        for item in rng.choice(np.flatnonzero(genre == user % TASTES), 6, replace=False)
    ]
    items = np.arange(len(genre))
    facts = [(str(item), "genre", f"g{genre[item]}") for item in items]
    facts += [(f"m{item}", "made", str(item)) for item in items[:20]]
    facts += [(f"m{item}", "works in", f"g{genre[item]}") for item in items[:20]]
    facts += [(str(item), "colour", str(rng.choice(["red", "blue"]))) for item in items[:30]]
    facts += [("3", "prize", "oscar"), ("33", "prize", "oscar")]
    knowledge = KnowledgeGraph.from_triples(
        *zip(*facts, strict=True), link=(items, items.astype(str)), after_release=["prize"]
    )
    table = pd.DataFrame({"item": items, "size": rng.choice(["big", "small"], len(items))})
    users, chosen = zip(*liked, strict=True)
    frame = library({"user": users, "item": chosen})
    return Dataset.build(Interactions.from_frame(frame), knowledge, item_table=table)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return world()


class Profiles:
    """A model that scores items by how their features match those of the user's items."""

    def __init__(self, score_table) -> None:
        self.score_table = score_table
        self.fits: list[tuple] = []

    def __call__(self, seed: int) -> Profiles:
        return self

    def fit(self, train, *, item_features):
        features = np.zeros((len(train.items), 1))
        if len(item_features):
            features = item_features.matrix().toarray()
        self.fits.append((train, item_features))
        scores = train.matrix.toarray() @ features @ features.T
        return self.score_table(train, scores)


@pytest.fixture
def profiles(score_table):
    return Profiles(score_table)


def by_name(found) -> dict:
    return {row.relation: row for row in found.rows}


def test_the_relation_that_matters_comes_first(data, profiles):
    found = relation_contributions(profiles, cold_items(data), metric="recall", k=3)
    assert (found.model, found.metric, found.k, found.on) == ("score-table", "recall", 3, "all")
    assert [row.change for row in found.rows] == sorted(
        [row.change for row in found.rows], reverse=True
    )
    first, *others = found.rows
    assert first.relation == "genre"
    assert first.change > 0.3
    assert first.low > 0.2
    assert first.only > found.none + 0.3
    assert all(abs(row.change) < 0.15 for row in others)
    assert by_name(found)["colour"].only < first.only - 0.3
    assert len(profiles.fits) == 2 + 2 * 5


def test_rows_are_what_fits_by_hand_give(data, profiles):
    split = cold_items(data, random_state=1)
    found = relation_contributions(profiles, split, metric="ndcg", k=4, item_features=["tokens"])

    def values(*kept: str) -> np.ndarray:
        dropped = {"genre", "made", "works in", "colour", "prize"} - set(kept)
        train = replace(split.train, knowledge=data.knowledge.without_relations(sorted(dropped)))
        features = FeaturePipeline(["tokens"]).fit(train)
        fitted = profiles.fit(train, item_features=features)
        return evaluate(fitted, split, metrics=["ndcg"], k=4).values("ndcg", 4)

    full = values("genre", "made", "works in", "colour", "prize")
    assert found.full == pytest.approx(full.mean())
    row = by_name(found)["colour"]
    without = values("genre", "made", "works in", "prize")
    assert row.without == pytest.approx(without.mean())
    assert row.change == pytest.approx((full - without).mean())
    low, high = bootstrap_interval((full - without)[:, None])
    assert (row.low, row.high) == pytest.approx((low[0], high[0]), abs=1e-4)
    assert row.only == pytest.approx(values("colour").mean())
    nothing = profiles.fit(split.train, item_features=[])
    none = evaluate(nothing, split, metrics=["ndcg"], k=4)
    assert found.none == pytest.approx(none.mean("ndcg", 4))


def test_triples_and_items_are_counted_and_the_rest_goes_together(data, profiles):
    split = random_split(data)
    rows = by_name(relation_contributions(profiles, split, only=False))
    sizes = {name: (row.triples, row.items, row.after_release) for name, row in rows.items()}
    assert sizes == {
        "genre": (40, 40, False),
        "colour": (30, 30, False),
        "made": (20, 20, False),
        "prize": (2, 2, True),
        "works in": (20, 0, False),
    }
    assert {row.only for row in rows.values()} == {None}
    assert len(profiles.fits) == 2 + 5

    rows = by_name(relation_contributions(profiles, split, only=False, top=2))
    assert sorted(rows) == ["colour", "genre", "other (3 relations)"]
    other = rows["other (3 relations)"]
    assert (other.triples, other.items, other.after_release) == (42, 21, True)
    train = profiles.fits[-1][0]
    left = {train.knowledge.relations.ids[code] for code in train.knowledge.relation}
    assert left == {"genre", "colour"}

    rows = relation_contributions(profiles, split, only=False, top=4).rows
    assert {row.relation for row in rows} == set(sizes)


def test_blocks_of_the_table_are_in_every_fit(data, profiles):
    relation_contributions(profiles, cold_items(data), top=1)
    for train, features in profiles.fits:
        names = [block.name for block in features.blocks]
        assert names == (["tokens", "columns"] if train.knowledge else ["columns"])
    assert sum(train.knowledge is None for train, _ in profiles.fits) == 1


def test_relations_two_hops_away_count(data, profiles):
    pipeline = FeaturePipeline(["two-hop-tokens"])
    made = data.interactions.take(data.interactions.item_codes < 20)
    knowledge = data.knowledge.without_relations(["genre"])
    split = cold_items(data.with_interactions(made).with_knowledge(knowledge))
    near = by_name(relation_contributions(profiles, split, item_features=["tokens"], k=2))
    assert near["works in"].change == 0
    far = by_name(relation_contributions(profiles, split, item_features=pipeline, k=2))
    assert far["works in"].change > 0.3
    assert not hasattr(pipeline, "builders_")


def test_values_are_means_over_seeds(data, profiles):
    def split(seed: int):
        return cold_items(data, random_state=seed)

    both = relation_contributions(profiles, split, seeds=(1, 4), k=3)
    apart = [relation_contributions(profiles, split, seeds=(seed,), k=3) for seed in (1, 4)]
    assert both.full == pytest.approx(np.mean([one.full for one in apart]))
    assert both.none == pytest.approx(np.mean([one.none for one in apart]))
    for name, row in by_name(both).items():
        single = [by_name(one)[name] for one in apart]
        assert row.change == pytest.approx(np.mean([one.change for one in single]))
        assert row.only == pytest.approx(np.mean([one.only for one in single]))
        assert row.low <= row.change + 1e-9
        assert row.change <= row.high + 1e-9


def test_cold_items_are_the_question_where_there_are_warm_ones(data, profiles):
    split = warm_and_cold(data)
    assert relation_contributions(profiles, split, top=1, only=False).on == "cold"
    warm = relation_contributions(profiles, split, top=1, only=False, on="warm")
    assert warm.on == "warm"
    fits = len(profiles.fits)
    with pytest.raises(ParameterError, match="slice 'hot' was not evaluated"):
        relation_contributions(profiles, split, on="hot")
    assert len(profiles.fits) == fits + 1


def test_a_model_by_name(data):
    found = relation_contributions(
        "hybrid-als", cold_items(data), params={"factors": 4, "iterations": 2}, k=3, top=2
    )
    assert found.model == "hybrid-als"
    assert found.rows[0].relation == "genre"


def test_frame_and_text(profiles):
    found = relation_contributions(profiles, cold_items(world(pl.DataFrame)), k=3)
    frame = found.frame
    assert isinstance(frame, pl.DataFrame)
    assert frame["relation"].to_list() == [row.relation for row in found.rows]
    assert frame["change"].to_list() == [row.change for row in found.rows]
    title, header, *lines = str(found).splitlines()
    assert title == (
        f"ndcg@3 (all) of score-table: {found.full:.4f} with all relations,"
        f" {found.none:.4f} with none"
    )
    names = "relation triples items without change 95 % interval alone"
    assert header.split() == names.split()
    first = found.rows[0]
    assert lines[0].split() == [
        "genre", "40", "40", f"{first.without:.4f}", f"{first.change:+.4f}",
        f"{first.low:+.4f}", "to", f"{first.high:+.4f}", f"{first.only:.4f}",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines if "*" in line] == ["prize*", "*:"]

    short = replace(found, rows=(replace(first, only=None),))
    assert "alone" not in str(short)
    assert "*" not in str(short)


def test_what_cannot_be_asked(data, profiles):
    split = cold_items(data)
    bare = cold_items(data.with_knowledge(None))
    with pytest.raises(ParameterError, match="has no knowledge graph"):
        relation_contributions(profiles, bare)
    with pytest.raises(ParameterError, match="als does not use item features"):
        relation_contributions("als", split)
    with pytest.raises(ParameterError, match=r"no feature block comes .* only 'columns'"):
        relation_contributions(profiles, split, item_features=["columns"])
    ready = FeaturePipeline().fit(split.train)
    with pytest.raises(ParameterError, match="not ready Features"):
        relation_contributions(profiles, split, item_features=ready)
    with pytest.raises(ParameterError, match="unknown metric 'ndgc'; did you mean 'ndcg'"):
        relation_contributions(profiles, split, metric="ndgc")
    with pytest.raises(ParameterError, match="coverage has one value for all users"):
        relation_contributions(profiles, split, metric="coverage")
    with pytest.raises(ParameterError, match="at least one seed"):
        relation_contributions(profiles, split, seeds=())
    with pytest.raises(ParameterError, match="top must be a whole number of at least 1, got 0"):
        relation_contributions(profiles, split, top=0)
    with pytest.raises(ParameterError, match="params belong to a model given by name"):
        relation_contributions(profiles, split, params={"factors": 3})
