"""On which ways walks with restart come from a user's history to an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import make_frame
from hybridrec.errors import DataError
from hybridrec.graph.reach import RestartWalks
from hybridrec.ranking.scorer import HistoryScorer

if TYPE_CHECKING:
    from hybridrec.models.personalized_page_rank import PersonalizedPageRank

USERS = "users"


def walk_paths(model: PersonalizedPageRank, user: Any, item: Any) -> Any:
    """Return the round trips from a user's items to an item; see `PersonalizedPageRank.paths`."""
    assert isinstance(model.scorer_, HistoryScorer)
    code, target = model.users_.codes([user]), model.items_.codes([item])
    start = model.scorer_.profiles[code[0]]
    score = float(model.scorer_.chosen(code, target[:, None])[0, 0])
    if not np.isfinite(score):
        raise DataError(f"no walk comes from user {user!r} to item {item!r}")
    walks = model._walks_over(model.history_)
    trips = _round_trips(walks, start.indices, int(target[0]))
    trips *= start.data[:, None] * _weight_of_one(walks) / score
    n_users = len(model.users_)
    by_way = np.column_stack([trips[:, :n_users].sum(axis=1), trips[:, n_users:]])
    origin, way = np.nonzero(by_way)
    order = np.argsort(-by_way[origin, way], kind="stable")
    origin, way = origin[order], way[order]
    columns = {
        "history": model.items_.ids[start.indices[origin]],
        "via": np.array([USERS, *_names(model)], dtype=object)[way],
        "share": by_way[origin, way],
    }
    return make_frame(columns, model.backend_)


def _round_trips(walks: RestartWalks, origins: np.ndarray, target: int) -> np.ndarray:
    """Return the probability of going from each origin by each node to the target."""
    there = walks.from_items[:, origins].T.toarray().astype(np.float64)
    back = walks.to_items[target].toarray().astype(np.float64)
    product: np.ndarray = there * back
    return product


def _weight_of_one(walks: RestartWalks) -> float:
    """Return the share of a walk's time that is spent after one round trip."""
    further = 1 - walks.restart
    return further if walks.steps == 1 else further * walks.restart


def _names(model: PersonalizedPageRank) -> list[str]:
    """Return the names of the features that walks can go by, in the order of their nodes."""
    if model.features_ is None:
        return []
    shared = np.flatnonzero(model.features_.getnnz(axis=0) > 1)
    pipeline = model.item_pipeline_
    if pipeline is None:
        return [f"feature {column}" for column in shared]
    return list(pipeline.feature_names[shared])
