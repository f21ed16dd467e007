from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.evaluation.splits.split import Split

# Training pairs by item: a 4, b 4, c 2, d 1, e 1 of 12; f has none. User 5 has none.
TRAIN = [(1, "abcd"), (2, "abce"), (3, "ab"), (4, "ab")]
TEST = [(1, "f"), (2, "d"), (4, "c"), (5, "a")]


@pytest.fixture
def split() -> Split:
    rows = pd.DataFrame(
        [(user, item) for user, items in TRAIN + TEST for item in items], columns=["user", "item"]
    )
    items = pd.DataFrame(
        {
            "item": list("abcdef"),
            "genres": ["war|drama", "drama", None, "war", "comedy", "drama|comedy"],
            "year": [1960, 1970, 1980, 1990, 2000, np.nan],
        }
    )
    users = pd.DataFrame({"user": [1, 2, 3, 4, 5], "country": ["x", "y", "x", "y", None]})
    data = Dataset.build(Interactions.from_frame(rows), item_table=items, user_table=users)
    held_out = np.arange(len(rows)) >= 12
    train = data.with_interactions(data.interactions.take(~held_out))
    return Split("mine", {}, train, data.interactions.take(held_out))
