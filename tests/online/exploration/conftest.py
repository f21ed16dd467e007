"""A small fitted model with two tastes, and candidates of its users."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import ALS, HybridALS
from hybridrec.dataset.dataset import Dataset
from hybridrec.online.exploration import candidates_of


@pytest.fixture(scope="session")
def data():
    """Return 40 users and 62 items in two groups of taste; two items have no interaction."""
    rng = np.random.default_rng(0)
    taste = np.arange(40)[:, None] % 2 == np.arange(60) % 2
    users, items = np.nonzero(rng.random((40, 60)) < np.where(taste, 0.35, 0.05))
    table = pd.DataFrame({"item": range(62), "group": np.where(np.arange(62) % 2, "odd", "even")})
    table["block"] = [f"b{one % 7}" for one in range(62)]
    return Dataset.build(pd.DataFrame({"user": users, "item": items}), item_table=table)


@pytest.fixture(scope="session")
def model(data):
    return HybridALS(factors=8, num_threads=1).fit(data)


@pytest.fixture(scope="session")
def other(data):
    return ALS(factors=8, num_threads=1).fit(data)


@pytest.fixture
def candidates(model):
    return candidates_of(model, np.arange(40), 20, num_threads=1)
