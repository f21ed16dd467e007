from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import ParameterError
from hybridrec.evaluation import TradeOffs, evaluate, random_split, trade_off
from hybridrec.evaluation.metrics import Context
from hybridrec.evaluation.trade_offs import WEIGHTS
from hybridrec.models.item_knn import ItemKNN
from hybridrec.ranking.rerank import DPP, MMR, PopularityDamping, Reranker

ALL = (
    *("mmr", "dpp", "calibrated:column=genres", "popularity-damping"),
    *("fair-exposure", "fair-exposure:column=genres"),
)


@pytest.fixture(scope="module")
def splits():
    """Two splits of 40 users and 30 films, of which each has a genre or two."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "user": rng.integers(0, 40, 700),
            "item": [f"i{int(one):02d}" for one in 30 * rng.random(700) ** 2],
        }
    )
    genres = [["War"], ["Love"], ["War", "Love"], ["Art"], None]
    table = pd.DataFrame(
        {"item": [f"i{at:02d}" for at in range(30)], "genres": [genres[at % 5] for at in range(30)]}
    )
    data = Dataset.build(Interactions.from_frame(rows.drop_duplicates()), item_table=table)
    return [random_split(data, by="user", random_state=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def models(splits):
    return [ItemKNN().fit(split.train) for split in splits]


def test_every_weight_is_what_evaluate_finds(splits, models):
    split, model = splits[0], models[0]
    found = trade_off(model, split, DPP(weight=0.35), weights=[0.8], k=5, metric="recall")
    frame = found.frame
    assert frame["weight"].tolist() == [0.0, 0.35, 0.8]
    assert frame["chosen"].tolist() == [False, True, False]
    assert set(frame["aim"]) == {"diversity"}
    context = Context(features=model.catalogue.vectors())
    alone = evaluate(model, split, metrics=["recall", "diversity"], k=5, context=context)
    assert frame["accuracy"][0] == alone.mean("recall", 5)
    assert frame["value"][0] == alone.mean("diversity", 5)
    lists = model.recommend_codes(split.test_users, 5, rerank=DPP(weight=0.8)).items
    hits = [
        len(set(row) & set(split.test_matrix[at].indices)) / split.test_matrix[at].nnz
        for at, row in enumerate(lists)
    ]
    assert frame["accuracy"][2] == pytest.approx(np.mean(hits))


@pytest.mark.parametrize("text", ALL)
def test_more_weight_serves_the_aim(splits, models, text):
    frame = trade_off(models[0], splits[0], text, weights=[0.9], k=5).frame
    better = -1 if frame["aim"][0] in ("miscalibration", "arp") else 1
    gain = better * (frame["value"].iloc[-1] - frame["value"][0])
    assert gain > 0
    assert frame["accuracy"].iloc[-1] != frame["accuracy"][0]


def test_weights_and_names_by_default(splits, models):
    found = trade_off(models[0], splits[0], ["mmr:block=columns", MMR(candidates=20)], seed=7)
    assert [curve.reranker for curve in found.curves] == ["mmr:block=columns", "mmr:candidates=20"]
    assert [curve.aim.by for curve in found.curves] == ["columns", ""]
    first = found.curves[0]
    assert tuple(first.evaluations) == WEIGHTS
    assert (first.model, first.chosen, found.columns) == (
        "item-knn", 0.7, (("ndcg", 10), ("diversity", 10)),
    )  # fmt: skip
    rows = found.summary()
    assert len(rows) == 2 * len(WEIGHTS) * 2
    assert {(row["seed"], row["slice"]) for row in rows} == {(7, "all")}
    assert (rows[2]["rerank"], rows[2]["weight"], rows[2]["metric"]) == (
        "mmr:block=columns", 0.1, "ndcg",
    )  # fmt: skip


def test_the_strength_of_damping_is_its_weight(splits, models):
    found = trade_off(models[0], splits[0], PopularityDamping(strength=2), weights=[1])
    assert found.frame["weight"].tolist() == [0.0, 1.0, 2.0]


def test_several_splits_are_joined(splits, models):
    parts = [
        trade_off(model, split, "mmr", weights=[0.5], name="knn")
        for model, split in zip(models, splits, strict=True)
    ]
    both = TradeOffs.over(parts)
    (curve,) = both.curves
    assert curve.means("ndcg", 10).shape == (2, 3)
    expected = (parts[0].frame["accuracy"] + parts[1].frame["accuracy"]) / 2
    assert both.frame["accuracy"].tolist() == pytest.approx(expected.tolist())
    assert [row["seed"] for row in both.summary()][:4] == [0, 0, 1, 1]
    with pytest.raises(ParameterError, match="one metric at one cut-off"):
        TradeOffs.over([parts[0], trade_off(models[0], splits[0], "mmr", k=3)])
    with pytest.raises(ParameterError, match="same weights"):
        TradeOffs.over([parts[0], trade_off(models[1], splits[1], "mmr", name="knn")])


@dataclass(frozen=True)
class _Backwards(Reranker):
    name: ClassVar[str] = "backwards"
    weight: float = 0.5

    def _prepared(self, catalogue):
        raise AssertionError


@pytest.mark.parametrize(
    ("rerankers", "options", "message"),
    [
        ([], {}, "at least one re-ranker"),
        (["mmr", "mmr:weight=0.2"], {}, "mmr is given twice"),
        ("mmr", {"metric": "auc"}, "metric must be one of lists"),
        ("mmr", {"weights": [1.5]}, "weight must be a number from 0 to 1"),
        ("calibrated:column=genre", {}, "did you mean 'genres'"),
        ("mmr:block=tokns", {}, "unknown feature block 'tokns'"),
        (_Backwards(), {}, "no metric is known of what backwards aims at"),
    ],
)
def test_what_cannot_be_measured_is_refused(splits, models, rerankers, options, message):
    with pytest.raises(ParameterError, match=message):
        trade_off(models[0], splits[0], rerankers, **options)
