"""What items that nobody has weigh in an item-item model: a ridge regression on features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.features.blocks import scale_rows
from hybridrec.models.item_item import ItemItemModel, gram, invert, with_new_items
from hybridrec.ranking.explanation import REST, Shares
from hybridrec.ranking.scorer import HistoryScorer
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked

ADVICE = "leave the features out, or use hybrid-als, personalized-page-rank or content"
TOLERANCE = 1e-6  # of an explanation
SAMPLE = 1000  # users over whom spreads are compared


@dataclass(eq=False)
class KernelRidge:
    """Kernel ridge regression of the weights of items on their features.

    With F the features of known items and f those of a new one, all of length 1, the weights of
    the new item are theirs in shares of ``(F F' + ridge I)^-1 F f``: the map of Gantner et al.
    (ICDM 2010) from features to factors, with the rows and columns of an item-item matrix as the
    factors.

    Attributes
    ----------
    features : csr_matrix of float32, shape (n_known, width)
    rows : ndarray of int, shape (n_known,)
        The known items: those with both users and features.
    ridge : float
    gain : float
        Factor of the weights that lead into new items; see `calibrate`.
    """

    features: csr_matrix
    rows: np.ndarray
    ridge: float
    gain: float = 1.0

    @cached_property
    def _inverse(self) -> np.ndarray:
        kernel = gram(self.features.T.astype(np.float64).tocsr(), advice=ADVICE)
        np.einsum("ii->i", kernel)[:] += self.ridge
        invert(kernel, "feature_regularization")
        return kernel

    def calibrate(self, scorer: HistoryScorer, level: float) -> None:
        """Set the gain so that the scores of new items spread as those of known ones do.

        A regression draws what it tells towards 0, so no new item would come near the top of a
        list. Every known item is predicted from all others (leave one out, in closed form), and
        the variance of its scores within a user's list compared with the true one.

        Parameters
        ----------
        scorer : HistoryScorer
            Its profiles are the users' histories.
        level : float
            Times the equal spread.
        """
        from scipy.sparse import issparse

        users = np.linspace(0, scorer.n_users - 1, SAMPLE).astype(np.int64)
        with threads():
            scores = scorer.profiles[np.unique(users)] @ scorer.weights[:, self.rows]
            scores = scores.toarray() if issparse(scores) else scores
            alone = scores - scores @ self._inverse / self._inverse.diagonal()
        true, predicted = (float(one.var(axis=1).mean()) for one in (scores, alone))
        self.gain = level * float(np.sqrt(true / predicted)) if predicted > 0 else level

    def place(
        self, scorer: HistoryScorer, items: np.ndarray, features: csr_matrix
    ) -> HistoryScorer:
        """Return a scorer that reaches some new items, and is reached from them.

        Parameters
        ----------
        scorer : HistoryScorer
            Wide enough for the new items; nothing reaches them yet.
        items : ndarray of int, shape (m,)
        features : csr_matrix, shape (m, width)
        """
        shares = np.zeros((scorer.n_items, len(items)), dtype=np.float32)
        with threads():
            shares[self.rows] = self._inverse @ (self.features @ scale_rows(features).T).toarray()
            into = np.float32(self.gain) * (scorer.weights @ shares)
            out_of = scorer.weights.T @ shares
            among = np.float32(self.gain) * (shares.T @ out_of)
        np.fill_diagonal(among, 0.0)
        out_of[items] = among
        return with_new_items(scorer, items, into, out_of)

    def shares(self, features: csr_matrix, weights: np.ndarray) -> np.ndarray:
        """Return what each feature of a new item adds to a weighted sum of known items' shares.

        Parameters
        ----------
        features : csr_matrix, shape (1, width)
        weights : ndarray, shape (n_known,)
            Of the known items.

        Returns
        -------
        ndarray of float64, shape (features of the item,)
            They sum to ``weights . (F F' + ridge I)^-1 F f``.
        """
        from scipy.sparse import csr_matrix
        from scipy.sparse.linalg import LinearOperator, cg

        n, own = len(self.rows), csr_matrix(scale_rows(features))
        known = self.features.astype(np.float64)
        transposed = known.T.tocsr()
        kernel = LinearOperator(
            (n, n), matvec=lambda x: known @ (transposed @ x) + self.ridge * x, dtype=np.float64
        )
        told, _ = cg(kernel, weights.astype(np.float64), rtol=TOLERANCE)
        found: np.ndarray = own.data * (transposed[own.indices] @ told)
        return found


class HybridItemItem(ItemItemModel):
    """Base of item-item models that reach new items through a `KernelRidge`.

    Known items have the weights of the model; new ones, with features but without users, those
    that the regression tells. So new items change nothing between the others.
    """

    uses_item_features = True

    feature_regularization: float
    calibration: float
    map_: KernelRidge | None
    placed_: tuple[np.ndarray, csr_matrix] | None

    def _with_features(self, scorer: HistoryScorer, features: csr_matrix | None) -> HistoryScorer:
        """Learn the map from features to weights, and place the items that nobody has."""
        self.map_, self.placed_ = None, None
        if features is None:
            return scorer
        users = scorer.profiles.getnnz(axis=0)
        rows = np.flatnonzero((users > 0) & (features.getnnz(axis=1) > 0))
        if not rows.size:
            return scorer
        known = KernelRidge(scale_rows(features[rows]), rows, self.feature_regularization)
        known.calibrate(scorer, self.calibration)
        self.map_ = replace(known)  # without the inverse, which is larger than the model
        new = np.flatnonzero(users == 0)
        self.placed_ = new, features[new]
        return known.place(scorer, new, features[new])

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        from scipy.sparse import vstack

        if self.map_ is None:
            return False
        assert isinstance(self.scorer_, HistoryScorer)
        self.scorer_ = self.map_.place(self.scorer_, items, features)
        if self.placed_ is not None:
            before, told = self.placed_
            self.placed_ = np.concatenate([before, items]), vstack([told, features], format="csr")
        return True

    def _feature_shares(self, asked: Asked) -> Shares | None:
        if self.map_ is None or self.placed_ is None:
            return None
        at = np.flatnonzero(self.placed_[0] == asked.target)
        if not at.size:  # an item with users has weights that no regression told
            return None
        assert isinstance(asked.scorer, HistoryScorer)
        profile, known = asked.scorer.profiles[asked.row], self.map_
        reach = np.asarray(profile.data @ asked.scorer.weights[profile.indices])
        features = self.placed_[1][at[-1]]
        values = known.gain * known.shares(features, reach.ravel()[known.rows])
        return Shares(features.indices, values, {}).completed(asked.score, REST)

    def _state(self) -> dict[str, np.ndarray]:
        if self.map_ is None:
            return {}
        known = self.map_
        state = {"features": known.features, "rows": known.rows, "gain": np.array([known.gain])}
        if self.placed_ is not None:
            state["placed"], state["placed_features"] = self.placed_
        return state

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.map_, self.placed_ = None, None
        if "placed" in state:
            self.placed_ = state["placed"], state["placed_features"]
        if state:
            features, rows, gain = (state[name] for name in ("features", "rows", "gain"))
            self.map_ = KernelRidge(features, rows, self.feature_regularization, float(gain[0]))
