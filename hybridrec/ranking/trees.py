"""A scorer of boosted trees over what several models say of a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridrec.ranking.ensemble import EnsembleScorer, Members, row_blocks

SMALL = 1e-3  # weight of the mean rank beside the trees


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted trees as arrays.

    Attributes
    ----------
    starts : ndarray of int32, shape (trees + 1,)
        First node of every tree.
    feature : ndarray of int32, shape (nodes,)
        -1 for a leaf.
    threshold : ndarray of float64, shape (nodes,)
        Up to this, go left.
    left, right : ndarray of int32, shape (nodes,)
        Counted from the first node of the tree.
    value : ndarray of float64, shape (nodes,)
        Of leaves.
    baseline : ndarray of float64, shape ()
        What the values of the trees are added to.
    """

    starts: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    baseline: np.ndarray

    @classmethod
    def of(cls, booster: Any) -> Trees:
        """Take over the trees of a binary HistGradientBoostingClassifier without categories."""
        trees = [one[0].nodes for one in booster._predictors]
        nodes = np.concatenate(trees)
        leaf = nodes["is_leaf"].astype(bool)
        return cls(
            starts=np.cumsum([0, *map(len, trees)]).astype(np.int32),
            feature=np.where(leaf, -1, nodes["feature_idx"]).astype(np.int32),
            threshold=nodes["num_threshold"].astype(np.float64),
            left=nodes["left"].astype(np.int32),
            right=nodes["right"].astype(np.int32),
            value=nodes["value"].astype(np.float64),
            baseline=np.array(booster._baseline_prediction, dtype=np.float64).reshape(()),
        )

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the sum of the trees for rows of features, float64 (n,): the log odds."""
        from hybridrec.kernels.trees import sum_of_trees

        total = np.full(len(features), float(self.baseline))
        nodes = (self.starts, self.feature, self.threshold, self.left, self.right, self.value)
        sum_of_trees(features, *nodes, total)
        return total


@dataclass(frozen=True, eq=False)
class StackScorer(EnsembleScorer):
    """Trees over what members say of an item: its rank among the user's items, and its score.

    The mean of the ranks, times a small number, tells items apart that the trees do not. An item
    that no member reaches has a score as well: the trees have learned what to expect of it.

    Attributes
    ----------
    members : Members
    trees : Trees
    """

    trees: Trees

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of some users for all items."""
        items = np.arange(self.n_items)
        scores = [self._of_pairs(np.full(self.n_items, row), items) for row in rows]
        return np.stack(scores) if scores else np.empty((0, self.n_items), dtype=np.float32)

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the scores of chosen items; the users among ``rows`` are scored once each."""
        scores = np.full(items.shape, -np.inf, dtype=np.float32)
        line, column = np.nonzero(items >= 0)
        scores[line, column] = self._of_pairs(rows[line], items[line, column])
        return scores

    def _of_pairs(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        features = features_of_pairs(self.members, rows, items)
        scores = self.trees.predict(features) + tell_apart(features)
        rounded: np.ndarray = scores.astype(np.float32)
        return rounded


def tell_apart(features: np.ndarray) -> np.ndarray:
    """Return what is added to the trees, for items that come to the same leaves, float64 (n,)."""
    ranks = features[:, : features.shape[1] // 2]
    added: np.ndarray = SMALL * ranks.mean(axis=1, dtype=np.float64)
    return added


def features_of_pairs(members: Members, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return what each member says of items: the rank among the user's items, and the score.

    Ranks compare the items of a user, scores also users; a member knows more of some than of
    others.

    Parameters
    ----------
    members : Members
    rows, items : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n, 2 * members)
        Shares of the measured items that score less, ties counting half; then the scores, that
        of an item that is not reached as `Members.filled` says.
    """
    from hybridrec.kernels.trees import middle_ranks

    order = np.argsort(rows, kind="stable")
    users, first = np.unique(rows[order], return_index=True)
    starts = np.append(first, len(rows))
    measured = np.flatnonzero(members.measured)
    features = np.empty((len(rows), 2 * members.count), dtype=np.float32)
    for part in row_blocks(len(users), len(members.measured), 1):
        places = order[starts[part.start] : starts[part.stop]]
        own = starts[part.start : part.stop + 1] - starts[part.start]
        line = np.repeat(np.arange(len(own) - 1), np.diff(own))
        for member in range(members.count):
            scores, _ = members.filled(member, users[part])
            column = np.empty(len(places), dtype=np.float32)
            middle_ranks(scores, measured, own, items[places], column)
            features[places, member] = column
            features[places, members.count + member] = scores[line, items[places]]
    return features
