"""Data of five tastes: facts that tell them, facts at random, and columns of either kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph

USERS, ITEMS, TASTES = 150, 120, 5


def _values(telling: bool, rng: np.random.Generator) -> np.ndarray:
    """Return the taste of every item, or values at random."""
    return np.arange(ITEMS) % TASTES if telling else rng.integers(0, 15, ITEMS)


@pytest.fixture(scope="session")
def tastes() -> Callable[..., Dataset]:
    """Make a data set in which every user likes items of one taste, and few others.

    ``facts`` and ``columns`` of items and of ``users`` are True if they tell the taste, False if
    they are random, None if there are none. ``new`` items have no interactions.
    """

    def make(
        facts: bool | None = None,
        columns: bool | None = None,
        *,
        users: bool | None = None,
        n_users: int = USERS,
        new: int = 0,
        seed: int = 0,
    ) -> Dataset:
        rng = np.random.default_rng(seed)
        likes = (np.arange(n_users) % TASTES)[:, None] == (np.arange(ITEMS) % TASTES)[None, :]
        chosen = rng.random((n_users, ITEMS)) < np.where(likes, 0.5, 0.02)
        chosen[:, ITEMS - new :] = False
        rows = np.argwhere(chosen)
        graph = table = of_users = None
        if facts is not None:
            tail = [f"taste {one}" for one in _values(facts, rng)]
            ids = np.arange(ITEMS).astype(str)
            graph = KnowledgeGraph.from_triples(ids, ["is"] * ITEMS, tail, link=(ids, ids))
        if columns is not None:
            colour = [f"c{one}" for one in _values(columns, rng)]
            table = pd.DataFrame({"item": np.arange(ITEMS).astype(str), "colour": colour})
        if users is not None:
            town = np.arange(n_users) % TASTES if users else rng.integers(0, 15, n_users)
            of_users = pd.DataFrame({"user": np.arange(n_users), "town": [f"t{n}" for n in town]})
        frame = pd.DataFrame({"user": rows[:, 0], "item": rows[:, 1].astype(str)})
        return Dataset.build(frame, graph, item_table=table, user_table=of_users)

    return make
