"""Metrics of scored (user, item) pairs: click-through labels and ratings.

Values are one float for all pairs. Where a definition is the same everywhere, it is scikit-learn's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hybridrec.errors import DataError, first_few

_BINS = 10


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Pairs with what is true and what a model says.

    Attributes
    ----------
    users : ndarray of int, shape (pairs,)
        Codes of the users.
    truth : ndarray of float, shape (pairs,)
        Labels 0 and 1, or ratings.
    scores : ndarray of float, shape (pairs,)
        Any numbers for AUC; probabilities for log loss and calibration; ratings for RMSE, MAE.
    threshold : float, default 0.5
        A score of at least this means "positive" (`f1_threshold` finds one on validation pairs).

    Raises
    ------
    DataError
        If lengths differ, there is no pair, or a number is NaN.
    """

    users: np.ndarray
    truth: np.ndarray
    scores: np.ndarray
    threshold: float = 0.5

    def __post_init__(self) -> None:
        lengths = {len(self.users), len(self.truth), len(self.scores)}
        if lengths == {0} or len(lengths) > 1:
            raise DataError(f"pairs need columns of one length above 0, got {sorted(lengths)}")
        for name in ("truth", "scores"):
            missing = np.flatnonzero(np.isnan(getattr(self, name)))
            if missing.size:
                raise DataError(f"{name} of pairs {first_few(missing)} missing (count from 0)")

    @property
    def positive(self) -> np.ndarray:
        """Labels as bool (pairs,).

        Raises
        ------
        DataError
            If one is neither 0 nor 1.
        """
        other = np.setdiff1d(self.truth, [0, 1])
        if other.size:
            raise DataError(f"labels must be 0 or 1, got {first_few(other)}")
        return self.truth > 0

    @property
    def probabilities(self) -> np.ndarray:
        """Scores as float64 (pairs,).

        Raises
        ------
        DataError
            If one is not between 0 and 1.
        """
        outside = self.scores[(self.scores < 0) | (self.scores > 1)]
        if outside.size:
            raise DataError(f"the metric needs probabilities as scores, got {first_few(outside)}")
        return self.scores.astype(np.float64)


def auc(pairs: ScoredPairs) -> float:
    """AUC = share of the (positive, negative) pairs in which the positive one scores higher.

    Over all users together, as in click-through papers; equal scores count one half. 0.5 if all
    labels are the same. Hanley & McNeil (Radiology 1982).

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : none.
    RecBole : the same.
    ranx : none. scikit-learn (``roc_auc_score``) agrees.
    """
    return float(_areas(np.zeros(len(pairs.scores), dtype=np.int64), pairs)[0][0])


def gauc(pairs: ScoredPairs) -> float:
    """GAUC = mean of the AUC of each user's pairs, a user counting by their number of pairs.

    Users whose labels are all the same are left out; 0.5 if that leaves nobody. Zhu et al.,
    "Optimized cost per click in Taobao display advertising" (KDD 2017).

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : none.
    RecBole : over all items, a user counting by their positives.
    ranx : none.
    """
    areas, sizes, mixed = _areas(np.unique(pairs.users, return_inverse=True)[1], pairs)
    return float(np.average(areas, weights=sizes * mixed)) if mixed.any() else 0.5


def accuracy(pairs: ScoredPairs) -> float:
    """Accuracy = share of the pairs whose score is on the side of the threshold of their label.

    Differs from
    ------------
    RecTools : of lists: "positive" is what is among the first k.
    implicit : none.
    LensKit : none.
    RecBole : none.
    ranx : none. scikit-learn (``accuracy_score``) agrees.
    """
    return float(np.mean((pairs.scores >= pairs.threshold) == pairs.positive))


def f1(pairs: ScoredPairs) -> float:
    """F1 = 2 TP / (2 TP + FP + FN), with scores of at least the threshold as positive.

    Over all users together. 0 if no pair is positive, in truth or by its score.

    Differs from
    ------------
    RecTools : of lists.
    implicit : none.
    LensKit : none.
    RecBole : none.
    ranx : of lists. scikit-learn (``f1_score``) agrees.
    """
    said, true = pairs.scores >= pairs.threshold, pairs.positive
    return float(2 * (said & true).sum() / max(said.sum() + true.sum(), 1))


def f1_threshold(pairs: ScoredPairs) -> float:
    """Return the score from which on pairs should be called positive for the best F1.

    The highest one if several are as good. To be chosen on validation pairs, never on test pairs.
    """
    order = np.argsort(-pairs.scores, kind="stable")
    scores, hits = pairs.scores[order], np.cumsum(pairs.positive[order])
    values = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    values[:-1][scores[:-1] == scores[1:]] = -1.0  # equal scores cannot be told apart
    return float(scores[np.argmax(values)])


def log_loss(pairs: ScoredPairs) -> float:
    """Log loss = mean of -ln(probability given to the true label).

    In nats; probabilities are kept 2.2e-16 away from 0 and 1.

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : none.
    RecBole : keeps 1e-15 away.
    ranx : none. scikit-learn (``log_loss``) agrees.
    """
    given = np.where(pairs.positive, pairs.probabilities, 1.0 - pairs.probabilities)
    return float(-np.log(np.clip(given, np.finfo(np.float64).eps, 1.0)).mean())


def calibration_error(pairs: ScoredPairs) -> float:
    """ECE = sum over 10 bins of (pairs in it / pairs) |mean label - mean probability|.

    Bins of equal width, [0, .1), [.1, .2), ..., [.9, 1]. Naeini et al., "Obtaining well calibrated
    probabilities using Bayesian binning" (AAAI 2015).

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : none.
    RecBole : none.
    ranx : none.
    """
    given = pairs.probabilities
    bins = np.minimum((given * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=pairs.positive - given, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(given))


def rmse(pairs: ScoredPairs) -> float:
    """RMSE = square root of the mean of (score - rating)^2, over all pairs.

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : the same for its "global" value; also per user.
    RecBole : the same.
    ranx : none. scikit-learn (``root_mean_squared_error``) agrees.
    """
    return float(np.sqrt(np.mean(_errors(pairs) ** 2)))


def mae(pairs: ScoredPairs) -> float:
    """MAE = mean of |score - rating|, over all pairs.

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : the same for its "global" value; also per user.
    RecBole : the same.
    ranx : none. scikit-learn (``mean_absolute_error``) agrees.
    """
    return float(np.mean(np.abs(_errors(pairs))))


def _errors(pairs: ScoredPairs) -> np.ndarray:
    errors: np.ndarray = pairs.scores.astype(np.float64) - pairs.truth
    return errors


def _areas(groups: np.ndarray, pairs: ScoredPairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the AUC of every group, its number of pairs, and whether it has both labels.

    By mean ranks (Mann & Whitney 1947): positives' ranks, summed, less the least they can sum to.
    """
    positive = pairs.positive
    order = np.lexsort((pairs.scores, groups))
    groups, scores = groups[order], pairs.scores[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (groups[1:] != groups[:-1]) | (scores[1:] != scores[:-1])
    starts = np.flatnonzero(fresh)
    tie = np.cumsum(fresh) - 1
    last = np.append(starts[1:], len(order))
    sizes = np.bincount(groups)
    before = np.cumsum(sizes) - sizes
    ranks = (starts[tie] + 1 + last[tie]) / 2 - before[groups]
    positives = np.bincount(groups, weights=positive[order])
    sums = np.bincount(groups, weights=ranks * positive[order])
    contests = positives * (sizes - positives)
    won = sums - positives * (positives + 1) / 2
    half = np.full(len(sizes), 0.5)
    return np.divide(won, contests, out=half, where=contests > 0), sizes, contests > 0
