"""A shop where people browse and buy, and two domains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Dataset, Interactions


def by_scenario(rows: pd.DataFrame, column: str = "scenario") -> Interactions:
    return Interactions.from_frame(rows, context=[column])


@pytest.fixture(scope="session")
def shop() -> pd.DataFrame:
    """60 users of two tastes browse their half of 60 items, and buy only the cheap ones."""
    rng = np.random.default_rng(1)
    rows = []
    for user in range(60):
        for item in range(user % 2, 60, 2):
            cheap = item % 3 == 0
            if rng.random() < (0.3 if cheap else 0.7):
                rows.append((user, f"i{item}", "browse"))
            if cheap and rng.random() < 0.6:
                rows.append((user, f"i{item}", "buy"))
    return pd.DataFrame(rows, columns=["user", "item", "scenario"])


@pytest.fixture(scope="session")
def domains() -> pd.DataFrame:
    """40 users of two tastes, each with films and most with books of their taste."""
    rng = np.random.default_rng(2)
    rows = []
    for user in range(40):
        for kind, share in (("film", 0.6), ("book", 0.5)):
            if kind == "book" and user < 8:
                continue  # known by films only
            rows += [
                (f"u{user}", f"{kind}{item}", kind)
                for item in range(user % 2, 30, 2)
                if rng.random() < share
            ]
    return pd.DataFrame(rows, columns=["user", "item", "scenario"])


@pytest.fixture
def shop_data(shop) -> Dataset:
    return Dataset.build(by_scenario(shop))
