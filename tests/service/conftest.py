"""Model folders that tests of the service share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset


@pytest.fixture(scope="session")
def world():
    """Return 40 users (one without interactions) and 62 items with titles, both described."""
    rng = np.random.default_rng(0)
    taste = np.arange(40)[:, None] % 2 == np.arange(60) % 2
    users, items = np.nonzero(rng.random((40, 60)) < np.where(taste, 0.35, 0.05))
    rows = pd.DataFrame({"user": users, "item": items, "weight": rng.integers(1, 6, len(users))})
    table = pd.DataFrame({"item": range(62), "group": np.where(np.arange(62) % 2, "odd", "even")})
    table["title"] = [f"Thing {one} of {'Été' if one % 2 else 'Winter'}" for one in range(62)]
    table["year"] = [None if one == 3 else 1990 + one for one in range(62)]
    people = pd.DataFrame({"user": range(41), "taste": ["even", "odd"] * 20 + ["even"]})
    people["age"] = np.arange(41) % 17 + 20
    return Dataset.build(rows, item_table=table, user_table=people)


@pytest.fixture(scope="session")
def folders(world, tmp_path_factory):
    """Return saved models by name."""
    root = tmp_path_factory.mktemp("models")
    models = {
        "hybrid-als": hybridrec.HybridALS(factors=8, iterations=3, num_threads=1),
        "als": hybridrec.ALS(factors=8, iterations=3, num_threads=1),
        "lightfm": hybridrec.LightFM(factors=8, epochs=3, num_threads=1),
        "rp3-beta": hybridrec.RP3Beta(),
        "personalized-page-rank": hybridrec.PersonalizedPageRank(num_threads=1),
        "blend": hybridrec.Blend(members=("hybrid-als:factors=8", "rp3-beta"), weights=(1, 1)),
    }
    for name, model in models.items():
        model.fit(world).save(root / name)
    return {name: root / name for name in models}


@pytest.fixture(scope="session")
def page_address(tmp_path_factory):
    """Return where the page is served, with two small models of bundled data."""
    from tests.service.browser import save_models, serving

    with serving(save_models(tmp_path_factory.mktemp("page"))) as address:
        yield address
