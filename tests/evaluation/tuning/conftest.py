"""A data set with side information, and a search whose objective is a formula."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.evaluation.splits import Split, random_split
from hybridrec.evaluation.tuning.measure import FitError

ITEMS = 24


@pytest.fixture
def dataset() -> Dataset:
    """Forty users who like one of four kinds of items; the graph and the table tell the kinds."""
    rng = np.random.default_rng(0)
    rows = [
        (user, item, 1_000_000 + int(rng.integers(0, 1000)))
        for user in range(40)
        for item in range(ITEMS)
        if rng.random() < (0.7 if user % 4 == item % 4 else 0.15)
    ]
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp"])
    facts = pd.DataFrame(
        {"head": range(ITEMS), "relation": "is", "tail": [f"k{i % 4}" for i in range(ITEMS)]}
    ).astype(str)
    link = pd.DataFrame({"item": range(ITEMS), "entity": [str(i) for i in range(ITEMS)]})
    table = pd.DataFrame({"item": range(ITEMS), "kind": [f"x{i % 2}" for i in range(ITEMS)]})
    knowledge = KnowledgeGraph.from_frame(facts, link=link)
    return Dataset.build(frame, knowledge, item_table=table)


@pytest.fixture
def split(dataset) -> Split:
    return random_split(dataset, by="user", random_state=3)


@pytest.fixture
def formula(monkeypatch) -> Callable[..., list[dict]]:
    """Let a search measure a formula in place of a model; returns the settings it measured."""

    def use(value: Callable[[dict], float], n_steps: int = 2) -> list[dict]:
        asked: list[dict] = []

        class Formula:
            def __init__(self, *arguments, **options) -> None:
                self.n_steps = n_steps

            def value(self, point, before):
                asked.append(dict(point))
                found = value(point)
                if math.isnan(found):
                    raise FitError("no such setting")
                return found * (0.5 if len(before) + 1 < n_steps else 1.0)

        monkeypatch.setattr("hybridrec.evaluation.tuning.search.Measurement", Formula)
        return asked

    return use
