"""Evaluate scores of given pairs: click-through labels, and ratings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few
from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.metrics import PAIR_METRICS, ScoredPairs, f1_threshold
from hybridrec.evaluation.metrics.pairs import f1
from hybridrec.evaluation.runs.lists import of_one_type
from hybridrec.evaluation.runs.read import take_run
from hybridrec.evaluation.sources import check_fitted_on_train
from hybridrec.evaluation.splits.pairs import Pairs

if TYPE_CHECKING:
    from hybridrec.dataset.idmap import IdMap
    from hybridrec.dataset.interactions import Interactions
    from hybridrec.evaluation.splits.split import Split
    from hybridrec.models.base import Recommender

DEFAULT_PAIR_METRICS = ("auc", "f1", "accuracy", "log-loss")
RATING_METRICS = frozenset({"rmse", "mae"})

_OF_PROBABILITIES = frozenset({"accuracy", "log-loss", "calibration-error"})
_NEED_VALIDATION = _OF_PROBABILITIES | {"f1"}

Scores = Callable[[np.ndarray, np.ndarray], np.ndarray]


def judges_pairs(split: Split, metrics: Sequence[str]) -> bool:
    """Tell whether scores of pairs are judged, and not lists: labels in the split, or ratings."""
    return split.is_labelled or bool(RATING_METRICS.intersection(metrics))


def evaluate_pairs(
    source: Any,
    split: Split,
    *,
    metrics: Sequence[str] = DEFAULT_PAIR_METRICS,
    name: str | None = None,
    seed: int | None = None,
) -> Evaluation:
    """Measure how well a model or run scores the labelled or rated pairs of a test.

    All values are over all pairs together, as click-through papers give them; for AUC per user
    over all items see `hybridrec.evaluation.evaluate`. A pair the source cannot score (an item
    without training interactions, a row missing in a run) stands below all others. Besides "all",
    values are given for the pairs of items with a positive training row ("warm"), of items
    without ("cold"), and of users with one ("users:known"), who are the only ones that some
    papers score.

    F1 calls positive what scores at least the threshold that is best on the validation pairs.
    Accuracy and log loss are of probabilities: the logistic function of the logit of a score's
    rank among the validation scores, fitted on the validation labels. A run that has no scores of
    validation pairs must hold probabilities itself; then the threshold is 0.5. Of ratings, a pair
    without a score is predicted as the mean of the training rows.

    Parameters
    ----------
    source : Recommender, data frame or path
        A model fitted on ``split.train``; or a run with columns for user, item and ``score``.
    split : Split
        Such as `hybridrec.evaluation.labelled_pairs` makes; for "rmse" and "mae" any split, the
        weights of whose interactions are ratings.
    metrics : sequence of str, optional
        Names from `hybridrec.evaluation.metrics.PAIR_METRICS`.
    name, seed : optional
        As in `hybridrec.evaluation.evaluate`.

    Returns
    -------
    Evaluation
        Its columns have ``k = None`` and no values per user.

    Raises
    ------
    ParameterError
        If a metric is unknown, labels and ratings are mixed, the test has no negatives, or a
        metric needs validation pairs and there are none.
    """
    names = _checked(metrics)
    ratings = not RATING_METRICS.isdisjoint(names)
    if not ratings and split.test_pairs.labels.all():
        raise ParameterError(
            f"the test of split {split.name!r} holds no negatives (rows of weight 0), which"
            f" {first_few(names)} need; split labelled pairs, perhaps with another random_state"
        )
    is_model = hasattr(source, "recommend_codes")
    if is_model:
        check_fitted_on_train(source, split)
        score = _scores_of_model(source, split, masked=not ratings)
        notes: tuple[str, ...] = ()
    else:
        score, notes = _scores_of_run(source, split)
    test = _pairs_of(split.test, score, ratings)
    unfilled = test.scores
    if ratings:
        mean = split.train.interactions.weights.mean(dtype=np.float64)
        test = test.with_scores(np.where(np.isneginf(unfilled), mean, unfilled))
        measured = {metric: (test, PAIR_METRICS[metric]) for metric in names}
    else:
        measured = _of_labels(names, test, split, score)
    missing = np.isneginf(unfilled)
    if missing.any():
        fate = "are predicted as the mean" if ratings else "come last"
        notes = (*notes, f"{missing.sum()} of {len(missing)} pairs have no score and {fate}")
    return Evaluation(
        name or (source.model_name if is_model else "run"),
        split.seed if seed is None else seed,
        {
            on: _slice(split.train.users, test, measured, part, part & ~np.isneginf(unfilled))
            for on, part in _parts(split, test).items()
        },
        notes,
        split.test.backend,
    )


class _Rows(NamedTuple):
    """Pairs, what is true of them, and their scores, -inf where there is none."""

    users: np.ndarray
    items: np.ndarray
    truth: np.ndarray
    scores: np.ndarray

    def with_scores(self, scores: np.ndarray) -> _Rows:
        return self._replace(scores=scores)


Measured = dict[str, tuple[_Rows, Callable[[ScoredPairs], float]]]


def _pairs_of(rows: Interactions, score: Scores, ratings: bool) -> _Rows:
    """Return the distinct pairs of some rows; the rating of a pair is the mean of its rows."""
    pairs = Pairs.of(rows, zeros=True)
    weights = np.bincount(pairs.of_row, rows.weights, minlength=len(pairs))
    truth = (weights > 0).astype(np.float64)
    if ratings:
        truth = weights / np.bincount(pairs.of_row, minlength=len(pairs))
    return _Rows(pairs.users, pairs.items, truth, score(pairs.users, pairs.items))


def _scores_of_model(model: Recommender, split: Split, *, masked: bool) -> Scores:
    """Return what scores pairs; ``masked`` leaves out items that the model cannot rank."""
    scorer = model.scorer_
    if split.support is not None:  # whoever has support has no row yet
        scorer, _, _ = model.scorer_for(np.arange(len(split.train.users)), split.seen)

    def score(users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return model.score_codes(scorer, users, items, masked=masked).astype(np.float64)

    return score


def _scores_of_run(data: Any, split: Split) -> tuple[Scores, tuple[str, ...]]:
    """Return what looks pairs up in a run."""
    run = take_run(data)
    if run.scores is None:
        raise DataError(f"{run.where}: pairs are judged by score; give a column 'score'")
    known_users = _codes(split.train.users, run.users)[run.user_codes]
    known_items = _codes(split.train.items, run.items)[run.item_codes]
    known = (known_users >= 0) & (known_items >= 0)
    if not known.any():
        raise DataError(
            f"{run.where}: no row names a user and an item of the split; the run has users like"
            f" {first_few(run.users.ids, 3)} and items like {first_few(run.items.ids, 3)}, the"
            f" split {first_few(split.train.users.ids, 3)} and"
            f" {first_few(split.train.items.ids, 3)}"
        )
    n_items = len(split.train.items)
    keys = known_users[known].astype(np.int64) * n_items + known_items[known]
    order = np.argsort(keys)
    keys, values = np.append(keys[order], -1), np.append(run.scores[known][order], -np.inf)

    def score(users: np.ndarray, items: np.ndarray) -> np.ndarray:
        asked = users.astype(np.int64) * n_items + items
        place = np.searchsorted(keys[:-1], asked)
        return np.where(keys[place] == asked, values[place], -np.inf)

    unknown = int(len(known) - known.sum())
    notes = (f"{unknown} rows name users or items that the split does not have",)
    return score, notes if unknown else ()


def _codes(known: IdMap, found: IdMap) -> np.ndarray:
    """Return the codes of the ids of a run, -1 for unknown ones."""
    as_known, ids = of_one_type(known, found)
    return as_known.codes(ids, unknown="skip")


def _of_labels(names: Sequence[str], test: _Rows, split: Split, score: Scores) -> Measured:
    """Return what each metric of labels is computed from: scores, or probabilities."""
    if not _NEED_VALIDATION.intersection(names):
        return {metric: (test, PAIR_METRICS[metric]) for metric in names}
    validation = None
    if split.validation is not None:
        validation = _pairs_of(split.validation, score, ratings=False)
        if np.isneginf(validation.scores).all():
            validation = None
    reading = _Reading(test, validation)
    measured: Measured = {
        metric: (reading.probabilities if metric in _OF_PROBABILITIES else test, function)
        for metric, function in PAIR_METRICS.items()
        if metric in names
    }
    if "f1" in names:
        threshold = reading.threshold
        measured["f1"] = test, lambda pairs: f1(replace(pairs, threshold=threshold))
    return {metric: measured[metric] for metric in names}


class _Reading:
    """What validation pairs tell of the scores: a threshold, and probabilities."""

    def __init__(self, test: _Rows, validation: _Rows | None) -> None:
        self.test, self.validation = test, validation
        if validation is None and not ((test.scores >= 0) & (test.scores <= 1)).all():
            raise ParameterError(
                f"{first_few(sorted(_NEED_VALIDATION))} need scores of validation pairs (to find a"
                " threshold on), or probabilities as scores"
            )

    @property
    def threshold(self) -> float:
        """The score from which on F1 is best on the validation pairs."""
        if self.validation is None:
            return 0.5
        return f1_threshold(_scored(self.validation))

    @cached_property
    def probabilities(self) -> _Rows:
        """The test pairs with probabilities as scores."""
        if self.validation is None:
            return self.test
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(self.validation.truth)) == 1:
            raise ParameterError(
                "all validation pairs have the same label, so scores cannot be read as"
                " probabilities; take another random_state, or only auc and gauc"
            )
        known = np.sort(self.validation.scores)
        ranks = [_logit_rank(known, rows.scores) for rows in (self.validation, self.test)]
        fitted = LogisticRegression(C=np.inf).fit(ranks[0], self.validation.truth)
        return self.test.with_scores(fitted.predict_proba(ranks[1])[:, 1])


def _logit_rank(known: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the logit of the share of sorted known scores that are below, ties half."""
    below, upto = (np.searchsorted(known, scores, side=side) for side in ("left", "right"))
    share = ((below + upto) / 2 + 0.5) / (len(known) + 1)
    logit: np.ndarray = np.log(share / (1 - share))[:, None]
    return logit


def _parts(split: Split, test: _Rows) -> dict[str, np.ndarray]:
    """Return masks of the test pairs."""
    warm = split.warm_items[test.items]
    known = (split.train.matrix.getnnz(axis=1) > 0)[test.users]
    parts = {"all": np.ones(len(warm), dtype=bool)}
    if warm.any() and not warm.all():
        parts |= {"warm": warm, "cold": ~warm}
    if known.any() and not known.all():
        parts["users:known"] = known
    return parts


def _slice(
    users: IdMap, test: _Rows, measured: Measured, part: np.ndarray, found: np.ndarray
) -> Slice:
    return Slice(
        users.ids[np.unique(test.users[part])],
        len(np.unique(test.users[found])),
        {
            (name, None): np.array(metric(_scored(rows, part)))
            for name, (rows, metric) in measured.items()
        },
    )


def _scored(rows: _Rows, part: np.ndarray | slice = slice(None)) -> ScoredPairs:
    return ScoredPairs(rows.users[part], rows.truth[part], rows.scores[part])


def _checked(metrics: Sequence[str]) -> tuple[str, ...]:
    names = (metrics,) if isinstance(metrics, str) else tuple(dict.fromkeys(metrics))
    if not names:
        raise ParameterError("metrics must name at least one metric")
    for one in names:
        if one not in PAIR_METRICS:
            raise ParameterError(
                f"unknown metric of pairs {one!r}{did_you_mean(one, PAIR_METRICS)}"
                f" (metrics: {first_few(PAIR_METRICS, 20)})"
            )
    of_ratings = [one for one in names if one in RATING_METRICS]
    if of_ratings and len(of_ratings) < len(names):
        raise ParameterError(
            f"{first_few(of_ratings)} judge ratings, the other metrics labels; ask for one kind"
        )
    return names
