"""A data set small enough to check by hand, and a stand-in for fitted models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.models.frames import Lists


class ScoreTable:
    """A model that knows its scores; lists are made in plain Python."""

    model_name = "score-table"

    def __init__(self, train: Dataset, scores: np.ndarray) -> None:
        self.users_, self.items_ = train.users, train.items
        self.history_ = train.matrix
        self.scores = scores
        self.asked: list[dict] = []

    def recommend_codes(self, user_codes, k, *, history=None, items=None, num_threads=0):
        self.asked.append({"users": user_codes, "history": history, "items": items})
        seen = self.history_[user_codes] if history is None else history
        lists = np.full((len(user_codes), k), -1, dtype=np.int32)
        scores = np.full((len(user_codes), k), -np.inf, dtype=np.float32)
        for row, user in enumerate(user_codes):
            known = set(seen.indices[seen.indptr[row] : seen.indptr[row + 1]])
            open_to = [
                item
                for item in range(len(self.items_))
                if item not in known
                and (items is None or items[item])
                and np.isfinite(self.scores[user, item])
            ]
            open_to.sort(key=lambda item: (-self.scores[user, item], self.items_.tie_order[item]))
            best = open_to[:k]
            lists[row, : len(best)], scores[row, : len(best)] = best, self.scores[user, best]
        return Lists(lists, scores, np.zeros(len(lists), dtype=np.int8))

    def run(self, split) -> pd.DataFrame:
        """Write down every finite score of the test users, seen items included."""
        users, items = np.nonzero(np.isfinite(self.scores[split.test_users]))
        users = split.test_users[users]
        return pd.DataFrame(
            {
                "user": self.users_.ids[users],
                "item": self.items_.ids[items],
                "score": self.scores[users, items],
            }
        )


@pytest.fixture
def score_table():
    return ScoreTable


@pytest.fixture
def random_dataset():
    """Make a data set with repeated pairs, timestamps, some rows of weight 0, and parts."""

    def make(seed: int = 0, rows: int = 600, users: int = 30, items: int = 25) -> Dataset:
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {
                "user": rng.integers(0, users, rows),
                "item": [f"i{one}" for one in (items * rng.random(rows) ** 2).astype(int)],
                "weight": rng.integers(0, 4, rows).astype(float),
                "timestamp": rng.integers(1_000_000_000, 1_000_000_050, rows),
            }
        )
        seventh = (frame["user"] + frame["item"].str[1:].astype(int)) % 7
        frame["part"] = np.where(seventh == 0, "test", "train")
        return Dataset.build(
            Interactions.from_frame(frame, context=["part"]),
            item_table=pd.DataFrame({"item": ["never", "i0"]}),
        )

    return make


@pytest.fixture
def pairs_of():
    """Return the set of (user, item) ids of the positive rows of interactions."""

    def pairs(rows: Interactions) -> set[tuple[int, str]]:
        matrix: csr_matrix = rows.matrix.tocoo()
        return set(zip(rows.users.ids[matrix.row], rows.items.ids[matrix.col], strict=True))

    return pairs
