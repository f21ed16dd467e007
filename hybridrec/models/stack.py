"""Stack: boosted trees over the scores of other models, learned from labelled pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.checks import positive, whole
from hybridrec.models.labels import labelled_pairs
from hybridrec.models.members import Ensemble, MemberInput, fit_member, side_by_side
from hybridrec.models.side import FeatureInput
from hybridrec.ranking.ensemble import Members
from hybridrec.ranking.scorer import Scorer
from hybridrec.ranking.trees import StackScorer, Trees, features_of_pairs
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.ensemble import HistGradientBoostingClassifier
    from typing_extensions import Self

    from hybridrec.models.explain import Asked
    from hybridrec.ranking.explanation import Shares

LEAVES, LEAST_PAIRS = 15, 50  # of a tree, and in a leaf


class Stack(Ensemble):
    """Learn from labelled pairs how much to believe other models.

    The pairs are dealt into folds. Members fitted on the positives of all folds but one score
    the pairs of that one, so no pair is scored by a model that has seen it. What the trees see
    of a pair is the rank that each member gives to the item among the user's items, 0 to 1, and
    the member's score; nothing else: no ids, no numbers of a user's interactions. A higher rank
    or score of a member never makes a lower score. At last the members are fitted on everything.
    Scores are log odds, and any pair has one, that of an item that nobody has as well.

    Rows of weight 0 are the negatives. Where there are none, one is sampled for every positive:
    uniformly from the items that have interactions, but none with the user.

    Parameters
    ----------
    members : sequence of str or (str, mapping)
        As in `hybridrec.Blend`.
    folds : int, default 5
        At least 2.
    iterations : int, default 100
        Trees, of 15 leaves each.
    learning_rate : float, default 0.05
    random_state : int, default 0
        Also of the members.
    num_threads : int, default 0
        0 means all; the result does not depend on it. Of the members.

    Attributes
    ----------
    labelled_ : LabelledPairs
        What the trees learned from, scored out of fold; only after `fit`, it is not saved.

    References
    ----------
    D. Wolpert, "Stacked generalization", Neural Networks 1992. G. Ke et al., "LightGBM", 2017
    (the trees are those of scikit-learn).
    """

    model_name = "stack"

    def __init__(
        self,
        *,
        members: Sequence[MemberInput] = (
            *("popularity", "personalized-page-rank", "hybrid-als", "rp3-beta"),
        ),
        folds: int = 5,
        iterations: int = 100,
        learning_rate: float = 0.05,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.members, self.folds = members, folds
        self.iterations, self.learning_rate = iterations, learning_rate
        self.random_state, self.num_threads = random_state, num_threads

    # ---- fit --------------------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        *,
        item_features: FeatureInput = None,
        user_features: FeatureInput = None,
    ) -> Self:
        """Fit members and trees; see `Recommender.fit`.

        Raises
        ------
        DataError
            If there are too few pairs to deal into folds.
        """
        dataset = data if isinstance(data, Dataset) else Dataset.build(data)
        whole(folds=self.folds, iterations=self.iterations)
        positive(learning_rate=self.learning_rate)
        if self.folds < 2:
            raise ParameterError(f"folds must be at least 2, got {self.folds}")
        stream = random_stream(check_random_state(self.random_state), 3)
        self.labelled_ = labelled_pairs(dataset.interactions, self.folds, stream)
        return super().fit(dataset, item_features=item_features, user_features=user_features)

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        specs, pairs = self.member_specs(), self.labelled_
        features = np.empty((len(pairs.users), 2 * len(specs)), dtype=np.float32)
        for fold in range(self.folds):
            rest = pairs.without(fold, matrix)
            if rest.nnz == 0:
                raise DataError(f"too few interactions to learn from {self.folds} folds of them")
            members = [fit_member(self, spec, rest, item_features, user_features) for spec in specs]
            held = pairs.folds == fold
            scorers = side_by_side(members, rest.getnnz(axis=0) > 0)
            features[held] = features_of_pairs(scorers, pairs.users[held], pairs.items[held])
        self.labelled_ = pairs._replace(features=features)
        monotone = np.ones(features.shape[1])
        self.trees_ = Trees.of(self.boost(features, pairs.labels, monotone))
        self._take_members(specs, matrix, item_features, user_features)
        return self.scorer_

    def boost(
        self, features: np.ndarray, labels: np.ndarray, monotone: np.ndarray
    ) -> HistGradientBoostingClassifier:
        """Return boosted trees learned from features of pairs.

        Parameters
        ----------
        features : ndarray of float, shape (pairs, n)
        labels : ndarray of bool, shape (pairs,)
        monotone : ndarray of float, shape (n,)
            1 where more of a feature never makes a lower score, else 0.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits

        booster = HistGradientBoostingClassifier(
            max_iter=self.iterations,
            learning_rate=self.learning_rate,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=LEAST_PAIRS,
            monotonic_cst=monotone,
            early_stopping=False,
            random_state=self.random_state,
        )
        with threadpool_limits(limits=1, user_api="openmp"):
            return booster.fit(features, labels)

    # ---- the contract of models -------------------------------------------------------------

    def score_codes(
        self, scorer: Scorer, users: np.ndarray, items: np.ndarray, *, masked: bool = True
    ) -> np.ndarray:
        """Return the scores of pairs, of items as well that could not be recommended."""
        return super().score_codes(scorer, users, items, masked=False)

    def _combine(self, members: Members) -> StackScorer:
        return StackScorer(members, self.trees_)

    def _history_shares(self, asked: Asked) -> Shares:
        from hybridrec.models.explain_members import stack_shares

        return stack_shares(self, asked)

    @property
    def _shares(self) -> np.ndarray:
        return np.ones(len(self.members_))

    def _state(self) -> dict[str, np.ndarray]:
        trees = {one.name: getattr(self.trees_, one.name) for one in fields(Trees)}
        return {**super()._state(), **trees}

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        own = {one.name: state[one.name] for one in fields(Trees)}
        super()._set_state({name: part for name, part in state.items() if name not in own})
        self.trees_ = Trees(**own)
