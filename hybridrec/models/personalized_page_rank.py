"""Personalized PageRank: walks with restart over users, items and what is known of the items."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.graph.reach import RestartWalks, shares
from hybridrec.models.checks import at_least, whole
from hybridrec.models.item_item import ItemItemModel, nearest_items, with_new_items
from hybridrec.models.kept import kept
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer, Scorer, one_user

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked
    from hybridrec.ranking.explanation import Shares

# In interactions: how much of a walk begins anywhere. Enough to rank what a history does not
# reach, too little to change anything else (found on validation pairs of Book-Crossing).
ANYWHERE = 0.03


class PersonalizedPageRank(ItemItemModel):
    """Score an item by how often a walk from the user's history is there (Haveliwala 2002).

    From an item the walk goes to one of its features (an entity of the knowledge graph, a
    genre) with probability ``feature_weight / (feature_weight + sqrt(users of the item))``,
    always if it has no user; else to one of its users; and from there to one of theirs. Every
    round trip ends with probability ``restart``, where the next walk begins. No parameter is
    learned. As the walk is linear in its start, the lists of all users follow from one
    item-item matrix, of which the largest entries are kept. A few walks begin at a random
    interaction of anybody: they rank what a history does not reach, and are all there is for a
    user without history. Scores are shares of the walk's time, the same scale for all users.

    Parameters
    ----------
    restart : float, default 0.3
        Between 0 and 1: the smaller, the farther the walk goes.
    steps : int, default 6
        Round trips after which a walk ends where it is.
    feature_weight : float, default 1
        How much features count beside users; 0 leaves them out.
    neighbors : int, default 1000
        Entries kept of each item, 8 bytes each. What is left out are far walks: fewer rank the
        head of a list as well, but tell less about items that nothing near leads to.
    num_threads : int, default 0
        0 means all; the result does not depend on it.

    References
    ----------
    T. Haveliwala, "Topic-sensitive PageRank", WWW 2002. C. Christoffel et al., "Blockbusters and
    wallflowers", RecSys 2015 (walks for recommendation).
    """

    model_name = "personalized-page-rank"
    uses_item_features = True
    links_features = True

    def __init__(
        self,
        *,
        restart: float = 0.3,
        steps: int = 6,
        feature_weight: float = 1.0,
        neighbors: int = 1000,
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
        self._prepare(item_features)
        walks = self._walks_over(matrix)
        weights = nearest_items(walks, self.neighbors, self.num_threads)
        background = walks.visits(popularity_of(matrix.getnnz(axis=0)))
        return scorer_of(starts_of(matrix), weights, background)

    def _prepare(self, item_features: csr_matrix | None) -> None:
        """Check the parameters and take over the features."""
        whole(neighbors=self.neighbors, steps=self.steps)
        at_least(0, feature_weight=self.feature_weight)
        if not 0 < self.restart < 1:
            raise ParameterError(f"restart must be between 0 and 1, got {self.restart}")
        self.features_ = _links(item_features, self.feature_weight)

    def _walks_over(self, matrix: csr_matrix) -> RestartWalks:
        features, away = self._beside(matrix.getnnz(axis=0))
        return RestartWalks.over(matrix, features, away, self.restart, self.steps)

    def _beside(self, counts: np.ndarray) -> tuple[csr_matrix | None, np.ndarray]:
        """Return the features that walks go by, given the users of every item, and how often.

        How often is the probability of going from an item to them, float64 (n_items,).
        """
        features = None
        if self.features_ is not None:
            features = _shared(_of_length(self.features_, len(counts)))
        return features, self._to_features(counts, features)

    def _to_features(self, counts: np.ndarray, features: csr_matrix | None) -> np.ndarray:
        away = np.zeros(len(counts))
        if features is not None:
            described = features.getnnz(axis=1) > 0
            away[described] = self.feature_weight
            away[described] /= self.feature_weight + np.sqrt(counts[described].astype(np.float64))
        return away

    def exact_scores(self, user_codes: np.ndarray) -> np.ndarray:
        """Return the scores of some users by walking the whole graph, nothing left out.

        The reference for the kept item-item matrix, and slow: every call iterates over all
        interactions and features. After `update` or `add_items` it is what a new fit would give.

        Parameters
        ----------
        user_codes : ndarray of int, shape (n,)

        Returns
        -------
        ndarray of float64, shape (n, n_items)
            A user's own items have scores as well.
        """
        self._check_fitted()
        history = self.history_
        lack = 1.0 / (1.0 + np.diff(history.indptr)[user_codes, None] / ANYWHERE)
        anywhere = lack * popularity_of(history.getnnz(axis=0))
        starts = starts_of(history)[user_codes].toarray() + anywhere
        return self._walks_over(history).visits(starts)

    def paths(self, user: Any, item: Any) -> Any:
        """Tell on which ways walks from a user's history come to an item.

        Parameters
        ----------
        user, item : id

        Returns
        -------
        data frame
            Columns history (an item of the user), via ("users", or the name of a feature both
            items have) and share of the item's score, the largest first. What is missing to 1 are
            longer walks, and those that begin anywhere.

        Raises
        ------
        UnknownIdError, NotFittedError
        """
        from hybridrec.models.walk_paths import walk_paths

        self._check_fitted()
        return walk_paths(self, user, item)

    @property
    def popular_scorer(self) -> FactorScorer:
        """A scorer with a single row: walks that begin at a random interaction of anybody."""
        scorer = self.scorer_
        assert isinstance(scorer, HistoryScorer)
        assert scorer.background is not None
        background = scorer.background
        return kept(self, "popular", (scorer,), lambda: one_user(background))

    def _fold_in(self, history: csr_matrix) -> Scorer:
        return super()._fold_in(starts_of(history))

    def _similarity(self, items: np.ndarray) -> Scorer:
        alone = super()._similarity(items)
        assert isinstance(alone, HistoryScorer)
        return replace(alone, background=None)

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        """Give new items the weights of walks that meet them once."""
        from scipy.sparse import diags, identity, vstack

        if self.features_ is None:
            return False
        assert isinstance(self.scorer_, HistoryScorer)
        assert self.scorer_.background is not None
        n = items[0]
        known, counts = _of_length(self.features_, n), self.history_[:, :n].getnnz(axis=0)
        away = self._to_features(counts, _shared(known))
        new = features.astype(np.float64)
        degrees = np.asarray(known.sum(axis=0, dtype=np.float64)).ravel()
        back = new.copy()  # probability of coming to the new item from a feature of it
        back.data = back.data / (degrees[back.indices] + back.data)
        there = shares(new).copy()
        there.data = there.data / (degrees[there.indices] + new.data)
        reach = self.scorer_.weights[:n, :n] + self.restart * identity(n, format="csr")
        further = 1 - self.restart
        into = (further * (reach @ diags(away) @ shares(known) @ back.T)).toarray()
        out_of = (further * (reach.T @ known.astype(np.float64) @ there.T)).toarray()
        background = self.scorer_.background.copy()
        background[items] = (popularity_of(counts) @ into).ravel()
        scorer = replace(self.scorer_, background=background)
        self.scorer_ = with_new_items(scorer, items, into, out_of)
        self.features_ = vstack([known, features], format="csr")
        return True

    def _feature_shares(self, asked: Asked) -> Shares | None:
        from hybridrec.models.walk_paths import walk_features

        return walk_features(self, asked)

    def _state(self) -> dict[str, np.ndarray]:
        return {} if self.features_ is None else {"features_": self.features_}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.features_ = state.get("features_")


def scorer_of(starts: csr_matrix, weights: csr_matrix, visits: np.ndarray) -> HistoryScorer:
    """Return the scorer of all users.

    Parameters
    ----------
    starts : csr_matrix of float32, shape (n_users, n_items)
        Where their walks begin, by `starts_of`.
    weights : csr_matrix of float32, shape (n_items, n_items)
        Of every item's best neighbours.
    visits : ndarray, shape (1, n_items)
        Where walks are that begin anywhere.
    """
    background = visits.ravel().astype(np.float32)
    return HistoryScorer(starts, weights, over_items=True, background=background)


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


def _of_length(features: csr_matrix, n: int) -> csr_matrix:
    """Return features of ``n`` items; those that came later without features have none."""
    longer = features.copy()
    longer.resize(n, features.shape[1])
    return longer


def starts_of(history: csr_matrix) -> csr_matrix:
    """Return where walks of some users begin; what lacks to a sum of 1 begins anywhere."""
    starts = shares(history)
    count = np.diff(history.indptr)
    starts.data *= np.repeat(count / (count + ANYWHERE), count)
    return starts.astype(np.float32)


def popularity_of(counts: np.ndarray) -> np.ndarray:
    """Return the share of every item in all interactions, float64 (1, n_items)."""
    users = counts.astype(np.float64)
    popularity: np.ndarray = users[None, :] / users.sum()
    return popularity
