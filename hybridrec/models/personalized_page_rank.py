"""Personalized PageRank: walks with restart over users, items and what is known of the items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.checks import at_least, whole
from hybridrec.models.item_item import ItemItemModel, nearest_items, with_new_items
from hybridrec.ranking.scorer import HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class PersonalizedPageRank(ItemItemModel):
    """Score an item by how often a walk from the user's history is there (Haveliwala 2002).

    From an item the walk goes to one of its features (an entity of the knowledge graph, a
    genre) with probability ``feature_weight / (feature_weight + sqrt(users of the item))``,
    always if it has no user; else to one of its users; and from there to one of theirs. Every
    round trip ends with probability ``restart``, where the next walk begins. No parameter is
    learned. As the walk is linear in its start, the lists of all users follow from one
    item-item matrix, of which the largest entries are kept. Scores are shares of the walk's
    time, the same scale for all users.

    Parameters
    ----------
    restart : float, default 0.3
        Between 0 and 1: the smaller, the farther the walk goes.
    steps : int, default 6
        Round trips after which a walk ends where it is.
    feature_weight : float, default 1
        How much features count beside users; 0 leaves them out.
    neighbors : int, default 500
        Entries kept of each item.
    num_threads : int, default 0
        0 means all; the result does not depend on it.

    References
    ----------
    T. Haveliwala, "Topic-sensitive PageRank", WWW 2002. C. Christoffel et al., "Blockbusters and
    wallflowers", RecSys 2015 (walks for recommendation).
    """

    model_name = "personalized-page-rank"
    uses_item_features = True

    def __init__(
        self,
        *,
        restart: float = 0.3,
        steps: int = 6,
        feature_weight: float = 1.0,
        neighbors: int = 500,
        num_threads: int = 0,
    ) -> None:
        self.restart, self.steps, self.feature_weight = restart, steps, feature_weight
        self.neighbors, self.num_threads = neighbors, num_threads

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        whole(neighbors=self.neighbors, steps=self.steps)
        at_least(0, feature_weight=self.feature_weight)
        if not 0 < self.restart < 1:
            raise ParameterError(f"restart must be between 0 and 1, got {self.restart}")
        self.features_ = _links(item_features, self.feature_weight)
        shared = _shared(self.features_)
        self.away_ = self._to_features(matrix, shared)
        walks = _Walks.over(matrix, shared, self.away_, self.restart, self.steps)
        weights = nearest_items(walks, self.neighbors, self.num_threads)
        return HistoryScorer(_shares(matrix), weights, over_items=True)

    def _to_features(self, matrix: csr_matrix, features: csr_matrix | None) -> np.ndarray:
        """Return the probability of going from each item to its features, float64 (n_items,)."""
        popularity = matrix.getnnz(axis=0).astype(np.float64)
        away = np.zeros(len(popularity))
        if features is not None:
            described = features.getnnz(axis=1) > 0
            away[described] = self.feature_weight
            away[described] /= self.feature_weight + np.sqrt(popularity[described])
        return away

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return super()._fold_in(_shares(history))

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        """Give new items the weights of walks that meet them once."""
        from scipy.sparse import diags, identity

        if self.features_ is None:
            return False
        assert isinstance(self.scorer_, HistoryScorer)
        n = self.features_.shape[0]
        new = features.astype(np.float64)
        degrees = np.asarray(self.features_.sum(axis=0, dtype=np.float64)).ravel()
        back = new.copy()  # probability of coming to the new item from a feature of it
        back.data = back.data / (degrees[back.indices] + back.data)
        there = _shares(new).copy()
        there.data = there.data / (degrees[there.indices] + new.data)
        reach = self.scorer_.weights[:n, :n] + self.restart * identity(n, format="csr")
        into = reach @ diags(self.away_) @ _shares(self.features_) @ back.T
        out_of = reach.T @ self.features_.astype(np.float64) @ there.T
        further = 1 - self.restart
        self.scorer_ = with_new_items(
            self.scorer_, items, (further * into).toarray(), (further * out_of).toarray()
        )
        return True

    def _state(self) -> dict[str, np.ndarray]:
        return {} if self.features_ is None else {"features_": self.features_, "away_": self.away_}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.features_ = None
        super()._set_state(state)


@dataclass(frozen=True, eq=False)
class _Walks:
    """The reach of every item, as rows of scores."""

    from_items: csr_matrix
    to_items: csr_matrix
    restart: float
    steps: int

    @classmethod
    def over(
        cls,
        matrix: csr_matrix,
        features: csr_matrix | None,
        away: np.ndarray,
        restart: float,
        steps: int,
    ) -> _Walks:
        """Put users and features beside the items, with the probabilities of going there."""
        from scipy.sparse import csr_matrix, diags, vstack

        to_users = diags(1 - away) @ _shares(matrix.T.tocsr())
        from_items, to_items = [to_users.T], [_shares(matrix)]
        if features is not None:
            from_items.append((diags(away) @ _shares(features)).T)
            to_items.append(_shares(features.T.tocsr()))
        return cls(
            csr_matrix(vstack(from_items), dtype=np.float32),
            csr_matrix(vstack(to_items).T, dtype=np.float32),
            restart,
            steps,
        )

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self.to_items.shape[0])

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return where walks from some items are, -inf where they never come."""
        from hybridrec.kernels.reach import reach_block

        reach = np.empty((len(rows), self.n_items), dtype=np.float32)
        away, back = self.from_items, self.to_items
        reach_block(
            rows,
            (away.indptr, away.indices, away.data),
            (back.indptr, back.indices, back.data),
            *(self.restart, self.steps, reach),
        )
        reach[reach == 0] = -np.inf  # what no walk comes to is no neighbour
        return reach

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return zeros: every walk is computed alone."""
        return np.zeros(len(rows))

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the reach of chosen items."""
        reach = np.take_along_axis(self.block(rows), np.maximum(items, 0), axis=1)
        return np.where(items >= 0, reach, np.float32(-np.inf))


def _links(features: csr_matrix | None, weight: float) -> csr_matrix | None:
    """Return features as links of positive weight, None where there are none."""
    if features is None or weight == 0:
        return None
    if features.data.min(initial=0.0) < 0:
        raise ParameterError(
            "personalized-page-rank takes features as links, which cannot be negative: choose"
            " others, such as item_features=['tokens']"
        )
    return features


def _shared(features: csr_matrix | None) -> csr_matrix | None:
    """Return the features of at least two items: a walk to another would come right back."""
    if features is None:
        return None
    return features[:, features.getnnz(axis=0) > 1]


def _shares(matrix: csr_matrix) -> csr_matrix:
    """Return a matrix whose rows sum to 1, but for the empty ones."""
    shares = matrix.astype(np.float64)
    total = np.asarray(shares.sum(axis=1)).ravel()
    shares.data /= np.repeat(total, np.diff(shares.indptr))
    return shares
