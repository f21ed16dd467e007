"""Data that tests of several models share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset


@pytest.fixture(scope="session")
def ratings():
    """Return 40 users' weights of up to 60 items, from two groups of taste."""
    rng = np.random.default_rng(0)
    taste = np.arange(40)[:, None] % 2 == np.arange(60) % 2
    users, items = np.nonzero(rng.random((40, 60)) < np.where(taste, 0.35, 0.05))
    weights = rng.integers(1, 6, len(users)).astype(np.float32)
    return pd.DataFrame({"user": users, "item": items, "weight": weights})


@pytest.fixture(scope="session")
def dataset(ratings):
    """Return them with a table that tells the group of every item, and two unknown items."""
    table = pd.DataFrame({"item": range(62), "group": np.where(np.arange(62) % 2, "odd", "even")})
    table["block"] = [f"b{one % 7}" for one in range(62)]
    return Dataset.build(ratings, item_table=table)
