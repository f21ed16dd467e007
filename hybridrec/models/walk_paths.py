"""On which ways walks with restart come from a user's history to an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import make_frame
from hybridrec.errors import DataError
from hybridrec.graph.reach import RestartWalks
from hybridrec.models.kept import kept
from hybridrec.ranking.explanation import POPULARITY, Shares
from hybridrec.ranking.scorer import HistoryScorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked
    from hybridrec.models.personalized_page_rank import PersonalizedPageRank

USERS = "users"
BY_USERS = "users who have both"
LONGER = "longer walks"


def walk_paths(model: PersonalizedPageRank, user: Any, item: Any) -> Any:
    """Return the round trips from a user's items to an item; see `PersonalizedPageRank.paths`."""
    assert isinstance(model.scorer_, HistoryScorer)
    code, target = model.users_.codes([user]), model.items_.codes([item])
    start = model.scorer_.profiles[code[0]]
    score = float(model.scorer_.chosen(code, target[:, None])[0, 0])
    if not np.isfinite(score):
        raise DataError(f"no walk comes from user {user!r} to item {item!r}")
    trips = _round_trips(model, start, int(target[0])).toarray() / score
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


def walk_features(model: PersonalizedPageRank, asked: Asked) -> Shares | None:
    """Take a score apart by the features that one round trip goes by; None without features."""
    if model.features_ is None:
        return None
    scorer = asked.scorer
    assert isinstance(scorer, HistoryScorer)
    assert scorer.background is not None
    start = scorer.profiles[asked.row]
    by_node = np.asarray(_round_trips(model, start, asked.target).sum(axis=0)).ravel()
    n_users = len(model.users_)
    ways = np.flatnonzero(by_node[n_users:])
    anywhere = max(1.0 - float(start.data.sum(dtype=np.float64)), 0.0)
    bias = {
        BY_USERS: float(by_node[:n_users].sum()),
        POPULARITY: anywhere * float(scorer.background[asked.target]),
    }
    shares = Shares(_walked_by(model)[ways], by_node[n_users:][ways], bias)
    return shares.completed(asked.score, LONGER)


def _round_trips(model: PersonalizedPageRank, start: csr_matrix, target: int) -> csr_matrix:
    """Return the share of walks' time from each origin by each node to an item, (n, nodes)."""
    made_of = (model.history_, model.features_)
    walks, away = kept(model, "walks", made_of, lambda: _both_ways(model))
    there = away[start.indices].astype(np.float64)
    there.data *= np.repeat(start.data, np.diff(there.indptr))
    trips: csr_matrix = there.multiply(walks.to_items[target].astype(np.float64)).tocsr()
    return trips * _weight_of_one(walks)


def _both_ways(model: PersonalizedPageRank) -> tuple[RestartWalks, csr_matrix]:
    """Return the walks of a model, and where they go from every item, by rows."""
    walks = model._walks_over(model.history_)
    return walks, walks.from_items.T.tocsr()


def _weight_of_one(walks: RestartWalks) -> float:
    """Return the share of a walk's time that is spent after one round trip."""
    further = 1 - walks.restart
    return further if walks.steps == 1 else further * walks.restart


def _walked_by(model: PersonalizedPageRank) -> np.ndarray:
    """Return the features that walks can go by, in the order of their nodes."""
    assert model.features_ is not None
    shared: np.ndarray = np.flatnonzero(model.features_.getnnz(axis=0) > 1)
    return shared


def _names(model: PersonalizedPageRank) -> list[str]:
    """Return the names of the features that walks can go by."""
    if model.features_ is None:
        return []
    pipeline, shared = model.item_pipeline_, _walked_by(model)
    if pipeline is None:
        return [f"feature {column}" for column in shared]
    return list(pipeline.feature_names[shared])
