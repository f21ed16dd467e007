from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybridrec.evaluation.knowledge import FeatureComparison
from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.protocols.published import PublishedRow
from hybridrec.evaluation.relations import RelationContribution, RelationContributions
from hybridrec.evaluation.report import Report
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.trade_offs import Aim, TradeOff, TradeOffs

USERS = 60
CUTOFFS = (1, 5, 10)


def make_comparison(
    models=("popularity", "als", "hybrid"),
    seeds=(0, 1),
    slices=("all", "warm", "cold"),
    metrics=("ndcg", "recall", "coverage", "novelty"),
    cutoffs=CUTOFFS,
    users=USERS,
) -> Comparison:
    """Every model is a little better than the one before it, for most users."""
    made = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        base = rng.random(users) / 2
        for place, model in enumerate(models):
            parts = {}
            for at, on in enumerate(slices):
                values = {}
                for metric in metrics:
                    for k in cutoffs:
                        if metric == "coverage":
                            values[metric, k] = np.array(0.01 * k * (1 + place) + 0.001 * seed)
                            continue
                        noise = 0.02 * rng.random(users)
                        values[metric, k] = base / (1 + at) + 0.1 * place + noise + 0.01 * k
                parts[on] = Slice(np.arange(users), users - place, values)
            made.append(Evaluation(model, seed, parts))
    return Comparison(made)


def make_pairs(models=("als", "hybrid"), seeds=(0, 1, 2)) -> Comparison:
    """Click-through: one value for all users together, without cut-offs."""
    made = []
    for seed in seeds:
        for place, model in enumerate(models):
            values = {
                ("auc", None): np.array(0.8 + 0.02 * place + 0.003 * seed),
                ("log-loss", None): np.array(0.5 - 0.05 * place + 0.01 * seed * place),
            }
            made.append(Evaluation(model, seed, {"all": Slice(np.arange(9), 9, values)}))
    return Comparison(made)


def make_knowledge() -> FeatureComparison:
    found = make_comparison(("shuffled", "without", "with"), metrics=("ndcg",), cutoffs=(10,))
    order = {"with": 0, "without": 1, "shuffled": 2}
    return FeatureComparison(
        sorted(found.evaluations, key=lambda one: (one.seed, order[one.model])),
        "the knowledge graph",
    )


def make_relations(names=("genre", "actor")) -> RelationContributions:
    rows = tuple(
        RelationContribution(
            name, 1200, 30, 0.2 - 0.01 * at, 0.05 - 0.06 * at, 0.04 - 0.06 * at,
            0.06 - 0.06 * at, 0.1, after_release=at > 0,
        )
        for at, name in enumerate(names)
    )  # fmt: skip
    return RelationContributions("hybrid", "ndcg", 10, "cold", 0.25, 0.05, rows)


def make_trade_offs(models=("hybrid",), seeds=(0, 1)) -> TradeOffs:
    """Two ways to diversity, which cost the same, and one to fewer popular items."""
    curves = []
    for model in models:
        for reranker, aim, sign in (
            ("mmr", Aim("diversity"), 1), ("dpp", Aim("diversity"), 2), ("damping", Aim("arp"), -9),
        ):  # fmt: skip
            evaluations = {
                weight: tuple(
                    Evaluation(model, seed, {"all": Slice(np.arange(2), 2, {
                        ("ndcg", 10): np.array([0.3, 0.5]) - weight / 10 + seed / 100,
                        (aim.metric, 10): np.array([20.0, 20.0]) + sign * weight,
                    })})
                    for seed in seeds
                )
                for weight in (0.0, 0.5, 1.0)
            }  # fmt: skip
            curves.append(TradeOff(model, reranker, 0.5, aim, evaluations))
    return TradeOffs("ndcg", 10, tuple(curves))


def make_published(model="KGCN", metric="ndcg", k=10, value=0.42, note="Other split.\nOwn code."):
    return PublishedRow("full-ranking", "book", model, metric, k, value, "Wang, WWW 2019", note)


def make_report(**changes) -> Report:
    """A report with all there can be."""
    found = changes.pop("comparison", None) or make_comparison()
    whole = Report(
        found.at((5, 10)) if found.evaluations[0].k else found,
        found,
        "A comparison",
        {"data": "60 users"},
        ["hybridrec evaluate a.csv", "  -o report.html"],
        make_knowledge(),
        make_relations(),
        (make_published(),),
        ("Ratings from 3.5 count.",),
        trade_offs=make_trade_offs(),
    )
    return replace(whole, **changes)


@pytest.fixture(scope="session")
def comparisons():
    return make_comparison


@pytest.fixture(scope="session")
def pairs():
    return make_pairs


@pytest.fixture(scope="session")
def relations():
    return make_relations


@pytest.fixture(scope="session")
def trade_offs():
    return make_trade_offs


@pytest.fixture(scope="session")
def published():
    return make_published


@pytest.fixture(scope="session")
def reports():
    return make_report
